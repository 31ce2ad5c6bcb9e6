//! Adjusts pair log-odds by the number of links between first clusters.

/// Crossing links that count for a photo, at most.
const MAX_CROSSING: u32 = 2;
/// A photo whose crossing links do not count has so many of them, is in a cluster of so many photos, and has so many times
/// as many, and one more, as the other photos of its cluster on average.
const MIN_MIXED_CROSSING: u32 = 4;
const MIN_MIXED_CLUSTER: u32 = 6;
const MIXED_RATIO: u64 = 2;
/// Crossing links per linked photo at which pairs keep their log-odds.
const USUAL_RATIO: f64 = 0.2;
/// Log-odds per unit of the natural logarithm of a ratio.
const LOG_ODDS: f64 = 0.6;
/// Largest gain of a pair, and largest loss; log-odds.
pub(crate) const MAX_GAINED: f64 = 1.6;
const MAX_LOST: f64 = 2.0;
/// Photos of the usual ratio that are added to those of a folder: a constant, and a share of its own.
const USUAL_PHOTOS: f64 = 5.0;
const USUAL_SHARE: f64 = 0.05;
/// Photos of the folder's ratio, and of the usual one, that are added to those of a pair's clusters.
const FOLDER_PHOTOS: f64 = 2.0;
const USUAL_BESIDE: f64 = 1.0;
/// Linked photos of the larger of two clusters that count beyond those of the smaller.
const MAX_MORE_LINKED: u32 = 3;
/// The share of its loss that a pair within a cluster takes.
const INSIDE_LOSS: f64 = 0.85;

/// Links of a folder within first clusters and between them; 5 bytes a photo, and 8 a crossing link.
///
/// Showing the same thing is transitive, so a link between clusters contradicts the pairs around it. Where there
/// are such links, things look alike, and links are wrong more often than their probabilities state. Where there
/// are none, weaker pairs are right. A photo that has many more crossing links than the others of its cluster may show
/// several things, as a collage does: its crossing links do not count.
#[derive(Debug, Clone)]
pub struct CrossingLinks {
    /// The cluster of each photo.
    clusters: Vec<u32>,
    /// Whether each photo is linked in its cluster.
    is_linked: Vec<bool>,
    /// The photos of each link between clusters.
    crossing: Vec<[u32; 2]>,
}

impl CrossingLinks {
    /// No links yet. `clusters` has the cluster of each photo, a number from 0 on and less than the number of
    /// photos.
    pub fn new(clusters: Vec<u32>) -> Self {
        Self {
            is_linked: vec![false; clusters.len()],
            clusters,
            crossing: Vec::new(),
        }
    }

    /// Adds a link: a pair that is more probable than not. The order of links does not matter.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn add(&mut self, photos: [usize; 2]) {
        let [first, second] = photos.map(|photo| self.clusters[photo]);
        match first == second {
            true => photos
                .iter()
                .for_each(|&photo| self.is_linked[photo] = true),
            false => self.crossing.push(photos.map(|photo| photo as u32)),
        }
    }

    /// The changes of pairs by these links.
    ///
    /// # Panics
    /// When the number of a cluster is not below the number of photos.
    pub fn balance(self) -> LinkBalance {
        let crossing = self.counted_crossing();
        let counts = crossing.iter().zip(&self.is_linked);
        let counts = counts.map(|(&crossing, &is_linked)| [crossing, u32::from(is_linked)]);
        let of_cluster = self.sums(counts);
        let ratio = self.ratio(&crossing);
        let of_photo = self.clusters.iter().map(|c| of_cluster[*c as usize]);
        let of_photo = of_photo.collect();
        LinkBalance::new(self.clusters, of_photo, ratio)
    }

    /// The sums of the photos' values, for each cluster.
    fn sums(&self, values: impl Iterator<Item = [u32; 2]>) -> Vec<[u32; 2]> {
        let mut sums = vec![[0_u32; 2]; self.clusters.len()];
        for (&cluster, [first, second]) in self.clusters.iter().zip(values) {
            let sum = &mut sums[cluster as usize];
            *sum = [sum[0].saturating_add(first), sum[1] + second];
        }
        sums
    }

    /// The crossing links of each photo that count.
    fn counted_crossing(&self) -> Vec<u32> {
        let mut all = vec![0_u32; self.clusters.len()];
        let ends = self.crossing.iter().flatten();
        ends.for_each(|&photo| all[photo as usize] += 1);
        let of_cluster = self.sums(all.iter().map(|&crossing| [crossing, 1]));
        let is_mixed = |photo: &u32| {
            let own = all[*photo as usize];
            let [crossing, size] = of_cluster[self.clusters[*photo as usize] as usize];
            let [others, of_others] = [size - 1, crossing.saturating_sub(own)].map(u64::from);
            own >= MIN_MIXED_CROSSING
                && size >= MIN_MIXED_CLUSTER
                && u64::from(own) * others >= MIXED_RATIO * of_others + others
        };
        let mut counted = vec![0; all.len()];
        for ends in &self.crossing {
            if !ends.iter().any(is_mixed) {
                for &photo in ends {
                    let counted: &mut u32 = &mut counted[photo as usize];
                    *counted = (*counted + 1).min(MAX_CROSSING);
                }
            }
        }
        counted
    }

    /// Crossing links of the folder per photo that is linked in its cluster.
    fn ratio(&self, crossing: &[u32]) -> f64 {
        let crossing: u64 = crossing.iter().map(|&links| u64::from(links)).sum();
        let linked = self.is_linked.iter().map(|&is_linked| u64::from(is_linked));
        let linked = linked.sum::<u64>() as f64;
        let usual = USUAL_PHOTOS + USUAL_SHARE * self.clusters.len() as f64;
        (crossing as f64 + usual * USUAL_RATIO) / (linked + usual)
    }
}

/// Changes of the log-odds of pairs by the links of their clusters; 12 bytes a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkBalance {
    /// The cluster of each photo.
    clusters: Vec<u32>,
    /// Crossing links of each photo's cluster that count, and photos that are linked within it.
    of_photo: Vec<[u32; 2]>,
    /// Crossing links of the folder per photo that is linked in its cluster.
    ratio: f64,
}

/// The links of the clusters of two photos, and the change of their pair.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LinkGain {
    /// Links that leave the clusters and count: at most two of a photo, and none of a photo that has many more than the
    /// others of its cluster. A link between both clusters counts for both.
    pub crossing: u32,
    /// Photos that are linked within their cluster.
    pub linked: u32,
    /// Change of the pair's log-odds, -2 to 1.6.
    pub log_odds: f64,
}

impl LinkBalance {
    /// From `clusters`, `of_photos` and `ratio` of another balance, for some of its photos; both lists have an entry a
    /// photo.
    pub fn new(clusters: Vec<u32>, of_photo: Vec<[u32; 2]>, ratio: f64) -> Self {
        Self {
            clusters,
            of_photo,
            ratio,
        }
    }

    /// The cluster of each photo.
    pub fn clusters(&self) -> &[u32] {
        &self.clusters
    }

    /// For each photo the crossing links of its cluster that count, and the number of photos of the cluster that are
    /// linked within it.
    pub fn of_photos(&self) -> &[[u32; 2]] {
        &self.of_photo
    }

    /// Crossing links of the folder per photo that is linked in its cluster; above 0.
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// Change of a pair by the links of its clusters. Between two clusters, the larger counts with at most three
    /// linked photos more than the smaller, since the best of many weak pairs with it is little evidence. Within a
    /// cluster a loss is multiplied by .85, since the pairs around it support it.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn gain(&self, [photo1, photo2]: [usize; 2]) -> LinkGain {
        let [crossing1, linked1] = self.of_photo[photo1];
        let [crossing2, linked2] = self.of_photo[photo2];
        let is_inside = self.clusters[photo1] == self.clusters[photo2];
        let (crossing, linked, counted) = match is_inside {
            true => (crossing1, linked1, linked1),
            false => {
                let fewer = linked1.min(linked2);
                let more = linked1
                    .max(linked2)
                    .min(fewer.saturating_add(MAX_MORE_LINKED));
                let [crossing, linked, counted] =
                    [(crossing1, crossing2), (linked1, linked2), (fewer, more)]
                        .map(|(first, second)| first.saturating_add(second));
                (crossing, linked, counted)
            }
        };
        let usual = USUAL_BESIDE * USUAL_RATIO + FOLDER_PHOTOS * self.ratio;
        let photos = f64::from(counted) + FOLDER_PHOTOS + USUAL_BESIDE;
        let ratio = (f64::from(crossing) + usual) / photos;
        let gain = -LOG_ODDS * (ratio / USUAL_RATIO).ln();
        let log_odds = gain.clamp(-MAX_LOST, MAX_GAINED);
        LinkGain {
            crossing,
            linked,
            log_odds: match is_inside && log_odds < 0.0 {
                true => INSIDE_LOSS * log_odds,
                false => log_odds,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clusters of four photos, in which each is linked with the next, and these links between them.
    fn balance(num_clusters: u32, crossing: &[[usize; 2]]) -> LinkBalance {
        let mut links = CrossingLinks::new((0..4 * num_clusters).map(|p| p / 4).collect());
        for photo in (0..4 * num_clusters as usize).filter(|photo| photo % 4 < 3) {
            links.add([photo, photo + 1]);
        }
        crossing.iter().for_each(|&link| links.add(link));
        links.balance()
    }

    #[test]
    fn without_crossing_links_weaker_pairs_count() {
        let found = balance(10, &[]);
        assert_eq!(found.of_photos()[7], [0, 4]);
        let gain = found.gain([0, 4]);
        assert_eq!((gain.crossing, gain.linked), (0, 8));
        assert_eq!(found.gain([0, 3]).linked, 4, "one cluster");
        let gain = gain.log_odds;
        assert!(gain > 1.0 && gain < MAX_GAINED, "{gain}");
        // Single photos gain less.
        let mut links = CrossingLinks::new(vec![0, 0, 1, 2]);
        links.add([0, 1]);
        let found = links.balance();
        assert!(found.gain([2, 3]).log_odds < found.gain([1, 2]).log_odds);
    }

    #[test]
    fn where_links_cross_pairs_lose() {
        let crossing: Vec<[usize; 2]> = (4..12).map(|photo| [photo, photo + 8]).collect();
        let found = balance(10, &crossing);
        assert_eq!(found.of_photos()[4], [4, 4]);
        let lost = found.gain([4, 8]).log_odds;
        assert!((-MAX_LOST..-0.5).contains(&lost), "{lost}");
        // Others in the folder gain less than in one without.
        let gain = found.gain([28, 32]).log_odds;
        let most = balance(10, &[]).gain([28, 32]).log_odds;
        assert!(gain > lost && gain < most);
    }

    #[test]
    fn a_pair_inside_of_a_cluster_loses_less() {
        let crossing: Vec<[usize; 2]> = (4..12).map(|photo| [photo, photo + 8]).collect();
        let found = balance(10, &crossing);
        let [inside, between] = [[4, 5], [4, 8]].map(|photos| found.gain(photos).log_odds);
        assert!(
            inside < 0.0 && inside > INSIDE_LOSS * between,
            "{inside}, {between}"
        );
    }

    #[test]
    fn a_large_cluster_gives_a_single_photo_no_more_than_a_small_one() {
        let gain = |members: u32| {
            let mut links =
                CrossingLinks::new([vec![0; members as usize], vec![members; 41]].concat());
            (1..members as usize).for_each(|photo| links.add([0, photo]));
            (1..40).for_each(|photo| {
                links.add([photo + members as usize, photo + 1 + members as usize])
            });
            let balance = links.balance();
            // The last photo has no link and is a cluster of its own.
            let mut clusters = balance.clusters().to_vec();
            let mut of_photo = balance.of_photos().to_vec();
            clusters.push(members + 41);
            of_photo.push([0, 0]);
            let balance = LinkBalance::new(clusters, of_photo, 0.05);
            balance.gain([0, members as usize + 41]).log_odds
        };
        assert!(gain(2) < gain(3) && gain(3) == gain(20));
    }

    #[test]
    fn many_links_of_one_photo_count_as_two() {
        let links: Vec<[usize; 2]> = (4..40).map(|photo| [0, photo]).collect();
        let all = balance(10, &links);
        assert_eq!(all.of_photos()[0], [2, 4]);
        assert_eq!(all.of_photos()[4], [4, 4]);
        let reversed: Vec<[usize; 2]> = links.iter().rev().map(|&[a, b]| [b, a]).collect();
        assert_eq!(balance(10, &reversed), all);
    }

    #[test]
    fn links_of_a_photo_that_shows_two_things_do_not_count() {
        // Two things of six photos each.
        let crossing = |besides: &[[usize; 2]]| {
            let mut links = CrossingLinks::new((0..12).map(|photo| photo / 6).collect());
            // A collage of both is with the first, and has a link to each photo of the second.
            (6..12).for_each(|photo| links.add([0, photo]));
            besides.iter().for_each(|&link| links.add(link));
            [0, 6].map(|photo| links.clone().balance().of_photos()[photo][0])
        };
        assert_eq!(crossing(&[]), [0, 0]);
        assert_eq!(crossing(&[[1, 7]]), [1, 1]);
        // Where other photos of its cluster have such links too, things look alike.
        let alike: Vec<[usize; 2]> = (1..6).flat_map(|a| (6..9).map(move |b| [a, b])).collect();
        assert_eq!(crossing(&alike), [12, 9]);
    }

    #[test]
    fn without_links_pairs_count_as_they_are() {
        let found = CrossingLinks::new(vec![0, 1, 2]).balance();
        assert!(found.gain([0, 2]).log_odds.abs() < 1e-12);
        assert_eq!(
            CrossingLinks::new(Vec::new()).balance().of_photos().len(),
            0
        );
    }
}
