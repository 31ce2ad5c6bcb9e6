//! The photos of a cluster, the best first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{FolderClusters, FolderSession};
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::image::{Photo, sharpness};
use crate::store::ContentHash;

/// Criterion by which a photo is the best of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BestBy {
    /// The user marked it.
    Mark,
    /// It has the most pixels.
    Size,
    /// Others have as many pixels, and it is the sharpest of those.
    Sharpness,
}

/// The photos of a cluster, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ranking {
    /// Indices of [`FolderClusters::photos`], each member of the cluster once.
    pub photos: Vec<usize>,
    /// Criterion by which the first is the best.
    pub best_by: BestBy,
}

impl FolderSession<'_> {
    /// The photos of each of `clusters`, the best first: the one that was marked last, of `marked` photos with
    /// their place in time, then the larger in pixels before the smaller, of equally large ones the [`sharpness`]est,
    /// of equally sharp ones the first in the folder. Only photos as large as another of their cluster are decoded;
    /// one that can no longer be read counts as not sharp.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn rank_photos(
        &self,
        found: &FolderClusters,
        clusters: &[Cluster],
        marked: &BTreeMap<ContentHash, usize>,
    ) -> Result<Vec<Ranking>> {
        let pixels = |photo: usize| {
            let photo = &found.photos[photo];
            u64::from(photo.width) * u64::from(photo.height)
        };
        let rank = |cluster: &Cluster| {
            let mut photos = cluster.members.clone();
            photos.sort_unstable_by_key(|photo| (Reverse(pixels(*photo)), *photo));
            let mut best_by = BestBy::Size;
            for (place, same) in photos
                .chunk_by_mut(|a, b| pixels(*a) == pixels(*b))
                .enumerate()
            {
                if same.len() > 1 {
                    self.sort_by_sharpness(found, same)?;
                    if place == 0 {
                        best_by = BestBy::Sharpness;
                    }
                }
            }
            let mark = |photo: &usize| marked.get(&found.photos[*photo].content_hash);
            // Of one file that is there twice the first counts.
            let chosen = photos
                .iter()
                .filter(|photo| mark(photo).is_some())
                .max_by_key(|photo| (mark(photo), Reverse(**photo)));
            if let Some(&chosen) = chosen {
                photos.retain(|photo| *photo != chosen);
                photos.insert(0, chosen);
                best_by = BestBy::Mark;
            }
            Ok(Ranking { photos, best_by })
        };
        clusters.par_iter().map(rank).collect()
    }

    /// Sorts photos, the sharpest first; equals keep their order.
    fn sort_by_sharpness(&self, found: &FolderClusters, photos: &mut [usize]) -> Result<()> {
        let measured = photos.iter().map(|&photo| {
            if self.observer.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let path = self.path_of(&found.photos[photo]);
            let decoded = Photo::open(path, &self.options.matching.decode);
            let sharpness = decoded.map_or(-1.0, |photo| sharpness(photo.pixels()));
            Ok((sharpness, photo))
        });
        let mut measured = measured.collect::<Result<Vec<_>>>()?;
        measured.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        for (place, (_, photo)) in photos.iter_mut().zip(measured) {
            *place = photo;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::extract::Model;
    use crate::folder::PassedOver;
    use crate::pipeline::{ClusterOptions, FolderPhoto};
    use crate::store::Store;

    fn found(photos: Vec<FolderPhoto>) -> FolderClusters {
        FolderClusters {
            photos,
            failures: Vec::new(),
            passed_over: PassedOver::default(),
            pairs: Vec::new(),
            prior_log_odds: 0.0,
            clusters: Vec::new(),
        }
    }

    fn cluster(members: &[usize]) -> Cluster {
        Cluster {
            members: members.to_vec(),
            scores: vec![0.5; members.len()],
            representative: members[0],
        }
    }

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
        let found = found(photos.collect());
        let (model, store) = (Model::embedded().unwrap(), Store::in_memory().unwrap());
        let options = ClusterOptions::default();
        let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
        let clusters = [cluster(&[2, 0, 1]), cluster(&[2, 1]), cluster(&[2])];
        let ranked = |marked: &[(u8, usize)]| {
            let marked = marked.iter().map(|(photo, time)| ([*photo; 32], *time));
            let marked = marked.collect();
            let ranked = session.rank_photos(&found, &clusters, &marked).unwrap();
            let ranked = ranked.into_iter().map(|one| (one.photos, one.best_by));
            ranked.collect::<Vec<_>>()
        };
        let by = |photos: &[usize], best_by| (photos.to_vec(), best_by);
        let (size, sharp, mark) = (BestBy::Size, BestBy::Sharpness, BestBy::Mark);
        assert_eq!(
            ranked(&[]),
            [by(&[1, 0, 2], sharp), by(&[1, 2], size), by(&[2], size)]
        );
        assert_eq!(
            ranked(&[(0, 4), (2, 3)]),
            [by(&[0, 1, 2], mark), by(&[2, 1], mark), by(&[2], mark)]
        );
    }

    #[test]
    fn the_smaller_are_ranked_too_and_what_is_gone_comes_last_of_its_size() {
        // Sizes and names as the folder would have them; the second pair is smaller, one of it is gone.
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images/coffee.jpg");
        let small = image::open(example).unwrap().thumbnail(160, 160);
        let pictures = [
            ("gone.png", small.clone()),
            ("large.png", small.thumbnail(170, 170)),
            ("left.png", small.blur(2.0)),
        ];
        let mut photos = Vec::new();
        for (index, (name, picture)) in pictures.iter().enumerate() {
            if *name != "gone.png" {
                picture.save(folder.path().join(name)).unwrap();
            }
            photos.push(FolderPhoto {
                path: (*name).to_owned(),
                content_hash: [index as u8; 32],
                width: if *name == "large.png" { 170 } else { 160 },
                height: 100,
            });
        }
        let found = found(photos);
        let (model, store) = (Model::embedded().unwrap(), Store::in_memory().unwrap());
        let options = ClusterOptions::default();
        let session = FolderSession::new(&model, folder.path(), &store, &options).unwrap();
        let clusters = [cluster(&[0, 1, 2])];
        let ranked = session.rank_photos(&found, &clusters, &BTreeMap::new());
        let ranked = ranked.unwrap().remove(0);
        assert_eq!(
            (&ranked.photos[..], ranked.best_by),
            (&[1, 2, 0][..], BestBy::Size)
        );
    }
}
