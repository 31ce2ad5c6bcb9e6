//! Lowers the log-odds of a pair if both photos have a much stronger pair.

use super::Relation;

/// Log-odds of a rival that count, at most.
const MAX_RIVAL: f64 = 5.0;
/// Lead of a rival that does not count; log-odds.
const MARGIN: f64 = 2.0;
/// A pair is lowered by at most this; log-odds.
const MAX_LOWERED: f64 = 2.0;

/// The strongest pair of each photo of a folder; 16 bytes a photo.
///
/// Photos of one thing match strongly, photos of things that look alike weakly. A pair is therefore lowered where
/// both its photos have a pair that is much stronger, and more probable than not: by the lead of the weaker of
/// these two rivals, less 2, at most 2. Rivals of a view are views only, so that a copy of each photo does not
/// weaken its views; rivals of a copy are all pairs. A pair of unknown relation, whose pixels were not compared,
/// has no rivals and is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Rivals {
    /// The log-odds of each photo's strongest pair, and of its strongest that is no copy.
    strongest: Vec<[f64; 2]>,
}

impl Rivals {
    /// No pairs yet.
    pub fn new(num_photos: usize) -> Self {
        Self {
            strongest: vec![[f64::NEG_INFINITY; 2]; num_photos],
        }
    }

    /// Adds a pair of photos of the folder. The order of pairs does not matter.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn add(&mut self, photos: [usize; 2], log_odds: f64, relation: Option<Relation>) {
        for of in [Relation::Copy, Relation::View] {
            if Self::is_rival(relation, of) {
                for photo in photos {
                    let strongest = &mut self.strongest[photo][kind(of)];
                    *strongest = strongest.max(log_odds);
                }
            }
        }
    }

    /// Whether a pair of this relation may be a rival of one of the relation `of`.
    pub fn is_rival(relation: Option<Relation>, of: Relation) -> bool {
        match relation {
            Some(Relation::Copy) => of == Relation::Copy,
            Some(Relation::View) => true,
            None => false,
        }
    }

    /// From the values of [`Rivals::strongest`].
    pub fn from_strongest(strongest: Vec<[f64; 2]>) -> Self {
        Self { strongest }
    }

    /// For each photo the log-odds of its strongest pair, and of its strongest that is no copy; minus infinity
    /// without one.
    pub fn strongest(&self) -> &[[f64; 2]] {
        &self.strongest
    }

    /// The log-odds of a pair as lowered by its rivals.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn lowered(&self, photos: [usize; 2], log_odds: f64, relation: Option<Relation>) -> f64 {
        let Some(relation) = relation else {
            return log_odds;
        };
        let [rival1, rival2] = photos.map(|photo| self.strongest[photo][kind(relation)]);
        match rival1.min(rival2).min(MAX_RIVAL) {
            rival if rival > 0.0 => log_odds - (rival - log_odds - MARGIN).clamp(0.0, MAX_LOWERED),
            _ => log_odds,
        }
    }
}

/// The place of the rivals of a pair of this relation.
fn kind(of: Relation) -> usize {
    match of {
        Relation::Copy => 0,
        Relation::View => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rivals(pairs: &[([usize; 2], f64, Relation)]) -> Rivals {
        let mut rivals = Rivals::new(6);
        for &(photos, log_odds, relation) in pairs {
            rivals.add(photos, log_odds, Some(relation));
        }
        rivals
    }

    #[test]
    fn a_pair_is_lowered_where_both_photos_have_much_stronger_ones() {
        // Two things of two photos that look alike.
        let found = rivals(&[
            ([0, 1], 6.0, Relation::View),
            ([2, 3], 4.5, Relation::View),
            ([0, 2], 1.5, Relation::View),
            ([1, 3], 0.0, Relation::View),
            ([1, 4], 1.0, Relation::View),
        ]);
        let view = Some(Relation::View);
        assert_eq!(found.lowered([0, 1], 6.0, view), 6.0);
        assert_eq!(found.lowered([2, 3], 4.5, view), 4.5);
        assert_eq!(found.lowered([0, 2], 1.5, view), 0.5, "4.5 is 3 ahead");
        assert_eq!(found.lowered([1, 3], 0.0, view), -2.0, "at most 2");
        assert_eq!(found.lowered([1, 4], 1.0, view), 1.0, "one side alone");
    }

    #[test]
    fn a_copy_of_each_photo_takes_nothing_from_its_other_views() {
        let found = rivals(&[
            ([0, 1], 9.0, Relation::Copy),
            ([2, 3], 9.0, Relation::Copy),
            ([0, 2], 1.0, Relation::View),
        ]);
        assert_eq!(found.lowered([0, 2], 1.0, Some(Relation::View)), 1.0);
        // A copy of another picture would be a rival to both, but no stronger than 5.
        assert_eq!(found.lowered([0, 2], 2.0, Some(Relation::Copy)), 1.0);
        // A photo with copies alone has no rival of a view.
        assert_eq!(found.lowered([0, 3], -3.0, Some(Relation::View)), -3.0);
    }

    #[test]
    fn a_rival_is_more_probable_than_not() {
        let found = rivals(&[
            ([0, 1], -0.5, Relation::View),
            ([2, 3], -0.5, Relation::View),
            ([0, 2], -5.0, Relation::View),
        ]);
        assert_eq!(found.lowered([0, 2], -5.0, Some(Relation::View)), -5.0);
        assert_eq!(
            found.lowered([4, 5], 3.0, Some(Relation::View)),
            3.0,
            "no pairs"
        );
    }

    #[test]
    fn the_order_of_pairs_does_not_matter() {
        let mut pairs = vec![
            ([0, 1], 3.0, Relation::View),
            ([1, 2], 7.0, Relation::Copy),
            ([0, 5], -1.0, Relation::View),
        ];
        let found = rivals(&pairs);
        pairs.reverse();
        assert_eq!(found, rivals(&pairs));
    }
}
