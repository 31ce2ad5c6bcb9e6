//! The training photos' features, kept small in a classifier file so that new photos can be matched
//! with them: one byte a number.

use super::layer::cosine;
use crate::error::Result;
use crate::features::{Descriptors, FeatureSet, Keypoint};

/// Descriptors are of unit length: -127 to 127 stand for -1 to 1.
const DESCRIPTOR_STEP: f32 = 1.0 / 127.0;

/// A training photo that new photos are matched with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Its path below the data folder.
    pub name: String,
    /// Its class.
    pub class: usize,
    /// SHA-256 of its file.
    pub content_hash: [u8; 32],
    /// Its width and height, in pixels.
    pub size: [u32; 2],
    /// x, y and scale of each keypoint, in pixels of the photo.
    pub keypoints: Vec<[f32; 3]>,
    /// Numbers a descriptor.
    pub descriptor_dim: usize,
    /// One row of `descriptor_dim` numbers a keypoint, in steps of 1/127.
    pub descriptors: Vec<i8>,
    /// The normalised global descriptor, in steps of its largest number / 127.
    pub global: Vec<i8>,
}

impl Reference {
    /// Keeps the first `max_features` features, which are the best. `global` is the
    /// [`normalized`](super::normalized) descriptor.
    pub fn new(
        name: &str,
        class: usize,
        content_hash: [u8; 32],
        features: &FeatureSet,
        global: &[f32],
        max_features: usize,
    ) -> Self {
        let count = features.keypoints().len().min(max_features);
        let dim = features.descriptors().dim();
        let kept = &features.descriptors().as_slice()[..count * dim];
        let largest = global.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let step = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        Self {
            name: name.to_owned(),
            class,
            content_hash,
            size: [features.width(), features.height()],
            keypoints: features.keypoints()[..count]
                .iter()
                .map(|k| [k.x, k.y, k.scale])
                .collect(),
            descriptor_dim: dim,
            descriptors: quantized(kept, DESCRIPTOR_STEP),
            global: quantized(global, step),
        }
    }

    /// Its features, as near to those that were put in as a byte a number allows.
    ///
    /// # Errors
    /// [`crate::Error::Features`] when the counts do not fit.
    pub fn features(&self) -> Result<FeatureSet> {
        let keypoints = self
            .keypoints
            .iter()
            .map(|&[x, y, scale]| Keypoint {
                x,
                y,
                scale,
                score: 0.0,
            })
            .collect();
        let values = self
            .descriptors
            .iter()
            .map(|v| f32::from(*v) * DESCRIPTOR_STEP);
        let descriptors = Descriptors::new(self.descriptor_dim, values.collect())?;
        FeatureSet::new(self.size[0], self.size[1], keypoints, descriptors, None)
    }

    /// The cosine of its global descriptor and `global`, from -1 to 1; 0 when one is zero.
    pub fn similarity(&self, global: &[f32]) -> f64 {
        let own: Vec<f32> = self.global.iter().map(|v| f32::from(*v)).collect();
        cosine(&own, global)
    }
}

fn quantized(values: &[f32], step: f32) -> Vec<i8> {
    // A float to i8 cast saturates.
    values.iter().map(|v| (v / step).round() as i8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_near_what_was_put_in() {
        let keypoint = |x| Keypoint {
            x,
            y: 1.0,
            scale: 0.5,
            score: 2.0,
        };
        let descriptors = Descriptors::new(2, vec![0.6, -0.8, 0.0, 1.0, 1.0, 0.0]).unwrap();
        let keypoints = vec![keypoint(1.0), keypoint(2.0), keypoint(3.0)];
        let features = FeatureSet::new(40, 30, keypoints, descriptors, None).unwrap();
        let global = [0.3, 0.4, 0.0];
        let reference = Reference::new("a/b.jpg", 1, [7; 32], &features, &global, 2);
        let read = reference.features().unwrap();
        assert_eq!((read.width(), read.height()), (40, 30));
        assert_eq!(read.keypoints().len(), 2);
        assert_eq!(read.keypoints()[1].x, 2.0);
        let rows = read.descriptors().as_slice().iter();
        for (read, put) in rows.zip([0.6, -0.8, 0.0, 1.0]) {
            assert!((read - put).abs() < 0.5 / 127.0 + 1e-6);
        }
        assert!(reference.similarity(&global) > 0.9999);
        assert!((reference.similarity(&[0.4, -0.3, 0.0])).abs() < 0.01);
        assert_eq!(reference.similarity(&[0.0; 3]), 0.0);
    }
}
