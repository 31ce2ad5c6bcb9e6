//! The files of TensorBoard's projector: descriptors, their labels and thumbnails.

use std::fmt::Write;
use std::path::Path;

use image::RgbImage;
use rayon::prelude::*;

use super::train::{TrainedClassifier, TrainedPhoto};
use crate::classify::{Split, hash_percentage};
use crate::error::Result;
use crate::files::write_file;
use crate::image::{DecodeOptions, Photo, resize_rgb};
use crate::pipeline::cache::FeatureCache;
use crate::report::{THUMBNAIL_SIDE_PX, png, thumbnail};

/// Photos that the projector shows.
const MAX_PROJECTED: usize = 1000;
/// Side of a projected photo's picture, in pixels.
const SPRITE_PX: u32 = 48;

/// Writes the projector's files into `folder`.
pub(super) fn write_projector(
    folder: &Path,
    trained: &TrainedClassifier,
    cache: &dyn FeatureCache,
) -> Result<()> {
    let mut shown: Vec<&TrainedPhoto> = trained.photos.iter().collect();
    shown.sort_by(|a, b| hash_percentage(&a.photo.name).total_cmp(&hash_percentage(&b.photo.name)));
    shown.truncate(MAX_PROJECTED);
    let mut descriptors = String::new();
    let mut metadata = String::from("label\tphoto\tsplit\n");
    for photo in &shown {
        for (index, value) in photo.global.iter().enumerate() {
            let tab = if index > 0 { "\t" } else { "" };
            let _ = write!(descriptors, "{tab}{value:.5}");
        }
        descriptors.push('\n');
        let label = plain(&trained.classifier.labels[photo.photo.class]);
        let split = match photo.split {
            Split::Training => "training",
            Split::Validation => "validation",
            Split::Testing => "testing",
        };
        let _ = writeln!(metadata, "{label}\t{}\t{split}", plain(&photo.photo.name));
    }
    let pictures: Vec<Option<RgbImage>> = shown
        .par_iter()
        .map(|photo| stored_thumbnail(photo, cache))
        .collect();
    let columns = (shown.len() as f64).sqrt().ceil().max(1.0) as u32;
    let mut sprite = RgbImage::new(columns * SPRITE_PX, columns * SPRITE_PX);
    for (index, picture) in pictures.iter().enumerate() {
        if let Some(picture) = picture {
            let (row, column) = (index as u32 / columns, index as u32 % columns);
            let (x, y) = (i64::from(column * SPRITE_PX), i64::from(row * SPRITE_PX));
            image::imageops::replace(&mut sprite, picture, x, y);
        }
    }
    let config = format!(
        "embeddings {{\n  tensor_name: \"descriptors\"\n  tensor_path: \"descriptors.tsv\"\n  metadata_path: \"metadata.tsv\"\n  sprite {{\n    image_path: \"sprite.png\"\n    single_image_dim: {SPRITE_PX}\n    single_image_dim: {SPRITE_PX}\n  }}\n}}\n"
    );
    write_file(&folder.join("descriptors.tsv"), descriptors.as_bytes())?;
    write_file(&folder.join("metadata.tsv"), metadata.as_bytes())?;
    write_file(&folder.join("sprite.png"), &png(&sprite)?)?;
    write_file(&folder.join("projector_config.pbtxt"), config.as_bytes())
}

/// The cached thumbnail, or a new one, which the cache gets. A file that was removed or
/// changed since has none, and a cache that fails is done without.
fn stored_thumbnail(photo: &TrainedPhoto, cache: &dyn FeatureCache) -> Option<RgbImage> {
    let known = cache.thumbnail(&photo.content_hash).ok().flatten();
    let decoded = known.and_then(|jpeg| image::load_from_memory(&jpeg).ok());
    let pixels = match decoded {
        Some(picture) => picture.into_rgb8(),
        None => {
            let opened = Photo::open(&photo.photo.path, &DecodeOptions::default()).ok()?;
            if *opened.content_hash() == photo.content_hash
                && let Ok(jpeg) = thumbnail(opened.pixels(), THUMBNAIL_SIDE_PX)
            {
                let _ = cache.put_thumbnail(&photo.content_hash, &jpeg);
            }
            return Some(resize_rgb(opened.pixels(), SPRITE_PX, SPRITE_PX));
        }
    };
    Some(resize_rgb(&pixels, SPRITE_PX, SPRITE_PX))
}

/// The text without tabs and line ends, which separate fields and rows.
fn plain(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
