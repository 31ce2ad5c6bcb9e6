//! Links that clusters contradict.

/// Links to other clusters of a photo that count, at most.
const MAX_CROSSING: u32 = 2;
/// Crossing links, for each photo that is linked in its cluster, at which pairs count as they are.
const USUAL_RATIO: f64 = 0.2;
/// What the natural logarithm of a ratio is worth in log-odds.
const LOG_ODDS: f64 = 0.6;
/// The most that pairs gain, and lose; log-odds.
const MAX_GAINED: f64 = 1.6;
const MAX_LOST: f64 = 2.0;
/// Photos of the usual ratio that a folder begins with: so many, and this share of its own.
const USUAL_PHOTOS: f64 = 5.0;
const USUAL_SHARE: f64 = 0.05;
/// Photos of the folder's ratio, and of the usual one, that two clusters begin with.
const FOLDER_PHOTOS: f64 = 2.0;
const USUAL_BESIDE: f64 = 1.0;

/// The links of a folder whose photos are sorted into clusters: those inside of clusters, and those that cross from one
/// to another; 8 bytes a photo.
///
/// That two photos show the same thing is transitive. Where links cross between clusters, which the pairs around them
/// speak against, things look alike and links are wrong more often than pairs by themselves say; where none does, weaker
/// pairs are right.
#[derive(Debug, Clone)]
pub struct CrossingLinks {
    /// The cluster of each photo.
    clusters: Vec<u32>,
    /// Links of each photo to other clusters, up to [`MAX_CROSSING`], and whether one is inside.
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
    pub fn add(&mut self, photos: [usize; 2]) {
        let [first, second] = photos.map(|photo| self.clusters[photo]);
        for photo in photos {
            let (crossing, is_inside) = &mut self.photos[photo];
            match first == second {
                true => *is_inside = true,
                false => *crossing = (*crossing + 1).min(MAX_CROSSING as u8),
            }
        }
    }

    /// What the links give to pairs.
    pub fn balance(&self) -> LinkBalance {
        let mut of_cluster = vec![[0; 2]; self.photos.len()];
        for (cluster, (crossing, is_inside)) in self.clusters.iter().zip(&self.photos) {
            let [all_crossing, inside] = &mut of_cluster[*cluster as usize];
            *all_crossing += u32::from(*crossing);
            *inside += u32::from(*is_inside);
        }
        let of_photo = self.clusters.iter().map(|c| of_cluster[*c as usize]);
        LinkBalance::new(of_photo.collect(), self.ratio())
    }

    /// Crossing links of the folder, for each photo that is linked in its cluster.
    fn ratio(&self) -> f64 {
        let count = |value: fn(&(u8, bool)) -> u64| self.photos.iter().map(value).sum::<u64>();
        let crossing = count(|photo| u64::from(photo.0)) as f64;
        let inside = count(|photo| u64::from(photo.1)) as f64;
        let usual = USUAL_PHOTOS + USUAL_SHARE * self.photos.len() as f64;
        (crossing + usual * USUAL_RATIO) / (inside + usual)
    }
}

/// What the links of their clusters give to pairs of photos, or take from them; 8 bytes a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkBalance {
    /// Crossing links of each photo's cluster, and photos that are linked inside.
    of_photo: Vec<[u32; 2]>,
    /// Crossing links of the folder, for each photo that is linked in its cluster.
    ratio: f64,
}

impl LinkBalance {
    /// What [`LinkBalance::of_photos`] and [`LinkBalance::ratio`] gave.
    pub fn new(of_photo: Vec<[u32; 2]>, ratio: f64) -> Self {
        Self { of_photo, ratio }
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

    /// The log-odds that a pair of these photos gains, or loses: -2 to 1.6.
    pub fn gain(&self, photos: [usize; 2]) -> f64 {
        let [[crossing1, inside1], [crossing2, inside2]] = photos.map(|p| self.of_photo[p]);
        let crossing = f64::from(crossing1 + crossing2);
        let inside = f64::from(inside1 + inside2);
        let usual = USUAL_BESIDE * USUAL_RATIO + FOLDER_PHOTOS * self.ratio;
        let ratio = (crossing + usual) / (inside + FOLDER_PHOTOS + USUAL_BESIDE);
        let gain = -LOG_ODDS * (ratio / USUAL_RATIO).ln();
        gain.clamp(-MAX_LOST, MAX_GAINED)
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
        assert!(gain > 1.0 && gain < MAX_GAINED, "{gain}");
        // Photos by themselves gain less.
        let mut links = CrossingLinks::new(vec![0, 0, 1, 2]);
        links.add([0, 1]);
        let found = links.balance();
        assert!(found.gain([2, 3]) < found.gain([1, 2]));
    }

    #[test]
    fn where_links_cross_pairs_lose() {
        let crossing: Vec<[usize; 2]> = (4..12).map(|photo| [photo, photo + 8]).collect();
        let found = balance(10, &crossing);
        assert_eq!(found.of_photos()[4], [4, 4]);
        let lost = found.gain([4, 8]);
        assert!((-MAX_LOST..-0.5).contains(&lost), "{lost}");
        // Others in the folder gain less than in one without.
        let gain = found.gain([28, 32]);
        assert!(gain > lost && gain < balance(10, &[]).gain([28, 32]));
    }

    #[test]
    fn many_links_of_one_photo_count_as_two() {
        let all = balance(10, &(4..40).map(|photo| [0, photo]).collect::<Vec<_>>());
        assert_eq!(all.of_photos()[0], [2, 4]);
    }

    #[test]
    fn without_links_pairs_count_as_they_are() {
        let found = CrossingLinks::new(vec![0, 1, 2]).balance();
        assert!(found.gain([0, 2]).abs() < 1e-12);
        assert_eq!(
            CrossingLinks::new(Vec::new()).balance().of_photos().len(),
            0
        );
    }
}
