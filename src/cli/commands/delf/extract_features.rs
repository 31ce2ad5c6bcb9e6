//! `delfin delf extract_features`: the photos of a list, one .delf file each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use delfin::extract::import::import_saved_model;
use delfin::extract::{DelfPhotoSize, ExtractionOptions, Model, delf_photo, extract};
use delfin::files::write_file;
use delfin::formats::delf::DelfFile;
use delfin::formats::delf_config::DelfConfig;
use delfin::image::{DecodeOptions, Photo};
use rayon::prelude::*;

use super::config;
use crate::cli::args::ExtractFeaturesArgs;
use crate::cli::commands::by_chosen_engine;
use crate::cli::commands::extract::{Done, finish};
use crate::cli::{Answer, output};

pub(crate) fn run(args: &ExtractFeaturesArgs) -> anyhow::Result<Answer> {
    let config = config::open(&args.config_path)?;
    if !config.use_local_features {
        bail!(
            "{}: use_local_features is false: there is nothing to extract",
            args.config_path.display()
        );
    }
    let photos = read_list(&args.list_images_path)?;
    let targets = targets(&photos, &args.output_dir)?;
    let model = open_model(&config, &args.config_path)?;
    if config.image_scales.is_empty() {
        bail!("{}: image_scales is not given", args.config_path.display());
    }
    let options = options(&config, &model);
    options
        .validate()
        .with_context(|| args.config_path.display().to_string())?;
    let results: Vec<anyhow::Result<Done>> = photos
        .par_iter()
        .zip(&targets)
        .map(|(photo, target)| extract_one(photo, target, &config, &model, &options))
        .collect();
    let photos = photos.iter().zip(&targets).map(<[&PathBuf; 2]>::from);
    finish(photos.zip(results), |count| format!("{count} features"))
}

/// The photos of the list: a path on each line.
fn read_list(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let photos: Vec<PathBuf> = lines.map(PathBuf::from).collect();
    if photos.is_empty() {
        bail!("{}: it names no photo", path.display());
    }
    Ok(photos)
}

/// The file of each photo: its name with .delf, as DELF has it. Photos that would share a file keep as many of
/// their folders as make them different; those that differ in their ending alone keep that.
fn targets(photos: &[PathBuf], folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let name = |photo: &Path, folders: usize, with_ending: bool| -> PathBuf {
        let path = if with_ending {
            let mut path = photo.as_os_str().to_owned();
            path.push(".delf");
            PathBuf::from(path)
        } else {
            photo.with_extension("delf")
        };
        let parts: Vec<_> = path
            .components()
            .filter(|part| matches!(part, std::path::Component::Normal(_)))
            .collect();
        parts[parts.len().saturating_sub(folders + 1)..]
            .iter()
            .collect()
    };
    let mut seen = BTreeMap::new();
    for photo in photos {
        if photo.file_name().is_none() {
            bail!("{}: not the path of a photo", photo.display());
        }
        if seen.insert(photo, ()).is_some() {
            bail!("{}: the list names it twice", photo.display());
        }
    }
    let most = photos
        .iter()
        .map(|photo| photo.components().count())
        .max()
        .unwrap_or(0);
    let mut targets: Vec<Option<PathBuf>> = vec![None; photos.len()];
    for with_ending in [false, true] {
        for folders in 0..=most {
            let mut counts: BTreeMap<PathBuf, usize> = BTreeMap::new();
            for photo in photos {
                *counts.entry(name(photo, folders, with_ending)).or_default() += 1;
            }
            for (photo, target) in photos.iter().zip(&mut targets) {
                let name = name(photo, folders, with_ending);
                if target.is_none() && counts.get(&name) == Some(&1) {
                    *target = Some(folder.join(name));
                }
            }
        }
    }
    let mut taken = BTreeMap::new();
    photos
        .iter()
        .zip(targets)
        .map(|(photo, target)| match target {
            Some(target) if taken.insert(target.clone(), ()).is_none() => Ok(target),
            _ => bail!(
                "{}: its features would share a file with another's",
                photo.display()
            ),
        })
        .collect()
}

/// The configuration's network: imported, or the ONNX file that an import wrote.
fn open_model(config: &DelfConfig, path: &Path) -> anyhow::Result<Model> {
    if config.model_path.is_empty() {
        bail!("{}: model_path is not given", path.display());
    }
    let source = Path::new(&config.model_path);
    let model = if source.extension().is_some_and(|e| e == "onnx") {
        output::note(format_args!(
            "delfin: {}: use_pca and pca_parameters are not read: {} has its PCA, or none, inside",
            path.display(),
            source.display()
        ));
        Model::open(source)?
    } else {
        let options = config::import_options(config, path)?;
        import_saved_model(source, &options)?.into_model(source)?
    };
    let model = by_chosen_engine(model)?;
    if let Some(delf) = &model.manifest().delf {
        let local = &config.local;
        if local.iou_threshold != delf.max_overlap {
            output::note(format_args!(
                "delfin: {}: iou_threshold {} has no effect, the network has {}",
                path.display(),
                local.iou_threshold,
                delf.max_overlap
            ));
        }
        if !delf.layer.starts_with(&local.layer_name) {
            output::note(format_args!(
                "delfin: {}: layer_name `{}` has no effect, the network has `{}`",
                path.display(),
                local.layer_name,
                delf.layer
            ));
        }
    }
    Ok(model)
}

fn options(config: &DelfConfig, model: &Model) -> ExtractionOptions {
    let defaults = ExtractionOptions::from(model.defaults());
    ExtractionOptions {
        scales: config.image_scales.clone(),
        max_features: config.local.max_feature_num,
        min_attention: config.local.score_threshold.max(0.0),
        // A photo has the size that the configuration gives it.
        max_size: if model.manifest().delf.is_some() {
            8192
        } else {
            defaults.max_size
        },
    }
}

fn extract_one(
    path: &Path,
    target: &Path,
    config: &DelfConfig,
    model: &Model,
    options: &ExtractionOptions,
) -> anyhow::Result<Done> {
    if target.exists() {
        return Ok(Done::Skipped);
    }
    let photo = Photo::open(path, &DecodeOptions::default())?;
    let size = DelfPhotoSize {
        max_side: config.max_image_size,
        min_side: config.min_image_size,
        square: config.use_square_images,
    };
    let seen = delf_photo(&photo, &size)?;
    let longest = seen.width().max(seen.height());
    if longest > options.max_size {
        bail!(
            "{}: {longest} pixels are more than {}; set max_image_size",
            path.display(),
            options.max_size
        );
    }
    let features = extract(model, &seen, options)?;
    let mut file = DelfFile::from(&features);
    if !config.local.use_resized_coordinates {
        let factor = |original: u32, seen: u32| original as f32 / seen as f32;
        for feature in &mut file.features {
            feature.x *= factor(photo.width(), seen.width());
            feature.y *= factor(photo.height(), seen.height());
        }
    }
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    write_file(target, &file.encode())?;
    Ok(Done::Written(file.features.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(photos: &[&str]) -> Vec<String> {
        let photos: Vec<PathBuf> = photos.iter().map(PathBuf::from).collect();
        let targets = targets(&photos, Path::new("out")).unwrap();
        targets.iter().map(|t| t.display().to_string()).collect()
    }

    #[test]
    fn photos_of_one_name_keep_what_tells_them_apart() {
        assert_eq!(names(&["a/1.jpg", "b/2.png"]), ["out/1.delf", "out/2.delf"]);
        assert_eq!(
            names(&["/x/a/1.jpg", "../b/1.jpg", "2.jpg"]),
            ["out/a/1.delf", "out/b/1.delf", "out/2.delf"]
        );
        assert_eq!(
            names(&["1.jpg", "1.png"]),
            ["out/1.jpg.delf", "out/1.png.delf"]
        );
        assert_eq!(names(&["1.jpg", "a/1.jpg"]), ["out/1.delf", "out/a/1.delf"]);
    }

    #[test]
    fn a_list_that_names_a_photo_twice_or_no_photo_is_refused() {
        for photos in [
            &["a/1.jpg", "a/1.jpg"][..],
            &["a/.."],
            &["../1.jpg", "1.jpg"],
        ] {
            let photos: Vec<PathBuf> = photos.iter().map(PathBuf::from).collect();
            assert!(targets(&photos, Path::new("out")).is_err());
        }
    }
}
