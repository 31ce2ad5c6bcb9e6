//! Output of `delfin match`: text, and JSON (docs/matching.md lists the fields).

use std::time::Duration;

use delfin::pipeline::PairReport;
use serde_json::{Value, json};

/// The result of one match, with its times.
pub(super) struct Report<'a> {
    pub(super) pair: PairReport<'a>,
    pub(super) load_model: Duration,
    pub(super) total: Duration,
}

impl Report<'_> {
    /// The lines of text.
    pub(super) fn lines(&self) -> Vec<String> {
        let PairReport { photos, result, .. } = self.pair;
        let sets = [&result.features1, &result.features2];
        let mut lines: Vec<String> = (0..2)
            .map(|i| {
                format!(
                    "photo {}   {} ({} x {} px), {} keypoints",
                    i + 1,
                    photos[i].path().display(),
                    photos[i].width(),
                    photos[i].height(),
                    sets[i].keypoints().len()
                )
            })
            .collect();
        lines.push(format!("matches   {}", result.found.matches.len()));
        lines.push(format!("inliers   {}", result.num_inliers()));
        let description = self.pair.description().into_iter().skip(1);
        lines.extend(description.map(|line| format!("model     {line}")));
        let times: Vec<String> = self
            .times()
            .iter()
            .map(|(stage, time)| {
                format!("{} {:.0} ms", stage.replace('_', " "), milliseconds(*time))
            })
            .collect();
        lines.push(format!("time      {}", times.join(", ")));
        let [pro, contra] = self.pair.reasons();
        let known = [("for", pro), ("against", contra)];
        lines.extend(
            known
                .iter()
                .filter(|(_, reasons)| !reasons.is_empty())
                .map(|(title, reasons)| format!("{title:<9} {}", reasons.join(", "))),
        );
        lines.push(format!("answer    {}", self.pair.title()));
        lines
    }

    /// The JSON object.
    pub(super) fn json(&self) -> Value {
        let mut object = self.pair.json();
        let times = self.times();
        object["times_ms"] = times
            .iter()
            .map(|(stage, time)| ((*stage).to_owned(), json!(milliseconds(*time))))
            .collect();
        object
    }

    fn times(&self) -> [(&'static str, Duration); 6] {
        let times = &self.pair.result.times;
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

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}
