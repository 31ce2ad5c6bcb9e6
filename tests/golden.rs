//! Small photos with recorded results. `DELFIN_UPDATE_GOLDEN=1 cargo test` records them again.
//!
//! Processors round the network's arithmetic differently, so counts and positions are compared
//! within a tolerance that is stated here.

use std::path::{Path, PathBuf};

use delfin::geometry::outline;
use delfin::{MatchOptions, Model, match_pair};
use serde_json::{Value, json};

/// Share by which a count may differ.
const COUNT_TOLERANCE: f64 = 0.1;
/// Distance by which a corner of photo 1 in photo 2 may differ, in pixels.
const CORNER_TOLERANCE_PX: f64 = 3.0;

const PAIRS: [(&str, &str); 4] = [
    ("box.jpg", "box_in_scene.jpg"),
    ("graffiti_1.jpg", "graffiti_3.jpg"),
    ("street_a.jpg", "street_b.jpg"),
    ("coffee.jpg", "box.jpg"),
];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn found() -> Value {
    let model = Model::embedded().unwrap();
    let results = PAIRS.map(|(name1, name2)| {
        let result =
            match_pair(&model, data(name1), data(name2), &MatchOptions::default()).unwrap();
        let corners = result
            .transform()
            .filter(|_| result.is_match)
            .and_then(|transform| {
                outline(
                    &transform.matrix,
                    result.features1.width(),
                    result.features1.height(),
                )
            })
            .map(|corners| corners.map(|c| [c.x, c.y].map(f64::round)));
        json!({
            "photos": [name1, name2],
            "is_match": result.is_match,
            "num_matches": result.found.matches.len(),
            "num_inliers": result.num_inliers(),
            "corners": corners,
        })
    });
    Value::from(results.to_vec())
}

#[test]
fn recorded_results_are_found_again() {
    let path = data("golden_match.json");
    let found = found();
    if std::env::var_os("DELFIN_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(recorded.as_array().unwrap().len(), PAIRS.len());
    for (recorded, found) in recorded
        .as_array()
        .unwrap()
        .iter()
        .zip(found.as_array().unwrap())
    {
        let context = format!("recorded {recorded}, found {found}");
        for key in ["photos", "is_match"] {
            assert_eq!(recorded[key], found[key], "{context}");
        }
        for key in ["num_matches", "num_inliers"] {
            let [recorded, found] = [recorded, found].map(|v| v[key].as_f64().unwrap());
            let allowed = (COUNT_TOLERANCE * recorded).max(2.0);
            assert!((recorded - found).abs() <= allowed, "{key}: {context}");
        }
        let corners = |value: &Value| -> Vec<f64> {
            let corners = value["corners"].as_array().into_iter().flatten();
            corners
                .flat_map(|c| c.as_array().unwrap())
                .map(|v| v.as_f64().unwrap())
                .collect()
        };
        let (recorded, found) = (corners(recorded), corners(found));
        assert_eq!(recorded.len(), found.len(), "{context}");
        for (recorded, found) in recorded.iter().zip(&found) {
            assert!((recorded - found).abs() <= CORNER_TOLERANCE_PX, "{context}");
        }
    }
}
