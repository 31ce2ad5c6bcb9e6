//! Splits of photos: training, validation and testing.
//!
//! The split follows TensorFlow Hub's `retrain.py`: a photo's split follows from the SHA-1 of its
//! name, so that it stays the same when photos are added. Unlike there the name is the path below the
//! data folder, so that moving the folder changes nothing.

use sha1::{Digest, Sha1};

use crate::error::{Error, Result};

/// The use of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// The layer learns from it.
    Training,
    /// Regularisation, temperature, fusion and rejection are chosen on it.
    Validation,
    /// Only the reported accuracy reads it.
    Testing,
}

/// Shares of the photos kept from training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitOptions {
    /// Percent of the photos that are tested on, from 0 to 100.
    pub testing_percentage: f64,
    /// Percent of the photos that are validated on, from 0 to 100; both together below 100.
    pub validation_percentage: f64,
}

impl Default for SplitOptions {
    /// The percentages of `retrain.py`.
    fn default() -> Self {
        Self {
            testing_percentage: 10.0,
            validation_percentage: 10.0,
        }
    }
}

impl SplitOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] naming the field.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("testing_percentage", self.testing_percentage),
            ("validation_percentage", self.validation_percentage),
        ] {
            if !(0.0..=100.0).contains(&value) {
                return Err(Error::option(name, format!("{value} is not from 0 to 100")));
            }
        }
        if self.testing_percentage + self.validation_percentage >= 100.0 {
            let reason = "with the share of validation photos, leaves nothing to train on";
            return Err(Error::option("testing_percentage", reason));
        }
        Ok(())
    }

    /// The split of the photo at `name`, its path below the data folder with `/` between folders. The part from
    /// `_nohash_` on is ignored, so that variants of one photo stay together.
    pub fn split_of(&self, name: &str) -> Split {
        let percentage = hash_percentage(name);
        if percentage < self.validation_percentage {
            Split::Validation
        } else if percentage < self.testing_percentage + self.validation_percentage {
            Split::Testing
        } else {
            Split::Training
        }
    }
}

/// `retrain.py`'s largest number of photos a class, which is also its hash's range.
const MAX_PHOTOS_PER_CLASS: u32 = (1 << 27) - 1;

/// The hash of a photo's name, from 0 to 100.
pub(crate) fn hash_percentage(name: &str) -> f64 {
    let hashed = name.split("_nohash_").next().unwrap_or(name);
    let digest = Sha1::digest(hashed.as_bytes());
    // The hash modulo 2^27 follows from its last four bytes.
    let low = digest[16..]
        .iter()
        .fold(0, |low: u32, byte| low << 8 | u32::from(*byte));
    f64::from(low & MAX_PHOTOS_PER_CLASS) * (100.0 / f64::from(MAX_PHOTOS_PER_CLASS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `int(hashlib.sha1(b'roses/12240303_80d87f77a3_n.jpg').hexdigest(), 16) % 2**27 *
    /// (100.0 / (2**27 - 1))`.
    #[test]
    fn the_hash_is_that_of_retrain_py() {
        for (name, percentage) in [
            ("roses/12240303_80d87f77a3_n.jpg", 56.4537879560425),
            ("tulips/a.jpg", 44.64057568192911),
            ("a b/ü.png", 21.669833523555347),
        ] {
            assert!((hash_percentage(name) - percentage).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn what_follows_nohash_is_not_read() {
        let plain = hash_percentage("a/b.jpg");
        assert_eq!(hash_percentage("a/b.jpg_nohash_1"), plain);
        assert_eq!(hash_percentage("a/b.jpg_nohash_2_nohash_3"), plain);
        assert_ne!(hash_percentage("a/c.jpg"), plain);
    }

    #[test]
    fn the_splits_have_about_their_percentages() {
        let options = SplitOptions {
            testing_percentage: 20.0,
            validation_percentage: 10.0,
        };
        let count = |split| {
            (0..10_000)
                .filter(|i| options.split_of(&format!("class/{i}.jpg")) == split)
                .count()
        };
        for (split, expected) in [
            (Split::Validation, 1000),
            (Split::Testing, 2000),
            (Split::Training, 7000),
        ] {
            assert!(count(split).abs_diff(expected) < 150, "{split:?}");
        }
        let none = SplitOptions {
            testing_percentage: 0.0,
            validation_percentage: 0.0,
        };
        assert!((0..1000).all(|i| none.split_of(&i.to_string()) == Split::Training));
    }

    #[test]
    fn percentages_out_of_range_are_refused() {
        for (testing, validation) in [(-1.0, 10.0), (10.0, f64::NAN), (60.0, 40.0)] {
            let options = SplitOptions {
                testing_percentage: testing,
                validation_percentage: validation,
            };
            assert!(options.validate().is_err());
        }
        assert!(SplitOptions::default().validate().is_ok());
    }
}
