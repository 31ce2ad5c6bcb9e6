//! Extracts features on request: the delfin side of `benches/compare/extraction.py`.
//!
//! Argument: the model file, which has its manifest beside it. For each line on the standard
//! input, `WIDTH HEIGHT FILE` with a file of raw RGB bytes, it extracts once at scale 1, without
//! resizing, and answers with one line: `x y` of every keypoint, its score and its descriptor.
//! A line that starts with `quiet` is answered with the number of keypoints only.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

use delfin::extract::{ExtractionOptions, extract};
use delfin::{Model, Photo};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    // Cargo adds the flag --bench.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [model] = arguments.as_slice() else {
        writeln!(
            out,
            "needs MODEL.onnx; benches/compare/extraction.py runs this"
        )?;
        return Ok(());
    };
    let model = Model::open(model)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let quiet = line.starts_with("quiet ");
        let words: Vec<&str> = line.trim_start_matches("quiet ").split(' ').collect();
        let [width, height, path] = words[..] else {
            return Err(format!("unknown request: {line}").into());
        };
        let (width, height) = (width.parse()?, height.parse()?);
        let pixels = image::RgbImage::from_raw(width, height, std::fs::read(path)?)
            .ok_or("the file is too short")?;
        let photo = Photo::from_pixels(pixels, "bench")?;
        let options = ExtractionOptions {
            max_size: width.max(height),
            scales: vec![1.0],
            max_features: 1_000_000,
            ..ExtractionOptions::from(model.defaults())
        };
        let features = extract(&model, &photo, &options)?;
        let mut answer = String::new();
        if quiet {
            write!(answer, "{}", features.keypoints().len())?;
        } else {
            for (index, keypoint) in features.keypoints().iter().enumerate() {
                write!(answer, "{} {} {}", keypoint.x, keypoint.y, keypoint.score)?;
                for value in features.descriptors().row(index) {
                    write!(answer, " {value}")?;
                }
                answer.push(' ');
            }
        }
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
