//! Features that were extracted once and need not be again.

use crate::error::Result;
use crate::features::FeatureSet;
use crate::store::Store;

/// Keeps features by the content of the photo and the settings that they were extracted with.
pub trait FeatureCache: Sync {
    /// The features that were put in for these settings and this photo, as
    /// [`rounded`](crate::store::rounded) gives them.
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

impl FeatureCache for Store {
    fn features(&self, settings: &str, photo: &[u8; 32]) -> Result<Option<FeatureSet>> {
        Store::features(self, self.settings(settings)?, photo)
    }

    fn put_features(&self, settings: &str, photo: &[u8; 32], features: &FeatureSet) -> Result<()> {
        Store::put_features(self, self.settings(settings)?, photo, features)
    }
}
