//! Features that were extracted once and need not be again.

use std::fmt::Write;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::features::{Descriptors, FeatureSet, Keypoint};
use crate::files::write_file;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

/// Keeps features by the content of the photo and the settings that they were extracted with.
pub trait FeatureCache: Sync {
    /// The features that were put in for these settings and this photo, bit for bit.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    fn features(&self, settings: &str, photo: &[u8; 32]) -> Result<Option<FeatureSet>>;

    /// Keeps features.
    ///
    /// # Errors
    /// When they cannot be written.
    fn put_features(&self, settings: &str, photo: &[u8; 32], features: &FeatureSet) -> Result<()>;
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl FeatureCache for NoCache {
    fn features(&self, _: &str, _: &[u8; 32]) -> Result<Option<FeatureSet>> {
        Ok(None)
    }

    fn put_features(&self, _: &str, _: &[u8; 32], _: &FeatureSet) -> Result<()> {
        Ok(())
    }
}

/// Keeps one safetensors file a photo and settings in a folder. A file that is broken counts as
/// absent.
#[derive(Debug, Clone)]
pub struct FolderCache {
    folder: PathBuf,
}

impl FolderCache {
    /// Uses `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(|source| Error::Io {
            path: folder.clone(),
            source,
        })?;
        Ok(Self { folder })
    }

    fn path(&self, settings: &str, photo: &[u8; 32]) -> PathBuf {
        let key = Sha256::new()
            .chain_update(photo)
            .chain_update(settings)
            .finalize();
        let mut name = String::new();
        for byte in key {
            let _ = write!(name, "{byte:02x}");
        }
        self.folder.join(name + ".safetensors")
    }
}

impl FeatureCache for FolderCache {
    fn features(&self, settings: &str, photo: &[u8; 32]) -> Result<Option<FeatureSet>> {
        let path = self.path(settings, photo);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(decode(&bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    fn put_features(&self, settings: &str, photo: &[u8; 32], features: &FeatureSet) -> Result<()> {
        match encode(features) {
            Some(bytes) => write_file(&self.path(settings, photo), &bytes),
            None => Ok(()),
        }
    }
}

fn encode(features: &FeatureSet) -> Option<Vec<u8>> {
    let floats = |values: &mut dyn Iterator<Item = f32>| -> Vec<u8> {
        values.flat_map(f32::to_le_bytes).collect()
    };
    let count = features.keypoints().len();
    let keypoints = features.keypoints().iter();
    let keypoints = floats(&mut keypoints.flat_map(|k| [k.x, k.y, k.scale, k.score]));
    let descriptors = floats(&mut features.descriptors().as_slice().iter().copied());
    let size: Vec<u8> = [features.width(), features.height()]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let global = features
        .global()
        .map(|g| (g.len(), floats(&mut g.iter().copied())));
    let dim = features.descriptors().dim();
    let mut views = vec![
        ("size", TensorView::new(Dtype::U32, vec![2], &size).ok()?),
        (
            "keypoints",
            TensorView::new(Dtype::F32, vec![count, 4], &keypoints).ok()?,
        ),
        (
            "descriptors",
            TensorView::new(Dtype::F32, vec![count, dim], &descriptors).ok()?,
        ),
    ];
    if let Some((length, values)) = &global {
        views.push((
            "global",
            TensorView::new(Dtype::F32, vec![*length], values).ok()?,
        ));
    }
    safetensors::serialize(views, None).ok()
}

fn decode(bytes: &[u8]) -> Option<FeatureSet> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let floats = |name: &str| -> Option<Vec<f32>> {
        let data = tensors.tensor(name).ok()?.data();
        Some(
            data.as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
        )
    };
    let size = tensors.tensor("size").ok()?.data().as_chunks::<4>().0;
    let [width, height] = *size else { return None };
    let keypoints = floats("keypoints")?;
    let keypoints = keypoints
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&[x, y, scale, score]| Keypoint { x, y, scale, score });
    let dim = *tensors.tensor("descriptors").ok()?.shape().get(1)?;
    let descriptors = Descriptors::new(dim, floats("descriptors")?).ok()?;
    FeatureSet::new(
        u32::from_le_bytes(width),
        u32::from_le_bytes(height),
        keypoints.collect(),
        descriptors,
        floats("global"),
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_for_the_same_photo_and_settings() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FolderCache::open(folder.path().join("new")).unwrap();
        let keypoint = Keypoint {
            x: 1.5,
            y: 2.0,
            scale: 0.5,
            score: 3.0,
        };
        let descriptors = Descriptors::new(2, vec![0.5, -0.25]).unwrap();
        let features =
            FeatureSet::new(4, 3, vec![keypoint], descriptors, Some(vec![7.0, 0.1])).unwrap();
        assert_eq!(cache.features("a", &[1; 32]).unwrap(), None);
        cache.put_features("a", &[1; 32], &features).unwrap();
        assert_eq!(cache.features("a", &[1; 32]).unwrap(), Some(features));
        assert_eq!(cache.features("b", &[1; 32]).unwrap(), None);
        assert_eq!(cache.features("a", &[2; 32]).unwrap(), None);
        std::fs::write(cache.path("a", &[1; 32]), "broken").unwrap();
        assert_eq!(cache.features("a", &[1; 32]).unwrap(), None);
    }
}
