//! Paired points of two photos, one array a coordinate.

use nalgebra::Point2;

/// Points of photo 1 paired with points of photo 2, in pixels. Kept as one array a coordinate, so
/// that the errors of a whole block are computed by vector instructions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Correspondences {
    pub(super) x1: Vec<f64>,
    pub(super) y1: Vec<f64>,
    pub(super) x2: Vec<f64>,
    pub(super) y2: Vec<f64>,
}

impl Correspondences {
    /// No correspondences, with room for `capacity`.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            x1: Vec::with_capacity(capacity),
            y1: Vec::with_capacity(capacity),
            x2: Vec::with_capacity(capacity),
            y2: Vec::with_capacity(capacity),
        }
    }

    /// Appends `point1` of photo 1 paired with `point2` of photo 2.
    pub fn push(&mut self, point1: Point2<f64>, point2: Point2<f64>) {
        self.x1.push(point1.x);
        self.y1.push(point1.y);
        self.x2.push(point2.x);
        self.y2.push(point2.y);
    }

    /// The number of correspondences.
    pub fn len(&self) -> usize {
        self.x1.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.x1.is_empty()
    }

    /// The point of photo 1.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn point1(&self, index: usize) -> Point2<f64> {
        Point2::new(self.x1[index], self.y1[index])
    }

    /// The point of photo 2.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn point2(&self, index: usize) -> Point2<f64> {
        Point2::new(self.x2[index], self.y2[index])
    }

    /// The same pairs with the photos exchanged.
    pub fn swapped(&self) -> Self {
        Self {
            x1: self.x2.clone(),
            y1: self.y2.clone(),
            x2: self.x1.clone(),
            y2: self.y1.clone(),
        }
    }

    /// The weighted centroids in photo 1 and photo 2 and the sum of the weights; `None` when that
    /// sum is not positive.
    pub(super) fn centroids(
        &self,
        indices: &[usize],
        weights: &[f64],
    ) -> Option<(Point2<f64>, Point2<f64>, f64)> {
        let (mut sum1, mut sum2, mut total) = (Point2::origin(), Point2::origin(), 0.0);
        for (&i, &w) in indices.iter().zip(weights) {
            sum1 += self.point1(i).coords * w;
            sum2 += self.point2(i).coords * w;
            total += w;
        }
        (total > 0.0).then(|| (sum1 / total, sum2 / total, total))
    }
}

impl FromIterator<(Point2<f64>, Point2<f64>)> for Correspondences {
    fn from_iter<I: IntoIterator<Item = (Point2<f64>, Point2<f64>)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let mut all = Self::with_capacity(pairs.size_hint().0);
        for (point1, point2) in pairs {
            all.push(point1, point2);
        }
        all
    }
}
