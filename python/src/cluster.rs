//! Folders of photos -> clusters.

use std::path::{Path, PathBuf};

use delfin::Error;
use delfin::cluster::Cluster;
use delfin::folder::list_photos;
use delfin::pipeline::{
    ClusterOptions, FolderClusters, FolderSession, VerifiedPair, clusters_json, edited_table,
};
use delfin::scoring::{Judgement, Relation};
use delfin::store::{Store, default_path};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays;
use crate::error::{Class, error, raised};
use crate::model::Network;
use crate::options::{Extraction, count};
use crate::output::ensure_replaceable;
use crate::run::{Watch, run};

/// The files of a folder's clusters that carry a mark of delfin.
const MARKED_FILES: [&str; 4] = ["clusters.json", "clusters.csv", "edges.csv", "report.html"];

/// The clusters of a folder.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct ClusterResult {
    folder: PathBuf,
    found: FolderClusters,
    json: String,
}

/// Where computed features and pairs are kept.
#[derive(Clone)]
pub(crate) enum StoreChoice {
    /// Beside the photos.
    Own,
    Memory,
    File(PathBuf),
}

impl StoreChoice {
    /// From the argument `store`: None, False or a path.
    pub(crate) fn new(store: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(store) = store else {
            return Ok(Self::Own);
        };
        if let Ok(is_kept) = store.extract::<bool>() {
            return Ok(if is_kept { Self::Own } else { Self::Memory });
        }
        store.extract().map(Self::File).map_err(|_| {
            let given = store.get_type().name();
            let given = given.map_or_else(|_| "object".into(), |name| name.to_string());
            let message = format!("store: {given} given; a path or False wanted");
            error(store.py(), Class::Option, message, None)
        })
    }

    /// A store beside the photos that cannot be used is warned of, and one in memory serves.
    pub(crate) fn open(&self, folder: &Path, watch: &Watch) -> delfin::Result<Store> {
        match self {
            Self::Memory => Store::in_memory(),
            Self::File(path) => Store::open(path),
            Self::Own => Store::open(&default_path(folder)).or_else(|cause| {
                watch.warning(format!("{cause}; what is computed now will not be kept"));
                Store::in_memory()
            }),
        }
    }
}

/// Sorts the photos of a folder, and of its sub-folders, into clusters by what they show.
///
/// The same photos and options give the same clusters as ``delfin cluster``. Ctrl-C ends a run; what was computed
/// is kept in the store, and the next run goes on from there.
///
/// Parameters
/// ----------
/// folder : str or PathLike
/// output : str or PathLike, optional
///     Folder that gets report.html, clusters.csv, labels_pred.txt, edges.csv and clusters.json; made if missing.
/// overwrite : bool
///     Write over files in ``output`` that delfin did not make.
/// store : str, PathLike or bool, optional
///     File that keeps what was computed; None is ``.delfin/store.sqlite`` in the folder, False keeps nothing.
/// colmap : str or PathLike, optional
///     A new file that gets a COLMAP database of the linked photos.
/// model, max_features, max_size, scales : optional
///     As for ``Extractor``.
/// min_probability : float, optional
///     Least probability of a link, as the pair counts in the folder; 0.4.
/// min_inliers : int, optional
///     Least number of inliers of a link.
/// copies_only : bool
///     Link edited copies of one picture only.
/// mirrored : bool
///     Also find things that are mirrored.
/// exhaustive : bool
///     Verify every pair, however many photos there are; up to 250 all are verified in any case.
/// judgement : str or PathLike, optional
///     Judgement file instead of the built-in one.
/// progress : bool or callable, optional
///     True shows tqdm's bar; a callable gets stage, done and total.
///
/// Returns
/// -------
/// ClusterResult
#[pyfunction]
#[pyo3(signature = (folder, *, output=None, overwrite=false, store=None, colmap=None, model=None,
    max_features=None, max_size=None, scales=None, min_probability=None, min_inliers=None, copies_only=false,
    mirrored=false, exhaustive=false, judgement=None, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn cluster(
    py: Python<'_>,
    folder: PathBuf,
    output: Option<PathBuf>,
    overwrite: bool,
    store: Option<&Bound<'_, PyAny>>,
    colmap: Option<PathBuf>,
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
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<ClusterResult> {
    let network = Network::new(model)?;
    let extraction = Extraction::new(py, max_features, max_size, scales)?;
    let min_inliers: Option<usize> = count(py, "min_inliers", min_inliers)?;
    let store = StoreChoice::new(store)?;
    ensure_folder(py, &folder)?;
    let judgement = judgement
        .map(|path| read_judgement(py, &path))
        .transpose()?;
    let clustering = Clustering {
        extraction,
        min_probability,
        min_inliers,
        copies_only,
        mirrored,
        exhaustive,
        judgement,
    };
    if let Some(output) = &output {
        ensure_output(py, output, overwrite)?;
    }
    if let Some(path) = &colmap {
        delfin::files::refuse_existing(path).map_err(|cause| raised(py, &cause))?;
    }
    let own = folder.clone();
    let (found, json) = run(py, progress, move |watch| {
        let folder = own;
        // Nothing is made in an empty folder.
        let listing = list_photos(&folder)?;
        if listing.photos.is_empty() && listing.failures.is_empty() {
            return Err(no_photos(&folder, listing.passed_over.lines()));
        }
        let model = network.open()?;
        let options = clustering.options(&model)?;
        let store = store.open(&folder, watch)?;
        let session = FolderSession::new(&model, &folder, &store, &options)?;
        let session = session.with_observer(watch);
        let found = session.cluster()?;
        if found.photos.is_empty() {
            let reasons = found.failures.iter().take(3);
            let reasons = reasons.map(|failure| format!("{}: {}", failure.path, failure.reason));
            return Err(no_photos(&folder, reasons.collect()));
        }
        if let Some(output) = &output {
            session.write_files(&found, output)?;
        }
        if let Some(path) = &colmap {
            session.colmap_database(&found)?.write(path)?;
        }
        let mut json = Vec::new();
        clusters_json(&found, &session.source(), &mut json).map_err(|source| Error::Io {
            path: folder.clone(),
            source,
        })?;
        Ok((found, String::from_utf8_lossy(&json).into_owned()))
    })?;
    Ok(ClusterResult {
        folder,
        found,
        json,
    })
}

/// How photos are sorted; None is the network's own setting.
pub(crate) struct Clustering {
    pub(crate) extraction: Extraction,
    pub(crate) min_probability: Option<f64>,
    pub(crate) min_inliers: Option<usize>,
    pub(crate) copies_only: bool,
    pub(crate) mirrored: bool,
    pub(crate) exhaustive: bool,
    pub(crate) judgement: Option<Judgement>,
}

impl Clustering {
    /// # Errors
    /// [`Error::InvalidOption`].
    pub(crate) fn options(self, model: &delfin::Model) -> delfin::Result<ClusterOptions> {
        let mut options = model.cluster_options();
        options.matching.extraction = self.extraction.options(model);
        options.matching.verification.limits.allow_mirrored = self.mirrored;
        options.exhaustive = self.exhaustive;
        options.min_inliers = self.min_inliers;
        options.copies_only = self.copies_only;
        options.judgement = self.judgement;
        if let Some(min_probability) = self.min_probability {
            options.min_probability = min_probability;
        }
        options.validate()?;
        Ok(options)
    }
}

fn no_photos(folder: &Path, details: Vec<String>) -> Error {
    let mut parts = vec!["no photos that can be read".to_owned()];
    parts.extend(details);
    Error::Dataset {
        path: folder.to_owned(),
        reason: parts.join("; "),
    }
}

pub(crate) fn ensure_folder(py: Python<'_>, folder: &Path) -> PyResult<()> {
    let reason = match (folder.exists(), folder.is_dir()) {
        (_, true) => return Ok(()),
        (true, false) => "a file; a folder of photos wanted",
        (false, false) => "no such folder",
    };
    let message = format!("{}: {reason}", folder.display());
    Err(error(py, Class::File, message, Some(folder)))
}

pub(crate) fn read_judgement(py: Python<'_>, path: &Path) -> PyResult<Judgement> {
    let text = std::fs::read_to_string(path).map_err(|source| {
        let path = path.to_owned();
        raised(py, &Error::Io { path, source })
    })?;
    Judgement::parse(&text).map_err(|cause| {
        let message = format!("{}: {cause}", path.display());
        error(py, Class::Format, message, Some(path))
    })
}

/// Whether the files of a run lose nothing that delfin did not make or that was edited since. The labels and the sums of
/// the tables have no room for a mark; `clusters.json` beside them, which is written first, is theirs.
fn ensure_output(py: Python<'_>, output: &Path, overwrite: bool) -> PyResult<()> {
    if output.exists() && !output.is_dir() {
        let message = format!(
            "{}: a file; a folder to write into wanted",
            output.display()
        );
        return Err(error(py, Class::File, message, Some(output)));
    }
    if !output.exists() {
        return Ok(());
    }
    for name in MARKED_FILES {
        ensure_replaceable(py, &output.join(name), overwrite)?;
    }
    let is_own = output.join("clusters.json").exists();
    for name in ["labels_pred.txt", "tables.sha256"] {
        ensure_replaceable(py, &output.join(name), overwrite || is_own)?;
    }
    match edited_table(output) {
        Some(table) if !overwrite => {
            let message = format!("{}: changed since delfin wrote it", table.display());
            Err(error(py, Class::File, message, Some(&table)))
        }
        _ => Ok(()),
    }
}

/// Label and score of each photo, and the representative of each cluster.
type Labels<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<i64>>,
);

fn labels<'py>(py: Python<'py>, num_photos: usize, clusters: &[Cluster]) -> Labels<'py> {
    let (mut labels, mut scores) = (vec![0; num_photos], vec![0.0; num_photos]);
    for (number, cluster) in clusters.iter().enumerate() {
        for (&photo, &score) in cluster.members.iter().zip(&cluster.scores) {
            (labels[photo], scores[photo]) = (number as i64, score);
        }
    }
    let representatives = clusters.iter().map(|c| c.representative as i64);
    (
        arrays::column(py, labels),
        arrays::column(py, scores),
        arrays::column(py, representatives.collect()),
    )
}

/// Labels, scores and representatives of photos by the log-odds of pairs, and "copy", "view" or "" of each;
/// `delfin.cluster_edges` calls it.
#[pyfunction]
pub(crate) fn cluster_pairs<'py>(
    py: Python<'py>,
    num_photos: usize,
    first: PyReadonlyArray1<'py, i64>,
    second: PyReadonlyArray1<'py, i64>,
    log_odds: PyReadonlyArray1<'py, f64>,
    relation: Vec<String>,
    min_probability: Option<f64>,
) -> PyResult<Labels<'py>> {
    let (first, second, log_odds) = (first.as_array(), second.as_array(), log_odds.as_array());
    // A negative index names no photo, as one that is too large.
    let index = |index: i64| usize::try_from(index).unwrap_or(usize::MAX);
    let kind = |relation: &String| {
        [Relation::Copy, Relation::View]
            .into_iter()
            .find(|known| known.as_str() == relation)
    };
    let ends = first.iter().zip(second).zip(log_odds).zip(&relation);
    let pairs: Vec<(usize, usize, f64, Option<Relation>)> = ends
        .map(|(((a, b), log_odds), relation)| (index(*a), index(*b), *log_odds, kind(relation)))
        .collect();
    let default = || ClusterOptions::default().min_probability;
    let min_probability = min_probability.unwrap_or_else(default);
    let clusters = run(py, None, move |_| {
        delfin::pipeline::cluster_pairs(num_photos, &pairs, min_probability)
    })?;
    Ok(labels(py, num_photos, &clusters))
}

#[pymethods]
impl ClusterResult {
    /// The folder of photos.
    #[getter]
    fn folder(&self) -> &Path {
        &self.folder
    }

    /// Paths of the photos below the folder, sorted.
    #[getter]
    fn paths(&self) -> Vec<&str> {
        self.found.photos.iter().map(|p| p.path.as_str()).collect()
    }

    /// The cluster of each photo, 0 is the largest; N, int64.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        labels(py, self.found.photos.len(), &self.found.clusters).0
    }

    /// How well each photo fits its cluster, 0 to 1; N, float64.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        labels(py, self.found.photos.len(), &self.found.clusters).1
    }

    /// Index of the photo that represents each cluster; C, int64.
    #[getter]
    fn representatives<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        labels(py, self.found.photos.len(), &self.found.clusters).2
    }

    /// Paths of the photos of each cluster, the largest cluster first.
    #[getter]
    fn clusters(&self) -> Vec<Vec<&str>> {
        let path = |&photo: &usize| self.found.photos[photo].path.as_str();
        let clusters = self.found.clusters.iter();
        clusters
            .map(|cluster| cluster.members.iter().map(path).collect())
            .collect()
    }

    /// Every pair verified as columns: image1, image2 (indices of ``paths``), num_matches, num_inliers, log_odds,
    /// probability, relation ("copy", "view" or ""), agreement, contradiction, color_difference (NaN where the
    /// pixels were not compared).
    #[getter]
    fn edges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let pairs = &self.found.pairs;
        let integers = |of: fn(&VerifiedPair) -> usize| {
            let values = pairs.iter().map(|pair| of(pair) as i64);
            arrays::column(py, values.collect())
        };
        let numbers = |of: fn(&VerifiedPair) -> f64| {
            arrays::column(py, pairs.iter().map(of).collect::<Vec<f64>>())
        };
        let edges = PyDict::new(py);
        edges.set_item("image1", integers(|pair| pair.image1))?;
        edges.set_item("image2", integers(|pair| pair.image2))?;
        edges.set_item("num_matches", integers(|pair| pair.num_matches))?;
        edges.set_item("num_inliers", integers(|pair| pair.num_inliers))?;
        edges.set_item("log_odds", numbers(|pair| pair.log_odds))?;
        edges.set_item("probability", numbers(VerifiedPair::probability))?;
        let relations = pairs
            .iter()
            .map(|p| p.relation.map_or("", Relation::as_str));
        let relations: Vec<&str> = relations.collect();
        let relations = py
            .import("numpy")?
            .call_method1("array", (relations, "U4"))?;
        edges.set_item("relation", relations)?;
        let seen = |of: fn(&delfin::pipeline::EvidenceSummary) -> f32| {
            let values = pairs
                .iter()
                .map(|p| p.evidence.as_ref().map_or(f32::NAN, of));
            arrays::column(py, values.collect())
        };
        edges.set_item("agreement", seen(|seen| seen.agreement))?;
        edges.set_item("contradiction", seen(|seen| seen.contradiction))?;
        edges.set_item("color_difference", seen(|seen| seen.color_difference))?;
        Ok(edges)
    }

    /// Path and reason of each photo that could not be used.
    #[getter]
    fn failures(&self) -> Vec<(&str, &str)> {
        let failures = self.found.failures.iter();
        failures
            .map(|failure| (failure.path.as_str(), failure.reason.as_str()))
            .collect()
    }

    /// The prior that the folder's own pairs add to the log-odds of each.
    #[getter]
    fn prior_log_odds(&self) -> f64 {
        self.found.prior_log_odds
    }

    /// The object of ``clusters.json``.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (&self.json,))
    }

    fn __len__(&self) -> usize {
        self.found.clusters.len()
    }

    fn __repr__(&self) -> String {
        format!(
            "<delfin.ClusterResult: {}, {}, {}>",
            delfin::counted(self.found.photos.len(), "photo"),
            delfin::counted(self.found.clusters.len(), "cluster"),
            delfin::counted(self.found.failures.len(), "failure")
        )
    }
}
