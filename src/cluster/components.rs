//! Connected components of photos, built link by link.

use crate::error::{Error, Result};

/// The photos that links join, directly or through others: a union-find forest of 4 bytes a photo.
#[derive(Debug, Clone)]
pub struct Components {
    parents: Vec<u32>,
}

impl Components {
    /// Each photo in a component of its own.
    pub fn new(num_photos: u32) -> Self {
        Self {
            parents: (0..num_photos).collect(),
        }
    }

    /// Joins the components of two photos.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a photo that does not exist.
    pub fn join(&mut self, photo1: u32, photo2: u32) -> Result<()> {
        if photo1.max(photo2) as usize >= self.parents.len() {
            let reason = format!("photo {} does not exist", photo1.max(photo2));
            return Err(Error::option("pairs", reason));
        }
        self.joins(photo1 as usize, photo2 as usize);
        Ok(())
    }

    /// Joins the components of two photos, which must exist; false where they were one.
    pub(crate) fn joins(&mut self, photo1: usize, photo2: usize) -> bool {
        let [first, second] = [photo1, photo2].map(|photo| self.first(photo as u32));
        self.parents[first.max(second) as usize] = first.min(second);
        first != second
    }

    /// For each photo the first photo of its component.
    pub fn into_first_photos(mut self) -> Vec<u32> {
        // A parent stands before its children, whose own parents are final by then.
        for photo in 0..self.parents.len() {
            self.parents[photo] = self.parents[self.parents[photo] as usize];
        }
        self.parents
    }

    /// The first photo of a photo's component; `photo` must exist.
    pub(crate) fn first(&mut self, photo: u32) -> u32 {
        let mut photo = photo as usize;
        loop {
            let parent = self.parents[photo] as usize;
            if parent == photo {
                return photo as u32;
            }
            self.parents[photo] = self.parents[parent];
            photo = parent;
        }
    }
}
