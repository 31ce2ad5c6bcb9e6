//! The steps of a folder on blocks of photos, for `delfin.ray`: columns in, columns out.
//!
//! Private to the package: `package/delfin/ray` calls it on columns of Parquet files. Photos have numbers in the order of
//! their paths; descriptors are int16, N x D.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delfin::candidates::blocks::{
    GlobalRows, NO_WORD, PhotoVote, PhotoVoters, WordVoters, Words, best, count_votes as counted,
    nearest_between, votes_between, word_rows,
};
use delfin::features::FeatureSet;
use delfin::folder::{list_photos, name_below, path_from_text, path_text};
use delfin::pipeline::blocks::{self, PhotoFile, judgement_of};
use delfin::pipeline::{ClusterOptions, VerifiedPair};
use delfin::scoring::probability;
use delfin::store::{ContentHash, decode_features};
use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};
use rayon::prelude::*;

use crate::arrays;
use crate::cluster::{Clustering, read_judgement};
use crate::error::{Class, error, raised};
use crate::model::Network;
use crate::options::{Extraction, count};
use crate::run::run;

type Column<'py, T> = Bound<'py, PyArray1<T>>;

/// A network and how photos are sorted with it.
#[pyclass(frozen, module = "delfin._delfin")]
pub(crate) struct BlockOptions {
    model: Arc<delfin::Model>,
    options: Arc<ClusterOptions>,
}

/// A photo to read: its name, and the bytes of its file where they are read already.
type Given = (String, Option<PyBackedBytes>);

fn file(root: &std::path::Path, (name, bytes): &Given) -> PhotoFile {
    let path = root.join(path_from_text(name));
    match bytes {
        Some(bytes) => PhotoFile::Bytes(path, bytes.to_vec()),
        None => PhotoFile::Path(path),
    }
}

#[pymethods]
impl BlockOptions {
    #[new]
    #[pyo3(signature = (*, model=None, max_features=None, max_size=None, scales=None, min_probability=None,
        min_inliers=None, copies_only=false, mirrored=false, exhaustive=false, judgement=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        model: Option<&Bound<'_, PyAny>>,
        max_features: Option<i128>,
        max_size: Option<i128>,
        scales: Option<Vec<f32>>,
        min_probability: Option<f64>,
        min_inliers: Option<i128>,
        copies_only: bool,
        mirrored: bool,
        exhaustive: bool,
        judgement: Option<PathBuf>,
    ) -> PyResult<Self> {
        let network = Network::new(model)?;
        let judgement = judgement
            .map(|path| read_judgement(py, &path))
            .transpose()?;
        let clustering = Clustering {
            extraction: Extraction::new(py, max_features, max_size, scales)?,
            min_probability,
            min_inliers: count(py, "min_inliers", min_inliers)?,
            copies_only,
            mirrored,
            exhaustive,
            judgement,
        };
        let (model, options) = run(py, None, move |_| {
            let model = network.open()?;
            let options = clustering.options(&model)?;
            Ok((model, Arc::new(options)))
        })?;
        Ok(Self { model, options })
    }

    /// What names the settings, 64 hexadecimal digits.
    fn settings_hash(&self, py: Python<'_>) -> PyResult<String> {
        let (model, options) = (self.model.clone(), self.options.clone());
        run(py, None, move |_| blocks::settings_hash(&model, &options))
    }

    /// Whether every pair of so many photos is verified.
    fn verifies_all(&self, num_photos: usize) -> bool {
        self.options.verifies_all(num_photos)
    }

    /// Partners by global descriptor, partners by votes, and voters, of a photo.
    #[getter]
    fn candidates(&self) -> (usize, usize, usize) {
        let options = self.options.candidates;
        (options.num_similar, options.num_voted, options.num_voters)
    }

    /// Whether pixels are compared.
    #[getter]
    fn compares_pixels(&self) -> bool {
        self.options.matching.refinement.is_some()
    }

    /// Photos whose features, and whose pixels, are in memory at a time.
    #[getter]
    fn max_held(&self) -> (usize, usize) {
        (blocks::MAX_LOADED, blocks::MAX_DECODED)
    }

    /// For each photo its hash, width, height, number of keypoints, features and global descriptor (bytes of int16, or
    /// None); or the reason why it cannot be used.
    fn extract<'py>(
        &self,
        py: Python<'py>,
        root: PathBuf,
        photos: Vec<Given>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (model, options) = (self.model.clone(), self.options.clone());
        let found = run(py, None, move |watch| {
            let each = photos.par_iter().map(|given| {
                watch.check()?;
                Ok(blocks::extract_photo(&model, &file(&root, given), &options))
            });
            each.collect::<delfin::Result<Vec<_>>>()
        })?;
        let list = PyList::empty(py);
        for photo in found {
            match photo {
                Err(reason) => list.append(reason)?,
                Ok(photo) => {
                    let global = photo.global.as_ref().map(|row| {
                        let values = row.values().iter();
                        let bytes: Vec<u8> = values.flat_map(|v| v.to_le_bytes()).collect();
                        PyBytes::new(py, &bytes)
                    });
                    list.append((
                        PyBytes::new(py, &photo.content_hash),
                        photo.width,
                        photo.height,
                        photo.num_keypoints,
                        PyBytes::new(py, &photo.features),
                        global,
                    ))?;
                }
            }
        }
        Ok(list)
    }

    /// What all pairs with pixel evidence add to the log-odds of each.
    fn prior(&self, py: Python<'_>, log_odds: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
        let (options, log_odds) = (self.options.clone(), values(&log_odds));
        run(py, None, move |_| {
            Ok(judgement_of(&options)?.prior_log_odds(&log_odds))
        })
    }

    /// The evidence of each pair; 1 and more links.
    fn evidence<'py>(
        &self,
        py: Python<'py>,
        log_odds: PyReadonlyArray1<'py, f64>,
        num_inliers: PyReadonlyArray1<'py, i64>,
        is_copy: PyReadonlyArray1<'py, bool>,
    ) -> Column<'py, f64> {
        let (log_odds, num_inliers) = (log_odds.as_array(), num_inliers.as_array());
        let pairs = log_odds.iter().zip(num_inliers).zip(is_copy.as_array());
        let evidence = pairs.map(|((log_odds, num_inliers), is_copy)| {
            let num_inliers = usize::try_from(*num_inliers).unwrap_or(0);
            blocks::link_evidence(*log_odds, num_inliers, *is_copy, &self.options)
        });
        arrays::column(py, evidence.collect())
    }
}

/// Names; name and reason of what cannot be listed; lines.
type Listing = (Vec<String>, Vec<(String, String)>, Vec<String>);

/// Names of the photos of a folder; name and reason of what cannot be listed; lines on what is passed over.
#[pyfunction]
pub(crate) fn list_folder(py: Python<'_>, folder: PathBuf) -> PyResult<Listing> {
    run(py, None, move |_| {
        let listing = list_photos(&folder)?;
        let names = listing.photos.iter().map(|path| name_below(&folder, path));
        let failures = listing.failures.iter().map(|failure| {
            let reason = blocks::reason(&failure.path, &failure.error);
            (name_below(&folder, &failure.path), reason)
        });
        let lines = listing.passed_over.lines();
        Ok((names.collect(), failures.collect(), lines))
    })
}

/// Size in bytes and time of change in nanoseconds of files below `root`; -1 where there is none.
#[pyfunction]
pub(crate) fn file_states<'py>(
    py: Python<'py>,
    root: PathBuf,
    names: Vec<String>,
) -> PyResult<(Column<'py, i64>, Column<'py, i64>)> {
    let states = run(py, None, move |_| {
        let state = |name: &String| {
            let metadata = std::fs::metadata(root.join(path_from_text(name))).ok()?;
            let changed = metadata.modified().ok()?;
            let changed = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some((metadata.len() as i64, changed.as_nanos() as i64))
        };
        let states = names.par_iter().map(|name| state(name).unwrap_or((-1, -1)));
        Ok(states.unzip::<_, _, Vec<i64>, Vec<i64>>())
    })?;
    Ok((arrays::column(py, states.0), arrays::column(py, states.1)))
}

/// A path as text.
#[pyfunction]
pub(crate) fn name_of(path: PathBuf) -> String {
    path_text(&path)
}

/// Whether a file that begins with `head` is taken for a photo.
#[pyfunction]
pub(crate) fn is_photo_with(path: PathBuf, head: &[u8]) -> bool {
    delfin::folder::is_photo_with(&path, head)
}

/// Photo, other photo and their similarity of the `count` photos of `others` that are most like each of `photos`.
#[pyfunction]
pub(crate) fn block_nearest<'py>(
    py: Python<'py>,
    photos: PyReadonlyArray2<'py, i16>,
    first: usize,
    others: PyReadonlyArray2<'py, i16>,
    other_first: usize,
    count: usize,
) -> PyResult<(Column<'py, u32>, Column<'py, u32>, Column<'py, f32>)> {
    let dims = [photos.shape()[1], others.shape()[1]];
    let own: Vec<i16> = photos.as_array().iter().copied().collect();
    let others: Vec<i16> = others.as_array().iter().copied().collect();
    let found = run(py, None, move |_| {
        let rows = |first, dim, values| GlobalRows { first, dim, values };
        let photos = rows(first, dims[0], &own);
        nearest_between(&photos, &rows(other_first, dims[1], &others), count)
    })?;
    let each = || (first as u32..).zip(&found);
    let photos = each().flat_map(|(photo, found)| found.iter().map(move |_| photo));
    let others = found.iter().flatten().map(|(_, other)| *other);
    let values = found.iter().flatten().map(|(value, _)| *value);
    Ok((
        arrays::column(py, photos.collect()),
        arrays::column(py, others.collect()),
        arrays::column(py, values.collect()),
    ))
}

/// Two columns of photos.
type Pairs<'py> = (Column<'py, u32>, Column<'py, u32>);

fn pairs(py: Python<'_>, partners: Vec<(u32, Vec<u32>)>) -> Pairs<'_> {
    let photos = partners
        .iter()
        .flat_map(|(photo, others)| others.iter().map(|_| *photo));
    let photos = arrays::column(py, photos.collect());
    let others = partners.into_iter().flat_map(|(_, others)| others);
    (photos, arrays::column(py, others.collect()))
}

/// The `count` nearest of each photo, from the columns of many calls of `block_nearest`.
#[pyfunction]
pub(crate) fn merge_nearest<'py>(
    py: Python<'py>,
    photos: PyReadonlyArray1<'py, u32>,
    others: PyReadonlyArray1<'py, u32>,
    similarities: PyReadonlyArray1<'py, f32>,
    count: usize,
) -> PyResult<Pairs<'py>> {
    let (photos, others) = (values(&photos), values(&others));
    let similarities = values(&similarities);
    let found = run(py, None, move |_| {
        let mut rows: Vec<(u32, f32, u32)> = photos
            .into_iter()
            .zip(similarities)
            .zip(others)
            .map(|((photo, similarity), other)| (photo, similarity, other))
            .collect();
        rows.sort_by_key(|row| row.0);
        let of_photo = |rows: &[(u32, f32, u32)]| {
            let values = rows
                .iter()
                .map(|(_, similarity, other)| (*similarity, *other));
            (rows[0].0, best(values.collect(), count))
        };
        let chunks: Vec<_> = rows.chunk_by(|a, b| a.0 == b.0).collect();
        Ok(chunks.into_par_iter().map(of_photo).collect())
    })?;
    Ok(pairs(py, found))
}

/// The photos that visual words come from.
#[pyclass(module = "delfin._delfin")]
pub(crate) struct WordPhotos(delfin::candidates::blocks::WordPhotos);

#[pymethods]
impl WordPhotos {
    #[new]
    fn new(max_voters: usize) -> Self {
        Self(delfin::candidates::blocks::WordPhotos::new(max_voters))
    }

    /// Adds consecutive photos, of 32 bytes a hash; all photos in their order.
    fn add(
        &mut self,
        first: u32,
        hashes: &[u8],
        num_keypoints: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<()> {
        let (hashes, _) = hashes.as_chunks::<32>();
        let photos = (first..).zip(hashes).zip(num_keypoints.as_array());
        for ((photo, hash), num_keypoints) in photos {
            let num_keypoints = usize::try_from(*num_keypoints).unwrap_or(0);
            self.0.add(photo, hash, num_keypoints);
        }
        Ok(())
    }

    /// The photos in the order of their words.
    fn photos<'py>(&self, py: Python<'py>) -> Column<'py, u32> {
        arrays::column(py, self.0.clone().finish())
    }
}

/// Visual words.
#[pyclass(frozen, module = "delfin._delfin")]
pub(crate) struct BlockWords(Arc<Words>);

/// Voters of many photos.
type Voters<'py> = (
    Column<'py, u32>,
    Column<'py, u16>,
    Column<'py, u16>,
    Column<'py, u32>,
    Bound<'py, PyBytes>,
);

#[pymethods]
impl BlockWords {
    /// Words of these values, N x D; `groups` is what `groups()` gave before.
    #[new]
    #[pyo3(signature = (values, groups=None))]
    fn new(
        py: Python<'_>,
        values: PyReadonlyArray2<'_, f32>,
        groups: Option<PyReadonlyArray1<'_, u32>>,
    ) -> PyResult<Self> {
        let dim = values.shape()[1];
        let rows: Vec<f32> = values.as_array().iter().copied().collect();
        let groups = groups.map(|groups| self::values(&groups));
        let words = run(py, None, move |_| match groups {
            Some(groups) => Words::from_groups(dim, &rows, &groups),
            None => Ok(Words::from_rows(dim, &rows)),
        })?;
        Ok(Self(Arc::new(words)))
    }

    /// The group of each word.
    fn groups<'py>(&self, py: Python<'py>) -> Column<'py, u32> {
        arrays::column(py, self.0.groups())
    }

    /// The descriptors of each photo that become words: float32 as bytes, and their number of values.
    #[staticmethod]
    fn rows<'py>(
        py: Python<'py>,
        features: Vec<PyBackedBytes>,
    ) -> PyResult<Vec<(Bound<'py, PyBytes>, usize)>> {
        let found = run(py, None, move |_| {
            let of_photo = |bytes: &PyBackedBytes| {
                let features = decode_features(bytes)?;
                let bytes = word_rows(&features).into_iter().flat_map(f32::to_le_bytes);
                Ok((bytes.collect(), features.descriptors().dim()))
            };
            let found = features.par_iter().map(of_photo);
            found.collect::<delfin::Result<Vec<(Vec<u8>, usize)>>>()
        })?;
        let bytes = |(bytes, dim): (Vec<u8>, usize)| (PyBytes::new(py, &bytes), dim);
        Ok(found.into_iter().map(bytes).collect())
    }

    /// The voters of photos, each once for every word that it looks under: place of the photo, number of the
    /// voter, place of the word (0 for the nearest), word, rounded descriptor (int16 as bytes).
    fn voters<'py>(
        &self,
        py: Python<'py>,
        features: Vec<PyBackedBytes>,
        num_voters: usize,
    ) -> PyResult<Voters<'py>> {
        let words = self.0.clone();
        let dim = words.dim();
        let found = run(py, None, move |_| {
            let of_photo = |bytes: &PyBackedBytes| {
                let features: FeatureSet = decode_features(bytes)?;
                PhotoVoters::new(&features, &words, num_voters)
            };
            let found = features.par_iter().map(of_photo);
            found.collect::<delfin::Result<Vec<PhotoVoters>>>()
        })?;
        let (mut photos, mut numbers, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let (mut words, mut rows) = (Vec::new(), Vec::new());
        for (photo, voters) in (0u32..).zip(&found) {
            let each = (0u16..).zip(&voters.words).zip(voters.rows.chunks(dim));
            for ((number, nearest), row) in each {
                for (place, &word) in (0u16..).zip(nearest) {
                    if word == NO_WORD {
                        break;
                    }
                    photos.push(photo);
                    numbers.push(number);
                    places.push(place);
                    words.push(word);
                    rows.extend(row.iter().flat_map(|value| value.to_le_bytes()));
                }
            }
        }
        Ok((
            arrays::column(py, photos),
            arrays::column(py, numbers),
            arrays::column(py, places),
            arrays::column(py, words),
            PyBytes::new(py, &rows),
        ))
    }
}

/// Voters under words.
struct WordRows {
    words: Vec<u32>,
    dim: usize,
    rows: Vec<i16>,
}

impl WordRows {
    fn new(words: &PyReadonlyArray1<'_, u32>, rows: &PyReadonlyArray2<'_, i16>) -> Self {
        Self {
            words: values(words),
            dim: rows.shape()[1],
            rows: rows.as_array().iter().copied().collect(),
        }
    }

    fn view(&self) -> WordVoters<'_> {
        WordVoters {
            dim: self.dim,
            words: &self.words,
            rows: &self.rows,
        }
    }
}

/// The votes of voters for those that stand under the same words, which are sorted by word: place of the voter, place
/// of the other, weight.
#[pyfunction]
pub(crate) fn block_votes<'py>(
    py: Python<'py>,
    words: PyReadonlyArray1<'py, u32>,
    rows: PyReadonlyArray2<'py, i16>,
    standing_words: PyReadonlyArray1<'py, u32>,
    standing_rows: PyReadonlyArray2<'py, i16>,
) -> PyResult<(Column<'py, u32>, Column<'py, u32>, Column<'py, f32>)> {
    let voters = WordRows::new(&words, &rows);
    let standing = WordRows::new(&standing_words, &standing_rows);
    let found = run(py, None, move |_| {
        votes_between(&voters.view(), &standing.view())
    })?;
    let each = found.iter();
    Ok((
        arrays::column(py, each.clone().map(|vote| vote.voter).collect()),
        arrays::column(py, each.clone().map(|vote| vote.other).collect()),
        arrays::column(py, each.map(|vote| vote.weight).collect()),
    ))
}

/// The `count` photos that most voters of each photo vote for.
#[pyfunction]
pub(crate) fn count_votes<'py>(
    py: Python<'py>,
    photos: PyReadonlyArray1<'py, u32>,
    voters: PyReadonlyArray1<'py, u16>,
    others: PyReadonlyArray1<'py, u32>,
    weights: PyReadonlyArray1<'py, f32>,
    count: usize,
) -> PyResult<Pairs<'py>> {
    let voters = voters.as_array();
    let who = photos.as_array().into_iter().zip(voters);
    let what = others.as_array().into_iter().zip(weights.as_array());
    let mut votes: Vec<PhotoVote> = who
        .zip(what)
        .map(|((&photo, &voter), (&other, &weight))| PhotoVote {
            photo,
            voter: voter.into(),
            other,
            weight,
        })
        .collect();
    let found = run(py, None, move |_| Ok(counted(&mut votes, count)))?;
    Ok(pairs(py, found))
}

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

    /// Columns of pairs judged by their features, and `is_worth`: whether their pixels are worth comparing.
    fn verify<'py>(
        &self,
        py: Python<'py>,
        image1: PyReadonlyArray1<'py, u32>,
        image2: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let pairs = numbered(&image1, &image2);
        let (inner, options) = (self.inner.clone(), self.options.clone());
        let found = run(py, None, move |_| locked(&inner).verify(&pairs, &options))?;
        let (pairs, is_worth): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let columns = columns(py, &pairs)?;
        columns.set_item("is_worth", arrays::column(py, is_worth))?;
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
    let numbers = |of: fn(&delfin::pipeline::EvidenceSummary) -> f32| {
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

fn values<T: numpy::Element + Copy>(array: &PyReadonlyArray1<'_, T>) -> Vec<T> {
    array.as_array().iter().copied().collect()
}

fn numbered(
    image1: &PyReadonlyArray1<'_, u32>,
    image2: &PyReadonlyArray1<'_, u32>,
) -> Vec<(usize, usize)> {
    let pairs = image1.as_array().into_iter().zip(image2.as_array());
    pairs.map(|(a, b)| (*a as usize, *b as usize)).collect()
}
