//! Photos -> classes that were taught.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use delfin::classify::{decode, encode};
use delfin::files::write_file;
use delfin::folder::{list_photos, path_text};
use delfin::image::DecodeOptions;
use delfin::pipeline::{NoCache, PhotoClassifier, TrainingFolders, train_classifier};
use delfin::scoring::probability;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;

use crate::cluster::{StoreChoice, ensure_folder};
use crate::error::{Class, error};
use crate::image::{Source, sources};
use crate::model::Network;
use crate::options::count;
use crate::output::ensure_replaceable;
use crate::run::{Watch, run};

/// A trained classifier with its network.
///
/// Parameters
/// ----------
/// path : str or PathLike
///     File that ``train`` or ``delfin train`` wrote.
/// model : str, PathLike or Model, optional
///     The network it was trained with; None is the built-in one.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct Classifier {
    inner: Arc<Trained>,
}

/// A classifier is always read from its file's bytes: the numbers in its header may come back changed in
/// their last digit, and a classifier that was just trained gives the same bits as its file.
struct Trained {
    file: Vec<u8>,
    classifier: delfin::classify::Classifier,
    model: Arc<delfin::Model>,
}

/// The result of one photo, with all that its methods say in words.
struct Labelled {
    path: Option<String>,
    found: delfin::pipeline::Classification,
}

impl Trained {
    /// `path` only names the file in errors.
    fn new(file: Vec<u8>, model: Arc<delfin::Model>, path: &Path) -> delfin::Result<Self> {
        let classifier = decode(&file).map_err(|reason| delfin::Error::Classifier {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            file,
            classifier,
            model,
        })
    }

    fn label(&self, source: &Source) -> delfin::Result<Labelled> {
        let labeller = PhotoClassifier::new(&self.classifier, &self.model)?;
        let (path, found) = match source {
            Source::Path(path) => (
                Some(path_text(path)),
                labeller.classify_path(path, &NoCache)?,
            ),
            _ => {
                let photo = source.open(&DecodeOptions::default())?;
                (None, labeller.classify(&labeller.features_of(&photo)?)?)
            }
        };
        Ok(Labelled { path, found })
    }

    fn label_all(&self, watch: &Watch, sources: &[Source]) -> Vec<delfin::Result<Labelled>> {
        let done = AtomicUsize::new(0);
        let each = sources.par_iter().map(|source| {
            watch.check()?;
            let found = self.label(source);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            watch.count(0, "classify", done, sources.len());
            found
        });
        each.collect()
    }
}

#[pymethods]
impl Classifier {
    #[new]
    #[pyo3(signature = (path, *, model=None))]
    fn new(py: Python<'_>, path: PathBuf, model: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let network = Network::new(model)?;
        let inner = run(py, None, move |_| {
            let file = std::fs::read(&path).map_err(|source| delfin::Error::Io {
                path: path.clone(),
                source,
            })?;
            let trained = Trained::new(file, network.open()?, &path)?;
            PhotoClassifier::new(&trained.classifier, &trained.model)?;
            Ok(Arc::new(trained))
        })?;
        Ok(Self { inner })
    }

    /// Names of the classes.
    #[getter]
    fn labels(&self) -> Vec<&str> {
        let labels = self.inner.classifier.labels.iter();
        labels.map(String::as_str).collect()
    }

    /// Share of the test photos that were labelled rightly, 0 to 1; None without test photos.
    #[getter]
    fn test_accuracy(&self) -> Option<f64> {
        self.inner.classifier.test_accuracy
    }

    /// Whether photos are matched with training photos too.
    #[getter]
    fn has_geometry(&self) -> bool {
        self.inner.classifier.has_geometry()
    }

    /// Labels one photo.
    fn __call__(&self, py: Python<'_>, image: &Bound<'_, PyAny>) -> PyResult<Classification> {
        let source = Source::new(image, "image")?;
        let trained = self.inner.clone();
        let found = run(py, None, move |_| trained.label(&source))?;
        Ok(self.classification(found))
    }

    /// Writes the classifier into a file.
    #[pyo3(signature = (path, *, overwrite=false))]
    fn save(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        ensure_replaceable(py, &path, overwrite)?;
        let trained = self.inner.clone();
        run(py, None, move |_| write_file(&path, &trained.file))
    }

    fn __repr__(&self) -> String {
        let accuracy = match self.test_accuracy() {
            Some(accuracy) => format!(", test accuracy {:.1} %", accuracy * 100.0),
            None => String::new(),
        };
        let count = self.inner.classifier.labels.len();
        let classes = if count == 1 { "class" } else { "classes" };
        format!("<delfin.Classifier: {count} {classes}{accuracy}>")
    }
}

impl Classifier {
    fn classification(&self, labelled: Labelled) -> Classification {
        Classification {
            trained: self.inner.clone(),
            labelled,
        }
    }
}

/// The label of one photo. Probabilities are from 0 to 1.
#[pyclass(frozen, module = "delfin")]
pub(crate) struct Classification {
    trained: Arc<Trained>,
    labelled: Labelled,
}

#[pymethods]
impl Classification {
    /// The photo's path; None for a photo in memory.
    #[getter]
    fn path(&self) -> Option<&str> {
        self.labelled.path.as_deref()
    }

    /// The most probable class by both scores.
    #[getter]
    fn label(&self) -> &str {
        self.name(self.labelled.found.class)
    }

    /// Probability of ``label`` among the classes.
    #[getter]
    fn probability(&self) -> f64 {
        self.labelled.found.probabilities[self.labelled.found.class]
    }

    /// Probability that the photo belongs to ``label`` and not to no class.
    #[getter]
    fn fit_probability(&self) -> f64 {
        self.labelled.found.fit_probability
    }

    /// Probability of each class by both scores.
    #[getter]
    fn probabilities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.by_class(py, &self.labelled.found.probabilities)
    }

    /// Probability of each class by the softmax score alone.
    #[getter]
    fn softmax<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.by_class(py, &self.labelled.found.layer_probabilities)
    }

    /// The training photo that most probably shows the same thing: photo, label, num_inliers and probability;
    /// None where geometry found none.
    #[getter]
    fn best_match<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(best) = self.labelled.found.best_match else {
            return Ok(None);
        };
        let reference = &self.trained.classifier.references[best.reference];
        let found = PyDict::new(py);
        found.set_item("photo", &reference.name)?;
        found.set_item("label", self.name(reference.class))?;
        found.set_item("num_inliers", best.num_inliers)?;
        found.set_item("probability", probability(best.log_odds))?;
        Ok(Some(found))
    }

    /// Whether geometry is sure of another class than softmax.
    #[getter]
    fn scores_disagree(&self) -> bool {
        self.labelled.found.scores_disagree
    }

    fn __repr__(&self) -> String {
        let percent = delfin::pipeline::percent(self.probability());
        format!(
            "<delfin.Classification: {}, {percent} probable>",
            self.label()
        )
    }
}

impl Classification {
    fn name(&self, class: usize) -> &str {
        &self.trained.classifier.labels[class]
    }

    fn by_class<'py>(
        &self,
        py: Python<'py>,
        probabilities: &[f64],
    ) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (class, probability) in probabilities.iter().enumerate() {
            found.set_item(self.name(class), probability)?;
        }
        Ok(found)
    }
}

/// Labels photos with a trained classifier.
///
/// Parameters
/// ----------
/// photos : folder or iterable of images
///     Of a folder, photos that cannot be read are warned of and left out; in a list the first error ends the call.
/// classifier : Classifier, str or PathLike
/// model : str, PathLike or Model, optional
///     The network of a classifier that is given as a path.
/// progress : bool or callable, optional
///     True shows tqdm's bar; a callable gets stage, done and total.
///
/// Returns
/// -------
/// list of Classification
#[pyfunction]
#[pyo3(signature = (photos, classifier, *, model=None, progress=None))]
pub(crate) fn classify(
    py: Python<'_>,
    photos: &Bound<'_, PyAny>,
    classifier: &Bound<'_, PyAny>,
    model: Option<&Bound<'_, PyAny>>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<Classification>> {
    let inner = match classifier.cast::<Classifier>() {
        Ok(classifier) => classifier.get().inner.clone(),
        Err(_) => {
            let path = classifier.extract().map_err(|_| {
                let given = classifier.get_type().name();
                let given = given.map_or_else(|_| "object".into(), |name| name.to_string());
                let message = format!("classifier: {given} given; a path or a Classifier wanted");
                error(py, Class::Format, message, None)
            })?;
            Classifier::new(py, path, model)?.inner
        }
    };
    let own = Classifier {
        inner: inner.clone(),
    };
    let found = match photos.extract::<PathBuf>() {
        Ok(folder) => {
            ensure_folder(py, &folder)?;
            run(py, progress, move |watch| in_folder(&inner, watch, &folder))?
        }
        Err(_) => {
            let sources = sources(photos)?;
            run(py, progress, move |watch| {
                inner.label_all(watch, &sources).into_iter().collect()
            })?
        }
    };
    let found: Vec<Labelled> = found;
    Ok(found
        .into_iter()
        .map(|found| own.classification(found))
        .collect())
}

fn in_folder(trained: &Trained, watch: &Watch, folder: &Path) -> delfin::Result<Vec<Labelled>> {
    let listing = list_photos(folder)?;
    for failure in &listing.failures {
        watch.warning(format!("{}; left out", failure.error));
    }
    let sources: Vec<Source> = listing.photos.into_iter().map(Source::Path).collect();
    let mut labelled = Vec::new();
    for found in trained.label_all(watch, &sources) {
        match found {
            Ok(found) => labelled.push(found),
            Err(cause @ delfin::Error::Cancelled) => return Err(cause),
            Err(cause) => watch.warning(format!("{cause}; left out")),
        }
    }
    Ok(labelled)
}

/// Trains a classifier on a folder of photos, in which each sub-folder is a class.
///
/// Parameters
/// ----------
/// folder : str or PathLike
/// output : str or PathLike, optional
///     File that gets the classifier.
/// overwrite : bool
///     Write over a file that delfin did not make.
/// validation_folder, test_folder : str or PathLike, optional
///     Photos kept from training; where left out, a part of ``folder``.
/// validation_percentage, testing_percentage : float, optional
///     That part; 10 each.
/// geometry : bool
///     Also match photos with training photos: for classes that are single things, not kinds of things.
/// num_steps : int, optional
///     Training steps; 400.
/// learning_rate : float, optional
///     Of the first step; 0.03.
/// seed : int, optional
///     Of the batches; 0.
/// store : str, PathLike or bool, optional
///     As for ``cluster``.
/// model : str, PathLike or Model, optional
/// progress : bool or callable, optional
///
/// Returns
/// -------
/// Classifier
#[pyfunction]
#[pyo3(signature = (folder, *, output=None, overwrite=false, validation_folder=None, test_folder=None,
    validation_percentage=None, testing_percentage=None, geometry=true, num_steps=None, learning_rate=None,
    seed=None, store=None, model=None, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn train(
    py: Python<'_>,
    folder: PathBuf,
    output: Option<PathBuf>,
    overwrite: bool,
    validation_folder: Option<PathBuf>,
    test_folder: Option<PathBuf>,
    validation_percentage: Option<f64>,
    testing_percentage: Option<f64>,
    geometry: bool,
    num_steps: Option<i128>,
    learning_rate: Option<f32>,
    seed: Option<i128>,
    store: Option<&Bound<'_, PyAny>>,
    model: Option<&Bound<'_, PyAny>>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Classifier> {
    let network = Network::new(model)?;
    let num_steps: Option<usize> = count(py, "num_steps", num_steps)?;
    let seed: Option<u64> = count(py, "seed", seed)?;
    let store = StoreChoice::new(store)?;
    for folder in [
        Some(&folder),
        validation_folder.as_ref(),
        test_folder.as_ref(),
    ] {
        folder.map_or(Ok(()), |folder| ensure_folder(py, folder))?;
    }
    if let Some(output) = &output {
        ensure_replaceable(py, output, overwrite)?;
    }
    let inner = run(py, progress, move |watch| {
        let model = network.open()?;
        let mut options = model.classifier_options();
        fn set<T>(target: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *target = value;
            }
        }
        let split = &mut options.split;
        set(&mut split.validation_percentage, validation_percentage);
        set(&mut split.testing_percentage, testing_percentage);
        set(&mut options.layer.num_steps, num_steps);
        set(&mut options.layer.learning_rate, learning_rate);
        set(&mut options.layer.seed, seed);
        if !geometry {
            options.geometry = None;
        }
        options.validate()?;
        let store = store.open(&folder, watch)?;
        let folders = TrainingFolders {
            training: folder,
            validation: validation_folder,
            testing: test_folder,
        };
        let trained = train_classifier(&model, &folders, &options, &store, watch)?;
        watch.check()?;
        let file = encode(&trained.classifier)?;
        let path = output.as_deref().unwrap_or(Path::new("<classifier>"));
        let trained = Trained::new(file, model, path)?;
        if output.is_some() {
            write_file(path, &trained.file)?;
        }
        Ok(Arc::new(trained))
    })?;
    Ok(Classifier { inner })
}
