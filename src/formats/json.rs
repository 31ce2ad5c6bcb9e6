//! Features as JSON, for programs in other languages.
//!
//! One object: `version` (1), `width`, `height` (of the photo, in pixels), `keypoints`
//! (`[[x, y, scale, score], ..]`, best first), `descriptors` (one list of numbers a keypoint),
//! `global` (a list of numbers, or null) and `origin` (`made by delfin`).

use serde_json::json;

use crate::features::FeatureSet;
use crate::files::MARK;

/// Encodes `features` as one JSON object.
pub fn encode(features: &FeatureSet) -> Vec<u8> {
    let keypoints: Vec<[f32; 4]> = features
        .keypoints()
        .iter()
        .map(|k| [k.x, k.y, k.scale, k.score])
        .collect();
    let descriptors: Vec<&[f32]> = (0..keypoints.len())
        .map(|index| features.descriptors().row(index))
        .collect();
    json!({
        // Behind the descriptors, as names are sorted: an end of the file is where the mark is looked for.
        "origin": MARK,
        "version": 1,
        "width": features.width(),
        "height": features.height(),
        "keypoints": keypoints,
        "descriptors": descriptors,
        "global": features.global(),
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Descriptors, Keypoint};

    #[test]
    fn every_value_is_there() {
        let keypoint = Keypoint {
            x: 1.5,
            y: 2.0,
            scale: 0.5,
            score: 3.0,
        };
        let descriptors = Descriptors::new(2, vec![0.5, -0.25]).unwrap();
        let features = FeatureSet::new(4, 3, vec![keypoint], descriptors, Some(vec![7.0])).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&encode(&features)).unwrap();
        let expected = json!({"origin": "made by delfin", "version": 1, "width": 4, "height": 3,
            "keypoints": [[1.5, 2.0, 0.5, 3.0]], "descriptors": [[0.5, -0.25]], "global": [7.0]});
        assert_eq!(read, expected);
    }

    #[test]
    fn a_long_file_is_known_as_made_by_delfin() {
        let count = 1000;
        let keypoint = Keypoint {
            x: 1.5,
            y: 2.0,
            scale: 0.5,
            score: 3.0,
        };
        let descriptors = Descriptors::new(40, vec![0.123; 40 * count]).unwrap();
        let features = FeatureSet::new(4, 3, vec![keypoint; count], descriptors, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.jpg.json");
        std::fs::write(&path, encode(&features)).unwrap();
        assert!(crate::files::is_replaceable(&path));
    }
}
