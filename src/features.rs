//! Features of one photo: keypoints, their descriptors and a global descriptor.
//!
//! Positions are in pixels of the original photo after its EXIF orientation: x to the right, y
//! down, the centre of the top-left pixel at (0, 0).

use crate::error::{Error, Result};

/// A scored position in a photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// Pixels from the centre of the leftmost column, to the right.
    pub x: f32,
    /// Pixels from the centre of the topmost row, downwards.
    pub y: f32,
    /// The pyramid scale at which it was found: 1 is the photo at its working size, smaller values
    /// see more of the photo in one descriptor.
    pub scale: f32,
    /// The network's attention, at least 0; larger is better.
    pub score: f32,
}

/// The descriptors of one photo, one row a keypoint, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptors {
    dim: usize,
    values: Vec<f32>,
}

impl Descriptors {
    /// Takes `values`, whose length must be a multiple of `dim` and which must all be finite.
    ///
    /// # Errors
    /// [`Error::Features`] when `dim` is 0, the length does not divide or a value is not finite.
    pub fn new(dim: usize, values: Vec<f32>) -> Result<Self> {
        let fail = |reason: String| Err(Error::Features { reason });
        if dim == 0 {
            return fail("descriptors need at least one dimension".into());
        }
        if !values.len().is_multiple_of(dim) {
            return fail(format!("{} values do not make rows of {dim}", values.len()));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return fail(format!(
                "descriptor {} holds a value that is not finite",
                at / dim
            ));
        }
        Ok(Self { dim, values })
    }

    /// The length of one descriptor.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The number of descriptors.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Descriptor `index`.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dim..(index + 1) * self.dim]
    }

    /// All values, row after row.
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }
}

/// The features of one photo.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSet {
    width: u32,
    height: u32,
    keypoints: Vec<Keypoint>,
    descriptors: Descriptors,
    global: Option<Vec<f32>>,
}

impl FeatureSet {
    /// Puts the features of a `width` x `height` photo together: one descriptor a keypoint, and a
    /// global descriptor where there is one.
    ///
    /// # Errors
    /// [`Error::Features`] when the counts differ, or a position or score is not finite.
    pub fn new(
        width: u32,
        height: u32,
        keypoints: Vec<Keypoint>,
        descriptors: Descriptors,
        global: Option<Vec<f32>>,
    ) -> Result<Self> {
        let fail = |reason: String| Err(Error::Features { reason });
        if keypoints.len() != descriptors.len() {
            return fail(format!(
                "{} keypoints have {} descriptors",
                keypoints.len(),
                descriptors.len()
            ));
        }
        let finite = |k: &Keypoint| [k.x, k.y, k.scale, k.score].iter().all(|v| v.is_finite());
        if let Some(at) = keypoints.iter().position(|k| !finite(k)) {
            return fail(format!("keypoint {at} holds a value that is not finite"));
        }
        if global
            .as_ref()
            .is_some_and(|g| g.iter().any(|v| !v.is_finite()))
        {
            return fail("the global descriptor holds a value that is not finite".into());
        }
        Ok(Self {
            width,
            height,
            keypoints,
            descriptors,
            global,
        })
    }

    /// The photo's width, in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The photo's height, in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The keypoints, best first.
    pub fn keypoints(&self) -> &[Keypoint] {
        &self.keypoints
    }

    /// The descriptors, in the order of the keypoints.
    pub fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    /// The global descriptor, as the network gives it, not normalised.
    pub fn global(&self) -> Option<&[f32]> {
        self.global.as_deref()
    }

    /// Global similarity of two photos, from -1 to 1: the cosine of their global descriptors after the (signed)
    /// square root of every number, which keeps a few large numbers from dominating (the Hellinger kernel). None
    /// when one has no global descriptor, theirs differ in length, or one is zero.
    pub fn global_similarity(&self, other: &Self) -> Option<f64> {
        let (a, b) = (self.global()?, other.global()?);
        if a.len() != b.len() {
            return None;
        }
        let (mut product, mut norm_a, mut norm_b) = (0.0, 0.0, 0.0);
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (f64::from(*a), f64::from(*b));
            product += a.signum() * b.signum() * (a * b).abs().sqrt();
            norm_a += a.abs();
            norm_b += b.abs();
        }
        let norm = (norm_a * norm_b).sqrt();
        (norm > 0.0).then(|| product / norm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_must_be_whole_and_finite() {
        assert!(Descriptors::new(0, vec![]).is_err());
        assert!(Descriptors::new(2, vec![1.0; 3]).is_err());
        assert!(Descriptors::new(2, vec![1.0, f32::NAN]).is_err());
        let two = Descriptors::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((two.len(), two.row(1)), (2, &[3.0, 4.0][..]));
    }

    #[test]
    fn photos_are_as_alike_as_their_global_descriptors() {
        let with = |global: Option<Vec<f32>>| {
            FeatureSet::new(1, 1, vec![], Descriptors::new(1, vec![]).unwrap(), global).unwrap()
        };
        let a = with(Some(vec![4.0, 0.0, 1.0]));
        assert_eq!(a.global_similarity(&a), Some(1.0));
        assert_eq!(
            a.global_similarity(&with(Some(vec![0.0, 3.0, 0.0]))),
            Some(0.0)
        );
        // (2, 0, 1) and (0, 0, -1) have the cosine -1 / sqrt(5).
        let turned = a
            .global_similarity(&with(Some(vec![0.0, 0.0, -1.0])))
            .unwrap();
        assert!((turned + 0.2f64.sqrt()).abs() < 1e-12);
        assert_eq!(a.global_similarity(&with(Some(vec![1.0]))), None);
        assert_eq!(a.global_similarity(&with(Some(vec![0.0; 3]))), None);
        assert_eq!(a.global_similarity(&with(None)), None);
    }

    #[test]
    fn keypoints_and_descriptors_must_pair_up() {
        let keypoint = Keypoint {
            x: 0.0,
            y: 0.0,
            scale: 1.0,
            score: 1.0,
        };
        let one = || Descriptors::new(1, vec![1.0]).unwrap();
        assert!(FeatureSet::new(1, 1, vec![], one(), None).is_err());
        assert!(
            FeatureSet::new(
                1,
                1,
                vec![Keypoint {
                    x: f32::INFINITY,
                    ..keypoint
                }],
                one(),
                None
            )
            .is_err()
        );
        assert!(FeatureSet::new(1, 1, vec![keypoint], one(), Some(vec![f32::NAN])).is_err());
        assert!(FeatureSet::new(1, 1, vec![keypoint], one(), None).is_ok());
    }
}
