//! The values of a folder report, and the source of its pictures.
//!
//! Positions are pixels of the original photos, (0, 0) is the centre of the top-left pixel.

use std::ops::Range;

use crate::error::{Error, Result};

/// Content of a folder report, without its pictures, which come from a [`ReportSource`].
#[derive(Debug, Clone, Default)]
pub struct FolderReport {
    /// Title of the page, such as the folder's name. May hold any characters.
    pub title: String,
    /// The readable photos, in the order that everything else counts them in.
    pub photos: Vec<ReportPhoto>,
    /// Every photo once. Pictures of photos that stand together here are read together; those of one cluster
    /// should.
    pub order: Vec<u32>,
    /// The positions of the slider, strictest first; at least one.
    pub cuts: Vec<ReportCut>,
    /// The index of the cut that the page opens with.
    pub default_cut: usize,
    /// The verified pairs.
    pub pairs: Vec<ReportPair>,
    /// Files that could not be read.
    pub failures: Vec<ReportFailure>,
}

/// A file that could not be read.
#[derive(Debug, Clone, Default)]
pub struct ReportFailure {
    /// Its path, as it is shown. May hold any characters.
    pub path: String,
    /// The reason, on one line.
    pub reason: String,
}

/// A photo of a folder report.
#[derive(Debug, Clone, Default)]
pub struct ReportPhoto {
    /// The path as it is shown and exported. May hold any characters.
    pub path: String,
    /// A URL reference from the report's file to the photo, as [`href`](super::href) makes it. Without one, or
    /// where the browser cannot show the file, pairs are drawn on the thumbnails.
    pub href: Option<String>,
    /// Width of the upright photo, in pixels; at least 1.
    pub width: u32,
    /// Height of the upright photo, in pixels; at least 1.
    pub height: u32,
}

/// The clusters at one threshold.
#[derive(Debug, Clone, Default)]
pub struct ReportCut {
    /// Pairs from this probability on were linked, from 0 to 1.
    pub min_probability: f64,
    /// The cluster of each photo, from 0, largest cluster first.
    pub cluster_of_photo: Vec<u32>,
    /// Score of each photo in its cluster, as in clusters.csv; higher is better.
    pub score_of_photo: Vec<f32>,
    /// The photo that stands for each cluster.
    pub representative_of_cluster: Vec<u32>,
    /// The least probable of the pairs that hold each cluster together, the last edge of its maximum spanning
    /// tree; none where no pair does.
    pub weakest_of_cluster: Vec<Option<WeakestLink>>,
    /// Photos that are marked as uncertain members.
    pub uncertain_photos: Vec<u32>,
}

/// A pair that holds a cluster together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeakestLink {
    /// Index of photo 1.
    pub image1: u32,
    /// Index of photo 2.
    pub image2: u32,
    /// The probability that both photos show the same thing, from 0 to 1.
    pub probability: f64,
}

/// A verified pair of photos.
#[derive(Debug, Clone, Default)]
pub struct ReportPair {
    /// Index of photo 1.
    pub image1: u32,
    /// Index of photo 2, another one.
    pub image2: u32,
    /// Pairs of similar descriptors.
    pub num_matches: u32,
    /// Matches that the transform explains.
    pub num_inliers: u32,
    /// The probability that both photos show the same thing, from 0 to 1.
    pub probability: f64,
    /// "copy" or "view"; `None` where the pixels were not compared.
    pub relation: Option<&'static str>,
    /// Mean correlation of the aligned places by attention, -1 to 1; `None` where not compared.
    pub agreement: Option<f32>,
    /// Share of the attention that falls on places which contradict, 0 to 1; `None` where not compared.
    pub contradiction: Option<f32>,
}

/// Content of the picture of a pair.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairDrawing {
    /// Inliers, x and y in photo 1, x and y in photo 2, in pixels. Of more than 40 the page gets 40,
    /// evenly taken, so that its size stays bounded.
    pub inliers: Vec<[f32; 4]>,
    /// The transform that maps photo 1 to photo 2 in pixels, row after row; `None` without one.
    pub transform: Option<[f64; 9]>,
    /// Places of photo 2 that were compared; `None` if not computed.
    pub places: Option<ReportPlaces>,
}

/// Places of photo 2 that were compared with photo 1, x and y in pixels of photo 2. Of more than
/// 1000 of a kind the page gets 1000.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportPlaces {
    /// Where both photos look alike.
    pub agreeing: Vec<[f32; 2]>,
    /// Where they look different.
    pub contradicting: Vec<[f32; 2]>,
}

/// Source of a report's pictures, a part at a time, so that memory need not hold them all.
pub trait ReportSource {
    /// A JPEG of each of these photos, as [`thumbnail`](super::thumbnail) makes it; empty where there is none.
    ///
    /// # Errors
    /// Those of the source; they end the report.
    fn thumbnails(&mut self, photos: &[u32]) -> Result<Vec<Vec<u8>>>;

    /// The drawings of these pairs of the report.
    ///
    /// # Errors
    /// Those of the source; they end the report.
    fn drawings(&mut self, pairs: Range<usize>) -> Result<Vec<PairDrawing>>;
}

/// A [`ReportSource`] in memory.
#[derive(Debug, Clone, Default)]
pub struct LoadedPictures {
    /// A JPEG a photo.
    pub thumbnails: Vec<Vec<u8>>,
    /// A drawing a pair.
    pub drawings: Vec<PairDrawing>,
}

impl ReportSource for LoadedPictures {
    fn thumbnails(&mut self, photos: &[u32]) -> Result<Vec<Vec<u8>>> {
        let one = |photo: &u32| self.thumbnails.get(*photo as usize).cloned();
        let all: Option<Vec<Vec<u8>>> = photos.iter().map(one).collect();
        all.ok_or_else(|| Error::option("thumbnails", "one a photo is needed"))
    }

    fn drawings(&mut self, pairs: Range<usize>) -> Result<Vec<PairDrawing>> {
        let drawings = self.drawings.get(pairs).map(<[PairDrawing]>::to_vec);
        drawings.ok_or_else(|| Error::option("drawings", "one a pair is needed"))
    }
}

impl ReportCut {
    /// The photos one cluster after the other: [`FolderReport::order`] for a page that opens with this cut.
    pub fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.cluster_of_photo.len() as u32).collect();
        order.sort_by_key(|photo| self.cluster_of_photo[*photo as usize]);
        order
    }
}

impl FolderReport {
    /// # Errors
    /// [`Error::InvalidOption`] names the field when an index points at no photo or cut, lists differ in length,
    /// a photo has no size, or there is no cut.
    pub(super) fn validate(&self) -> Result<()> {
        let num_photos = self.photos.len();
        if let Some(photo) = self.photos.iter().find(|p| p.width == 0 || p.height == 0) {
            return Err(Error::option(
                "photos",
                format!("{} has no size", photo.path),
            ));
        }
        let mut is_placed = vec![false; num_photos];
        for photo in &self.order {
            match is_placed.get_mut(*photo as usize) {
                Some(placed) if !*placed => *placed = true,
                _ => {
                    return Err(Error::option(
                        "order",
                        format!("photo {photo} is no photo, or there twice"),
                    ));
                }
            }
        }
        if self.order.len() != num_photos {
            let reason = format!("{} of {num_photos} photos", self.order.len());
            return Err(Error::option("order", reason));
        }
        if self.cuts.is_empty() {
            return Err(Error::option("cuts", "there is none"));
        }
        if self.default_cut >= self.cuts.len() {
            let reason = format!("{} of {} cuts", self.default_cut, self.cuts.len());
            return Err(Error::option("default_cut", reason));
        }
        for cut in &self.cuts {
            cut.validate(num_photos)?;
        }
        let is_photo = |index: u32| (index as usize) < num_photos;
        let is_pair = |pair: &ReportPair| {
            is_photo(pair.image1) && is_photo(pair.image2) && pair.image1 != pair.image2
        };
        match self.pairs.iter().position(|pair| !is_pair(pair)) {
            Some(index) => Err(Error::option(
                "pairs",
                format!("pair {index} does not join two of {num_photos} photos"),
            )),
            None => Ok(()),
        }
    }
}

impl ReportCut {
    fn validate(&self, num_photos: usize) -> Result<()> {
        let num_clusters = self.representative_of_cluster.len();
        for (name, length, needed) in [
            ("cluster_of_photo", self.cluster_of_photo.len(), num_photos),
            ("score_of_photo", self.score_of_photo.len(), num_photos),
            (
                "weakest_of_cluster",
                self.weakest_of_cluster.len(),
                num_clusters,
            ),
        ] {
            if length != needed {
                let reason = format!("{length} values, not {needed}");
                return Err(Error::option(name, reason));
            }
        }
        let clusters = &self.cluster_of_photo;
        if let Some(cluster) = clusters.iter().find(|c| **c as usize >= num_clusters) {
            let reason = format!("cluster {cluster} of {num_clusters} with a representative");
            return Err(Error::option("cluster_of_photo", reason));
        }
        for (cluster, photo) in self.representative_of_cluster.iter().enumerate() {
            if clusters.get(*photo as usize).copied() != u32::try_from(cluster).ok() {
                let reason = format!("photo {photo} is not in cluster {cluster}");
                return Err(Error::option("representative_of_cluster", reason));
            }
        }
        let weakest = self.weakest_of_cluster.iter().flatten();
        let named = weakest
            .flat_map(|link| [link.image1, link.image2])
            .map(|photo| ("weakest_of_cluster", photo));
        let uncertain = self
            .uncertain_photos
            .iter()
            .map(|photo| ("uncertain_photos", *photo));
        match named
            .chain(uncertain)
            .find(|(_, photo)| *photo as usize >= num_photos)
        {
            Some((name, photo)) => Err(Error::option(
                name,
                format!("{photo} of {num_photos} photos"),
            )),
            None => Ok(()),
        }
    }
}
