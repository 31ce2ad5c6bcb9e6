//! Labels photos with a trained classifier: softmax and geometry scores of each class, and their fusion.

use std::path::Path;

use rayon::prelude::*;

use super::options::ClassifierOptions;
use super::photos::{PhotoFeatures, features_of, local_options, read_photo};
use crate::classify::{
    Classifier, Evidence, ReferenceMatch, SURE_LOG_ODDS, arg_max, log_odds_of_inliers,
};
use crate::error::{Error, Result};
use crate::extract::Model;
use crate::features::FeatureSet;
use crate::image::{DecodeOptions, Photo};
use crate::matching::SearchKind;
use crate::pipeline::cache::FeatureCache;
use crate::pipeline::evidence::feature_evidence;
use crate::pipeline::{MatchOptions, match_features, seed_from_content};
use crate::scoring::{Judgement, KeypointTree, PairEvidence};

/// Classes matched by geometry: the most probable ones of the layer.
const MAX_CLASSES: usize = 5;
/// Training photos of each such class that are tried: those most alike as wholes.
const MAX_PHOTOS_PER_CLASS: usize = 4;
/// Training photos of any class that are tried because they are most alike as wholes.
const MAX_ALIKE: usize = 6;

/// A classifier with its network.
pub struct PhotoClassifier<'a> {
    classifier: &'a Classifier,
    model: &'a Model,
    matching: MatchOptions,
    decode: DecodeOptions,
}

/// The result for one photo. Probabilities are from 0 to 1, one per class.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Classification {
    /// From the softmax score alone.
    pub layer_probabilities: Vec<f64>,
    /// From both scores.
    pub probabilities: Vec<f64>,
    /// The most probable class by both scores.
    pub class: usize,
    /// The most probable class by the softmax score alone.
    pub layer_class: usize,
    /// The training photo that most probably shows the same thing, where geometry found any.
    pub best_match: Option<ReferenceMatch>,
    /// The class of that photo.
    pub geometry_class: Option<usize>,
    /// The probability that the photo belongs to `class` and not to none.
    pub fit_probability: f64,
    /// Whether the geometry score is at least [`SURE_LOG_ODDS`] for another class than the softmax score's.
    pub scores_disagree: bool,
}

impl<'a> PhotoClassifier<'a> {
    /// Joins a classifier and its network. Photos are decoded within the default limits and matched as the network
    /// was measured; a classifier that was trained otherwise needs [`Self::with_options`].
    ///
    /// # Errors
    /// [`Error::Model`] when `model` is not the network that the classifier was trained with.
    pub fn new(classifier: &'a Classifier, model: &'a Model) -> Result<Self> {
        let (own, given) = (&classifier.network, model.manifest());
        if own.sha256 != given.sha256 {
            return Err(Error::Model {
                path: model.path().to_owned(),
                reason: format!(
                    "the classifier was trained with network `{}` (sha256 {}), this is `{}` (sha256 {}); name the right one with --model or train again",
                    own.name,
                    short(&own.sha256),
                    given.name,
                    short(&given.sha256)
                ),
            });
        }
        Ok(Self {
            classifier,
            model,
            matching: MatchOptions {
                extraction: local_options(&classifier.settings),
                ..model.match_options()
            },
            decode: DecodeOptions::default(),
        })
    }

    /// The same with the limits on what is decoded and the matching of `options`. They must be those that the
    /// classifier was trained with, as its calibration is; its file does not hold them, and [`Self::new`] takes the
    /// defaults. The extraction of features comes from the file.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn with_options(mut self, options: &ClassifierOptions) -> Result<Self> {
        options.validate()?;
        self.decode = options.decode.clone();
        if let Some(matching) = &options.geometry {
            self.matching = MatchOptions {
                extraction: local_options(&self.classifier.settings),
                ..matching.clone()
            };
        }
        Ok(self)
    }

    /// The same with another search of descriptors, which changes the time and not the answers.
    #[must_use]
    pub fn with_search(mut self, search: SearchKind) -> Self {
        self.matching.matching.search = search;
        self
    }

    /// The classifier.
    pub fn classifier(&self) -> &Classifier {
        self.classifier
    }

    /// Labels the photo at `path`. Deterministic.
    ///
    /// # Errors
    /// As [`read_photo`].
    pub fn classify_path(&self, path: &Path, cache: &dyn FeatureCache) -> Result<Classification> {
        let photo = self.read(path, cache)?;
        self.classify(&photo)
    }

    /// Reads the classifier's inputs from the photo at `path`.
    ///
    /// # Errors
    /// As [`read_photo`].
    pub fn read(&self, path: &Path, cache: &dyn FeatureCache) -> Result<PhotoFeatures> {
        let with_local = self.classifier.has_geometry();
        let settings = &self.classifier.settings;
        read_photo(self.model, path, settings, with_local, &self.decode, cache)
    }

    /// The classifier's inputs of a photo in memory.
    ///
    /// # Errors
    /// As [`read_photo`], but for the file.
    pub fn features_of(&self, photo: &Photo) -> Result<PhotoFeatures> {
        let with_local = self.classifier.has_geometry();
        features_of(self.model, photo, &self.classifier.settings, with_local)
    }

    /// Labels a photo. A training photo with the same content is not matched with itself.
    /// Deterministic.
    ///
    /// # Errors
    /// [`Error::Features`] when its features are not of the classifier's network.
    pub fn classify(&self, photo: &PhotoFeatures) -> Result<Classification> {
        let logits = self.classifier.layer.logits(&photo.global)?;
        let matches = match_references(self.classifier, photo, &logits, &self.matching)?;
        let evidence = self.classifier.evidence(&photo.global, &matches)?;
        Ok(conclude(self.classifier, &evidence, &matches))
    }
}

impl Classification {
    /// Whether the best match is at least [`SURE_LOG_ODDS`].
    pub fn is_geometry_sure(&self) -> bool {
        self.best_match.is_some_and(is_sure)
    }
}

fn is_sure(found: ReferenceMatch) -> bool {
    found.log_odds >= SURE_LOG_ODDS
}

/// Fuses both scores.
pub(super) fn conclude(
    classifier: &Classifier,
    evidence: &Evidence,
    matches: &[ReferenceMatch],
) -> Classification {
    let calibration = &classifier.calibration;
    let layer_probabilities = calibration.layer_probabilities(evidence);
    let probabilities = calibration.probabilities(evidence);
    let (class, layer_class) = (arg_max(&probabilities), arg_max(&layer_probabilities));
    // The first of the most probable ones.
    let best_match = matches
        .iter()
        .copied()
        .rev()
        .filter(|found| found.num_inliers > 0)
        .max_by(|a, b| a.log_odds.total_cmp(&b.log_odds));
    let geometry_class = best_match.map(|found| classifier.references[found.reference].class);
    Classification {
        fit_probability: calibration.fit_probability(evidence, class),
        scores_disagree: best_match.is_some_and(is_sure) && geometry_class != Some(layer_class),
        layer_probabilities,
        probabilities,
        class,
        layer_class,
        best_match,
        geometry_class,
    }
}

/// Matches a photo with the training photos of its likely classes, and with those most alike.
pub(super) fn match_references(
    classifier: &Classifier,
    photo: &PhotoFeatures,
    logits: &[f64],
    options: &MatchOptions,
) -> Result<Vec<ReferenceMatch>> {
    let Some(local) = &photo.local else {
        return Ok(Vec::new());
    };
    let judgement = Judgement::embedded()?;
    let local_tree = KeypointTree::new(local)?;
    candidates(classifier, photo, logits)
        .into_par_iter()
        .map(|index| {
            let reference = &classifier.references[index];
            let features: FeatureSet = reference.features()?;
            let tree = KeypointTree::new(&features)?;
            let seed = seed_from_content(&reference.content_hash, &photo.content_hash);
            let found = match_features(&features, local, options, seed)?;
            let num_inliers = found.num_inliers();
            let log_odds = match options.min_probability {
                Some(_) => {
                    let sets = [&features, local];
                    let evidence = feature_evidence(sets, [&tree, &local_tree], &found);
                    let evidence = evidence.map(|(features, _)| PairEvidence {
                        features,
                        pixels: None,
                    });
                    judgement.log_odds(evidence.as_ref())
                }
                None => log_odds_of_inliers(num_inliers, options.min_inliers),
            };
            Ok(ReferenceMatch {
                reference: index,
                num_inliers,
                log_odds,
            })
        })
        .collect()
}

/// Indices of training photos, each once, the most alike first.
fn candidates(classifier: &Classifier, photo: &PhotoFeatures, logits: &[f64]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    classes.truncate(MAX_CLASSES);
    let mut alike: Vec<(usize, f64)> = classifier
        .references
        .iter()
        .enumerate()
        .filter(|(_, reference)| reference.content_hash != photo.content_hash)
        .map(|(index, reference)| (index, reference.similarity(&photo.global)))
        .collect();
    alike.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut taken = vec![0; logits.len()];
    let chosen = alike.iter().enumerate().filter(|(rank, (index, _))| {
        let class = classifier.references[*index].class;
        let is_likely = classes.contains(&class) && taken[class] < MAX_PHOTOS_PER_CLASS;
        taken[class] += usize::from(is_likely);
        is_likely || *rank < MAX_ALIKE
    });
    chosen.map(|(_, (index, _))| *index).collect()
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
