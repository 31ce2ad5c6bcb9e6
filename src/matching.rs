//! Pairs the descriptors of two photos.
//!
//! The preset [`MatchingOptions::delf`] follows DELF's published matching (Noh et al., ICCV 2017,
//! arXiv:1612.06321, and its reference implementation).

use crate::error::{Error, Result};
use crate::features::Descriptors;
use crate::search::{BruteForce, KdTree, NearestNeighbors, Neighbor, check_dimensions};

/// Two keypoints whose descriptors are near each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// The keypoint's index in photo 1.
    pub index1: usize,
    /// The keypoint's index in photo 2.
    pub index2: usize,
    /// Euclidean distance of the two descriptors; between 0 and 2 for unit vectors.
    pub distance: f32,
}

/// Largest descriptor dimension for which [`SearchKind::Auto`] takes the k-d tree. Above, the tree was 8 to 75
/// times slower than the matrix product (10 dimensions, 500 to 32,000 descriptors).
const MAX_TREE_DIM: usize = 8;
/// Fewest descriptors per photo for which it takes the tree. At up to 8 dimensions the product was faster for
/// 16,000 descriptors (1.1 to 4 times); at 32,000 the tree was faster one way and slower mutually (1.3 to 2.2
/// times).
const MIN_TREE_LEN: usize = 50_000;

/// Method of the nearest-neighbour search. All methods give the same matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchKind {
    /// The faster method as measured: the k-d tree for at most 8 dimensions and at least 50,000 descriptors per
    /// photo, else the matrix product.
    #[default]
    Auto,
    /// A k-d tree, for descriptors of at most [`KdTree::MAX_DIM`] dimensions.
    KdTree,
    /// All pairs, as a matrix product.
    BruteForce,
}

/// Conditions of a match.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchingOptions {
    /// Whether the two must be each other's nearest. Otherwise each descriptor of photo 2 is
    /// matched with its nearest in photo 1, which several may share.
    pub mutual: bool,
    /// The nearest must be nearer than this many times the second nearest (Lowe, IJCV 60(2), 2004,
    /// section 7.1), above 0 and at most 1; a nearest without a second passes. With `mutual` it
    /// must hold in both photos. Off by default: in an image pyramid the second nearest often lies
    /// on the same thing at the next scale.
    pub max_ratio: Option<f32>,
    /// The largest Euclidean distance of a match, above 0; for unit vectors distances end at 2. The
    /// default, 0.9, is a little above DELF's 0.8, because mutual matching has already removed
    /// most wrong pairs.
    pub max_distance: Option<f32>,
    /// Method of the nearest-neighbour search; changes the time, not the matches.
    pub search: SearchKind,
}

impl SearchKind {
    /// Resolves `Auto` for descriptors of `dim` dimensions, at least `len` of each photo.
    fn resolved(self, dim: usize, len: usize) -> Self {
        match self {
            Self::Auto if dim <= MAX_TREE_DIM && len >= MIN_TREE_LEN => Self::KdTree,
            Self::Auto => Self::BruteForce,
            other => other,
        }
    }
}

impl Default for MatchingOptions {
    fn default() -> Self {
        Self {
            mutual: true,
            max_ratio: None,
            max_distance: Some(0.9),
            search: SearchKind::Auto,
        }
    }
}

impl MatchingOptions {
    /// DELF's options: each descriptor of photo 2 with its nearest in photo 1, up to a distance of 0.8.
    pub fn delf() -> Self {
        Self {
            mutual: false,
            max_ratio: None,
            max_distance: Some(0.8),
            search: SearchKind::Auto,
        }
    }

    /// Checks each option.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for the first one outside its range.
    pub fn validate(&self) -> Result<()> {
        if let Some(ratio) = self.max_ratio
            && !(ratio > 0.0 && ratio <= 1.0)
        {
            let reason = format!("{ratio} is not above 0 and at most 1");
            return Err(Error::option("max_ratio", reason));
        }
        if let Some(distance) = self.max_distance
            && !(distance > 0.0 && distance.is_finite())
        {
            let reason = format!("{distance} is not a number above 0");
            return Err(Error::option("max_distance", reason));
        }
        Ok(())
    }

    fn accepts_distance(&self, neighbor: &Neighbor) -> bool {
        self.max_distance.is_none_or(|max| {
            let max = f64::from(max);
            neighbor.squared_distance <= max * max
        })
    }
}

/// Matches the descriptors of photo 1 (`descriptors1`) with those of photo 2 (`descriptors2`), in
/// the order of `index1`, then `index2`. Deterministic: equally near descriptors are chosen by the
/// lowest index. With [`MatchingOptions::mutual`], swapping the photos swaps the indices.
///
/// # Errors
/// [`Error::InvalidOption`] when an option is outside its range, [`Error::Features`] when the descriptors of the
/// two photos have different dimensions or too many for the selected k-d tree.
pub fn match_descriptors(
    descriptors1: &Descriptors,
    descriptors2: &Descriptors,
    options: &MatchingOptions,
) -> Result<Vec<Match>> {
    options.validate()?;
    check_dimensions(descriptors1, descriptors2)?;
    let len = descriptors1.len().min(descriptors2.len());
    let pairs = match options.search.resolved(descriptors1.dim(), len) {
        SearchKind::KdTree => {
            let tree1 = KdTree::new(descriptors1)?;
            if options.mutual {
                find_mutual(&tree1, &KdTree::new(descriptors2)?, options.max_ratio)?
            } else {
                find_one_way(&tree1, descriptors2, options.max_ratio)?
            }
        }
        SearchKind::Auto | SearchKind::BruteForce => {
            let set1 = BruteForce::new(descriptors1);
            if options.mutual && options.max_ratio.is_none() {
                set1.mutual_nearest(descriptors2, options.max_distance)?
            } else if options.mutual {
                find_mutual(&set1, &BruteForce::new(descriptors2), options.max_ratio)?
            } else {
                find_one_way(&set1, descriptors2, options.max_ratio)?
            }
        }
    };
    let mut matches: Vec<Match> = pairs
        .into_iter()
        .filter(|(_, nearest)| options.accepts_distance(nearest))
        .map(|(index2, nearest)| Match {
            index1: nearest.index,
            index2,
            distance: nearest.squared_distance.sqrt() as f32,
        })
        .collect();
    matches.sort_unstable_by_key(|m| (m.index1, m.index2));
    Ok(matches)
}

/// Each query with its nearest in `set`, if the ratio allows.
fn find_one_way(
    set: &dyn NearestNeighbors,
    queries: &Descriptors,
    max_ratio: Option<f32>,
) -> Result<Vec<(usize, Neighbor)>> {
    let Some(ratio) = max_ratio.map(f64::from) else {
        return Ok(set.nearest(queries)?.into_iter().enumerate().collect());
    };
    let is_distinct = |first: &Neighbor, second: &Option<Neighbor>| {
        second.is_none_or(|s| first.squared_distance < ratio * ratio * s.squared_distance)
    };
    let found = set.nearest2(queries)?.into_iter().enumerate();
    Ok(found
        .filter(|(_, (first, second))| is_distinct(first, second))
        .map(|(query, (first, _))| (query, first))
        .collect())
}

/// The pairs of a descriptor of `set2` and one of `set1` that are each other's nearest, if the
/// ratio allows both.
fn find_mutual(
    set1: &dyn NearestNeighbors,
    set2: &dyn NearestNeighbors,
    max_ratio: Option<f32>,
) -> Result<Vec<(usize, Neighbor)>> {
    let mut nearest_of_1 = vec![None; set1.descriptors().len()];
    for (index1, nearest) in find_one_way(set2, set1.descriptors(), max_ratio)? {
        nearest_of_1[index1] = Some(nearest.index);
    }
    let mut pairs = find_one_way(set1, set2.descriptors(), max_ratio)?;
    pairs.retain(|(index2, nearest)| nearest_of_1[nearest.index] == Some(*index2));
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors(dim: usize, values: &[f32]) -> Descriptors {
        Descriptors::new(dim, values.to_vec()).unwrap()
    }

    fn pairs(d1: &Descriptors, d2: &Descriptors, options: &MatchingOptions) -> Vec<(usize, usize)> {
        let matches = match_descriptors(d1, d2, options).unwrap();
        matches.iter().map(|m| (m.index1, m.index2)).collect()
    }

    fn unlimited() -> MatchingOptions {
        MatchingOptions {
            max_distance: None,
            ..Default::default()
        }
    }

    // On a line: photo 1 at 0 and 10; photo 2 at 4, 1, 9 and 17.
    fn photos() -> (Descriptors, Descriptors) {
        (
            descriptors(1, &[0.0, 10.0]),
            descriptors(1, &[4.0, 1.0, 9.0, 17.0]),
        )
    }

    #[test]
    fn mutual_pairs_are_each_others_nearest() {
        let (d1, d2) = photos();
        let found = match_descriptors(&d1, &d2, &unlimited()).unwrap();
        let expected = [(0, 1, 1.0), (1, 2, 1.0)].map(|(index1, index2, distance)| Match {
            index1,
            index2,
            distance,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn one_way_pairs_go_from_photo_2_to_photo_1_in_order() {
        let (d1, d2) = photos();
        let options = MatchingOptions {
            mutual: false,
            ..unlimited()
        };
        assert_eq!(pairs(&d1, &d2, &options), [(0, 0), (0, 1), (1, 2), (1, 3)]);
    }

    #[test]
    fn a_ratio_removes_the_ambiguous() {
        let (d1, d2) = photos();
        let options = MatchingOptions {
            mutual: false,
            max_ratio: Some(0.5),
            ..unlimited()
        };
        // 4 lies at 4 and 6 from photo 1's, 17 at 7 and 17.
        assert_eq!(pairs(&d1, &d2, &options), [(0, 1), (1, 2), (1, 3)]);
        // Seen from photo 1, 0 lies at 1 and 4 from photo 2's, 10 at 1 and 6.
        let options = MatchingOptions {
            mutual: true,
            max_ratio: Some(0.2),
            ..unlimited()
        };
        assert_eq!(pairs(&d1, &d2, &options), [(1, 2)]);
    }

    #[test]
    fn equally_near_ones_fail_any_ratio_and_a_single_one_passes() {
        let (one, two) = (descriptors(1, &[3.0]), descriptors(1, &[3.0, 3.0]));
        let options = MatchingOptions {
            mutual: false,
            max_ratio: Some(1.0),
            ..unlimited()
        };
        assert_eq!(pairs(&two, &one, &options), []);
        assert_eq!(pairs(&one, &two, &options), [(0, 0), (0, 1)]);
    }

    #[test]
    fn a_distance_at_the_limit_is_kept() {
        let (d1, d2) = photos();
        let limit = |max| MatchingOptions {
            mutual: false,
            max_distance: Some(max),
            ..unlimited()
        };
        assert_eq!(pairs(&d1, &d2, &limit(4.0)), [(0, 0), (0, 1), (1, 2)]);
        assert_eq!(pairs(&d1, &d2, &limit(3.9)), [(0, 1), (1, 2)]);
    }

    #[test]
    fn the_preset_is_one_way_within_0_8() {
        let d1 = descriptors(2, &[1.0, 0.0]);
        // At distances 0.6, 0.6 and 0.9 from it.
        let d2 = descriptors(2, &[1.0, 0.6, 1.0, -0.6, 1.9, 0.0]);
        assert_eq!(pairs(&d1, &d2, &MatchingOptions::delf()), [(0, 0), (0, 1)]);
        assert_eq!(pairs(&d1, &d2, &MatchingOptions::default()), [(0, 0)]);
    }

    #[test]
    fn every_search_gives_the_same_matches() {
        let values = |n: usize, step: usize| {
            (0..n)
                .map(|i| (i * i * step % 1009) as f32)
                .collect::<Vec<_>>()
        };
        let (d1, d2) = (
            descriptors(3, &values(300, 31)),
            descriptors(3, &values(240, 53)),
        );
        for mutual in [false, true] {
            for max_ratio in [None, Some(0.9)] {
                let [auto, tree, brute] =
                    [SearchKind::Auto, SearchKind::KdTree, SearchKind::BruteForce].map(|search| {
                        let options = MatchingOptions {
                            mutual,
                            max_ratio,
                            search,
                            ..unlimited()
                        };
                        match_descriptors(&d1, &d2, &options).unwrap()
                    });
                assert!(!auto.is_empty());
                assert_eq!(auto, tree);
                assert_eq!(auto, brute);
            }
        }
    }

    #[test]
    fn auto_takes_the_tree_for_many_short_descriptors() {
        let auto = |dim, len| SearchKind::Auto.resolved(dim, len);
        assert_eq!(auto(8, 50_000), SearchKind::KdTree);
        assert_eq!(auto(9, 50_000), SearchKind::BruteForce);
        assert_eq!(auto(8, 49_999), SearchKind::BruteForce);
        assert_eq!(auto(48, 500), SearchKind::BruteForce);
        for kind in [SearchKind::KdTree, SearchKind::BruteForce] {
            assert_eq!(kind.resolved(8, 50_000), kind);
            assert_eq!(kind.resolved(48, 500), kind);
        }
    }

    #[test]
    fn the_search_asked_for_is_the_one_that_runs() {
        let wide = descriptors(KdTree::MAX_DIM + 1, &[0.5; KdTree::MAX_DIM + 1]);
        let with = |search| MatchingOptions {
            search,
            ..unlimited()
        };
        assert_eq!(pairs(&wide, &wide, &with(SearchKind::BruteForce)), [(0, 0)]);
        assert_eq!(pairs(&wide, &wide, &with(SearchKind::Auto)), [(0, 0)]);
        let error = match_descriptors(&wide, &wide, &with(SearchKind::KdTree)).unwrap_err();
        assert!(matches!(error, Error::Features { .. }), "{error}");
    }

    #[test]
    fn nothing_matches_nothing() {
        let (none, some) = (descriptors(2, &[]), descriptors(2, &[1.0, 2.0]));
        for options in [unlimited(), MatchingOptions::delf()] {
            for (d1, d2) in [(&none, &some), (&some, &none), (&none, &none)] {
                assert_eq!(pairs(d1, d2, &options), []);
            }
        }
    }

    #[test]
    fn different_dimensions_are_refused() {
        let (d1, d2) = (descriptors(2, &[1.0, 2.0]), descriptors(1, &[1.0]));
        for (a, b) in [(&d1, &d2), (&d2, &d1)] {
            let error = match_descriptors(a, b, &MatchingOptions::default()).unwrap_err();
            assert!(matches!(error, Error::Features { .. }), "{error}");
        }
    }

    #[test]
    fn options_outside_their_range_are_refused() {
        let name = |options: MatchingOptions| match options.validate() {
            Err(Error::InvalidOption { name, .. }) => name,
            _ => "",
        };
        for ratio in [0.0, -1.0, 1.1, f32::NAN] {
            assert_eq!(
                name(MatchingOptions {
                    max_ratio: Some(ratio),
                    ..unlimited()
                }),
                "max_ratio"
            );
        }
        for distance in [0.0, -1.0, f32::INFINITY, f32::NAN] {
            let options = MatchingOptions {
                max_distance: Some(distance),
                ..unlimited()
            };
            assert_eq!(name(options), "max_distance");
        }
        assert_eq!(name(MatchingOptions::default()), "");
        assert_eq!(name(MatchingOptions::delf()), "");
    }
}
