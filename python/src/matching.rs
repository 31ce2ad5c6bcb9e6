//! Two photos -> what they show in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use delfin::Photo;
use delfin::geometry::TransformKind;
use delfin::image::DecodeOptions;
use delfin::pipeline::{MatchOptions, PairMatch, PairReport};
use delfin::report::{FigureOptions, write_picture};
use delfin::store::ContentHash;
use numpy::{PyArray2, PyArray3};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays;
use crate::error::option_error;
use crate::image::Source;
use crate::model::Network;
use crate::options::{Extraction, Matching, count};
use crate::output::ensure_replaceable;
use crate::run::run;

/// What was found in two photos.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct MatchResult {
    found: Arc<Found>,
}

/// Photos that are files are read again for a picture: their pixels may be larger than all else together.
struct Found {
    sources: [Source; 2],
    hashes: [ContentHash; 2],
    options: MatchOptions,
    result: PairMatch,
    title: String,
    json: String,
}

impl Found {
    fn draw(&self) -> delfin::Result<image::RgbImage> {
        let open = |index: usize| {
            let photo = self.sources[index].open(&DecodeOptions::default())?;
            match *photo.content_hash() == self.hashes[index] {
                true => Ok(photo),
                false => Err(delfin::Error::Decode {
                    path: photo.path().to_owned(),
                    reason: "it has changed since it was matched".into(),
                }),
            }
        };
        let (photo1, photo2) = rayon::join(|| open(0), || open(1));
        let (photo1, photo2): (Arc<Photo>, Arc<Photo>) = (photo1?, photo2?);
        let report = PairReport {
            photos: [&photo1, &photo2],
            result: &self.result,
            options: &self.options,
        };
        report.figure(&FigureOptions::default())
    }
}

/// Decides whether two photos show the same thing, and where.
///
/// The same photos and options give the same bits as ``delfin match``, on any number of threads.
///
/// Parameters
/// ----------
/// a, b : str, PathLike, bytes, array or PIL image
///     Photo 1, which is looked for, and photo 2, which is searched. Arrays are uint8, H x W x 3 in RGB order or
///     H x W in grey.
/// model : str, PathLike or Model, optional
///     Network; None is the built-in one.
/// preset : str, optional
///     "delf" takes DELF's own constants for matching and geometry; options given beside it win.
/// max_features, max_size, scales : optional
///     As for ``Extractor``.
/// max_distance : float, optional
///     Largest distance of two matching descriptors; unit vectors are at most 2 apart.
/// ratio : float, optional
///     Keep a match only if the nearest descriptor is this much nearer than the second nearest.
/// model_kind : str, optional
///     "similarity", "affine" or "homography".
/// max_error_px : float, optional
///     Largest error of an inlier before refinement, in pixels at ``max_size``.
/// min_probability : float, optional
///     Probability from which ``is_match`` is true; 0.5.
/// min_inliers : int, optional
///     Inliers from which ``is_match`` is true, whatever the probability.
/// mirrored : bool
///     Also find photo 1 mirrored.
/// refine : bool
///     Make the transform and the inliers right to the pixel.
/// seed : int, optional
///     Of the random samples; None makes it from the photos' content.
///
/// Returns
/// -------
/// MatchResult
#[pyfunction(name = "match")]
#[pyo3(signature = (a, b, *, model=None, preset=None, max_features=None, max_size=None, scales=None,
    max_distance=None, ratio=None, model_kind=None, max_error_px=None, min_probability=None,
    min_inliers=None, mirrored=false, refine=true, seed=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn match_photos(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    model: Option<&Bound<'_, PyAny>>,
    preset: Option<&str>,
    max_features: Option<i128>,
    max_size: Option<i128>,
    scales: Option<Vec<f32>>,
    max_distance: Option<f32>,
    ratio: Option<f32>,
    model_kind: Option<&str>,
    max_error_px: Option<f64>,
    min_probability: Option<f64>,
    min_inliers: Option<i128>,
    mirrored: bool,
    refine: bool,
    seed: Option<i128>,
) -> PyResult<MatchResult> {
    let sources = [Source::new(a, "image 1")?, Source::new(b, "image 2")?];
    let network = Network::new(model)?;
    let extraction = Extraction::new(py, max_features, max_size, scales)?;
    let is_delf = match preset {
        None => false,
        Some("delf") => true,
        Some(other) => {
            let reason = format!("{other:?} is not \"delf\"");
            return Err(option_error(py, "preset", &reason));
        }
    };
    let kind = model_kind.map(|kind| {
        let kind: Result<TransformKind, _> = kind.parse();
        kind.map_err(|cause: delfin::Error| crate::error::raised(py, &cause))
    });
    let kind = kind.transpose()?;
    if min_inliers.is_some() && min_probability.is_some() {
        let reason = "goes without min_probability: one of them decides";
        return Err(option_error(py, "min_inliers", reason));
    }
    let matching = Matching {
        max_distance,
        ratio,
        max_error_px,
        min_probability,
        min_inliers: count(py, "min_inliers", min_inliers)?,
        mirrored,
        seed: count(py, "seed", seed)?,
    };
    let found = run(py, None, move |_| {
        // The network is made ready while the photos are decoded.
        let decode = DecodeOptions::default();
        let open = || rayon::join(|| sources[0].open(&decode), || sources[1].open(&decode));
        let (model, (photo1, photo2)) = rayon::join(|| network.open(), open);
        let (photo1, photo2, model) = (photo1?, photo2?, model?);
        let mut options = model.match_options();
        if is_delf {
            options = options.with_delf_matching();
        }
        options.extraction = extraction.options(&model);
        matching.apply(&mut options);
        if let Some(kind) = kind {
            options.verification.kind = kind;
            options.refined_kind = kind;
        }
        if !refine {
            options.refinement = None;
        }
        let result = delfin::pipeline::match_photos(&model, &photo1, &photo2, &options)?;
        let report = PairReport {
            photos: [&photo1, &photo2],
            result: &result,
            options: &options,
        };
        Ok(Found {
            hashes: [*photo1.content_hash(), *photo2.content_hash()],
            title: report.title(),
            json: report.json().to_string(),
            sources,
            options,
            result,
        })
    })?;
    Ok(MatchResult {
        found: Arc::new(found),
    })
}

#[pymethods]
impl MatchResult {
    /// Whether both photos show the same thing.
    #[getter]
    fn is_match(&self) -> bool {
        self.found.result.is_match
    }

    /// That both photos show the same thing, 0 to 1.
    #[getter]
    fn probability(&self) -> f64 {
        self.found.result.probability()
    }

    /// "copy" or "view", if both show the same thing; None where the pixels were not compared.
    #[getter]
    fn relation(&self) -> Option<&'static str> {
        self.found.result.relation.map(|relation| relation.as_str())
    }

    /// Maps pixels of photo 1 to pixels of photo 2; 3 x 3, float64, or None where there is no transform.
    #[getter]
    fn matrix<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray2<f64>>> {
        let transform = self.found.result.transform()?;
        Some(arrays::matrix(py, &transform.matrix))
    }

    /// x1, y1, x2, y2 of each inlier in pixels of the upright photos; N x 4, float32.
    #[getter]
    fn inliers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        let places = self.found.result.inlier_positions().into_iter();
        let places = places.map(|place| place.map(|v| v as f32));
        arrays::rows(py, places.collect())
    }

    /// The number of verified inliers.
    #[getter]
    fn num_inliers(&self) -> usize {
        self.found.result.num_inliers()
    }

    /// Pairs of similar descriptors.
    #[getter]
    fn num_matches(&self) -> usize {
        self.found.result.found.matches.len()
    }

    /// What was seen, by features and by pixels; None without a transform.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.get_item("evidence")
    }

    /// The object of ``delfin match --json`` without its ``times_ms``.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?
            .call_method1("loads", (&self.found.json,))
    }

    /// The match picture: both photos with their inliers, and photo 1 laid onto photo 2; H x W x 3, uint8.
    ///
    /// Photos that are files are read again.
    fn plot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray3<u8>>> {
        let found = self.found.clone();
        let picture = run(py, None, move |_| found.draw())?;
        arrays::picture(py, picture)
    }

    /// The match picture as Jupyter shows it: a PNG file.
    fn _repr_png_<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let found = self.found.clone();
        let png = run(py, None, move |_| {
            let mut png = std::io::Cursor::new(Vec::new());
            let drawn = found.draw()?.write_to(&mut png, image::ImageFormat::Png);
            drawn.map_err(|cause| delfin::Error::Encode {
                path: "<match picture>".into(),
                reason: cause.to_string(),
            })?;
            Ok(png.into_inner())
        })?;
        Ok(PyBytes::new(py, &png))
    }

    /// Writes the match picture into a file (.png, .jpg, .webp, .gif, .bmp or .tiff).
    ///
    /// Parameters
    /// ----------
    /// path : str or PathLike
    /// overwrite : bool
    ///     Write over a file that delfin did not make.
    #[pyo3(signature = (path, *, overwrite=false))]
    fn save(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        ensure_replaceable(py, &path, overwrite)?;
        self.ensure_no_input(py, &path)?;
        let found = self.found.clone();
        run(py, None, move |_| write_picture(&found.draw()?, &path))
    }

    fn __repr__(&self) -> String {
        format!(
            "<delfin.MatchResult: {}; {} of {}>",
            self.found.title,
            delfin::counted(self.num_inliers(), "inlier"),
            delfin::counted(self.num_matches(), "match")
        )
    }
}

impl MatchResult {
    /// The photos that were matched are not written over.
    fn ensure_no_input(&self, py: Python<'_>, path: &Path) -> PyResult<()> {
        let Ok(output) = path.canonicalize() else {
            return Ok(());
        };
        let is_input = |source: &Source| match source {
            Source::Path(input) => input.canonicalize().is_ok_and(|input| input == output),
            _ => false,
        };
        match self.found.sources.iter().any(is_input) {
            true => {
                let message = format!("{}: it is a photo that was matched", path.display());
                let class = crate::error::Class::File;
                Err(crate::error::error(py, class, message, Some(path)))
            }
            false => Ok(()),
        }
    }
}
