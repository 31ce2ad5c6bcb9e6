//! Report of a match: text, JSON (docs/matching.md lists the fields), picture.

use nalgebra::Point2;
use serde_json::{Value, json};

use super::evidence_text::{SAME_FILE, for_and_against, percent, point_text, relation_text};
use super::{EvidenceSummary, MatchOptions, PairMatch};
use crate::counted::counted;
use crate::error::Result;
use crate::folder::path_text;
use crate::geometry::{Transform, local_motion, outline};
use crate::image::Photo;
use crate::report::{FigureContent, FigureOptions, FigurePhoto, FigurePlaces, match_figure};
use crate::scoring::{CellVerdict, verdicts};

/// The version of the JSON object; it grows when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 2;

/// The result of a match, with its photos and options.
#[derive(Debug, Clone, Copy)]
pub struct PairReport<'a> {
    /// The two photos.
    pub photos: [&'a Photo; 2],
    /// The result of matching them.
    pub result: &'a PairMatch,
    /// The options of the match.
    pub options: &'a MatchOptions,
}

impl PairReport<'_> {
    /// The JSON object of `delfin match --json` without its times.
    pub fn json(&self) -> Value {
        let result = self.result;
        let image = |index: usize, num_keypoints: usize| {
            let photo = self.photos[index];
            json!({
                "path": path_text(photo.path()),
                "width": photo.width(),
                "height": photo.height(),
                "num_keypoints": num_keypoints,
            })
        };
        json!({
            "version": JSON_VERSION,
            "image1": image(0, result.features1.keypoints().len()),
            "image2": image(1, result.features2.keypoints().len()),
            "num_matches": result.found.matches.len(),
            "num_inliers": result.num_inliers(),
            "is_match": result.is_match,
            "probability": result.probability(),
            "relation": result.relation,
            "evidence": result.evidence.map(|evidence| json!({
                "features": evidence.features,
                "pixels": evidence.pixels,
            })),
            "model": result.transform().map(|transform| {
                let row = |i: usize| [0, 1, 2].map(|j| transform.matrix[(i, j)]);
                json!({ "kind": transform.kind, "matrix": [row(0), row(1), row(2)] })
            }),
            "inliers": result.inlier_positions(),
            "refinement": result.refined.as_ref().map(|refined| json!({
                "num_tracks": refined.geometry.as_ref().map_or(0, |g| g.tracks.len()),
                "num_tried": refined.geometry.as_ref().map(|g| g.num_tried),
                "correlation": refined.geometry.as_ref().map(|g| g.correlation),
                "is_inlier_refined": refined.inliers.iter().map(Option::is_some).collect::<Vec<_>>(),
            })),
        })
    }

    /// Reasons for and against a yes.
    pub fn reasons(&self) -> [Vec<String>; 2] {
        if self.result.is_same_file {
            return [vec![SAME_FILE.into()], Vec::new()];
        }
        let pixels = self.result.evidence.and_then(|evidence| evidence.pixels);
        let summary = pixels.map(|pixels| EvidenceSummary::from(&pixels));
        for_and_against(self.result.num_inliers(), summary.as_ref())
    }

    /// The verdict in one sentence, with the number that it follows from.
    pub fn title(&self) -> String {
        let result = self.result;
        let relation = match result.is_match {
            true => relation_text(result.relation),
            false => "",
        };
        if self.options.min_probability.is_none() {
            let answer = match result.is_match {
                true => "yes, the same thing",
                false => "no",
            };
            let inliers = counted(result.num_inliers(), "inlier");
            return format!("{answer}: {inliers} ({}){relation}", self.rule());
        }
        if result.is_same_file && result.is_match {
            return format!("yes, the same thing: {SAME_FILE}");
        }
        let answer = match (result.is_match, result.evidence) {
            (true, _) => "yes, the same thing",
            (false, None) => "no, too little to tell",
            (false, Some(_)) => "no, not the same thing",
        };
        let sure = percent(result.probability());
        format!("{answer}: {sure} probable{relation}")
    }

    /// The threshold of a yes.
    fn rule(&self) -> String {
        match (self.options.min_probability, self.options.min_inliers) {
            (Some(probability), _) => format!("{} makes a yes", percent(probability)),
            (None, 1) => "1 makes a yes".into(),
            (None, inliers) => format!("{inliers} make a yes"),
        }
    }

    /// Counts and threshold on the first line, then the transform in words.
    pub fn description(&self) -> Vec<String> {
        let result = self.result;
        let mut lines = vec![format!(
            "{} and {} keypoints, {}, {} ({})",
            result.features1.keypoints().len(),
            result.features2.keypoints().len(),
            counted(result.found.matches.len(), "match"),
            counted(result.num_inliers(), "inlier"),
            self.rule(),
        )];
        let Some(Transform { kind, matrix, .. }) = result.transform() else {
            lines.push("no transform found".into());
            return lines;
        };
        let (width, height) = (self.photos[0].width(), self.photos[0].height());
        let centre = Point2::new(f64::from(width - 1) / 2.0, f64::from(height - 1) / 2.0);
        if let Some(motion) = local_motion(&matrix, centre) {
            let turned = motion.rotation_rad.to_degrees();
            let direction = match turned.abs().round() {
                0.0 => "not turned".into(),
                degrees if turned < 0.0 => format!("turned {degrees}° anticlockwise"),
                degrees => format!("turned {degrees}° clockwise"),
            };
            lines.push(format!(
                "{kind}: photo 1 lies{} in photo 2 at {:.2} times its size, {direction}",
                if motion.is_mirrored { " mirrored" } else { "" },
                motion.scale
            ));
        }
        if let Some(corners) = outline(&matrix, width, height) {
            let corners = corners.map(|c| point_text(c.x, c.y));
            lines.push(format!("its corners lie at {}", corners.join(" ")));
        }
        if let Some(refined) = &result.refined {
            let found = refined.inliers.iter().flatten().count();
            let (do_or_does, is_or_are) = if found == 1 {
                ("does", "is")
            } else {
                ("do", "are")
            };
            lines.push(match &refined.geometry {
                Some(g) => format!(
                    "refined to the pixel: {} of {} corners lie where it puts them; so {do_or_does} {}",
                    g.tracks.len(),
                    g.num_tried,
                    counted(found, "inlier")
                ),
                None => format!(
                    "not refined: no transform is right to the pixel; {} {is_or_are}",
                    counted(found, "inlier")
                ),
            });
        }
        lines
    }

    /// The match picture ([`match_figure`]).
    ///
    /// # Errors
    /// [`crate::Error::InvalidOption`].
    pub fn figure(&self, options: &FigureOptions) -> Result<::image::RgbImage> {
        let result = self.result;
        let sets = [&result.features1, &result.features2];
        let keypoints = sets
            .map(|set| -> Vec<[f32; 2]> { set.keypoints().iter().map(|k| [k.x, k.y]).collect() });
        let names = self.photos.map(file_name);
        let figure_photo = |index: usize| FigurePhoto {
            pixels: self.photos[index].pixels(),
            size: self.photos[index].pixels().dimensions().into(),
            keypoints: &keypoints[index],
            name: &names[index],
        };
        let places = |wanted: CellVerdict| -> Option<Vec<[f64; 2]>> {
            let places =
                verdicts(result.agreement.as_ref()?).filter(|(_, verdict)| *verdict == wanted);
            Some(
                places
                    .map(|(cell, _)| [cell.point2.x, cell.point2.y])
                    .collect(),
            )
        };
        let [agreeing, contradicting] = [CellVerdict::Agrees, CellVerdict::Contradicts].map(places);
        match_figure(
            [&figure_photo(0), &figure_photo(1)],
            &FigureContent {
                inliers: &result.inlier_positions(),
                transform: result.transform().map(|transform| transform.matrix),
                places: agreeing.as_ref().zip(contradicting.as_ref()).map(
                    |(agreeing, contradicting)| FigurePlaces {
                        agreeing,
                        contradicting,
                    },
                ),
                is_match: result.is_match,
                title: &self.title(),
                lines: &self.description(),
            },
            options,
        )
    }
}

fn file_name(photo: &Photo) -> String {
    let name = photo.path().file_name().unwrap_or(photo.path().as_os_str());
    name.to_string_lossy().into_owned()
}
