//! Matches two files of descriptors on request: the delfin side of `benches/compare/search.py`.
//!
//! Arguments: the dimension and two files of raw little-endian `f32`, row after row. For each line
//! on the standard input, `one_way` or `mutual`, a space and `brute_force` or `kd_tree`, it matches
//! once, on one thread and with no limit on the distance, and answers with one line: the
//! nanoseconds taken, then `index1` and `index2` of each match.

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use delfin::features::Descriptors;
use delfin::matching::{MatchingOptions, SearchKind, match_descriptors};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    // Cargo adds the flag --bench.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [dim, path1, path2] = arguments.as_slice() else {
        writeln!(
            out,
            "needs DIM FILE1 FILE2; benches/compare/search.py runs this"
        )?;
        return Ok(());
    };
    let (descriptors1, descriptors2) = (read(dim, path1)?, read(dim, path2)?);
    for line in std::io::stdin().lines() {
        let line = line?;
        let (mutual, search) = match line.as_str() {
            "one_way brute_force" => (false, SearchKind::BruteForce),
            "one_way kd_tree" => (false, SearchKind::KdTree),
            "mutual brute_force" => (true, SearchKind::BruteForce),
            "mutual kd_tree" => (true, SearchKind::KdTree),
            _ => return Err(format!("unknown request: {line}").into()),
        };
        let options = MatchingOptions {
            mutual,
            max_ratio: None,
            max_distance: None,
            search,
        };
        let start = Instant::now();
        let matches =
            match_descriptors(black_box(&descriptors1), black_box(&descriptors2), &options)?;
        let mut answer = start.elapsed().as_nanos().to_string();
        for m in &matches {
            write!(answer, " {} {}", m.index1, m.index2)?;
        }
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn read(dim: &str, path: &str) -> Result<Descriptors, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let (values, _) = bytes.as_chunks::<4>();
    let values = values.iter().map(|&v| f32::from_le_bytes(v)).collect();
    Ok(Descriptors::new(dim.parse()?, values)?)
}
