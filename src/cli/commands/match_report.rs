//! What `delfin match` says: for a person, and as JSON (docs/matching.md lists the fields).

use std::time::Duration;

use delfin::counted;
use delfin::folder::path_text;
use delfin::geometry::{Transform, local_motion, outline};
use delfin::image::Photo;
use delfin::pipeline::{EvidenceSummary, MatchOptions, PairMatch};
use nalgebra::Point2;
use serde_json::{Value, json};

use crate::cli::commands::evidence_text::{for_and_against, percent, relation};
use crate::cli::output;

/// The version of the JSON object; it grows when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 2;

/// One answered question.
pub(super) struct Report<'a> {
    pub(super) photos: [&'a Photo; 2],
    pub(super) result: &'a PairMatch,
    pub(super) options: &'a MatchOptions,
    pub(super) load_model: Duration,
    pub(super) total: Duration,
}

impl Report<'_> {
    /// Lines for a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let result = self.result;
        let sets = [&result.features1, &result.features2];
        let mut lines: Vec<String> = (0..2)
            .map(|i| {
                format!(
                    "photo {}   {} ({} x {} px), {} keypoints",
                    i + 1,
                    self.photos[i].path().display(),
                    self.photos[i].width(),
                    self.photos[i].height(),
                    sets[i].keypoints().len()
                )
            })
            .collect();
        lines.push(format!("matches   {}", result.found.matches.len()));
        lines.push(format!("inliers   {}", result.num_inliers()));
        lines.extend(
            describe(self)
                .into_iter()
                .skip(1)
                .map(|line| format!("model     {line}")),
        );
        let times: Vec<String> = self
            .times()
            .iter()
            .map(|(stage, time)| {
                format!("{} {:.0} ms", stage.replace('_', " "), milliseconds(*time))
            })
            .collect();
        lines.push(format!("time      {}", times.join(", ")));
        let [pro, contra] = reasons(result);
        let known = [("for", pro), ("against", contra)];
        lines.extend(
            known
                .iter()
                .filter(|(_, reasons)| !reasons.is_empty())
                .map(|(title, reasons)| format!("{title:<9} {}", reasons.join(", "))),
        );
        lines.push(format!("answer    {}", title(result)));
        lines
    }

    /// The JSON object.
    pub(super) fn json(&self) -> Value {
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
        let times: serde_json::Map<String, Value> = self
            .times()
            .iter()
            .map(|(stage, time)| ((*stage).to_owned(), json!(milliseconds(*time))))
            .collect();
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
            "times_ms": times,
        })
    }

    fn times(&self) -> [(&'static str, Duration); 6] {
        let times = &self.result.times;
        [
            ("load_model", self.load_model),
            ("decode", times.decode),
            ("extract", times.extract),
            ("match", times.matching),
            ("refine", times.refine),
            ("total", self.total),
        ]
    }
}

/// What speaks for and against the answer yes.
fn reasons(result: &PairMatch) -> [Vec<String>; 2] {
    let pixels = result.evidence.and_then(|evidence| evidence.pixels);
    let summary = pixels.map(|pixels| EvidenceSummary::from(&pixels));
    for_and_against(result.num_inliers(), summary.as_ref())
}

/// The verdict in one sentence.
pub(super) fn title(result: &PairMatch) -> String {
    let answer = match (result.is_match, result.evidence) {
        (true, _) => "yes, the same thing",
        (false, None) => "no, too little to tell",
        (false, Some(_)) => "no, not the same thing",
    };
    let relation = match result.is_match {
        true => relation(result.relation),
        false => "",
    };
    let sure = percent(result.probability());
    format!("{answer}: {sure} probable{relation}")
}

/// The numbers behind the verdict, then what the transform means.
pub(super) fn describe(report: &Report) -> Vec<String> {
    let result = report.result;
    let rule = match report.options.min_probability {
        Some(probability) => format!("{} makes a yes", percent(probability)),
        None => format!("{} make a yes", report.options.min_inliers),
    };
    let mut lines = vec![format!(
        "{} and {} keypoints, {}, {} ({rule})",
        result.features1.keypoints().len(),
        result.features2.keypoints().len(),
        counted(result.found.matches.len(), "match"),
        counted(result.num_inliers(), "inlier"),
    )];
    let Some(Transform { kind, matrix, .. }) = result.transform() else {
        lines.push("no transform found".into());
        return lines;
    };
    let (width, height) = (report.photos[0].width(), report.photos[0].height());
    let centre = Point2::new(f64::from(width - 1) / 2.0, f64::from(height - 1) / 2.0);
    if let Some(motion) = local_motion(&matrix, centre) {
        let turned = motion.rotation_rad.to_degrees();
        let direction = if turned < 0.0 {
            "anticlockwise"
        } else {
            "clockwise"
        };
        lines.push(format!(
            "{kind}: photo 1 lies{} in photo 2 at {:.2} times its size, turned {:.0}° {direction}",
            if motion.is_mirrored { " mirrored" } else { "" },
            motion.scale,
            turned.abs()
        ));
    }
    if let Some(corners) = outline(&matrix, width, height) {
        let corners = corners.map(|c| output::point(c.x, c.y));
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

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}
