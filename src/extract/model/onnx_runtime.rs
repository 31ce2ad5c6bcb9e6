//! Runs a network by the ONNX Runtime library, which is loaded at run time. This file alone names ort.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::session::{OutputSelector, RunOptions, Session};
use ort::value::TensorRef;

use super::output::Values;

/// A value, or the fault in words.
type Outcome<T> = Result<T, String>;

/// The library of this process: one is loaded, or fails to be, once.
static LIBRARY: Mutex<Option<Outcome<PathBuf>>> = Mutex::new(None);

/// A network in sessions of one thread each: photos run side by side.
pub(super) struct OnnxRuntime {
    onnx: Vec<u8>,
    idle: Mutex<Vec<Session>>,
}

impl OnnxRuntime {
    /// The network in the ONNX file `onnx`, run by the library at `library`.
    ///
    /// # Errors
    /// The fault, in words: no such library, one of another version or kind, another one that was loaded before, or
    /// a network that it refuses.
    pub(super) fn new(library: &Path, onnx: Vec<u8>) -> Outcome<Self> {
        load(library)?;
        let mut runtime = Self {
            onnx,
            idle: Mutex::default(),
        };
        let session = runtime.session()?;
        let idle = runtime.idle.get_mut();
        idle.unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(runtime)
    }

    /// The library's description of its build.
    pub(super) fn build() -> &'static str {
        ort::info()
    }

    fn session(&self) -> Outcome<Session> {
        let make = || -> ort::Result<Session> {
            let builder = Session::builder()?.with_intra_threads(1)?;
            builder
                .with_inter_threads(1)?
                .commit_from_memory(&self.onnx)
        };
        make().map_err(|error| format!("ONNX Runtime does not run it: {error}"))
    }

    /// The outputs of these names for one input of this shape, in their order.
    ///
    /// # Errors
    /// The library's message.
    pub(super) fn run(
        &self,
        input: &str,
        (shape, values): ([usize; 4], &[f32]),
        outputs: &[&str],
    ) -> Outcome<Vec<Values>> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let mut session = match known {
            Some(session) => session,
            None => self.session()?,
        };
        let found = run(&mut session, input, (shape, values), outputs);
        idle().push(session);
        found.map_err(|error| format!("running it by ONNX Runtime failed: {error}"))
    }
}

fn run(
    session: &mut Session,
    input: &str,
    (shape, values): ([usize; 4], &[f32]),
    outputs: &[&str],
) -> ort::Result<Vec<Values>> {
    let wanted = outputs
        .iter()
        .fold(OutputSelector::no_default(), |selector, name| {
            selector.with(*name)
        });
    let options = RunOptions::new()?.with_outputs(wanted);
    let tensor = TensorRef::from_array_view((shape, values))?;
    let found = session.run_with_options(ort::inputs![input => tensor], &options)?;
    let read = |name: &&str| {
        let (shape, values) = found[*name].try_extract_tensor::<f32>()?;
        Ok(Values {
            shape: shape.iter().map(|side| *side as usize).collect(),
            values: values.to_vec(),
        })
    };
    outputs.iter().map(read).collect()
}

/// Loads the library, once in a process.
fn load(library: &Path) -> Outcome<()> {
    let path = library.canonicalize();
    let path = path.map_err(|error| format!("{}: {error}", library.display()))?;
    let mut loaded = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    match &*loaded {
        Some(Ok(other)) if *other == path => return Ok(()),
        Some(Ok(other)) => {
            return Err(format!(
                "{} is loaded already, and one process loads one ONNX Runtime",
                other.display()
            ));
        }
        // ort cannot load another one after a failure.
        Some(Err(reason)) => return Err(reason.clone()),
        None => {}
    }
    let outcome = loaded.insert(begin(path));
    outcome.as_ref().map(drop).map_err(String::clone)
}

fn begin(path: PathBuf) -> Outcome<PathBuf> {
    let environment = ort::init_from(&path);
    let environment = environment.map_err(|error| {
        format!(
            "{}: not an ONNX Runtime that can be used: {error}",
            path.display()
        )
    })?;
    environment.with_telemetry(false).commit();
    Ok(path)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::extract::import::{ImportOptions, PcaSource, import_saved_model};
    use crate::extract::model::{Model, Output};

    /// The library that `DELFIN_ONNXRUNTIME` names; none where it is not set, which `DELFIN_NEEDS_ONNXRUNTIME`
    /// forbids.
    fn library() -> Option<PathBuf> {
        let path = std::env::var_os("DELFIN_ONNXRUNTIME").map(PathBuf::from);
        let is_needed = std::env::var_os("DELFIN_NEEDS_ONNXRUNTIME").is_some();
        assert!(
            path.is_some() || !is_needed,
            "DELFIN_ONNXRUNTIME names no library"
        );
        path
    }

    /// The largest difference of any number, over the largest number of its output where that is above 1.
    fn difference(a: &Output, b: &Output) -> f32 {
        assert_eq!((a.width, a.height, a.dim), (b.width, b.height, b.dim));
        let none = Vec::new;
        let pairs = [
            (a.descriptors.clone(), b.descriptors.clone()),
            (a.attention.clone(), b.attention.clone()),
            (
                a.global.clone().unwrap_or_else(none),
                b.global.clone().unwrap_or_else(none),
            ),
        ];
        let differences = pairs.iter().map(|(a, b)| {
            assert_eq!(a.len(), b.len());
            let largest = a.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
            let most = a
                .iter()
                .zip(b)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            most / largest
        });
        differences.fold(0.0, f32::max)
    }

    #[test]
    fn another_engine_gives_the_same_numbers() {
        let Some(library) = library() else {
            return;
        };
        let refused = |path: &Path| {
            let model = Model::embedded().unwrap();
            model.with_onnx_runtime(path).unwrap_err().to_string()
        };
        let example = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/examples/images/graffiti_1.jpg"
        );
        let photo = image::open(example).unwrap();
        let photo: RgbImage = photo
            .resize_exact(256, 192, image::imageops::Triangle)
            .to_rgb8();
        let mut models = vec![(Model::embedded().unwrap(), Model::embedded().unwrap())];
        let delf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/delf_small.tar.gz");
        let options = ImportOptions {
            pca: PcaSource::None,
            ..ImportOptions::default()
        };
        let import = || {
            let imported = import_saved_model(&delf, &options).unwrap();
            imported.into_model(&delf).unwrap()
        };
        models.push((import(), import()));
        for (model, other) in models {
            let other = other.with_onnx_runtime(&library).unwrap();
            let name = &model.manifest().name;
            assert!(model.engine().is_none() && other.engine().is_some());
            let outputs = [&model, &other].map(|model| model.run(&photo, true).unwrap());
            let most = difference(&outputs[0], &outputs[1]);
            assert!(most <= 1e-4, "{name}: {most}");
            // From many threads at once, and the same each time.
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| assert_eq!(other.run(&photo, true).unwrap(), outputs[1]));
                }
            });
        }
        // One process has one library; tests/engine.rs tries a file that is none.
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("libonnxruntime.so");
        assert!(refused(&other).contains("libonnxruntime.so"));
        std::fs::copy(&library, &other).unwrap();
        assert!(refused(&other).contains("loaded already"));
    }
}
