//! Evidence as text.

use crate::counted::counted;
use crate::pipeline::EvidenceSummary;
use crate::scoring::Relation;

/// Share of the attention on contradicting places from which it is reported.
const MUCH_CONTRADICTION: f32 = 0.2;
/// Mean agreement from which it is listed in favour.
const MUCH_AGREEMENT: f32 = 0.6;
/// Mean colour difference from which it is reported: visible at once, in units of a* and b*.
const MUCH_COLOR: f32 = 15.0;
/// Share of small windows that show something else from which it is reported.
const MUCH_REPLACED: f32 = 0.003;
/// Part of a photo's attention in the common region below which it is listed against.
const LITTLE_EXPLAINED: f32 = 0.15;

/// A probability in per cent, with enough digits to differ from 0 and 1.
pub fn percent(probability: f64) -> String {
    let distance = probability.min(1.0 - probability);
    let digits = match distance {
        d if d < 1e-5 => {
            return if probability > 0.5 {
                "over 99.999 %"
            } else {
                "under 0.001 %"
            }
            .into();
        }
        d if d < 1e-3 => 3,
        d if d < 1e-2 => 2,
        d if d < 1e-1 => 1,
        _ => 0,
    };
    format!("{:.digits$} %", 100.0 * probability)
}

/// The relation of two photos of one thing in words, after a comma; empty where it is not known.
pub fn relation_text(relation: Option<Relation>) -> &'static str {
    match relation {
        Some(Relation::Copy) => ", edited copy",
        Some(Relation::View) => ", other view",
        None => "",
    }
}

/// What is said for two photos whose files are equal.
pub const SAME_FILE: &str = "both files are equal, byte for byte";

/// Reasons for and against two photos showing the same thing, as text.
pub fn for_and_against(num_inliers: usize, evidence: Option<&EvidenceSummary>) -> [Vec<String>; 2] {
    let (mut pro, mut contra) = (Vec::new(), Vec::new());
    match num_inliers {
        0 => contra.push("no transform ties the photos together".into()),
        1..8 => contra.push(format!(
            "{}, as chance gives",
            counted(num_inliers, "inlier")
        )),
        _ => pro.push(counted(num_inliers, "inlier")),
    }
    let Some(evidence) = evidence else {
        return [pro, contra];
    };
    let agreement = format!("aligned places correlate by {:.2}", evidence.agreement);
    if evidence.agreement >= MUCH_AGREEMENT {
        pro.push(agreement);
    } else {
        contra.push(agreement);
    }
    if evidence.contradiction >= MUCH_CONTRADICTION {
        let share = 100.0 * evidence.contradiction;
        contra.push(format!(
            "{share:.0} % of what draws attention looks different"
        ));
    }
    if evidence.replaced >= MUCH_REPLACED {
        let share = 100.0 * evidence.replaced;
        contra.push(format!(
            "{share:.1} % of the small places show something else where most agree"
        ));
    }
    if evidence.color_difference >= MUCH_COLOR {
        contra.push(format!(
            "colours differ by {:.0}",
            evidence.color_difference
        ));
    }
    let [explained1, explained2] = evidence.explained;
    let text = format!(
        "agreeing places hold {:.0} % and {:.0} % of what draws attention",
        100.0 * explained1,
        100.0 * explained2
    );
    if explained1.max(explained2) < LITTLE_EXPLAINED {
        contra.push(text);
    } else {
        pro.push(text);
    }
    [pro, contra]
}

/// A point in whole pixels, as text; none is at minus zero.
pub fn point_text(x: f64, y: f64) -> String {
    format!("({:.0}, {:.0})", x.round() + 0.0, y.round() + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_point_is_at_minus_zero() {
        assert_eq!(point_text(-0.4, 1.6), "(0, 2)");
        assert_eq!(point_text(-0.6, -3.0), "(-1, -3)");
    }

    #[test]
    fn probabilities_have_as_many_digits_as_they_need() {
        let texts = [0.5, 0.97, 0.003, 0.9996, 0.999_999_9, 1e-9].map(percent);
        let expected = [
            "50 %",
            "97.0 %",
            "0.30 %",
            "99.960 %",
            "over 99.999 %",
            "under 0.001 %",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn what_contradicts_is_said() {
        let evidence = EvidenceSummary {
            agreement: 0.3,
            contradiction: 0.4,
            explained: [0.3, 0.05],
            color_difference: 22.0,
            replaced: 0.0,
        };
        let [pro, contra] = for_and_against(77, Some(&evidence));
        assert_eq!(pro.len(), 2, "{pro:?}");
        assert_eq!(contra.len(), 3, "{contra:?}");
        let evidence = EvidenceSummary {
            agreement: 0.95,
            contradiction: 0.02,
            explained: [0.9; 2],
            color_difference: 1.0,
            replaced: 0.0123,
        };
        let [_, contra] = for_and_against(300, Some(&evidence));
        assert_eq!(
            contra,
            ["1.2 % of the small places show something else where most agree"]
        );
        let [pro, contra] = for_and_against(0, None);
        assert!(pro.is_empty() && contra.len() == 1);
    }
}
