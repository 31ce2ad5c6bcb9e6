//! Search of a folder for photos that show the same thing as a query photo.

use std::path::Path;

use nalgebra::Matrix3;
use rayon::prelude::*;

use super::pixels::prepared;
use super::read::{Entry, features_of, read_folder, read_query};
use super::verify::match_entries;
use super::{ClusterOptions, Failure, FolderClusters, FolderSession, VerifiedPair, judged_pairs};
use crate::error::Result;
use crate::features::FeatureSet;
use crate::folder::PassedOver;
use crate::geometry::outline;
use crate::image::Photo;
use crate::pipeline::features::{correspondences, working_error_px};
use crate::pipeline::refined::refined_geometry;
use crate::refinement::RefinementImage;
use crate::scoring::Relation;

/// A photo that shows the same thing as the query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchHit {
    /// Its path below the folder, with `/` between names.
    pub path: String,
    /// Pairs of similar descriptors.
    pub num_matches: usize,
    /// Matches that one transform explains.
    pub num_inliers: usize,
    /// The probability that it shows the same thing as the query.
    pub probability: f64,
    /// Whether it is an edited copy of the query or another view; none where the pixels were not
    /// compared.
    pub relation: Option<Relation>,
    /// Region of the query in the photo: its corners, from the top left on clockwise, in pixels of the photo; they
    /// may lie outside of it. By the refined transform where there is one, as `match` finds it. None when a part of
    /// the query has no place.
    pub region: Option<[[f64; 2]; 4]>,
}

/// The result of [`FolderSession::search`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResult {
    /// Best first, and before all others a photo whose file is the query's byte for byte.
    pub hits: Vec<SearchHit>,
    /// The number of photos searched.
    pub num_photos: usize,
    /// The photos and folders that could not be used, sorted by path.
    pub failures: Vec<Failure>,
    /// The files passed over.
    pub passed_over: PassedOver,
}

/// A photo of clusters that shows the same thing as the query.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PhotoHit {
    /// Its index in [`FolderClusters::photos`].
    pub photo: usize,
    /// Pairs of similar descriptors.
    pub num_matches: usize,
    /// Matches that one transform explains.
    pub num_inliers: usize,
    /// The probability that it shows the same thing as the query.
    pub probability: f64,
    /// Whether it is an edited copy of the query or another view; none where the pixels were not
    /// compared.
    pub relation: Option<Relation>,
}

impl FolderSession<'_> {
    /// As [`FolderSession::search`], among the photos of `found`. Best first.
    ///
    /// # Errors
    /// As [`FolderSession::search`].
    pub fn search_among(
        &self,
        query: impl AsRef<Path>,
        found: &FolderClusters,
    ) -> Result<Vec<PhotoHit>> {
        let mut entries = vec![read_query(self, query.as_ref())?];
        entries.extend(found.photos.iter().map(|photo| Entry::known(self, photo)));
        let pairs: Vec<(u32, u32)> = (1..entries.len() as u32).map(|photo| (0, photo)).collect();
        let (pairs, _) = judged_pairs(self, &entries, pairs)?;
        let hits = linked(&pairs, &entries, self.options);
        Ok(hits
            .into_iter()
            .map(|pair| PhotoHit {
                photo: pair.image2 - 1,
                num_matches: pair.num_matches,
                num_inliers: pair.num_inliers,
                probability: pair.probability(),
                relation: pair.relation,
            })
            .collect())
    }

    /// Finds the photos that show the same thing as the photo at `query`. Every photo is matched with the query;
    /// hits have at least the probability [`ClusterOptions::min_probability`](ClusterOptions).
    ///
    /// # Errors
    /// As [`FolderSession::cluster`], and the errors of opening the query.
    pub fn search(&self, query: impl AsRef<Path>) -> Result<SearchResult> {
        let query = read_query(self, query.as_ref())?;
        let folder = read_folder(self)?;
        let num_photos = folder.entries.len();
        let mut entries = vec![query];
        entries.extend(folder.entries);
        let pairs: Vec<(u32, u32)> = (1..entries.len() as u32).map(|photo| (0, photo)).collect();
        let (pairs, _) = judged_pairs(self, &entries, pairs)?;
        let linked = linked(&pairs, &entries, self.options);
        let query = Query::new(self, &entries)?;
        let hits = linked
            .into_par_iter()
            .map(|pair| {
                Ok(SearchHit {
                    path: entries[pair.image2].name.clone(),
                    num_matches: pair.num_matches,
                    num_inliers: pair.num_inliers,
                    probability: pair.probability(),
                    relation: pair.relation,
                    region: query.region(pair.image2)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(SearchResult {
            hits,
            num_photos,
            failures: folder.failures,
            passed_over: folder.passed_over,
        })
    }
}

/// The linked pairs of the first entry: the same file first, then the most probable.
fn linked<'a>(
    pairs: &'a [VerifiedPair],
    entries: &[Entry],
    options: &ClusterOptions,
) -> Vec<&'a VerifiedPair> {
    let linked = pairs.iter().filter(|pair| pair.is_linked(options));
    let mut linked: Vec<&VerifiedPair> = linked.collect();
    let is_same_file = |pair: &VerifiedPair| entries[pair.image2].hash == entries[0].hash;
    linked.sort_by(|a, b| {
        let by_file = is_same_file(b).cmp(&is_same_file(a));
        by_file.then_with(|| a.by_strength(b))
    });
    linked
}

/// The query, and what its place in other photos is found by.
struct Query<'a> {
    session: &'a FolderSession<'a>,
    entries: &'a [Entry],
    features: FeatureSet,
    /// None where pixels are not compared.
    image: Option<RefinementImage>,
}

impl<'a> Query<'a> {
    /// The first entry.
    fn new(session: &'a FolderSession<'a>, entries: &'a [Entry]) -> Result<Self> {
        Ok(Self {
            session,
            entries,
            features: features_of(session, session.feature_settings(), &entries[0])?,
            image: image(session, &entries[0]),
        })
    }

    /// The corners of the query in a photo.
    fn region(&self, photo: usize) -> Result<Option<[[f64; 2]; 4]>> {
        let Some(matrix) = self.transform(photo)? else {
            return Ok(None);
        };
        let query = &self.entries[0];
        let corners = outline(&matrix, query.width, query.height);
        Ok(corners.map(|corners| corners.map(|corner| [corner.x, corner.y])))
    }

    /// The transform from the query to a photo, right to the pixel where one is, as `match` finds it.
    fn transform(&self, photo: usize) -> Result<Option<Matrix3<f64>>> {
        let Self {
            session, entries, ..
        } = *self;
        let ([first, _], mut found) = match_entries(session, entries, (0, photo as u32))?;
        if first != 0 {
            found = found.swapped();
        }
        let Some(coarse) = found.geometry.as_ref().map(|geometry| geometry.matrix) else {
            return Ok(None);
        };
        let options = &session.options.matching;
        let images = self.image.as_ref().zip(image(session, &entries[photo]));
        let (Some(refinement), Some((query, image))) = (&options.refinement, images) else {
            return Ok(Some(coarse));
        };
        let features = features_of(session, session.feature_settings(), &entries[photo])?;
        let refined = refined_geometry(
            [query, &image],
            &coarse,
            &correspondences(&self.features, &features, found.inliers()),
            refinement,
            options.refined_kind,
            [&self.features, &features].map(|features| working_error_px(features, options)),
        )?;
        Ok(Some(
            refined.map_or(coarse, |(transform, _)| transform.matrix),
        ))
    }
}

/// A photo prepared for refinement; none where its pixels are not compared, or have changed since it was read.
fn image(session: &FolderSession<'_>, entry: &Entry) -> Option<RefinementImage> {
    let options = &session.options.matching;
    let refinement = options.refinement.as_ref()?;
    let photo = Photo::open(&entry.path, &options.decode).ok()?;
    prepared(&photo, &entry.hash, refinement)
}
