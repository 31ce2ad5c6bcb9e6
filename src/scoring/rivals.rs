//! What a folder's other pairs say of one: both photos may be tied more strongly to others.

use super::Relation;

/// Log-odds beyond this make no pair a stronger rival.
const MAX_RIVAL: f64 = 5.0;
/// What a rival may be ahead by without counting; log-odds.
const MARGIN: f64 = 2.0;
/// A pair is lowered by at most this; log-odds.
const MAX_LOWERED: f64 = 2.0;

/// The strongest pair of each photo of a folder; 16 bytes a photo.
///
/// Photos of one thing tie one another strongly, photos of things that look alike weakly. A pair is therefore
/// lowered where both its photos have a pair that is much stronger: by what the weaker of these two rivals is ahead,
/// less 2, at most 2. Of another view only views are rivals, so that a copy of each photo takes nothing from its
/// views; of a copy all pairs are.
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
    pub fn add(&mut self, photos: [usize; 2], log_odds: f64, relation: Option<Relation>) {
        for photo in photos {
            let [of_all, of_views] = &mut self.strongest[photo];
            *of_all = of_all.max(log_odds);
            if relation != Some(Relation::Copy) {
                *of_views = of_views.max(log_odds);
            }
        }
    }

    /// What [`Rivals::strongest`] gave.
    pub fn from_strongest(strongest: Vec<[f64; 2]>) -> Self {
        Self { strongest }
    }

    /// For each photo the log-odds of its strongest pair, and of its strongest that is no copy; minus infinity
    /// without one.
    pub fn strongest(&self) -> &[[f64; 2]] {
        &self.strongest
    }

    /// The log-odds of a pair that was added, lowered by its rivals.
    pub fn lowered(&self, photos: [usize; 2], log_odds: f64, relation: Option<Relation>) -> f64 {
        let ahead = self.weaker_rival(photos, relation) - log_odds;
        log_odds - (ahead - MARGIN).clamp(0.0, MAX_LOWERED)
    }

    /// The log-odds that [`Rivals::lowered`] was given for a pair, by what it answered; none where that is the same.
    /// Photos keep their strongest pairs when all pairs are lowered, so lowered ones serve for these rivals too.
    pub fn before(
        &self,
        photos: [usize; 2],
        lowered: f64,
        relation: Option<Relation>,
    ) -> Option<f64> {
        let limit = self.weaker_rival(photos, relation) - MARGIN;
        let before = f64::midpoint(lowered, limit).min(lowered + MAX_LOWERED);
        (lowered < limit).then_some(before)
    }

    fn weaker_rival(&self, photos: [usize; 2], relation: Option<Relation>) -> f64 {
        let kind = usize::from(relation != Some(Relation::Copy));
        let [rival1, rival2] = photos.map(|photo| self.strongest[photo][kind]);
        rival1.min(rival2).min(MAX_RIVAL)
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
        assert_eq!(found.lowered([0, 2], 1.0, None), 1.0, "not known: a view");
    }

    #[test]
    fn what_was_lowered_tells_what_it_was_before() {
        let copy = Some(Relation::Copy);
        let pairs: Vec<_> = (-40..=80)
            .map(|tenths| f64::from(tenths) / 10.0)
            .map(|log_odds| ([0, 1], log_odds))
            .chain([([0, 2], 4.0), ([1, 3], 9.0)])
            .collect();
        for &(photos, log_odds) in &pairs {
            let mut rivals = Rivals::new(4);
            let mut lowered = Rivals::new(4);
            let own = [(photos, log_odds), ([0, 2], 4.0), ([1, 3], 9.0)];
            own.iter()
                .for_each(|&(photos, odds)| rivals.add(photos, odds, copy));
            for (photos, odds) in own {
                lowered.add(photos, rivals.lowered(photos, odds, copy), copy);
            }
            for (photos, odds) in own {
                let answer = rivals.lowered(photos, odds, copy);
                let before = lowered.before(photos, answer, copy);
                assert!((before.unwrap_or(answer) - odds).abs() < 1e-12, "{odds}");
                assert_eq!(before.is_some(), answer < odds - 1e-12, "{odds}");
            }
        }
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
