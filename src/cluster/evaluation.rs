//! Agreement of clusters with true classes.
//!
//! All measures are made from the contingency table of true and found labels. The adjusted Rand
//! index is Hubert and Arabie's (*Comparing Partitions*, Journal of Classification 1985); NMI is
//! mutual information over the mean of both entropies; BCubed is Bagga and Baldwin's (1998), a mean
//! over photos. Where nothing could be wrong, as the precision of no pairs at all, a measure is 1.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Precision, recall and their harmonic mean, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// Share of the claimed that is true.
    pub precision: f64,
    /// Share of the true that is claimed.
    pub recall: f64,
    /// Harmonic mean of both; 0 when both are 0.
    pub f1: f64,
}

impl Scores {
    fn new(precision: f64, recall: f64) -> Self {
        let sum = precision + recall;
        let f1 = if sum > 0.0 {
            2.0 * precision * recall / sum
        } else {
            0.0
        };
        Self {
            precision,
            recall,
            f1,
        }
    }
}

/// The measures of [`evaluate`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Photos that have both labels.
    pub num_photos: usize,
    /// True classes.
    pub num_true: usize,
    /// Clusters.
    pub num_found: usize,
    /// Rand index adjusted for chance: 1 for the same partition, 0 for chance, at least -1.
    pub adjusted_rand: f64,
    /// Share of the pairs of photos on which both labellings agree, 0 to 1.
    pub rand: f64,
    /// Mutual information over the mean of both entropies, 0 to 1.
    pub nmi: f64,
    /// Over pairs of photos: together in the clusters, together in the classes.
    pub pairwise: Scores,
    /// Over photos.
    pub bcubed: Scores,
}

/// Compares the labels of the same photos in the same order. Labels have no meaning but equality.
///
/// # Errors
/// [`Error::InvalidOption`] when there are no labels or the numbers of labels differ.
pub fn evaluate<T: Ord, P: Ord>(truth: &[T], pred: &[P]) -> Result<Evaluation> {
    if truth.is_empty() || truth.len() != pred.len() {
        let reason = format!("{} labels for {} true ones", pred.len(), truth.len());
        return Err(Error::option("pred", reason));
    }
    let mut both = BTreeMap::new();
    let mut rows = BTreeMap::new();
    let mut columns = BTreeMap::new();
    for (t, p) in truth.iter().zip(pred) {
        *both.entry((t, p)).or_insert(0.0) += 1.0;
        *rows.entry(t).or_insert(0.0) += 1.0;
        *columns.entry(p).or_insert(0.0) += 1.0;
    }
    let n = truth.len() as f64;
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    let all_pairs = pairs(n);
    let in_both: f64 = both.values().copied().map(pairs).sum();
    let in_truth: f64 = rows.values().copied().map(pairs).sum();
    let in_pred: f64 = columns.values().copied().map(pairs).sum();

    let by_chance = ratio(in_truth * in_pred, all_pairs);
    let at_most = (in_truth + in_pred) / 2.0;
    let adjusted_rand = ratio(in_both - by_chance, at_most - by_chance);
    let rand = ratio(all_pairs + 2.0 * in_both - in_truth - in_pred, all_pairs);

    let entropy = |counts: &mut dyn Iterator<Item = f64>| -> f64 {
        counts.map(|count| -count / n * (count / n).ln()).sum()
    };
    let entropy_truth = entropy(&mut rows.values().copied());
    let entropy_pred = entropy(&mut columns.values().copied());
    let entropy_both = entropy(&mut both.values().copied());
    let information = entropy_truth + entropy_pred - entropy_both;
    let nmi = ratio(information.max(0.0), (entropy_truth + entropy_pred) / 2.0).min(1.0);

    let mut precision = 0.0;
    let mut recall = 0.0;
    for ((t, p), count) in &both {
        precision += count * count / columns[p];
        recall += count * count / rows[t];
    }
    Ok(Evaluation {
        num_photos: truth.len(),
        num_true: rows.len(),
        num_found: columns.len(),
        adjusted_rand,
        rand,
        nmi,
        pairwise: Scores::new(ratio(in_both, in_pred), ratio(in_both, in_truth)),
        bcubed: Scores::new(precision / n, recall / n),
    })
}

/// `part / whole`, 1 when there is no whole.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 1.0 } else { part / whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn by_hand() {
        // Pairs: 3 true (01 02 12), 2 + 1... of {0,1}, {2,3}: 2 found, of which one (01) is true.
        let found = evaluate(&["a", "a", "a", "b"], &[0, 0, 1, 1]).unwrap();
        assert_eq!(
            (found.num_photos, found.num_true, found.num_found),
            (4, 2, 2)
        );
        near(found.pairwise.precision, 0.5);
        near(found.pairwise.recall, 1.0 / 3.0);
        near(found.pairwise.f1, 0.4);
        // Agreed pairs: 01 together, 03 and 13 apart.
        near(found.rand, 0.5);
        // By chance 3 * 2 / 6 = 1 pair, which is what was found.
        near(found.adjusted_rand, 0.0);
        // Precision: 1, 1, 1/2, 1/2; recall: 2/3, 2/3, 1/3, 1.
        near(found.bcubed.precision, 0.75);
        near(found.bcubed.recall, 2.0 / 3.0);
        let truth = -(0.75f64 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        let both = 1.5 * 2f64.ln();
        let pred = 2f64.ln();
        near(found.nmi, (truth + pred - both) / ((truth + pred) / 2.0));
    }

    #[test]
    fn worse_than_chance_is_negative() {
        // 2 true pairs, 2 found, none in common: (0 - 4/6) / (2 - 4/6) = -1/2.
        let found = evaluate(&[0, 0, 1, 1], &[0, 1, 0, 1]).unwrap();
        near(found.adjusted_rand, -0.5);
        near(found.pairwise.f1, 0.0);
        near(found.nmi, 0.0);
    }

    #[test]
    fn a_labelling_with_itself_is_perfect() {
        for labels in [vec![7], vec![1, 1, 1], vec![1, 2, 3], vec![2, 1, 2, 3, 3]] {
            let found = evaluate(&labels, &labels).unwrap();
            for value in [
                found.adjusted_rand,
                found.rand,
                found.nmi,
                found.pairwise.f1,
                found.bcubed.f1,
            ] {
                near(value, 1.0);
            }
        }
    }

    #[test]
    fn names_and_order_do_not_matter() {
        let truth = [0, 0, 1, 1, 2, 2, 2];
        let pred = [5, 5, 5, 6, 7, 7, 6];
        let renamed: Vec<_> = pred.iter().map(|p| 100 - p).collect();
        let first = evaluate(&truth, &pred).unwrap();
        assert_eq!(first.rand, evaluate(&truth, &renamed).unwrap().rand);
        let reversed = |labels: &[i32]| labels.iter().rev().copied().collect::<Vec<_>>();
        let second = evaluate(&reversed(&truth), &reversed(&renamed)).unwrap();
        near(first.adjusted_rand, second.adjusted_rand);
        near(first.nmi, second.nmi);
        near(first.bcubed.f1, second.bcubed.f1);
    }

    #[test]
    fn labels_that_do_not_pair_up_are_refused() {
        assert!(evaluate::<u8, u8>(&[], &[]).is_err());
        assert!(evaluate(&[1, 2], &[1]).is_err());
    }
}
