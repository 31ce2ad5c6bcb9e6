//! Pairs the descriptors of two photos.

/// Two keypoints whose descriptors are near each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// The keypoint's index in photo 1.
    pub index1: usize,
    /// The keypoint's index in photo 2.
    pub index2: usize,
    /// Euclidean distance of the two descriptors; between 0 and 2 for unit vectors.
    pub distance: f32,
}
