//! Accuracy and confusion matrix of a classifier.

/// Counts of photos by true and by predicted class.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfusionMatrix {
    /// One row a true class, one column a predicted class.
    pub counts: Vec<Vec<usize>>,
    /// Photos of each true class that were rejected.
    pub rejected: Vec<usize>,
}

impl ConfusionMatrix {
    /// No photo yet.
    pub fn new(num_classes: usize) -> Self {
        Self {
            counts: vec![vec![0; num_classes]; num_classes],
            rejected: vec![0; num_classes],
        }
    }

    /// Counts one photo; `None` for a rejected one.
    ///
    /// # Panics
    /// When a class is not below the number of classes.
    pub fn add(&mut self, truth: usize, predicted: Option<usize>) {
        match predicted {
            Some(class) => self.counts[truth][class] += 1,
            None => self.rejected[truth] += 1,
        }
    }

    /// Photos counted, those rejected too.
    pub fn num_photos(&self) -> usize {
        self.counts.iter().flatten().chain(&self.rejected).sum()
    }

    /// Share of the photos that are labelled right, from 0 to 1; none without photos.
    pub fn accuracy(&self) -> Option<f64> {
        let right = (0..self.counts.len()).map(|c| self.counts[c][c]).sum();
        share(right, self.num_photos())
    }

    /// Share of the photos labelled `class` that are of it; none when no photo was.
    pub fn precision(&self, class: usize) -> Option<f64> {
        let labelled = self.counts.iter().map(|row| row[class]).sum();
        share(self.counts[class][class], labelled)
    }

    /// Share of the photos of `class` that are labelled so; none when there is no such photo.
    pub fn recall(&self, class: usize) -> Option<f64> {
        let photos = self.counts[class].iter().sum::<usize>() + self.rejected[class];
        share(self.counts[class][class], photos)
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_definition() {
        let mut matrix = ConfusionMatrix::new(3);
        for (truth, predicted) in [(0, Some(0)), (0, Some(1)), (1, Some(1)), (1, None)] {
            matrix.add(truth, predicted);
        }
        assert_eq!(matrix.accuracy(), Some(0.5));
        assert_eq!(
            (matrix.precision(0), matrix.recall(0)),
            (Some(1.0), Some(0.5))
        );
        assert_eq!(
            (matrix.precision(1), matrix.recall(1)),
            (Some(0.5), Some(0.5))
        );
        assert_eq!((matrix.precision(2), matrix.recall(2)), (None, None));
        assert_eq!(ConfusionMatrix::new(2).accuracy(), None);
    }
}
