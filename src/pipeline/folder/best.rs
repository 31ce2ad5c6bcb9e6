//! The best photo of each cluster.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{FolderClusters, FolderPhoto, FolderSession};
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::image::{Photo, sharpness};
use crate::store::ContentHash;

/// Why a photo is the best of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BestBy {
    /// A person said so.
    Mark,
    /// It has the most pixels.
    Size,
    /// Others have as many pixels, and it is the sharpest of those.
    Sharpness,
}

impl FolderSession<'_> {
    /// The best photo of each of `clusters`, by index, and why: the one that was marked last, of `marked` photos with
    /// their place in time; else the largest in pixels, of equally large ones the [`sharpness`]est, of equally
    /// sharp ones the first. Only equally large photos are decoded; one that can no longer be read counts as not
    /// sharp.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn best_photos(
        &self,
        found: &FolderClusters,
        clusters: &[Cluster],
        marked: &BTreeMap<ContentHash, usize>,
    ) -> Result<Vec<(usize, BestBy)>> {
        let pixels = |photo: &FolderPhoto| u64::from(photo.width) * u64::from(photo.height);
        let best = |cluster: &Cluster| {
            let mark = |&photo: &usize| marked.get(&found.photos[photo].content_hash);
            // Of one file that is there twice the first counts.
            let chosen = cluster.members.iter().rev().max_by_key(|photo| mark(photo));
            if let Some(&photo) = chosen.filter(|photo| mark(photo).is_some()) {
                return Ok((photo, BestBy::Mark));
            }
            let all = || {
                cluster
                    .members
                    .iter()
                    .map(|&photo| (photo, &found.photos[photo]))
            };
            let most = all().map(|(_, photo)| pixels(photo)).max();
            let mut largest: Vec<usize> = all()
                .filter(|(_, photo)| Some(pixels(photo)) == most)
                .map(|(index, _)| index)
                .collect();
            largest.sort_unstable();
            match largest[..] {
                [only] => Ok((only, BestBy::Size)),
                _ => self
                    .sharpest(found, &largest)
                    .map(|photo| (photo, BestBy::Sharpness)),
            }
        };
        clusters.par_iter().map(best).collect()
    }

    /// The sharpest of some photos, the first of equals.
    fn sharpest(&self, found: &FolderClusters, photos: &[usize]) -> Result<usize> {
        let mut best = (
            f64::NEG_INFINITY,
            photos.first().copied().unwrap_or_default(),
        );
        for &photo in photos {
            if self.observer.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let path = self.path_of(&found.photos[photo]);
            let decoded = Photo::open(path, &self.options.matching.decode);
            let sharpness = decoded.map_or(-1.0, |photo| sharpness(photo.pixels()));
            if sharpness > best.0 {
                best = (sharpness, photo);
            }
        }
        Ok(best.1)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::extract::Model;
    use crate::folder::PassedOver;
    use crate::pipeline::ClusterOptions;
    use crate::store::Store;

    #[test]
    fn the_marked_then_the_largest_then_the_sharpest() {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images/coffee.jpg");
        let photo = image::open(example).unwrap();
        let photos = [
            ("blurred.png", photo.blur(3.0)),
            ("sharp.png", photo.clone()),
            ("small.png", photo.thumbnail(100, 100)),
        ];
        let photos = photos.iter().enumerate().map(|(index, (name, picture))| {
            picture.save(folder.path().join(name)).unwrap();
            FolderPhoto {
                path: (*name).to_owned(),
                content_hash: [index as u8; 32],
                width: picture.width(),
                height: picture.height(),
            }
        });
        let found = FolderClusters {
            photos: photos.collect(),
            failures: Vec::new(),
            passed_over: PassedOver::default(),
            pairs: Vec::new(),
            prior_log_odds: 0.0,
            clusters: Vec::new(),
        };
        let (model, store) = (Model::embedded().unwrap(), Store::in_memory().unwrap());
        let options = ClusterOptions::default();
        let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
        let cluster = |members: &[usize]| Cluster {
            members: members.to_vec(),
            scores: vec![0.5; members.len()],
            representative: members[0],
        };
        let clusters = [cluster(&[2, 0, 1]), cluster(&[2, 1]), cluster(&[2])];
        let best = |marked: &[(u8, usize)]| {
            let marked = marked.iter().map(|(photo, time)| ([*photo; 32], *time));
            let marked = marked.collect();
            session.best_photos(&found, &clusters, &marked).unwrap()
        };
        let (size, sharp) = (BestBy::Size, BestBy::Sharpness);
        assert_eq!(best(&[]), [(1, sharp), (1, size), (2, size)]);
        let mark = BestBy::Mark;
        assert_eq!(best(&[(0, 4), (2, 3)]), [(0, mark), (2, mark), (2, mark)]);
    }
}
