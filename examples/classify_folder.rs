//! Learns classes from the sub-folders of one folder and labels the photos of another:
//! `cargo run --release --example classify_folder TRAINING_FOLDER PHOTOS`.

use delfin::Model;
use delfin::folder::find_photos;
use delfin::pipeline::{NoCache, PhotoClassifier, TrainingFolders, Watchless, train_classifier};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [training, photos] = &paths[..] else {
        return Err("usage: classify_folder TRAINING_FOLDER PHOTOS".into());
    };
    let model = Model::embedded()?;
    let folders = TrainingFolders {
        training: training.into(),
        validation: None,
        testing: None,
    };
    let options = model.classifier_options();
    let trained = train_classifier(&model, &folders, &options, &NoCache, &Watchless)?;
    let labeller = PhotoClassifier::new(&trained.classifier, &model)?;
    let listing = find_photos(&[photos.into()])?;
    for failure in listing.failures {
        eprintln!("{}; left out", failure.error);
    }
    for path in listing.photos {
        let found = labeller.classify_path(&path, &NoCache)?;
        let label = &trained.classifier.labels[found.class];
        let probability = found.probabilities[found.class];
        println!("{}: {label} ({probability:.3})", path.display());
    }
    Ok(())
}
