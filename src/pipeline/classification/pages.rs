//! Pages of classification results.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::photo_classifier::Classification;
use super::review::{Doubt, Finding};
use super::train::LabelledResult;
use crate::classify::{Classifier, ConfusionMatrix};
use crate::counted::counted;
use crate::folder::path_below;
use crate::image::{DecodeOptions, Photo, resize_rgb};
use crate::report::{Card, LabelPage, Section};
use crate::scoring::probability;

/// Longest side of a photo on a page, in pixels.
const THUMBNAIL_PX: u32 = 200;
/// Classes of the largest confusion matrix that is shown.
pub(super) const MAX_CONFUSED_CLASSES: usize = 200;
/// Photos of one group that are shown.
const MAX_CARDS: usize = 60;
/// JPEG quality of the photos, from 1 to 100.
const JPEG_QUALITY: u8 = 80;

/// The page of photos with known classes: accuracy, each class' precision and recall, the confusion matrix of up to 200
/// classes and the photos that got a wrong label. `said` gives the assigned class of a photo, none for a rejected one.
pub fn results_page(
    classifier: &Classifier,
    results: &[LabelledResult],
    said: &dyn Fn(&LabelledResult) -> Option<usize>,
) -> LabelPage {
    let labels = &classifier.labels;
    let mut matrix = ConfusionMatrix::new(labels.len());
    let mut wrong: BTreeMap<(usize, Option<usize>), Vec<&LabelledResult>> = BTreeMap::new();
    for result in results {
        let (truth, said) = (result.photo.class, said(result));
        matrix.add(truth, said);
        if said != Some(truth) {
            wrong.entry((truth, said)).or_default().push(result);
        }
    }
    let percent = |share: Option<f64>| match share {
        Some(share) => format!("{:.1}%", share * 100.0),
        None => "-".into(),
    };
    let row = |class: usize, label: &String| {
        let photos = matrix.counts[class].iter().sum::<usize>() + matrix.rejected[class];
        vec![
            label.clone(),
            photos.to_string(),
            percent(matrix.precision(class)),
            percent(matrix.recall(class)),
            matrix.rejected[class].to_string(),
        ]
    };
    let (classes, counts, lines) = match labels.len() <= MAX_CONFUSED_CLASSES {
        true => (labels.clone(), matrix.counts.clone(), Vec::new()),
        false => (Vec::new(), Vec::new(), vec![too_many(labels.len())]),
    };
    LabelPage {
        title: format!(
            "Accuracy {} on {}",
            percent(matrix.accuracy()),
            counted(matrix.num_photos(), "photo")
        ),
        lines,
        header: ["class", "photos", "precision", "recall", "fit no class"]
            .map(str::to_owned)
            .to_vec(),
        rows: labels
            .iter()
            .enumerate()
            .map(|(class, label)| row(class, label))
            .collect(),
        classes,
        counts,
        sections: wrong
            .into_iter()
            .map(|((truth, said), group)| Section {
                cell: said.map(|said| [truth, said]),
                title: match said {
                    Some(said) => format!("{} labelled {}", labels[truth], labels[said]),
                    None => format!("{} said to fit no class", labels[truth]),
                },
                cards: group
                    .par_iter()
                    .take(MAX_CARDS)
                    .map(|result| card(classifier, result, None))
                    .collect(),
            })
            .collect(),
    }
}

fn too_many(num_classes: usize) -> String {
    format!(
        "The confusion matrix is left out for more than {MAX_CONFUSED_CLASSES} classes ({num_classes} here); wrongly labelled photos are listed below."
    )
}

/// The page of `delfin review`. `folder` holds the training photos, to show those that were matched.
pub fn review_page(classifier: &Classifier, findings: &[Finding], folder: &Path) -> LabelPage {
    let sections = [
        (
            Doubt::GeometryContradicts,
            "Geometry finds the same thing in a photo of another class",
        ),
        (
            Doubt::LabelContradicted,
            "Softmax and geometry together give another class",
        ),
        (Doubt::ScoresDisagree, "Softmax and geometry disagree"),
    ];
    LabelPage {
        title: "Check these labels first".into(),
        lines: vec![format!(
            "Photos in doubt: {}, the most doubtful first. The second photo is the training photo that most probably shows the same thing.",
            findings.len()
        )],
        sections: sections
            .into_iter()
            .map(|(doubt, title)| {
                let group: Vec<&Finding> = findings.iter().filter(|f| f.doubt == doubt).collect();
                Section {
                    cell: None,
                    title: format!("{title} ({})", group.len()),
                    cards: group
                        .par_iter()
                        .take(MAX_CARDS)
                        .map(|finding| {
                            let result = LabelledResult {
                                photo: finding.photo.clone(),
                                classification: finding.classification.clone(),
                            };
                            card(classifier, &result, Some(folder))
                        })
                        .collect(),
                }
            })
            .filter(|section| !section.cards.is_empty())
            .collect(),
        ..LabelPage::default()
    }
}

/// Suggested labels for photos without one, each with its name, path and result: the least certain first. `folder`
/// holds the training photos.
pub fn suggestions(
    classifier: &Classifier,
    mut photos: Vec<(String, PathBuf, Classification)>,
    folder: &Path,
) -> Section {
    let certainty = |found: &Classification| found.probabilities[found.class];
    // A stable sort: equally certain photos stay in their order.
    photos.sort_by(|(_, _, a), (_, _, b)| certainty(a).total_cmp(&certainty(b)));
    let cards = photos.par_iter().take(MAX_CARDS);
    Section {
        cell: None,
        title: format!(
            "Photos without a label, the least certain first ({})",
            photos.len()
        ),
        cards: cards
            .map(|(name, path, found)| Card {
                title: name.clone(),
                ..said(classifier, path, found, Some(folder))
            })
            .collect(),
    }
}

fn card(classifier: &Classifier, result: &LabelledResult, folder: Option<&Path>) -> Card {
    let mut card = said(
        classifier,
        &result.photo.path,
        &result.classification,
        folder,
    );
    let label = format!("label: {}", classifier.labels[result.photo.class]);
    card.lines.insert(0, label);
    Card {
        title: result.photo.name.clone(),
        ..card
    }
}

/// The scores of a photo as text.
fn said(
    classifier: &Classifier,
    path: &Path,
    found: &Classification,
    folder: Option<&Path>,
) -> Card {
    let labels = &classifier.labels;
    let mut pictures = vec![thumbnail(path)];
    let mut lines = vec![format!(
        "softmax: {} ({:.2})",
        labels[found.layer_class], found.layer_probabilities[found.layer_class]
    )];
    if let Some(best) = found.best_match {
        let reference = &classifier.references[best.reference];
        lines.push(format!(
            "geometry: {}, {} with {}, {:.1} % probable",
            labels[reference.class],
            counted(best.num_inliers, "inlier"),
            reference.name,
            100.0 * probability(best.log_odds)
        ));
        pictures.extend(folder.map(|folder| thumbnail(&path_below(folder, &reference.name))));
    }
    lines.push(format!(
        "both: {} ({:.2})",
        labels[found.class], found.probabilities[found.class]
    ));
    Card {
        pictures,
        title: String::new(),
        lines,
    }
}

/// A small JPEG of the photo; empty when it cannot be read.
fn thumbnail(path: &Path) -> Vec<u8> {
    let Ok(photo) = Photo::open(path, &DecodeOptions::default()) else {
        return Vec::new();
    };
    let (width, height) = (photo.width(), photo.height());
    let factor = (f64::from(THUMBNAIL_PX) / f64::from(width.max(height))).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * factor).round() as u32).max(1);
    let small = resize_rgb(photo.pixels(), side(width), side(height));
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    match small.write_with_encoder(encoder) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::classification::sample::tests::wrongly_labelled;
    use crate::report::label_page;

    #[test]
    fn a_matrix_of_many_classes_is_left_out_and_its_mistakes_are_listed() {
        for (num_classes, has_matrix) in [(200, true), (201, false)] {
            let (classifier, result) = wrongly_labelled(num_classes);
            let said = |result: &LabelledResult| Some(result.classification.class);
            let page = results_page(&classifier, &[result], &said);
            let html = label_page(&page);
            assert_eq!(html.contains("Confusion matrix"), has_matrix);
            assert_eq!(
                html.contains("more than 200 classes (201 here)"),
                !has_matrix
            );
            assert!(html.contains("c0 labelled c1"));
        }
    }
}
