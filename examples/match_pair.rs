//! Matches two photos: `cargo run --release --example match_pair IMAGE1 IMAGE2`.

use delfin::{Model, match_pair};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [path1, path2] = &paths[..] else {
        return Err("usage: match_pair IMAGE1 IMAGE2".into());
    };
    let model = Model::embedded()?;
    let options = model.match_options();
    let result = match_pair(&model, path1, path2, &options)?;
    println!("same thing: {}", result.is_match);
    println!("inliers:    {}", result.num_inliers());
    if let Some(transform) = result.transform() {
        println!("{}, x2 ~ H x1:{}", transform.kind, transform.matrix);
    }
    Ok(())
}
