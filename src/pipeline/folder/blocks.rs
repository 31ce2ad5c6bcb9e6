//! The steps of clustering a folder on blocks of photos and pairs, for processes that hold a block each and share
//! files.
//!
//! Together they give the pairs and clusters of [`FolderSession::cluster`](super::FolderSession::cluster), to the
//! bit: both run the same code.
//!
//! 1. [`extract_photo`] for each photo.
//! 2. Candidate pairs by [`candidates::blocks`](crate::candidates::blocks), or every pair
//!    ([`ClusterOptions::verifies_all`]).
//! 3. A [`PairBlock`] verifies pairs, and compares the pixels of those that are worth it and on the [`Shortlist`].
//! 4. [`Judgement::prior_log_odds`] of all pairs with pixel evidence, or with log-odds of [`least_counted`] and
//!    more, is added to the log-odds of each pair.
//! 5. First clusters: pairs with pixel evidence that [`may_link`] are lowered by their [`Rivals`]; pairs whose
//!    first [`link_evidence`] is 1 and more make [`Components`]; [`component_clusters`] of each.
//! 6. [`CrossingLinks`] of the first clusters are counted over pairs with log-odds above 0 that [`may_link`], and
//!    their [`LinkBalance::gain`] is added to the log-odds of pairs with pixel evidence.
//! 7. Rivals, components by [`link_evidence`], and clusters are found again.
//!
//! Photos have numbers, in the order of their paths.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::linkage::{FIRST_CUT, Linkage};
use super::pixels::{self, prepared};
use super::read::{self, Loaded, extraction_settings};
use super::verify::{PairNames, compare_loaded, judged, judged_pair, settings_text, verify_loaded};
use super::{ClusterOptions, VerifiedPair};
use crate::candidates::GlobalRow;
use crate::cluster::{Cluster, Constraints, Link, clusters};
use crate::error::{Error, Result};
use crate::extract::{Model, extract};
use crate::hex::hex;
use crate::image::{Photo, content_hash, read_file};
use crate::refinement::RefinementImage;
use crate::scoring::Judgement;
use crate::store::{self, ContentHash};

pub use crate::cluster::{Components, CrossingLinks, LinkBalance};
pub use crate::scoring::{BestPairs, Rivals, Shortlist};

/// Photos whose features are in memory at a time, about 150 KB each, in one process.
pub const MAX_LOADED: usize = super::MAX_LOADED;
/// Photos that are decoded at a time in one process.
pub const MAX_DECODED: usize = super::confirm::MAX_DECODED;

/// Hash of the settings that the results of blocks depend on: network, options and judgement. 64 hexadecimal
/// digits.
///
/// # Errors
/// [`Error::Manifest`](crate::Error::Manifest) for the built-in judgement; a test keeps it right.
pub fn settings_hash(model: &Model, options: &ClusterOptions) -> Result<String> {
    let matching = &options.matching;
    let judgement = judgement_of(options)?;
    let text = format!(
        "shortlist 1, rivals 3, links 2, {}, {:?}, {:?}, {} {} {} {} {:?} {judgement:?}",
        settings_text(&extraction_settings(model, &matching.extraction), matching),
        matching.decode,
        options.candidates,
        options.exhaustive,
        options.max_exhaustive,
        options.min_probability,
        options.copies_only,
        options.min_inliers,
    );
    let digest: [u8; 32] = Sha256::digest(text).into();
    Ok(hex(&digest))
}

/// The judgement of these options, or the built-in one.
///
/// # Errors
/// As [`Judgement::embedded`].
pub fn judgement_of(options: &ClusterOptions) -> Result<&Judgement> {
    match &options.judgement {
        Some(judgement) => Ok(judgement),
        None => Judgement::embedded(),
    }
}

/// Log-odds from which a pair counts for the prior though its pixels were not compared.
///
/// # Errors
/// As [`judgement_of`].
pub fn least_counted(options: &ClusterOptions) -> Result<f64> {
    Ok(match &options.matching.refinement {
        Some(_) => judgement_of(options)?.max_not_compared(),
        None => f64::INFINITY,
    })
}

/// The result of extracting a photo.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExtractedPhoto {
    /// The SHA-256 of its file.
    pub content_hash: ContentHash,
    /// Its width in pixels, upright.
    pub width: u32,
    /// Its height in pixels, upright.
    pub height: u32,
    /// The number of its keypoints.
    pub num_keypoints: usize,
    /// As [`encode_features`](crate::store::encode_features) gives them.
    pub features: Vec<u8>,
    /// Its global descriptor, if it has one.
    pub global: Option<GlobalRow>,
}

/// The content of a photo's file.
#[derive(Debug, Clone)]
pub enum PhotoFile {
    /// A file to read.
    Path(PathBuf),
    /// The bytes of a file, and the path that errors name.
    Bytes(PathBuf, Vec<u8>),
}

impl PhotoFile {
    fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Bytes(path, _) => path,
        }
    }
}

/// Extracts the features of a photo, rounded as folders keep them; else the reason on one line, as
/// [`Failure::reason`](super::Failure::reason) has it.
pub fn extract_photo(
    model: &Model,
    file: &PhotoFile,
    options: &ClusterOptions,
) -> std::result::Result<ExtractedPhoto, String> {
    let path = file.path();
    let extracted = || {
        let decode = &options.matching.decode;
        let read;
        let bytes = match file {
            PhotoFile::Bytes(_, bytes) => bytes,
            PhotoFile::Path(path) => {
                read = read_file(path, decode)?;
                &read
            }
        };
        let photo = Photo::decode(bytes, path, decode)?;
        let found = extract(model, &photo, &options.matching.extraction)?;
        let features = store::encode_features(&found)?;
        let found = store::rounded(&found)?;
        Ok(ExtractedPhoto {
            content_hash: content_hash(bytes),
            width: found.width(),
            height: found.height(),
            num_keypoints: found.keypoints().len(),
            features,
            global: GlobalRow::new(&found),
        })
    };
    extracted().map_err(|error| read::reason(path, &error))
}

/// An error without the path that it names, as [`Failure::reason`](super::Failure::reason) has it.
pub fn reason(path: &Path, error: &Error) -> String {
    read::reason(path, error)
}

/// A photo in memory.
type Held = (ContentHash, Loaded);

/// Photos in memory, and the pairs among them.
#[derive(Default)]
pub struct PairBlock {
    photos: BTreeMap<usize, Held>,
    images: BTreeMap<usize, RefinementImage>,
}

impl PairBlock {
    /// Drops the features of all but these photos; returns those that are to be loaded.
    pub fn keep_photos(&mut self, wanted: &BTreeSet<usize>) -> Vec<usize> {
        pixels::keep(&mut self.photos, wanted)
    }

    /// Loads encoded features.
    ///
    /// # Errors
    /// [`Error::Features`] for bytes that are none.
    pub fn load_photos(&mut self, photos: Vec<(usize, ContentHash, Vec<u8>)>) -> Result<()> {
        let load = |(number, hash, bytes): (usize, ContentHash, Vec<u8>)| {
            let loaded = Loaded::new(store::decode_features(&bytes)?)?;
            Ok((number, (hash, loaded)))
        };
        let loaded: Vec<_> = photos.into_par_iter().map(load).collect::<Result<_>>()?;
        self.photos.extend(loaded);
        Ok(())
    }

    /// Drops the pixels of all but these photos; returns those that are to be loaded.
    pub fn keep_images(&mut self, wanted: &BTreeSet<usize>) -> Vec<usize> {
        pixels::keep(&mut self.images, wanted)
    }

    /// Decodes photos whose features are loaded. One that is unreadable or has changed is left out.
    pub fn load_images(&mut self, files: Vec<(usize, PhotoFile)>, options: &ClusterOptions) {
        let Some(refinement) = &options.matching.refinement else {
            return;
        };
        let decode = &options.matching.decode;
        let open = |(number, file): (usize, PhotoFile)| {
            let (hash, _) = self.photos.get(&number)?;
            let photo = match file {
                PhotoFile::Path(path) => Photo::open(path, decode),
                PhotoFile::Bytes(path, bytes) => Photo::decode(&bytes, path, decode),
            };
            Some((number, prepared(&photo.ok()?, hash, refinement)?))
        };
        let images: Vec<_> = files.into_par_iter().filter_map(open).collect();
        self.images.extend(images);
    }

    /// Scores pairs by their features, without a prior, and gives the [`Judgement::worth`] of those that are worth
    /// comparing by pixels.
    ///
    /// # Errors
    /// [`Error::Features`] when a photo is not loaded, and the errors of matching two photos.
    pub fn verify(
        &self,
        pairs: &[(usize, usize)],
        options: &ClusterOptions,
    ) -> Result<Vec<(VerifiedPair, Option<f32>)>> {
        let judgement = judgement_of(options)?;
        let verify = |&pair: &(usize, usize)| {
            let (names, [(hash1, a), (hash2, b)]) = self.pair(pair)?;
            let record = verify_loaded([hash1, hash2], [a, b], &options.matching)?;
            Ok(judged(options, names, record, judgement))
        };
        pairs.par_iter().map(verify).collect()
    }

    /// Scores pairs by their pixels too, without a prior; none where a photo is left out, or without an overlap.
    ///
    /// # Errors
    /// As [`PairBlock::verify`].
    pub fn compare(
        &self,
        pairs: &[(usize, usize)],
        options: &ClusterOptions,
    ) -> Result<Vec<Option<VerifiedPair>>> {
        let judgement = judgement_of(options)?;
        let compare = |&pair: &(usize, usize)| {
            let (names, [(hash1, a), (hash2, b)]) = self.pair(pair)?;
            let [first, second] = names.by_content();
            let (Some(image_a), Some(image_b)) =
                (self.images.get(&first), self.images.get(&second))
            else {
                return Ok(None);
            };
            let images = [image_a, image_b];
            let record = compare_loaded([hash1, hash2], [a, b], images, &options.matching)?;
            let record = record.filter(|record| record.pixels.is_some());
            Ok(record.map(|record| judged_pair(names, &record, judgement)))
        };
        pairs.par_iter().map(compare).collect()
    }

    /// The identity of a pair, and its photos in the order of their content.
    fn pair(&self, (image1, image2): (usize, usize)) -> Result<(PairNames, [&Held; 2])> {
        let images = [image1.min(image2), image1.max(image2)];
        let photo = |number: usize| {
            self.photos.get(&number).ok_or_else(|| Error::Features {
                reason: format!("photo {number} is not loaded"),
            })
        };
        let photos = [photo(images[0])?, photo(images[1])?];
        let names = PairNames {
            images,
            hashes: photos.map(|photo| photo.0),
        };
        Ok(match names.is_swapped() {
            true => (names, [photos[1], photos[0]]),
            false => (names, photos),
        })
    }
}

/// An order of distinct pairs in which neighbours share photos, and runs of it with at most `max_photos` photos.
pub fn pair_groups(pairs: &[(usize, usize)], max_photos: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    let photos = |at: &usize| [pairs[*at].0, pairs[*at].1];
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    pixels::sort_by_neighborhood(&mut order, photos);
    let groups = pixels::groups(&order, photos, max_photos);
    (order, groups)
}

/// Evidence of a pair by its adjusted log-odds, which include the prior, the [`LinkBalance::gain`] and the loss by
/// [`Rivals`]: a pair with 1 and more links its photos, 0 and less is none. `is_first`: for the first clusters,
/// whatever the minimum probability of `options`.
pub fn link_evidence(
    log_odds: f64,
    num_inliers: usize,
    is_copy: bool,
    is_first: bool,
    options: &ClusterOptions,
) -> f64 {
    let cut = if is_first {
        FIRST_CUT
    } else {
        options.min_probability
    };
    Linkage::new(cut, options).evidence(log_odds, num_inliers, is_copy)
}

/// Whether a pair may link its photos if it is probable enough. Others are no [`Rivals`].
pub fn may_link(num_inliers: usize, is_copy: bool, options: &ClusterOptions) -> bool {
    Linkage::new(options.min_probability, options).may_link(num_inliers, is_copy)
}

/// The clusters of whole components: of the first `num_members` of `num_photos` photos, in the order of their
/// numbers. `links` are all pairs of these photos and their evidence, also those with photos of other components,
/// which are the others here, in any order. `has_all_pairs`: whether every pair of all photos was verified.
pub fn component_clusters(
    num_members: usize,
    num_photos: usize,
    links: &[(usize, usize, f64)],
    has_all_pairs: bool,
) -> Vec<Cluster> {
    let link = |&(image1, image2, evidence): &(usize, usize, f64)| Link {
        image1,
        image2,
        evidence,
    };
    let links = links.iter().map(link);
    let mut found = clusters(num_photos, links, has_all_pairs, &Constraints::default());
    found.retain(|cluster| cluster.members.iter().all(|&photo| photo < num_members));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn components_one_by_one_give_the_clusters_of_all(
            links in proptest::collection::vec((0..30u32, 0..30u32, 0.0..2.0f64), 0..60),
            has_all_pairs in any::<bool>(),
        ) {
            let mut links: Vec<_> = links.into_iter().filter(|(a, b, _)| a < b).collect();
            links.sort_by_key(|(a, b, _)| (*a, *b));
            links.dedup_by_key(|(a, b, _)| (*a, *b));
            let mut components = Components::new(30);
            for (a, b, _) in links.iter().filter(|(.., evidence)| *evidence >= 1.0) {
                components.join(*a, *b).unwrap();
            }
            let first = components.into_first_photos();
            let mut found = Vec::new();
            for start in (0..30).filter(|photo| first[*photo as usize] == *photo) {
                let is_member = |photo: &u32| first[*photo as usize] == start;
                let mut photos: Vec<u32> = (0..30).filter(is_member).collect();
                let num_members = photos.len();
                photos.extend((0..30).filter(|photo| !is_member(photo)));
                let number = |photo: u32| photos.iter().position(|other| *other == photo).unwrap();
                let own: Vec<_> = links
                    .iter()
                    .filter(|(a, b, _)| is_member(a) || is_member(b))
                    .map(|(a, b, evidence)| (number(*a), number(*b), *evidence))
                    .collect();
                for cluster in component_clusters(num_members, 30, &own, has_all_pairs) {
                    let named = |number: &usize| photos[*number] as usize;
                    found.push((
                        cluster.members.iter().map(named).collect::<Vec<_>>(),
                        cluster.scores,
                        named(&cluster.representative),
                    ));
                }
            }
            found.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
            let all = links.iter().map(|&(image1, image2, evidence)| Link {
                image1: image1 as usize,
                image2: image2 as usize,
                evidence,
            });
            let expected: Vec<_> = clusters(30, all, has_all_pairs, &Constraints::default())
                .into_iter()
                .map(|cluster| (cluster.members, cluster.scores, cluster.representative))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
