//! `delfin review`: the labels to check first.

use delfin::classify::read_classifier;
use delfin::counted;
use delfin::files::write_file;
use delfin::matching::SearchKind;
use delfin::pipeline::{PhotoClassifier, percent, review_labels, review_page};
use delfin::report::label_page;
use delfin::scoring::probability;

use super::open_model;
use super::outputs::ensure_document;
use super::store::open_in;
use super::train::Watch;
use crate::cli::args::ReviewArgs;
use crate::cli::{Answer, output};

/// Findings that are printed; the page has more.
const MAX_LINES: usize = 20;

pub(crate) fn run(args: &ReviewArgs) -> anyhow::Result<Answer> {
    ensure_document(&args.output, args.force, [args.classifier.as_path()])?;
    let classifier = read_classifier(&args.classifier)?;
    let model = open_model(args.model.as_deref())?;
    let labeller =
        PhotoClassifier::new(&classifier, &model)?.with_search(SearchKind::from(&args.descriptors));
    let store = open_in(args.cache_dir.as_deref(), &args.folder)?;
    let watch = Watch::new(None);
    let findings = review_labels(&labeller, &args.folder, &store, &watch)?;
    let page = review_page(&classifier, &findings, &args.folder);
    write_file(&args.output, label_page(&page).as_bytes())?;
    for finding in findings.iter().take(MAX_LINES) {
        let found = &finding.classification;
        let geometry = match found.best_match {
            Some(best) => {
                let reference = &classifier.references[best.reference];
                let probable = percent(probability(best.log_odds));
                format!(
                    "; {} with {}, {probable} probable",
                    counted(best.num_inliers, "inlier"),
                    reference.name
                )
            }
            None => String::new(),
        };
        output::line(format_args!(
            "{}: softmax says {} ({:.2}){geometry}",
            finding.photo.name,
            classifier.labels[found.layer_class],
            found.layer_probabilities[found.layer_class],
        ));
    }
    output::line(format_args!(
        "labels to check: {}, in {}",
        findings.len(),
        args.output.display()
    ));
    Ok(Answer::Yes)
}
