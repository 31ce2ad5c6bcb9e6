//! The principal component analysis that DELF's descriptors go through.

use std::path::{Path, PathBuf};

use super::files::SourceFiles;
use crate::error::{Error, Result};
use crate::formats::datum::Datum;

/// Source of the principal component analysis of descriptors.
#[derive(Debug, Clone, PartialEq)]
pub enum PcaSource {
    /// The `.datum` files in the folder `pca` beside the model's: `mean.datum`, `pca_proj_mat.datum`
    /// and, for whitening, `pca_vars.datum` or `pca_variances.datum`.
    Beside {
        /// Components kept, at least 1.
        dim: usize,
        /// Whether components are divided by the square roots of their variances.
        whiten: bool,
    },
    /// These `.datum` files.
    Files {
        /// The mean.
        mean: PathBuf,
        /// The matrix, a row a component.
        projection: PathBuf,
        /// The variances; components are divided by their square roots.
        variances: Option<PathBuf>,
        /// Components kept, at least 1.
        dim: usize,
    },
    /// None: descriptors are the network's features.
    None,
}

/// A principal component analysis: component = rows * (x - mean), where x has unit length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pca {
    pub(super) dim: usize,
    /// A row a component.
    pub(super) rows: Vec<f32>,
    /// Added to rows * x.
    pub(super) bias: Vec<f32>,
}

impl Pca {
    /// Reads the analysis of `source`, for features of `channels` numbers.
    pub(super) fn read(
        source: &PcaSource,
        files: &SourceFiles,
        channels: usize,
    ) -> Result<Option<Self>> {
        let (mean, projection, variances, dim) = match source {
            PcaSource::None => return Ok(None),
            PcaSource::Beside { dim, whiten } => {
                let read = |names: &[&str]| {
                    let (path, bytes) = files.pca(names)?;
                    datum(bytes, path)
                };
                let variances = ["pca_vars.datum", "pca_variances.datum"];
                let variances = whiten.then(|| read(&variances)).transpose()?;
                (
                    read(&["mean.datum"])?,
                    read(&["pca_proj_mat.datum"])?,
                    variances,
                    *dim,
                )
            }
            PcaSource::Files {
                mean,
                projection,
                variances,
                dim,
            } => {
                let variances = variances.as_deref().map(open).transpose()?;
                (open(mean)?, open(projection)?, variances, *dim)
            }
        };
        if dim == 0 {
            return Err(Error::option("pca_dim", "must be at least 1"));
        }
        let (path, mean) = mean;
        if mean.values.len() != channels {
            return Err(Error::format(
                &path,
                format!(
                    "the mean has {} numbers, the features {channels}",
                    mean.values.len()
                ),
            ));
        }
        let (path, matrix) = projection;
        match matrix.shape[..] {
            [rows, columns] if columns == channels && rows >= dim => {}
            _ => {
                let reason = format!(
                    "the matrix has shape {:?}, expected is [{dim} or more, {channels}]",
                    matrix.shape
                );
                return Err(Error::format(&path, reason));
            }
        }
        let mut rows = matrix.values[..dim * channels].to_vec();
        if let Some((path, variances)) = variances {
            let kept = variances.values.get(..dim).unwrap_or_default();
            if kept.len() != dim || kept.iter().any(|v| v.is_nan() || *v <= 0.0) {
                let reason = format!("expected are {dim} variances above 0");
                return Err(Error::format(&path, reason));
            }
            for (row, variance) in rows.chunks_mut(channels).zip(kept) {
                let factor = 1.0 / f64::from(*variance).sqrt();
                row.iter_mut()
                    .for_each(|v| *v = (f64::from(*v) * factor) as f32);
            }
        }
        let bias: Vec<f32> = rows
            .chunks(channels)
            .map(|row| {
                let products = row.iter().zip(&mean.values);
                -products
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum::<f64>() as f32
            })
            .collect();
        if rows.iter().chain(&bias).any(|v| !v.is_finite()) {
            return Err(Error::format(&path, "a value is not finite"));
        }
        Ok(Some(Self { dim, rows, bias }))
    }
}

fn open(path: &Path) -> Result<(PathBuf, Datum)> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
    datum(&bytes, path.to_owned())
}

fn datum(bytes: &[u8], path: PathBuf) -> Result<(PathBuf, Datum)> {
    let decoded = Datum::decode(bytes, &path)?;
    match decoded.unsupported.first() {
        Some(field) => Err(Error::format(&path, format!("{field} is not supported"))),
        None => Ok((path, decoded.value)),
    }
}
