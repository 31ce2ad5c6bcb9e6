//! `delfin classify`: the labels of photos.

use std::path::{Path, PathBuf};

use anyhow::bail;
use delfin::classify::{Classifier, ConfusionMatrix, LabelledPhoto, read_classifier};
use delfin::counted;
use delfin::files::write_file;
use delfin::folder::path_text;
use delfin::formats::labels::csv_field;
use delfin::matching::SearchKind;
use delfin::pipeline::{
    Classification, LabelledResult, PhotoCache, PhotoClassifier, percent, results_page,
};
use delfin::report::label_page;
use delfin::scoring::probability;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::outputs::{ensure_distinct, ensure_document};
use super::store::open_in;
use super::{find, open_model};
use crate::cli::args::{ClassifyArgs, LabelImageArgs};
use crate::cli::{Answer, output};

/// The version of the JSON objects; it grows when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 1;
/// The label of a photo that fits no class.
const NONE: &str = "(none)";
/// The least probability of `--reject` without a value.
const REJECT: f64 = 0.5;

/// One labelled photo.
struct Row {
    path: PathBuf,
    found: Classification,
    /// The class of the folder that it lies in, where that is one.
    truth: Option<usize>,
}

pub(crate) fn run(args: &ClassifyArgs) -> anyhow::Result<Answer> {
    tell_former(&args.former);
    let (paths, classifier_path) = (&args.paths(), args.classifier());
    let reject = args.reject.map(|given| given.unwrap_or(REJECT));
    if let Some(reject) = reject
        && !(0.0..=1.0).contains(&reject)
    {
        bail!("--reject: {reject} is not from 0 to 1");
    }
    for output in [&args.output, &args.report].into_iter().flatten() {
        let inputs = paths.iter().map(PathBuf::as_path).chain([classifier_path]);
        ensure_document(output, args.force, inputs)?;
    }
    ensure_distinct(&[
        ("-o", args.output.as_deref()),
        ("--report", args.report.as_deref()),
    ])?;
    let classifier = read_classifier(classifier_path)?;
    if reject.is_some() && !classifier.calibration.can_reject() {
        bail!(
            "--reject: {} was calibrated on no photo; train it with more photos a class or a validation split",
            classifier_path.display()
        );
    }
    // A number behind `--reject` is taken for a path.
    let advice = |path: &Path| {
        let is_number = path
            .to_str()
            .is_some_and(|text| text.parse::<f64>().is_ok());
        let advice = || format!("for a threshold write --reject={}", path.display());
        (is_number && args.reject == Some(None)).then(advice)
    };
    let found = find(paths, advice)?;
    for (_, error) in &found.failures {
        output::error(error);
    }
    let photos = found.photos;
    let truth = |path: &Path| true_class(path, paths, &classifier.labels);
    if args.report.is_some() && !photos.iter().any(|path| truth(path).is_some()) {
        bail!(
            "--report: no photo lies in a sub-folder named like a class, so nothing is known to be right or wrong"
        );
    }
    let model = open_model(args.model.as_deref())?;
    let labeller =
        PhotoClassifier::new(&classifier, &model)?.with_search(SearchKind::from(&args.descriptors));
    let first = paths.iter().find(|path| path.exists());
    let store = open_in(args.cache_dir.as_deref(), first.unwrap_or(&paths[0]))?;
    let cache = PhotoCache::new(&store, super::store::warn);
    let results: Vec<delfin::Result<Classification>> = photos
        .par_iter()
        .map(|path| labeller.classify_path(path, &cache))
        .collect();
    let num_photos = photos.len() + found.failures.len();
    let mut rows = Vec::new();
    for (path, result) in photos.into_iter().zip(results) {
        match result {
            Ok(found) => rows.push(Row {
                truth: truth(&path),
                path,
                found,
            }),
            Err(error) => output::error(&error.into()),
        }
    }
    let is_single = paths.len() == 1 && paths[0].is_file();
    let table = Table {
        classifier: &classifier,
        reject,
        top: args.top.get(),
    };
    if args.json {
        let mut objects = rows.iter().map(|row| table.json(row));
        match is_single {
            true => objects.by_ref().for_each(output::json),
            false => output::json(Value::from_iter(objects)),
        }
    } else if let Some(path) = &args.output {
        write_file(path, table.csv(&rows).as_bytes())?;
        table.summary(&rows).iter().for_each(output::line);
        output::line(format_args!(
            "labels of {}: {}",
            counted(rows.len(), "photo"),
            path.display()
        ));
    } else if is_single {
        rows.iter()
            .flat_map(|row| table.lines(row))
            .for_each(output::line);
    } else {
        output::bytes(table.csv(&rows).as_bytes());
        table.summary(&rows).iter().for_each(output::note);
    }
    if let Some(path) = &args.report {
        write_report(&table, &rows, path)?;
    }
    if rows.len() < num_photos {
        bail!(
            "{} of {} failed",
            num_photos - rows.len(),
            counted(num_photos, "photo")
        );
    }
    Ok(Answer::Yes)
}

fn tell_former(former: &LabelImageArgs) {
    let stands_for = |flag: &str, value: &Option<PathBuf>, instead: &str| {
        if let Some(value) = value {
            let value = value.display();
            output::note(format_args!("--{flag} {value} stands for {instead}"));
        }
    };
    stands_for(
        "graph",
        &former.graph,
        "--classifier: the file that `delfin train` wrote",
    );
    stands_for("image", &former.image, "the photo's path alone");
    let pixels = "the photo is read at the size and in the range that the network was made for";
    for (flag, value, instead) in [
        ("labels", &former.labels, "the classifier holds its labels"),
        (
            "input_layer",
            &former.input_layer,
            "the network has one input",
        ),
        (
            "output_layer",
            &former.output_layer,
            "the classifier has one output",
        ),
        ("input_height", &former.input_height, pixels),
        ("input_width", &former.input_width, pixels),
        ("input_mean", &former.input_mean, pixels),
        ("input_std", &former.input_std, pixels),
    ] {
        if value.is_some() {
            output::note(format_args!("--{flag} has no meaning here: {instead}"));
        }
    }
}

fn write_report(table: &Table, rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let results: Vec<LabelledResult> = rows
        .iter()
        .filter_map(|row| {
            let class = row.truth?;
            let (path, name) = (row.path.clone(), path_text(&row.path));
            Some(LabelledResult {
                photo: LabelledPhoto { path, name, class },
                classification: row.found.clone(),
            })
        })
        .collect();
    if results.is_empty() {
        bail!("--report: no photo of a sub-folder named like a class could be read");
    }
    let said = |result: &LabelledResult| table.class(&result.classification);
    let page = results_page(table.classifier, &results, &said);
    Ok(write_file(path, label_page(&page).as_bytes())?)
}

/// The class whose name the first folder below one of `roots` has.
fn true_class(photo: &Path, roots: &[PathBuf], labels: &[String]) -> Option<usize> {
    let below = roots
        .iter()
        .find_map(|root| photo.strip_prefix(root).ok())?;
    let mut parts = below.iter();
    let (first, _file) = (parts.next()?, parts.next()?);
    labels
        .iter()
        .position(|label| *label == first.to_string_lossy())
}

struct Table<'a> {
    classifier: &'a Classifier,
    reject: Option<f64>,
    top: usize,
}

impl Table<'_> {
    fn label(&self, class: usize) -> &str {
        &self.classifier.labels[class]
    }

    /// The assigned class; none for a rejected photo.
    fn class(&self, found: &Classification) -> Option<usize> {
        let least = self.reject.unwrap_or(0.0);
        (found.fit_probability >= least).then_some(found.class)
    }

    fn fused_label(&self, row: &Row) -> &str {
        self.class(&row.found)
            .map_or(NONE, |class| self.label(class))
    }

    fn top(&self, probabilities: &[f64]) -> Vec<(usize, f64)> {
        let mut order: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order.truncate(self.top);
        order
    }

    /// As label_image.py printed, then each score.
    fn lines(&self, row: &Row) -> Vec<String> {
        let found = &row.found;
        let mut lines: Vec<String> = self
            .top(&found.probabilities)
            .into_iter()
            .map(|(class, p)| format!("Class Name: {} (score = {p:.5})", self.label(class)))
            .collect();
        lines.push(format!(
            "softmax   {} ({:.5})",
            self.label(found.layer_class),
            found.layer_probabilities[found.layer_class]
        ));
        if self.classifier.has_geometry() {
            lines.push(match (found.best_match, found.geometry_class) {
                (Some(best), Some(class)) => format!(
                    "geometry  {}, {} with {} ({})",
                    self.label(class),
                    counted(best.num_inliers, "inlier"),
                    self.classifier.references[best.reference].name,
                    percent(probability(best.log_odds))
                ),
                _ => "geometry  matches no training photo".into(),
            });
        }
        let disagree = match found.scores_disagree {
            true => "; softmax and geometry disagree",
            false => "",
        };
        let fits = match self.classifier.calibration.can_reject() {
            true => format!(", fits with probability {:.3}", found.fit_probability),
            false => String::new(),
        };
        lines.push(format!(
            "label     {}{fits}{disagree}",
            self.fused_label(row)
        ));
        lines
    }

    fn json(&self, row: &Row) -> Value {
        let found = &row.found;
        let scores: Vec<Value> = self
            .top(&found.probabilities)
            .into_iter()
            .map(|(class, score)| json!({ "label": self.label(class), "score": score }))
            .collect();
        json!({
            "version": JSON_VERSION,
            "path": path_text(&row.path),
            "label": self.class(&row.found).map(|class| self.label(class)),
            "probability": found.probabilities[found.class],
            "fit_probability": found.fit_probability,
            "classes": scores,
            "softmax": {
                "label": self.label(found.layer_class),
                "probability": found.layer_probabilities[found.layer_class],
            },
            "geometry": found.best_match.map(|best| json!({
                "label": found.geometry_class.map(|class| self.label(class)),
                "inliers": best.num_inliers,
                "probability": probability(best.log_odds),
                "photo": self.classifier.references[best.reference].name,
            })),
            "disagree": found.scores_disagree,
            "true_label": row.truth.map(|class| self.label(class)),
        })
    }

    fn csv(&self, rows: &[Row]) -> String {
        let has_truth = rows.iter().any(|row| row.truth.is_some());
        let mut text = String::from(
            "path,label,probability,softmax_label,softmax_probability,geometry_label,inliers,disagree",
        );
        text.push_str(if has_truth { ",true_label\n" } else { "\n" });
        for row in rows {
            let found = &row.found;
            let mut fields = vec![
                csv_field(&path_text(&row.path)),
                csv_field(self.fused_label(row)),
                format!("{:.5}", found.probabilities[found.class]),
                csv_field(self.label(found.layer_class)),
                format!("{:.5}", found.layer_probabilities[found.layer_class]),
                csv_field(found.geometry_class.map_or("", |class| self.label(class))),
                found
                    .best_match
                    .map_or(0, |best| best.num_inliers)
                    .to_string(),
                found.scores_disagree.to_string(),
            ];
            if has_truth {
                fields.push(csv_field(row.truth.map_or("", |class| self.label(class))));
            }
            text.push_str(&fields.join(","));
            text.push('\n');
        }
        text
    }

    /// Accuracy, precision and recall, where the true classes are known.
    fn summary(&self, rows: &[Row]) -> Vec<String> {
        let mut matrix = ConfusionMatrix::new(self.classifier.labels.len());
        for row in rows {
            if let Some(truth) = row.truth {
                matrix.add(truth, self.class(&row.found));
            }
        }
        let Some(accuracy) = matrix.accuracy() else {
            return Vec::new();
        };
        let percent = |share: Option<f64>| match share {
            Some(share) => format!("{:.1}%", share * 100.0),
            None => "-".into(),
        };
        let mut lines = vec![format!(
            "accuracy {} (N={})",
            percent(Some(accuracy)),
            matrix.num_photos()
        )];
        lines.extend(
            self.classifier
                .labels
                .iter()
                .enumerate()
                .map(|(class, label)| {
                    format!(
                        "{label}: precision {}, recall {}",
                        percent(matrix.precision(class)),
                        percent(matrix.recall(class))
                    )
                }),
        );
        lines
    }
}
