//! Global neighbours, visual words and votes.

use std::sync::Arc;

use delfin::candidates::blocks::{
    GlobalRows, NO_WORD, PhotoVote, PhotoVoters, WordVoters, Words, best, count_votes as counted,
    nearest_between, votes_between, word_rows,
};
use delfin::features::FeatureSet;
use delfin::store::decode_features;
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rayon::prelude::*;

use super::{Column, values};
use crate::arrays;
use crate::run::run;

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
    let (own, others) = (values(&photos), values(&others));
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
    /// Words, N x D; `groups` is what `groups()` gave before.
    #[new]
    #[pyo3(signature = (words, groups=None))]
    fn new(
        py: Python<'_>,
        words: PyReadonlyArray2<'_, f32>,
        groups: Option<PyReadonlyArray1<'_, u32>>,
    ) -> PyResult<Self> {
        let dim = words.shape()[1];
        let rows = values(&words);
        let groups = groups.map(|groups| values(&groups));
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
            rows: values(rows),
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
