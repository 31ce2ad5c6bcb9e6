//! Links between clusters, and what they say of pairs.

/// Links to other clusters of a photo that count, at most.
const MAX_CROSSING: u32 = 2;
/// Crossing links, for each photo that is linked in its cluster, at which pairs count as they are.
const USUAL_RATIO: f64 = 0.2;
/// What the natural logarithm of a ratio is worth in log-odds.
const LOG_ODDS: f64 = 0.6;
/// The most that a pair gains, and loses; log-odds.
pub(crate) const MAX_GAINED: f64 = 1.6;
const MAX_LOST: f64 = 2.0;
/// Photos of the usual ratio that a folder begins with: so many, and this share of its own.
const USUAL_PHOTOS: f64 = 5.0;
const USUAL_SHARE: f64 = 0.05;
/// Photos of the folder's ratio, and of the usual one, that the clusters of a pair begin with.
const FOLDER_PHOTOS: f64 = 2.0;
const USUAL_BESIDE: f64 = 1.0;
/// Linked photos of the larger of two clusters that count beyond those of the smaller.
const MAX_MORE_LINKED: u32 = 3;
/// The share of its loss that a pair inside of a cluster takes.
const INSIDE_LOSS: f64 = 0.7;

/// The links of a folder whose photos are sorted into clusters: those inside of clusters, and those that cross from one
/// to another; 6 bytes a photo.
///
/// That two photos show the same thing is transitive. A link between clusters has the pairs around it against it: where
/// there are such links, things look alike and links are wrong more often than pairs by themselves say. Where there are
/// none, weaker pairs are right.
#[derive(Debug, Clone)]
pub struct CrossingLinks {
    /// The cluster of each photo.
    clusters: Vec<u32>,
    /// Links of each photo to other clusters, up to [`MAX_CROSSING`], and whether it is linked in its own.
    photos: Vec<(u8, bool)>,
}

impl CrossingLinks {
    /// No links yet, of photos in these clusters, which have numbers from 0 on, each less than the number of photos.
    pub fn new(clusters: Vec<u32>) -> Self {
        Self {
            photos: vec![(0, false); clusters.len()],
            clusters,
        }
    }

    /// Adds a link: a pair that is more probable than not. The order of links does not matter.
    ///
    /// # Panics
    /// When a photo is not below the number of photos.
    pub fn add(&mut self, photos: [usize; 2]) {
        let [first, second] = photos.map(|photo| self.clusters[photo]);
        for photo in photos {
            let (crossing, is_linked) = &mut self.photos[photo];
            match first == second {
                true => *is_linked = true,
                false => *crossing = (*crossing + 1).min(MAX_CROSSING as u8),
            }
        }
    }

    /// What the links add to pairs.
    ///
    /// # Panics
    /// When the number of a cluster is not below the number of photos.
    pub fn balance(self) -> LinkBalance {
        let mut of_cluster = vec![[0; 2]; self.photos.len()];
        for (cluster, (crossing, is_linked)) in self.clusters.iter().zip(&self.photos) {
            let [all_crossing, linked] = &mut of_cluster[*cluster as usize];
            *all_crossing += u32::from(*crossing);
            *linked += u32::from(*is_linked);
        }
        let ratio = self.ratio();
        let of_photo = self.clusters.iter().map(|c| of_cluster[*c as usize]);
        let of_photo = of_photo.collect();
        LinkBalance::new(self.clusters, of_photo, ratio)
    }

    /// Crossing links of the folder, for each photo that is linked in its cluster.
    fn ratio(&self) -> f64 {
        let count = |value: fn(&(u8, bool)) -> u64| self.photos.iter().map(value).sum::<u64>();
        let crossing = count(|photo| u64::from(photo.0)) as f64;
        let linked = count(|photo| u64::from(photo.1)) as f64;
        let usual = USUAL_PHOTOS + USUAL_SHARE * self.photos.len() as f64;
        (crossing + usual * USUAL_RATIO) / (linked + usual)
    }
}

/// What the links of their clusters add to the log-odds of pairs, or take from them; 12 bytes a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkBalance {
    /// The cluster of each photo.
    clusters: Vec<u32>,
    /// Crossing links of each photo's cluster, and photos that are linked inside of it.
    of_photo: Vec<[u32; 2]>,
    /// Crossing links of the folder, for each photo that is linked in its cluster.
    ratio: f64,
}

/// The links of the clusters of two photos.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LinkGain {
    /// Links that leave the clusters, at most two of a photo; one between both leaves both.
    pub crossing: u32,
    /// Photos that are linked inside of their cluster.
    pub linked: u32,
    /// What the pair gains, or loses, in log-odds: -2 to 1.6.
    pub log_odds: f64,
}

impl LinkBalance {
    /// What the methods below gave, of some of the photos.
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

    /// For each photo the crossing links of its cluster, at most two of a photo, and how many photos of the cluster are
    /// linked inside of it.
    pub fn of_photos(&self) -> &[[u32; 2]] {
        &self.of_photo
    }

    /// Crossing links of the folder, for each photo that is linked in its cluster; above 0.
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// What the links of their clusters add to a pair of photos. Between two clusters, the larger counts with three linked
    /// photos more than the smaller at most, for the best of many weak pairs with it says little. Inside of a cluster a pair
    /// loses .7 of that: the pairs around it speak for it.
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
                let more = linked1.max(linked2).min(fewer + MAX_MORE_LINKED);
                (crossing1 + crossing2, linked1 + linked2, fewer + more)
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
        // Photos by themselves gain less.
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
            inside < 0.0 && inside > 0.7 * between,
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
            // The last photo has no link: a cluster by itself.
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
        let all = balance(10, &(4..40).map(|photo| [0, photo]).collect::<Vec<_>>());
        assert_eq!(all.of_photos()[0], [2, 4]);
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
