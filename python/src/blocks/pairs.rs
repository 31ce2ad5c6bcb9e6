//! Pairs -> evidence, components and clusters.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delfin::pipeline::{ClusterOptions, EvidenceSummary, VerifiedPair, blocks};
use delfin::scoring::{Relation, probability};
use delfin::store::ContentHash;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;

use super::photos::{BlockOptions, file};
use super::{Column, numbered, values};
use crate::arrays;
use crate::error::{Class, error, raised};
use crate::run::run;

/// Photos in memory, and the pairs among them.
#[pyclass(frozen, module = "delfin._delfin")]
pub(crate) struct PairBlock {
    options: Arc<ClusterOptions>,
    inner: Arc<Mutex<blocks::PairBlock>>,
}

#[pymethods]
impl PairBlock {
    #[new]
    fn new(options: &BlockOptions) -> Self {
        Self {
            options: options.options.clone(),
            inner: Arc::default(),
        }
    }

    /// An order of pairs in which neighbours share photos, and the end of each run of it that has at most
    /// `max_photos` photos.
    #[staticmethod]
    fn groups<'py>(
        py: Python<'py>,
        image1: PyReadonlyArray1<'py, u32>,
        image2: PyReadonlyArray1<'py, u32>,
        max_photos: usize,
    ) -> PyResult<(Column<'py, i64>, Vec<usize>)> {
        let pairs = numbered(&image1, &image2);
        let (order, groups) = run(py, None, move |_| {
            // By their places among the photos of these pairs: room is taken for these alone.
            let photos: BTreeSet<usize> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
            let photos: Vec<usize> = photos.into_iter().collect();
            let place = |photo: &usize| photos.binary_search(photo).unwrap_or(0);
            let pairs: Vec<_> = pairs.iter().map(|(a, b)| (place(a), place(b))).collect();
            Ok(blocks::pair_groups(&pairs, max_photos))
        })?;
        let order = order.into_iter().map(|at| at as i64).collect();
        let ends = groups.into_iter().map(|group| group.end).collect();
        Ok((arrays::column(py, order), ends))
    }

    /// Drops the features of all but these photos; returns those to load.
    fn keep_photos(&self, photos: Vec<usize>) -> Vec<usize> {
        self.locked().keep_photos(&photos.into_iter().collect())
    }

    /// Loads photos: number, hash and encoded features of each.
    fn load_photos(
        &self,
        py: Python<'_>,
        photos: Vec<(usize, ContentHash, PyBackedBytes)>,
    ) -> PyResult<()> {
        let inner = self.inner.clone();
        run(py, None, move |_| {
            let photos = photos.into_iter();
            let photos = photos.map(|(number, hash, bytes)| (number, hash, bytes.to_vec()));
            locked(&inner).load_photos(photos.collect())
        })
    }

    /// Drops the pixels of all but these photos; returns those to load.
    fn keep_images(&self, photos: Vec<usize>) -> Vec<usize> {
        self.locked().keep_images(&photos.into_iter().collect())
    }

    /// Decodes photos: number, name and bytes of each. One that is unreadable or has changed is left out.
    fn load_images(
        &self,
        py: Python<'_>,
        root: PathBuf,
        photos: Vec<(usize, String, Option<PyBackedBytes>)>,
    ) -> PyResult<()> {
        let (inner, options) = (self.inner.clone(), self.options.clone());
        run(py, None, move |_| {
            let photos = photos.into_iter();
            let files = photos.map(|(number, name, bytes)| (number, file(&root, &(name, bytes))));
            locked(&inner).load_images(files.collect(), &options);
            Ok(())
        })
    }

    /// Columns of pairs judged by their features, and `worth`: what their pixels are worth, NaN where they are not worth
    /// comparing.
    fn verify<'py>(
        &self,
        py: Python<'py>,
        image1: PyReadonlyArray1<'py, u32>,
        image2: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let pairs = numbered(&image1, &image2);
        let (inner, options) = (self.inner.clone(), self.options.clone());
        let found = run(py, None, move |_| locked(&inner).verify(&pairs, &options))?;
        let (pairs, worth): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let columns = columns(py, &pairs)?;
        let worth = worth.into_iter().map(|worth| worth.unwrap_or(f32::NAN));
        columns.set_item("worth", arrays::column(py, worth.collect()))?;
        Ok(columns)
    }

    /// The places of the pairs that were compared by their pixels, and their columns.
    fn compare<'py>(
        &self,
        py: Python<'py>,
        image1: PyReadonlyArray1<'py, u32>,
        image2: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<(Column<'py, i64>, Bound<'py, PyDict>)> {
        let pairs = numbered(&image1, &image2);
        let (inner, options) = (self.inner.clone(), self.options.clone());
        let found = run(py, None, move |_| locked(&inner).compare(&pairs, &options))?;
        let found = (0i64..).zip(found);
        let (places, pairs): (Vec<i64>, Vec<VerifiedPair>) = found
            .filter_map(|(place, pair)| Some((place, pair?)))
            .unzip();
        Ok((arrays::column(py, places), columns(py, &pairs)?))
    }
}

impl PairBlock {
    fn locked(&self) -> MutexGuard<'_, blocks::PairBlock> {
        locked(&self.inner)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pairs as columns; NaN and "" where pixels were not compared.
fn columns<'py>(py: Python<'py>, pairs: &[VerifiedPair]) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    let images = |of: fn(&VerifiedPair) -> usize| {
        let values = pairs.iter().map(|pair| of(pair) as u32);
        arrays::column(py, values.collect())
    };
    columns.set_item("image1", images(|pair| pair.image1))?;
    columns.set_item("image2", images(|pair| pair.image2))?;
    columns.set_item("num_matches", images(|pair| pair.num_matches))?;
    columns.set_item("num_inliers", images(|pair| pair.num_inliers))?;
    let log_odds = pairs.iter().map(|pair| pair.log_odds);
    columns.set_item("log_odds", arrays::column(py, log_odds.collect()))?;
    let relation = |pair: &VerifiedPair| pair.relation.map_or("", |relation| relation.as_str());
    columns.set_item("relation", pairs.iter().map(relation).collect::<Vec<_>>())?;
    let numbers = |of: fn(&EvidenceSummary) -> f32| {
        let values = pairs
            .iter()
            .map(|pair| pair.evidence.as_ref().map_or(f32::NAN, of));
        arrays::column(py, values.collect())
    };
    columns.set_item("agreement", numbers(|e| e.agreement))?;
    columns.set_item("contradiction", numbers(|e| e.contradiction))?;
    columns.set_item("explained1", numbers(|e| e.explained[0]))?;
    columns.set_item("explained2", numbers(|e| e.explained[1]))?;
    columns.set_item("color_difference", numbers(|e| e.color_difference))?;
    columns.set_item("replaced", numbers(|e| e.replaced))?;
    let is_compared = pairs.iter().map(|pair| pair.evidence.is_some());
    columns.set_item("is_compared", arrays::column(py, is_compared.collect()))?;
    Ok(columns)
}

/// The probability of each log-odds.
#[pyfunction]
pub(crate) fn probabilities<'py>(
    py: Python<'py>,
    log_odds: PyReadonlyArray1<'py, f64>,
) -> Column<'py, f64> {
    let log_odds = log_odds.as_array();
    arrays::column(py, log_odds.iter().map(|odds| probability(*odds)).collect())
}

/// The photos that links join; 4 bytes a photo.
#[pyclass(module = "delfin._delfin")]
pub(crate) struct Components(blocks::Components);

#[pymethods]
impl Components {
    #[new]
    fn new(num_photos: u32) -> Self {
        Self(blocks::Components::new(num_photos))
    }

    fn join(
        &mut self,
        py: Python<'_>,
        image1: PyReadonlyArray1<'_, u32>,
        image2: PyReadonlyArray1<'_, u32>,
    ) -> PyResult<()> {
        let pairs = image1.as_array().into_iter().zip(image2.as_array());
        for (image1, image2) in pairs {
            let joined = self.0.join(*image1, *image2);
            joined.map_err(|cause| raised(py, &cause))?;
        }
        Ok(())
    }

    /// The first photo of each photo's component.
    fn first_photos<'py>(&self, py: Python<'py>) -> Column<'py, u32> {
        arrays::column(py, self.0.clone().into_first_photos())
    }
}

/// What the best pairs of each photo are worth, of pairs that are worth comparing by pixels; 12 bytes a photo.
#[pyclass(module = "delfin._delfin")]
pub(crate) struct BestPairs(blocks::BestPairs);

#[pymethods]
impl BestPairs {
    #[new]
    fn new(num_photos: usize) -> Self {
        Self(blocks::BestPairs::new(num_photos))
    }

    /// Adds pairs; those with a NaN are not worth comparing.
    fn add(
        &mut self,
        image1: PyReadonlyArray1<'_, u32>,
        image2: PyReadonlyArray1<'_, u32>,
        worth: PyReadonlyArray1<'_, f32>,
        log_odds: PyReadonlyArray1<'_, f64>,
    ) {
        let pairs = numbered(&image1, &image2).into_iter();
        let judged = worth.as_array().into_iter().zip(log_odds.as_array());
        for ((image1, image2), (worth, log_odds)) in pairs.zip(judged) {
            if !worth.is_nan() {
                self.0.add([image1, image2], *worth, *log_odds);
            }
        }
    }

    /// What the last of each photo's best pairs is worth.
    fn least<'py>(&self, py: Python<'py>) -> Column<'py, f32> {
        let list = self.0.shortlist();
        arrays::column(py, list.least().to_vec())
    }
}

/// Whether each pair is compared by pixels, and its log-odds until then, by what the last of each photo's best pairs is
/// worth.
#[pyfunction]
pub(crate) fn shortlisted<'py>(
    py: Python<'py>,
    least: PyReadonlyArray1<'py, f32>,
    image1: PyReadonlyArray1<'py, u32>,
    image2: PyReadonlyArray1<'py, u32>,
    worth: PyReadonlyArray1<'py, f32>,
    log_odds: PyReadonlyArray1<'py, f64>,
) -> (Column<'py, bool>, Column<'py, f64>) {
    let list = blocks::Shortlist::new(values(&least));
    let judged = worth.as_array().into_iter().zip(log_odds.as_array());
    let judged = numbered(&image1, &image2).into_iter().zip(judged);
    let judge = |((image1, image2), (worth, log_odds)): ((usize, usize), (&f32, &f64))| {
        let worth = (!worth.is_nan()).then_some(*worth);
        list.judge([image1, image2], worth, *log_odds)
    };
    let (is_listed, log_odds) = judged.map(judge).unzip();
    (arrays::column(py, is_listed), arrays::column(py, log_odds))
}

/// The strongest pairs of each photo, of pairs compared by pixels; 16 bytes a photo.
#[pyclass(module = "delfin._delfin")]
pub(crate) struct Rivals(blocks::Rivals);

#[pymethods]
impl Rivals {
    #[new]
    fn new(num_photos: usize) -> Self {
        Self(blocks::Rivals::new(num_photos))
    }

    fn add(
        &mut self,
        image1: PyReadonlyArray1<'_, u32>,
        image2: PyReadonlyArray1<'_, u32>,
        log_odds: PyReadonlyArray1<'_, f64>,
        is_copy: PyReadonlyArray1<'_, bool>,
    ) {
        let pairs = numbered(&image1, &image2).into_iter();
        let judged = log_odds.as_array().into_iter().zip(is_copy.as_array());
        for ((image1, image2), (log_odds, is_copy)) in pairs.zip(judged) {
            self.0.add([image1, image2], *log_odds, relation(*is_copy));
        }
    }

    /// For each photo the log-odds of its strongest pair, and of its strongest that is no copy, with the prior.
    fn strongest<'py>(&self, py: Python<'py>, prior: f64) -> [Column<'py, f64>; 2] {
        let kind = |kind: usize| {
            self.0
                .strongest()
                .iter()
                .map(move |odds| odds[kind] + prior)
        };
        [0, 1].map(|at| arrays::column(py, kind(at).collect()))
    }
}

/// The log-odds of pairs as lowered by their rivals: of each photo the log-odds of its strongest pair, and of its
/// strongest that is no copy.
#[pyfunction]
pub(crate) fn lowered_by_rivals<'py>(
    py: Python<'py>,
    strongest: [PyReadonlyArray1<'py, f64>; 2],
    image1: PyReadonlyArray1<'py, u32>,
    image2: PyReadonlyArray1<'py, u32>,
    log_odds: PyReadonlyArray1<'py, f64>,
    is_copy: PyReadonlyArray1<'py, bool>,
) -> Column<'py, f64> {
    let [of_all, of_views] = strongest.each_ref().map(values);
    let strongest = of_all.into_iter().zip(of_views);
    let rivals = blocks::Rivals::from_strongest(strongest.map(|(a, b)| [a, b]).collect());
    let pairs = numbered(&image1, &image2).into_iter();
    let judged = log_odds.as_array().into_iter().zip(is_copy.as_array());
    let lowered = pairs
        .zip(judged)
        .map(|((image1, image2), (log_odds, is_copy))| {
            rivals.lowered([image1, image2], *log_odds, relation(*is_copy))
        });
    arrays::column(py, lowered.collect())
}

/// The links inside of clusters and between them; 5 bytes a photo, and 8 a crossing link.
#[pyclass(module = "delfin._delfin")]
pub(crate) struct CrossingLinks(blocks::CrossingLinks);

#[pymethods]
impl CrossingLinks {
    /// No links yet, of photos in these clusters, each named by one of its photos.
    #[new]
    fn new(clusters: PyReadonlyArray1<'_, u32>) -> Self {
        Self(blocks::CrossingLinks::new(values(&clusters)))
    }

    fn add(&mut self, image1: PyReadonlyArray1<'_, u32>, image2: PyReadonlyArray1<'_, u32>) {
        for (image1, image2) in numbered(&image1, &image2) {
            self.0.add([image1, image2]);
        }
    }

    /// For each photo its cluster, the crossing links of the cluster, and the photos that are linked inside; the folder's
    /// ratio. No link is added after that.
    fn balance<'py>(&mut self, py: Python<'py>) -> ([Column<'py, u32>; 3], f64) {
        let links = std::mem::replace(&mut self.0, blocks::CrossingLinks::new(Vec::new()));
        let balance = links.balance();
        let of_photos = |at: usize| {
            let of_photos = balance.of_photos().iter();
            arrays::column(py, of_photos.map(|links| links[at]).collect())
        };
        let clusters = arrays::column(py, balance.clusters().to_vec());
        ([clusters, of_photos(0), of_photos(1)], balance.ratio())
    }
}

/// The log-odds of pairs and what links add, by what `CrossingLinks.balance` gave of their photos.
#[pyfunction]
pub(crate) fn with_links<'py>(
    py: Python<'py>,
    of_photos: [PyReadonlyArray1<'py, u32>; 3],
    ratio: f64,
    image1: PyReadonlyArray1<'py, u32>,
    image2: PyReadonlyArray1<'py, u32>,
    log_odds: PyReadonlyArray1<'py, f64>,
) -> Column<'py, f64> {
    let [clusters, crossing, linked] = of_photos.each_ref().map(values);
    let links = crossing.into_iter().zip(linked);
    let links = links.map(|(crossing, linked)| [crossing, linked]);
    let balance = blocks::LinkBalance::new(clusters, links.collect(), ratio);
    let pairs = numbered(&image1, &image2).into_iter();
    let counted = pairs
        .zip(log_odds.as_array())
        .map(|((image1, image2), log_odds)| log_odds + balance.gain([image1, image2]).log_odds);
    arrays::column(py, counted.collect())
}

fn relation(is_copy: bool) -> Option<Relation> {
    Some(match is_copy {
        true => Relation::Copy,
        false => Relation::View,
    })
}

/// The clusters of whole components: for each of `photos`, ascending, the first photo of its cluster, its score, and
/// whether it represents the cluster. The pairs are all pairs of these photos.
#[pyfunction]
pub(crate) fn block_clusters<'py>(
    py: Python<'py>,
    photos: PyReadonlyArray1<'py, u32>,
    image1: PyReadonlyArray1<'py, u32>,
    image2: PyReadonlyArray1<'py, u32>,
    evidence: PyReadonlyArray1<'py, f64>,
    has_all_pairs: bool,
) -> PyResult<(Column<'py, u32>, Column<'py, f64>, Column<'py, bool>)> {
    let photos = values(&photos);
    if !photos.is_sorted() {
        let message = "photos: not ascending";
        return Err(error(py, Class::Option, message, None));
    }
    let (pairs, evidence) = (numbered(&image1, &image2), values(&evidence));
    let (first, scores, is_representative) = run(py, None, move |_| {
        let is_other = |photo: &u32| photos.binary_search(photo).is_err();
        let ends = pairs.iter().flat_map(|(a, b)| [*a as u32, *b as u32]);
        let others: BTreeSet<u32> = ends.filter(is_other).collect();
        let others: Vec<u32> = others.into_iter().collect();
        let number = |photo: usize| {
            let photo = photo as u32;
            let at = photos.binary_search(&photo);
            at.unwrap_or_else(|_| photos.len() + others.binary_search(&photo).unwrap_or(0))
        };
        let links: Vec<(usize, usize, f64)> = pairs
            .iter()
            .zip(evidence)
            .map(|((a, b), evidence)| (number(*a), number(*b), evidence))
            .collect();
        let count = photos.len();
        let found = blocks::component_clusters(count, count + others.len(), &links, has_all_pairs);
        let (mut first, mut scores) = (vec![0; count], vec![0.0; count]);
        let mut is_representative = vec![false; count];
        for cluster in &found {
            for (&member, &score) in cluster.members.iter().zip(&cluster.scores) {
                first[member] = photos[cluster.members[0]];
                scores[member] = score;
            }
            is_representative[cluster.representative] = true;
        }
        Ok((first, scores, is_representative))
    })?;
    Ok((
        arrays::column(py, first),
        arrays::column(py, scores),
        arrays::column(py, is_representative),
    ))
}
