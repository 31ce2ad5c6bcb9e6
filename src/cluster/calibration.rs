//! How probable it is that photos of different things look as alike as two photos do.
//!
//! The scores of pairs that do not match spread about a value that differs from folder to folder: in a
//! folder of shoes everything is more alike than in a folder of everything. Most pairs of a folder do
//! not match, so their scores are measured there: over the pairs with fewer inliers than all but the
//! rarest false matches, the median and the distance from it to the 90th percentile. A normal
//! distribution with these gives the tail. Its 99th percentile and beyond was too careful on photos of
//! scenes, and not careful enough on a folder with look-alikes; [`super::classes`] copes with the
//! false links that remain.
//!
//! A small folder has few pairs, and a folder that shows one thing has few that do not match. So
//! values measured on photos of scenes count as much as [`PRIOR_PAIRS`] pairs, and the folder's own pairs
//! count by how far more than half of them look like strangers.
//!
//! Pixels enter as a factor: when one transform is right to the pixel, chance is ruled out, whatever
//! the features say. Pixels that do not agree say nothing of one pair, as the same thing from another
//! side does not agree either; but where they agree in few of a folder's strong pairs, the folder is one
//! of look-alikes: features count for less, and still less where colours differ. Elsewhere colours are
//! left out of it, as the light of a place changes and photos of one place fall apart by them.

use serde::{Deserialize, Serialize};

/// Pairs with fewer inliers than this are taken not to match: 99 % of those of UKBench that do not.
const MAX_STRANGER_INLIERS: usize = 12;
/// Median score of pairs that do not match, as measured on photos of different scenes with the network
/// before; with the present one 3.8, and a spread of 0.75 whose tail ends sooner (score 5.5 at 1e-3, where
/// these two say 5.95).
const PRIOR_CENTER: f64 = 4.0;
/// Standard deviation of the upper half, likewise.
const PRIOR_SPREAD: f64 = 0.63;
/// How many of a folder's pairs the prior is worth.
const PRIOR_PAIRS: f64 = 200.0;
/// A folder's spread is taken to be at least this.
const MIN_SPREAD: f64 = 0.4;
/// Standard normal quantile of the 90th percentile.
const Z90: f64 = 1.281_551_565_545;
/// Smaller probabilities are not told apart.
const MIN_PROBABILITY: f64 = 1e-30;
/// How often pixels confirm a transform between photos of different things, at most. Of 17,092 pairs of
/// UKBench with 8 inliers and more none was confirmed; look-alike packages are confirmed more often.
const CHANCE_CONFIRMATION: f64 = 1e-3;
/// Weight of the similarity of the whole photos against the logarithm of the inliers. Any weight from
/// 2 to 8 ranks about as well (benches/RESULTS.md).
const SIMILARITY_WEIGHT: f64 = 4.0;
/// What pixels that confirm a transform add to a pair's score: a chance of 1e-3, in units of the
/// score, of which pairs of different objects need about 0.64 more to be ten times rarer (UKBench, from
/// 1e-3 to 1e-4: 0.62 and 0.66 with two networks).
pub const CONFIRMED_SCORE: f64 = 1.9;

/// Ranks pairs of photos by how likely they show the same thing, as far as features tell: ln(1 +
/// inliers) + 4 times the similarity of the photos as wholes. The inliers are one judge, the photos as
/// wholes another; together they rank better than either.
pub fn match_score(num_inliers: usize, similarity: f64) -> f64 {
    (num_inliers as f64).ln_1p() + SIMILARITY_WEIGHT * similarity
}

/// How often pixels confirm a pair that features alone make improbable, where nearly all such pairs are
/// true: 0.52 to 0.61 on UKBench, scenes and packages; 0.15 to 0.22 on clothes of one cut on one bed.
const USUAL_CONFIRMED_SHARE: f64 = 0.4;
/// How many of a folder's pairs the usual share is worth.
const CONFIRMATION_PRIOR_PAIRS: f64 = 10.0;
/// Unconfirmed evidence counts at least this part of itself.
const MAX_DOUBT: f64 = 3.0;

/// Colours that differ by more make the evidence count for less, in a folder of look-alikes:
/// nine in ten pairs of photos of one thing differ by less than 0.7, two in three of garments on one bed by more.
const USUAL_COLOR_DIFFERENCE: f64 = 0.6;
/// How fast it counts for less: the power per unit of doubt beyond 1.
const COLOR_WEIGHT: f64 = 4.0;

/// The distribution of the scores of pairs that do not match.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// Median score.
    pub center: f64,
    /// Standard deviation of the scores above the median.
    pub spread: f64,
    /// How many times less the evidence of features counts where pixels do not confirm it, from 1 up:
    /// more than 1 in a folder of look-alikes.
    pub doubt: f64,
}

impl Default for Background {
    /// As measured on photos of different scenes.
    fn default() -> Self {
        Self {
            center: PRIOR_CENTER,
            spread: PRIOR_SPREAD,
            doubt: 1.0,
        }
    }
}

impl Background {
    /// Fits the number of inliers and the score of each pair of a folder. Deterministic, in any order
    /// of the pairs.
    pub fn fit(pairs: &[(usize, f64)]) -> Self {
        let mut strangers: Vec<f64> = pairs
            .iter()
            .filter(|(inliers, score)| *inliers < MAX_STRANGER_INLIERS && score.is_finite())
            .map(|(_, score)| *score)
            .collect();
        if strangers.is_empty() {
            return Self::default();
        }
        strangers.sort_by(f64::total_cmp);
        let at = |part: f64| strangers[((strangers.len() - 1) as f64 * part).round() as usize];
        let center = at(0.5);
        let spread = ((at(0.9) - center) / Z90).max(MIN_SPREAD);
        let share = strangers.len() as f64 / pairs.len() as f64;
        let count = strangers.len() as f64 * (2.0 * share - 1.0).max(0.0);
        let part = count / (count + PRIOR_PAIRS);
        let blend = |own: f64, prior: f64| prior + part * (own - prior);
        Self {
            center: blend(center, PRIOR_CENTER),
            spread: blend(spread, PRIOR_SPREAD),
            doubt: 1.0,
        }
    }

    /// Learns how far to trust features from what pixels said of `num_pairs` pairs that features alone
    /// make improbable, of which they confirmed `num_confirmed`. Where they confirm fewer than of true pairs,
    /// the folder is full of things that look alike.
    #[must_use]
    pub fn with_confirmations(self, num_pairs: usize, num_confirmed: usize) -> Self {
        let prior = CONFIRMATION_PRIOR_PAIRS;
        let share =
            (num_confirmed as f64 + prior * USUAL_CONFIRMED_SHARE) / (num_pairs as f64 + prior);
        Self {
            doubt: (USUAL_CONFIRMED_SHARE / share).clamp(1.0, MAX_DOUBT),
            ..self
        }
    }

    /// The probability that two photos of different things score at least `score`, and that one
    /// transform between them is right to the pixel when that `is_confirmed`; never less than 1e-30.
    ///
    /// `color_difference` tells how far the colours of the photos differ where their features match, over
    /// how far they differ within a photo. It counts among look-alikes, also where pixels agree: those of a
    /// bed do so under any shirt.
    pub fn false_match_probability(
        &self,
        score: f64,
        is_confirmed: bool,
        color_difference: Option<f32>,
    ) -> f64 {
        let z = (score - self.center) / self.spread;
        let coarse = 0.5 * erfc(z / std::f64::consts::SQRT_2);
        let shapes = match is_confirmed {
            true => coarse * CHANCE_CONFIRMATION,
            false => coarse.powf(1.0 / self.doubt),
        };
        let probability = shapes.powf(self.color_trust(color_difference));
        probability.clamp(MIN_PROBABILITY, 1.0)
    }

    /// The part of the evidence that counts where colours differ as far.
    fn color_trust(&self, difference: Option<f32>) -> f64 {
        let difference = f64::from(difference.unwrap_or(0.0)).max(USUAL_COLOR_DIFFERENCE);
        (USUAL_COLOR_DIFFERENCE / difference).powf(COLOR_WEIGHT * (self.doubt - 1.0))
    }
}

/// The complementary error function, to seven digits above 0: the continued fraction of Laplace
/// beyond 2, the series of erf below (Abramowitz and Stegun 7.1.6, 7.1.14).
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    let density = (-x * x).exp() / std::f64::consts::PI.sqrt();
    if x >= 2.0 {
        let fraction = (1..=40)
            .rev()
            .fold(x, |below, k| x + f64::from(k) / 2.0 / below);
        return density / fraction;
    }
    let (mut term, mut sum) = (x, x);
    for k in 1..=60 {
        term *= 2.0 * x * x / (2.0 * f64::from(k) + 1.0);
        sum += term;
    }
    1.0 - 2.0 * density * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erfc_is_right() {
        for (x, expected) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953),
            (1.0, 0.157_299_207_050_285),
            (2.0, 0.004_677_734_981_047),
            (3.0, 2.209_049_699_858_5e-5),
            (-1.0, 1.842_700_792_949_715),
        ] {
            assert!((erfc(x) / expected - 1.0).abs() < 1e-7, "{x}: {}", erfc(x));
        }
        assert!((erfc(1.999_999) / erfc(2.000_001) - 1.0).abs() < 1e-4);
    }

    /// Evenly spread scores about `center`, with few inliers.
    fn strangers(count: usize, center: f64) -> Vec<(usize, f64)> {
        let at = |i: usize| center - 1.0 + 2.0 * i as f64 / (count - 1) as f64;
        (0..count).map(|i| (5, at(i))).collect()
    }

    #[test]
    fn a_large_folder_speaks_for_itself_and_a_small_one_does_not() {
        assert_eq!(Background::fit(&[]), Background::default());
        let large = Background::fit(&strangers(100_001, 5.5));
        assert!((large.center - 5.5).abs() < 0.01, "{large:?}");
        assert!((large.spread - 0.8 / Z90).abs() < 0.01, "{large:?}");
        let small = Background::fit(&strangers(3, 5.5));
        assert!((small.center - PRIOR_CENTER).abs() < 0.05, "{small:?}");
    }

    #[test]
    fn matches_do_not_move_the_background() {
        let mut pairs = strangers(10_001, 4.5);
        let before = Background::fit(&pairs);
        pairs.extend((0..1000).map(|_| (60, 8.0)));
        let after = Background::fit(&pairs);
        assert!((after.center - before.center).abs() < 0.01, "{after:?}");
        // A folder of one thing: its few odd pairs do not count.
        let mut pairs = strangers(1001, 5.8);
        pairs.extend((0..5000).map(|_| (60, 8.0)));
        assert_eq!(Background::fit(&pairs), Background::default());
    }

    #[test]
    fn higher_scores_and_agreeing_pixels_are_less_probable() {
        let background = Background::default();
        let p = |score| background.false_match_probability(score, false, None);
        assert!((p(PRIOR_CENTER) - 0.5).abs() < 1e-9);
        assert!(p(6.0) > p(6.5) && p(6.5) > p(8.0) && p(100.0) == MIN_PROBABILITY);
        let confirmed = background.false_match_probability(6.0, true, None);
        assert!((confirmed / p(6.0) - CHANCE_CONFIRMATION).abs() < 1e-9);
        assert!(
            background
                .false_match_probability(f64::NAN, true, None)
                .is_nan()
        );
    }

    #[test]
    fn features_count_less_where_pixels_seldom_confirm_them() {
        let usual = Background::default();
        assert_eq!(usual.with_confirmations(0, 0), usual);
        assert_eq!(usual.with_confirmations(1000, 400), usual);
        let alike = usual.with_confirmations(1000, 150);
        // Colours count among look-alikes, whether pixels confirm or not.
        let p = |of: &Background, confirmed, colors| {
            of.false_match_probability(6.5, confirmed, Some(colors))
        };
        assert_eq!(p(&usual, false, 2.0), p(&usual, false, 0.3));
        assert_eq!(p(&alike, false, 0.5), p(&alike, false, 0.3));
        assert!(p(&alike, false, 1.2) > 10.0 * p(&alike, false, 0.5));
        assert_eq!(p(&usual, true, 2.0), p(&usual, true, 0.3));
        assert!(p(&alike, true, 1.2) > 1000.0 * p(&alike, true, 0.5));
        assert!(alike.doubt > 2.5 && alike.doubt < 3.0, "{alike:?}");
        assert_eq!(usual.with_confirmations(100_000, 0).doubt, 3.0);
        let p = |background: Background, is_confirmed| {
            background.false_match_probability(6.5, is_confirmed, None)
        };
        assert!(p(alike, false) > 10.0 * p(usual, false));
        assert_eq!(p(alike, true), p(usual, true));
    }
}
