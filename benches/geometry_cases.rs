//! Runs the robust search on correspondences from a file, for `compare/geometry.py`.
//!
//! `cargo bench --bench geometry_cases -- FILE` reads one JSON object: `cases`, each a list of
//! [x1, y1, x2, y2] in pixels, best first; `runs`, each with `kind`, `max_error_px`, `max_trials`,
//! `confidence`; and `repeats`. For every run and case it prints one line of JSON: `run`, `case`,
//! `seconds` (the fastest of the repeats), `num_trials`, `num_inliers`, and `model`, nine numbers row
//! by row or null.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use delfin::geometry::{Correspondences, TransformKind, TransformLimits, normalized};
use delfin::ransac::{RansacOptions, TransformEstimator, ransac};
use nalgebra::Point2;
use serde::Deserialize;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
struct Input {
    cases: Vec<Vec<[f64; 4]>>,
    runs: Vec<Run>,
    repeats: usize,
}

#[derive(Deserialize)]
struct Run {
    kind: TransformKind,
    max_error_px: f64,
    max_trials: usize,
    confidence: f64,
}

fn main() {
    let Some(path) = std::env::args().skip(1).find(|arg| !arg.starts_with("--")) else {
        println!("geometry_cases: no file of cases given; see compare/geometry.py");
        return;
    };
    let input: Input = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (case, rows) in input.cases.iter().enumerate() {
        let points: Correspondences = rows
            .iter()
            .map(|&[x1, y1, x2, y2]| (Point2::new(x1, y1), Point2::new(x2, y2)))
            .collect();
        for (number, run) in input.runs.iter().enumerate() {
            let estimator = TransformEstimator {
                kind: run.kind,
                points: &points,
                limits: TransformLimits::default(),
                places: &[],
            };
            let options = RansacOptions {
                max_error_px: run.max_error_px,
                confidence: run.confidence,
                max_trials: run.max_trials,
                min_trials: run.max_trials.min(50),
                seed: case as u64,
                ..RansacOptions::default()
            };
            let mut fastest = Duration::MAX;
            let mut found = None;
            for _ in 0..input.repeats.max(1) {
                let start = Instant::now();
                found = ransac(&estimator, &options).unwrap();
                fastest = fastest.min(start.elapsed());
            }
            let model = found
                .as_ref()
                .and_then(|report| normalized(&report.model))
                .map(|matrix| matrix.transpose().as_slice().to_vec());
            let line = serde_json::json!({
                "run": number,
                "case": case,
                "seconds": fastest.as_secs_f64(),
                "num_trials": found.as_ref().map(|report| report.num_trials),
                "num_inliers": found.as_ref().map(|report| report.inliers.len()),
                "model": model,
            });
            println!("{line}");
        }
    }
}
