//! The learned judgement of a pair: maps evidence to log-odds.
//!
//! Sums of small regression trees (gradient boosting; Friedman, *Annals of Statistics* 29(5), 2001), learned by
//! training/judgement.py on labelled pairs and shipped as `models/judgement.json`. Values that should only raise or
//! only lower the log-odds, such as agreement and colour difference, do so by constraint. There are five sums:
//! log-odds by features alone; log-odds by features and pixels; what differences of the aligned photos change in
//! them (training/differences.py); a prediction, by features, of the pairs that are worth comparing by
//! pixels; and log-odds of a copy against a view.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::evidence::{FeatureEvidence, PairEvidence, PixelEvidence};
use super::inputs::{FEATURE_INPUTS, PIXEL_INPUTS, feature_inputs, pixel_inputs};
use crate::error::{Error, Result};

/// The file that ships.
const EMBEDDED: &str = include_str!("../../models/judgement.json");
/// The version of the file's format.
const VERSION: u32 = 4;

/// An edited copy keeps its proportions about: a stretch beyond this is a view from the side. The
/// coarse transform is wrong by some percent.
const MAX_COPY_STRETCH: f32 = 1.12;

/// Pairs with this many inliers and more are always compared by pixels, whatever the other features, so that a
/// folder agrees with `match`, which compares every pair, where much agrees.
const MANY_INLIERS: u32 = 50;

/// Log-odds of two photos with texture whose files are equal, byte for byte: a probability of 1.
pub const SAME_FILE_LOG_ODDS: f64 = 40.0;

/// Upper limit of the log-odds of other pairs.
pub const MAX_LOG_ODDS: f64 = SAME_FILE_LOG_ODDS / 2.0;

/// A learned judgement of pairs.
#[derive(Debug, Clone)]
pub struct Judgement {
    no_transform: f64,
    max_not_compared: f64,
    min_worth: f64,
    share: f64,
    features: Ensemble,
    worth: Ensemble,
    pixels: Ensemble,
    differences: Ensemble,
    copies: Ensemble,
}

/// Relation of two photos of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// One picture: resized, cropped, recompressed, relit, written over, scanned again.
    Copy,
    /// Two photographs of one thing.
    View,
}

impl Relation {
    /// The name that serde writes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::View => "view",
        }
    }
}

/// The file, as it is written.
#[derive(Deserialize)]
struct File {
    version: u32,
    /// Log-odds of a pair without a transform.
    no_transform: f64,
    /// Upper limit of the log-odds of pairs whose pixels are not worth comparing.
    max_not_compared: f64,
    /// Least log-odds, that pixels leave a pair open, of pairs worth comparing.
    min_worth: f64,
    /// Share of true pairs, among those with log-odds by features from `max_not_compared`, that it was calibrated on.
    share: f64,
    features: EnsembleFile,
    /// Log-odds, by features, that pixels leave a pair open.
    worth: EnsembleFile,
    pixels: EnsembleFile,
    /// What is added to the log-odds by pixels of flat things, where it is below 0.
    differences: EnsembleFile,
    /// Log-odds that two photos of one thing are copies of one picture.
    copies: EnsembleFile,
}

#[derive(Deserialize)]
struct EnsembleFile {
    inputs: Vec<String>,
    base: f64,
    /// A tree is a list of nodes: `[input, threshold, below, above]`, or `[value]`.
    trees: Vec<Vec<Vec<f64>>>,
}

/// Trees that are walked down side by side: their nodes are read while others are compared.
const TREES_AT_ONCE: usize = 8;

#[derive(Debug, Clone)]
struct Ensemble {
    base: f64,
    /// The nodes of all trees, one tree after the other.
    nodes: Vec<Node>,
    /// The value of each node that is a leaf.
    answers: Vec<f64>,
    /// The first nodes of [`TREES_AT_ONCE`] trees, and the splits on the longest way down.
    groups: Vec<(Vec<usize>, usize)>,
}

/// A split, or a leaf, from which both ways lead back to it.
#[derive(Debug, Clone, Copy)]
struct Node {
    input: u16,
    /// Values up to this go below.
    threshold: f32,
    /// Steps to the next node in the list: `[below, above]`.
    steps: [u16; 2],
}

impl Judgement {
    /// The judgement that ships, read once a process.
    ///
    /// # Errors
    /// [`Error::Manifest`]; a test keeps the embedded one right.
    pub fn embedded() -> Result<&'static Self> {
        static READ: OnceLock<Judgement> = OnceLock::new();
        if let Some(judgement) = READ.get() {
            return Ok(judgement);
        }
        let judgement = Self::parse(EMBEDDED)?;
        Ok(READ.get_or_init(|| judgement))
    }

    /// Reads a judgement that training/judgement.py wrote.
    ///
    /// # Errors
    /// [`Error::Manifest`] for text that is no such file, another version, inputs that this version
    /// does not compute, or a tree that is no tree.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |reason: String| Error::Manifest {
            path: "judgement".into(),
            reason,
        };
        let file: File = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
        if file.version != VERSION {
            return Err(fail(format!("version {} is not {VERSION}", file.version)));
        }
        if !(file.share > 0.0 && file.share < 1.0) {
            return Err(fail(format!("share {} is not between 0 and 1", file.share)));
        }
        let both: Vec<&str> = FEATURE_INPUTS
            .iter()
            .chain(&PIXEL_INPUTS)
            .copied()
            .collect();
        let features = Ensemble::new(file.features, &FEATURE_INPUTS).map_err(&fail)?;
        let worth = Ensemble::new(file.worth, &FEATURE_INPUTS).map_err(&fail)?;
        let pixels = Ensemble::new(file.pixels, &both).map_err(&fail)?;
        let differences = Ensemble::new(file.differences, &both).map_err(&fail)?;
        let copies = Ensemble::new(file.copies, &both).map_err(&fail)?;
        Ok(Self {
            no_transform: file.no_transform,
            max_not_compared: file.max_not_compared,
            min_worth: file.min_worth,
            share: file.share,
            features,
            worth,
            pixels,
            differences,
            copies,
        })
    }

    /// Log-odds that two photos show the same thing, for the share of true pairs in training; without evidence,
    /// those of pairs without a transform.
    pub fn log_odds(&self, evidence: Option<&PairEvidence>) -> f64 {
        match evidence {
            None => self.no_transform,
            Some(PairEvidence { features, pixels }) => match pixels {
                Some(pixels) => {
                    let inputs = pixel_inputs(features, pixels);
                    self.pixels.sum(&inputs) + self.by_differences(pixels, &inputs)
                }
                None => self.by_features(features),
            },
        }
    }

    /// Worth of comparing the pixels of a pair: log-odds, by its features, that they leave it open; infinity from
    /// 50 inliers on, which pairs of different things hardly have; none for a pair that is not worth comparing.
    pub fn worth(&self, evidence: &FeatureEvidence) -> Option<f32> {
        if evidence.num_inliers >= MANY_INLIERS {
            return Some(f32::INFINITY);
        }
        let worth = self.worth.sum(&feature_inputs(evidence));
        (worth >= self.min_worth).then_some(worth as f32)
    }

    /// Upper limit of the log-odds of pairs whose pixels are not worth comparing: a clear no.
    pub fn max_not_compared(&self) -> f64 {
        self.max_not_compared
    }

    /// Whether two photos of one thing are copies of one picture or two views; none where the pixels
    /// were not compared.
    pub fn relation(&self, evidence: &PairEvidence) -> Option<Relation> {
        let pixels: &PixelEvidence = evidence.pixels.as_ref()?;
        let log_odds = self.copies.sum(&pixel_inputs(&evidence.features, pixels));
        Some(match log_odds > 0.0 && pixels.stretch <= MAX_COPY_STRETCH {
            true => Relation::Copy,
            false => Relation::View,
        })
    }

    /// Log-odds and relation of a pair. Equal files with texture, which have evidence, are copies, at
    /// [`SAME_FILE_LOG_ODDS`]; others have [`MAX_LOG_ODDS`] at most.
    pub fn verdict(
        &self,
        evidence: Option<&PairEvidence>,
        is_same_file: bool,
    ) -> (f64, Option<Relation>) {
        match evidence {
            Some(_) if is_same_file => (SAME_FILE_LOG_ODDS, Some(Relation::Copy)),
            Some(found) => {
                let log_odds = self.log_odds(evidence).min(MAX_LOG_ODDS);
                (log_odds, self.relation(found))
            }
            None => (self.log_odds(None), None),
        }
    }

    /// What differences add to the log-odds; they never raise them.
    fn by_differences(&self, pixels: &PixelEvidence, inputs: &[f32]) -> f64 {
        match pixels.differences.is_flat() {
            true => self.differences.sum(inputs).min(0.0),
            false => 0.0,
        }
    }

    fn by_features(&self, evidence: &FeatureEvidence) -> f64 {
        self.features.sum(&feature_inputs(evidence))
    }
}

/// The probability of these log-odds, 0 to 1.
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The log-odds of a probability between 0 and 1.
pub fn log_odds(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

/// Weight of the share of true pairs in training, in pairs.
const PRIOR_PAIRS: f64 = 50.0;
/// A folder lowers log-odds by at most this; it never raises them, as many alike pairs may also be
/// many things of one kind.
const MAX_LOWERED: f64 = 2.0;
const MAX_STEPS: usize = 200;

impl Judgement {
    /// Prior of a folder, to be added to the log-odds of all its pairs where true pairs are rarer than in training:
    /// by the share of true pairs that these log-odds make most probable, found by expectation maximisation
    /// (Saerens, Latinne and Decaestecker, *Neural Computation* 14, 2002). `pairs` are the log-odds of those
    /// compared by pixels, and of those that have [`Judgement::max_not_compared`] and more. Deterministic, in any
    /// order of the pairs.
    pub fn prior_log_odds(&self, pairs: &[f64]) -> f64 {
        let mut sorted = pairs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut share = self.share;
        for _ in 0..MAX_STEPS {
            let shift = log_odds(share) - log_odds(self.share);
            let expected: f64 = sorted.iter().map(|odds| probability(odds + shift)).sum();
            let num_pairs = sorted.len() as f64 + PRIOR_PAIRS;
            let next = (expected + self.share * PRIOR_PAIRS) / num_pairs;
            let is_settled = (next / share).ln().abs() < 1e-6;
            share = next;
            if is_settled {
                break;
            }
        }
        (log_odds(share) - log_odds(self.share)).clamp(-MAX_LOWERED, 0.0)
    }
}

impl Ensemble {
    fn new(file: EnsembleFile, names: &[&str]) -> std::result::Result<Self, String> {
        let inputs: Vec<u16> = file
            .inputs
            .iter()
            .map(|name| {
                let at = names.iter().position(|known| known == name);
                let at = at.ok_or_else(|| format!("input {name:?} is not known"))?;
                u16::try_from(at).map_err(|error| error.to_string())
            })
            .collect::<std::result::Result<_, _>>()?;
        let mut ensemble = Self {
            base: file.base,
            nodes: Vec::new(),
            answers: Vec::new(),
            groups: Vec::new(),
        };
        for trees in file.trees.chunks(TREES_AT_ONCE) {
            let (mut roots, mut deepest) = (Vec::with_capacity(trees.len()), 0);
            for nodes in trees {
                roots.push(ensemble.nodes.len());
                deepest = ensemble.push_tree(nodes, &inputs)?.max(deepest);
            }
            ensemble.groups.push((roots, deepest));
        }
        Ok(ensemble)
    }

    /// Adds a tree; returns the splits on its longest way down.
    fn push_tree(
        &mut self,
        nodes: &[Vec<f64>],
        inputs: &[u16],
    ) -> std::result::Result<usize, String> {
        if nodes.is_empty() {
            return Err("a tree has no nodes".into());
        }
        let mut depths = vec![0; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            let (node, answer) = match node[..] {
                [value] if value.is_finite() => {
                    let leaf = Node {
                        input: 0,
                        threshold: f32::INFINITY,
                        steps: [0, 0],
                    };
                    (leaf, value)
                }
                [input, threshold, below, above] => {
                    let depth = depths[at] + 1;
                    let mut step = |child: f64| {
                        let child = child as usize;
                        let deepest = depths.get_mut(child).filter(|_| child > at)?;
                        *deepest = depth.max(*deepest);
                        u16::try_from(child - at).ok()
                    };
                    let steps = (step(below), step(above));
                    match (inputs.get(input as usize), steps) {
                        (Some(&input), (Some(below), Some(above))) if threshold.is_finite() => {
                            let split = Node {
                                input,
                                threshold: largest_up_to(threshold),
                                steps: [below, above],
                            };
                            (split, 0.0)
                        }
                        _ => return Err(format!("node {at} leads nowhere")),
                    }
                }
                _ => return Err(format!("node {at} is neither a leaf nor a split")),
            };
            self.nodes.push(node);
            self.answers.push(answer);
        }
        Ok(depths.into_iter().max().unwrap_or(0))
    }

    fn sum(&self, values: &[f32]) -> f64 {
        let mut sum = 0.0;
        for (roots, deepest) in &self.groups {
            let mut places = [0; TREES_AT_ONCE];
            places[..roots.len()].copy_from_slice(roots);
            for _ in 0..*deepest {
                for at in &mut places {
                    let node = &self.nodes[*at];
                    let is_above = values[usize::from(node.input)] > node.threshold;
                    *at += usize::from(node.steps[usize::from(is_above)]);
                }
            }
            for &at in &places[..roots.len()] {
                sum += self.answers[at];
            }
        }
        self.base + sum
    }
}

/// The largest number of 32 bits that is not above `value`: a number of 32 bits is above both or neither.
fn largest_up_to(value: f64) -> f32 {
    let rounded = value as f32;
    match f64::from(rounded) > value {
        true => rounded.next_down(),
        false => rounded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::DifferenceEvidence;

    fn file(inputs: &str, trees: &str) -> String {
        let ensemble = format!(r#"{{"inputs": {inputs}, "base": 0.5, "trees": {trees}}}"#);
        format!(
            r#"{{"version": 4, "no_transform": -4.0, "max_not_compared": -3.0, "min_worth": -3.0, "share": 0.1,
                "features": {ensemble}, "worth": {ensemble}, "pixels": {ensemble}, "differences": {ensemble},
                "copies": {ensemble}}}"#
        )
    }

    #[test]
    fn trees_add_up() {
        let text = file(
            r#"["ln_inliers"]"#,
            "[[[0, 2.0, 1, 2], [-1.0], [2.0]], [[0.25]]]",
        );
        let judgement = Judgement::parse(&text).unwrap();
        assert_eq!(judgement.by_features(&FeatureEvidence::of(3)), -0.25);
        assert_eq!(judgement.by_features(&FeatureEvidence::of(30)), 2.75);
        assert_eq!(judgement.log_odds(None), -4.0);
        let seen = PairEvidence {
            features: FeatureEvidence::of(30),
            pixels: None,
        };
        assert_eq!(judgement.log_odds(Some(&seen)), 2.75);
        assert_eq!(judgement.relation(&seen), None);
        assert_eq!(judgement.verdict(Some(&seen), false), (2.75, None));
        let equal = (SAME_FILE_LOG_ODDS, Some(Relation::Copy));
        assert_eq!(judgement.verdict(Some(&seen), true), equal);
        assert_eq!(judgement.verdict(None, true), (-4.0, None));
    }

    #[test]
    fn differences_lower_log_odds_of_flat_things_alone() {
        let judged = |added: f64, following: f32| {
            let text = file(r#"["ln_inliers"]"#, &format!("[[[{added}]]]"));
            let mut pixels = PixelEvidence::from_bytes(&[0; 73 * 4]).unwrap();
            pixels.differences.following = following;
            let evidence = PairEvidence {
                features: FeatureEvidence::of(30),
                pixels: Some(pixels),
            };
            Judgement::parse(&text).unwrap().log_odds(Some(&evidence))
        };
        // All sums are the same, with a base of 0.5.
        assert_eq!(judged(-2.0, 0.8), -3.0);
        assert_eq!(judged(-2.0, 0.6), -1.5);
        assert_eq!(judged(-2.0, DifferenceEvidence::NONE.following), -1.5);
        assert_eq!(judged(0.25, 0.8), 0.75);
    }

    #[test]
    fn what_pixels_may_leave_open_is_worth_comparing() {
        // -3.5 for few inliers and for many, -2.5 between.
        let text = file(
            r#"["ln_inliers"]"#,
            "[[[0, 2.0, 1, 2], [-4.0], [0, 3.5, 3, 4], [-3.0], [-4.0]]]",
        );
        let judgement = Judgement::parse(&text).unwrap();
        let worth = |inliers| judgement.worth(&FeatureEvidence::of(inliers));
        assert_eq!([5, 20, 40].map(worth), [None, Some(-2.5), None]);
        assert_eq!(worth(MANY_INLIERS), Some(f32::INFINITY));
        assert_eq!(judgement.max_not_compared(), -3.0);
    }

    #[test]
    fn a_threshold_between_two_numbers_of_32_bits_parts_them() {
        for threshold in [0.1, -0.1, 1.0 / 3.0, 2.0, -7.3e-5, 1e-320] {
            let kept = largest_up_to(threshold);
            assert!(f64::from(kept) <= threshold && f64::from(kept.next_up()) > threshold);
        }
    }

    #[test]
    fn many_trees_of_different_depth_add_up() {
        // A chain of splits, each tree one split longer: the answer is the number of splits that the value passes.
        let tree = |length: usize| {
            let mut nodes: Vec<String> = (0..length)
                .map(|k| format!("[0, {k}.5, {}, {}]", length + 1 + k, k + 1))
                .collect();
            nodes.push(format!("[{length}]"));
            nodes.extend((0..length).map(|k| format!("[{k}]")));
            format!("[{}]", nodes.join(","))
        };
        let trees: Vec<String> = (0..21).map(tree).collect();
        let trees = format!("[{}]", trees.join(","));
        let judgement = Judgement::parse(&file(r#"["ln_inliers"]"#, &trees)).unwrap();
        for value in [0.2_f32, 1.0, 4.7, 11.5, 30.0] {
            let passed = |length: usize| (f64::from(value) - 0.5).ceil().clamp(0.0, length as f64);
            let expected: f64 = (0..21).map(passed).sum();
            assert_eq!(
                judgement.features.sum(&[value; 12]),
                0.5 + expected,
                "{value}"
            );
        }
    }

    #[test]
    fn a_node_with_two_parents_is_reached_by_the_longer_way() {
        let trees =
            "[[[0, 1.0, 1, 3], [0, 0.0, 2, 5], [0, -1.0, 4, 5], [0, 2.0, 4, 5], [7.0], [9.0]]]";
        let judgement = Judgement::parse(&file(r#"["ln_inliers"]"#, trees)).unwrap();
        for (value, expected) in [(-2.0, 7.0), (0.5, 9.0), (1.5, 7.0), (3.0, 9.0)] {
            assert_eq!(judgement.features.sum(&[value; 12]), 0.5 + expected);
        }
    }

    #[test]
    fn what_is_no_judgement_is_refused() {
        let bad = [
            "{}".to_owned(),
            file(r#"["luck"]"#, "[]"),
            file(r#"["ln_inliers"]"#, "[[]]"),
            file(r#"["ln_inliers"]"#, "[[[0, 2.0, 0, 1], [1.0]]]"),
            file(r#"["ln_inliers"]"#, "[[[0, 2.0, 1, 9], [1.0]]]"),
            file(r#"["ln_inliers"]"#, "[[[3, 2.0, 1, 2], [1.0], [1.0]]]"),
            file(r#"["ln_inliers"]"#, "[[[1.0, 2.0]]]"),
            file(r#"["ln_inliers"]"#, "[[[0.5]]]").replace("\"version\": 4", "\"version\": 3"),
        ];
        for text in bad {
            assert!(Judgement::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_folder_lowers_log_odds_where_true_pairs_are_rare() {
        let judgement = Judgement::parse(&file(r#"["ln_inliers"]"#, "[[[0.5]]]")).unwrap();
        let share = judgement.share;
        // Sure answers: one true pair in twenty.
        let mut pairs = vec![-20.0; 9_500];
        pairs.extend([20.0; 500]);
        let shift = judgement.prior_log_odds(&pairs);
        let expected = log_odds((500.0 + share * PRIOR_PAIRS) / (10_000.0 + PRIOR_PAIRS));
        assert!(
            (shift - (expected - log_odds(share))).abs() < 1e-4,
            "{shift}"
        );
        assert_eq!(judgement.prior_log_odds(&[-20.0; 100_000]), -MAX_LOWERED);
        assert_eq!(judgement.prior_log_odds(&[20.0; 1000]), 0.0);
        assert!(judgement.prior_log_odds(&[]).abs() < 1e-9);
    }

    #[test]
    fn the_embedded_one_is_read_and_prefers_evidence() {
        let judgement = Judgement::embedded().unwrap();
        let few = judgement.by_features(&FeatureEvidence::of(7));
        assert!(judgement.by_features(&FeatureEvidence::of(150)) > few + 2.0);
    }
}
