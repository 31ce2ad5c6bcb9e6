//! Caches of results computed from one photo.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::features::FeatureSet;
use crate::store::Store;

/// A cache of features, by content of the photo and settings of the extraction, and of thumbnails, by
/// content alone.
pub trait FeatureCache: Sync {
    /// The stored features for these settings and this photo, as [`rounded`](crate::store::rounded) gives them.
    ///
    /// # Errors
    /// When the cache cannot be read.
    fn features(&self, settings: &str, photo: &[u8; 32]) -> Result<Option<FeatureSet>>;

    /// Stores features.
    ///
    /// # Errors
    /// When they cannot be written.
    fn put_features(&self, settings: &str, photo: &[u8; 32], features: &FeatureSet) -> Result<()>;

    /// The thumbnail of a photo, an encoded file.
    ///
    /// # Errors
    /// When the cache cannot be read.
    fn thumbnail(&self, photo: &[u8; 32]) -> Result<Option<Vec<u8>>>;

    /// Stores the thumbnail of a photo.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put_thumbnail(&self, photo: &[u8; 32], data: &[u8]) -> Result<()>;
}

/// A cache that stores nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl FeatureCache for NoCache {
    fn features(&self, _: &str, _: &[u8; 32]) -> Result<Option<FeatureSet>> {
        Ok(None)
    }

    fn put_features(&self, _: &str, _: &[u8; 32], _: &FeatureSet) -> Result<()> {
        Ok(())
    }

    fn thumbnail(&self, _: &[u8; 32]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn put_thumbnail(&self, _: &[u8; 32], _: &[u8]) -> Result<()> {
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

    fn thumbnail(&self, photo: &[u8; 32]) -> Result<Option<Vec<u8>>> {
        Store::thumbnail(self, photo)
    }

    fn put_thumbnail(&self, photo: &[u8; 32], data: &[u8]) -> Result<()> {
        Store::put_thumbnail(self, photo, data)
    }
}

/// A store or cache that a run uses until its first failure, which is reported once; from then on nothing is read
/// from it or stored in it, so that a full disk costs no photo. Folders and classifiers read photos through it.
pub struct PhotoCache<'a, C: ?Sized> {
    inner: &'a C,
    warn: Box<dyn Fn(&str) + Sync + 'a>,
    has_failed: AtomicBool,
}

impl<'a, C: ?Sized> PhotoCache<'a, C> {
    /// Uses `inner`; `warn` gets the first failure, on one line, from any thread.
    pub fn new(inner: &'a C, warn: impl Fn(&str) + Sync + 'a) -> Self {
        Self {
            inner,
            warn: Box::new(warn),
            has_failed: AtomicBool::new(false),
        }
    }

    /// The store or cache behind it.
    pub(super) fn inner(&self) -> &'a C {
        self.inner
    }

    /// The same with another `warn`.
    pub(super) fn with_warn(self, warn: impl Fn(&str) + Sync + 'a) -> Self {
        Self {
            warn: Box::new(warn),
            ..self
        }
    }

    /// The result of `work`; none after a failure, now or before.
    pub(super) fn using<T>(&self, work: impl FnOnce(&C) -> Result<T>) -> Option<T> {
        if self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        match work(self.inner) {
            Ok(value) => Some(value),
            Err(error) => {
                if !self.has_failed.swap(true, Ordering::Relaxed) {
                    let remove = match &error {
                        Error::Store {
                            is_damaged: true, ..
                        } => {
                            "; remove that file to begin anew, but for corrections made in `delfin open`, which are in it"
                        }
                        _ => "",
                    };
                    (self.warn)(&format!("{error}; going on without the store{remove}"));
                }
                None
            }
        }
    }
}

impl<C: FeatureCache + ?Sized> FeatureCache for PhotoCache<'_, C> {
    fn features(&self, settings: &str, photo: &[u8; 32]) -> Result<Option<FeatureSet>> {
        Ok(self.using(|c| c.features(settings, photo)).flatten())
    }

    fn put_features(&self, settings: &str, photo: &[u8; 32], features: &FeatureSet) -> Result<()> {
        self.using(|c| c.put_features(settings, photo, features));
        Ok(())
    }

    fn thumbnail(&self, photo: &[u8; 32]) -> Result<Option<Vec<u8>>> {
        Ok(self.using(|c| c.thumbnail(photo)).flatten())
    }

    fn put_thumbnail(&self, photo: &[u8; 32], data: &[u8]) -> Result<()> {
        self.using(|c| c.put_thumbnail(photo, data));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Descriptors, Keypoint};
    use crate::store::rounded;

    #[test]
    fn what_is_put_in_comes_out_for_the_same_photo_and_settings() {
        let keypoint = Keypoint {
            x: 1.5,
            y: 2.0,
            scale: 0.5,
            score: 3.0,
        };
        let descriptors = Descriptors::new(2, vec![0.6, -0.8]).unwrap();
        let features =
            FeatureSet::new(4, 3, vec![keypoint], descriptors, Some(vec![7.0, 0.1])).unwrap();
        let store = Store::in_memory().unwrap();
        let cache: &dyn FeatureCache = &store;
        assert_eq!(cache.features("a", &[1; 32]).unwrap(), None);
        cache.put_features("a", &[1; 32], &features).unwrap();
        let kept = cache.features("a", &[1; 32]).unwrap();
        assert_eq!(kept, Some(rounded(&features).unwrap()));
        assert_eq!(cache.features("b", &[1; 32]).unwrap(), None);
        assert_eq!(cache.features("a", &[2; 32]).unwrap(), None);
    }

    #[test]
    fn the_first_failure_is_told_and_ends_the_use() {
        use std::sync::Mutex;
        let store = Store::in_memory().unwrap();
        let told = Mutex::new(Vec::new());
        let cache = PhotoCache::new(&store, |text: &str| told.lock().unwrap().push(text.into()));
        assert_eq!(cache.using(|_| Ok(1)), Some(1));
        let fail = |_: &Store| -> Result<u8> {
            Err(crate::Error::format(std::path::Path::new("s"), "full"))
        };
        assert_eq!(cache.using(fail), None);
        assert_eq!(cache.using(fail), None);
        assert_eq!(cache.using(|_| Ok(1)), None);
        assert_eq!(cache.features("a", &[1; 32]).unwrap(), None);
        drop(cache);
        let told: Vec<String> = told.into_inner().unwrap();
        assert_eq!(told, ["s: full; going on without the store"]);
    }

    #[test]
    fn a_damaged_store_is_told_with_the_corrections_in_it() {
        use std::sync::Mutex;
        let store = Store::in_memory().unwrap();
        let told = Mutex::new(String::new());
        let cache = PhotoCache::new(&store, |text: &str| told.lock().unwrap().push_str(text));
        let damaged = |_: &Store| -> Result<()> {
            Err(Error::Store {
                path: "s".into(),
                reason: "damaged".into(),
                is_damaged: true,
            })
        };
        assert_eq!(cache.using(damaged), None);
        drop(cache);
        let told = told.into_inner().unwrap();
        assert!(told.contains("but for corrections made"), "{told}");
    }
}
