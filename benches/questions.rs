//! How clusters get better with the answers to a few questions:
//! `cargo bench --bench questions -- --folder DATA/eval/products [--judgement FILE] [--store FILE] [--answers N]`.
//!
//! The folder holds `images` and `labels.tsv` (file, thing). Questions are answered by the labels, without a mistake:
//! those that `FolderClusters::questions` asks first, and, for comparison, pairs drawn at random (medians of five
//! seeds): of all pairs that could be asked (uncertain), and of all verified pairs (any).

use std::collections::BTreeMap;
use std::path::PathBuf;

use delfin::Model;
use delfin::cluster::{Cluster, evaluate};
use delfin::pipeline::{ClusterOptions, Correction, FolderClusters, FolderSession};
use delfin::scoring::Judgement;
use delfin::store::Store;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Where the adjusted Rand index is printed.
const SHOWN: [usize; 8] = [0, 3, 6, 12, 18, 24, 36, 48];
const NUM_SEEDS: u64 = 5;

/// Which pair is asked next.
#[derive(Clone, Copy)]
enum Order {
    ByChange,
    Uncertain(u64),
    Any(u64),
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (mut folder, mut judgement, mut store, mut num_answers) = (None, None, None, 48);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("{arg} takes a value"))?;
        match arg.as_str() {
            "--folder" => folder = Some(PathBuf::from(value)),
            "--judgement" => judgement = Some(Judgement::parse(&std::fs::read_to_string(value)?)?),
            "--store" => store = Some(PathBuf::from(value)),
            "--answers" => num_answers = value.parse()?,
            _ => return Err(format!("{arg} is not known").into()),
        }
    }
    let Some(folder) = folder else {
        eprintln!("skipped: give `-- --folder DIR`");
        return Ok(());
    };
    let model = Model::embedded()?;
    let options = ClusterOptions {
        judgement,
        ..model.cluster_options()
    };
    let store = match store {
        Some(path) => Store::open(&path)?,
        None => Store::in_memory()?,
    };
    let found = FolderSession::new(&model, folder.join("images"), &store, &options)?.cluster()?;
    let table = std::fs::read_to_string(folder.join("labels.tsv"))?;
    let labels: BTreeMap<&str, &str> = table.lines().filter_map(|l| l.split_once('\t')).collect();
    let label = |path: &str| {
        labels
            .get(path)
            .copied()
            .ok_or(format!("no label of {path}"))
    };
    let truth: Vec<&str> = found
        .photos
        .iter()
        .map(|photo| label(&photo.path))
        .collect::<Result<_, _>>()?;
    let shown: Vec<usize> = SHOWN.into_iter().filter(|n| *n <= num_answers).collect();
    let heads: Vec<String> = shown.iter().map(usize::to_string).collect();
    println!("| {} | {} |", folder.display(), heads.join(" | "));
    let run = |order| simulate(&found, &options, &truth, order, num_answers);
    print_row("asked first", &shown, &[run(Order::ByChange)?]);
    let uncertain: Vec<_> = (0..NUM_SEEDS)
        .map(|seed| run(Order::Uncertain(seed)))
        .collect::<Outcome<_>>()?;
    print_row("at random of these", &shown, &uncertain);
    let any: Vec<_> = (0..NUM_SEEDS)
        .map(|seed| run(Order::Any(seed)))
        .collect::<Outcome<_>>()?;
    print_row("at random of all", &shown, &any);
    Ok(())
}

fn print_row(name: &str, shown: &[usize], runs: &[Vec<f64>]) {
    let median = |at: usize| {
        // Where no question is left nothing changes any more.
        let value = |run: &Vec<f64>| run.get(at).or(run.last()).copied().unwrap_or(f64::NAN);
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let cells: Vec<String> = shown
        .iter()
        .map(|&at| format!("{:.3}", median(at)))
        .collect();
    println!("| {name} | {} |", cells.join(" | "));
}

/// The adjusted Rand index after each answer, from none on.
fn simulate(
    found: &FolderClusters,
    options: &ClusterOptions,
    truth: &[&str],
    order: Order,
    num_answers: usize,
) -> Outcome<Vec<f64>> {
    let mut options = options.clone();
    let mut course = Vec::new();
    let mut random = match order {
        Order::Uncertain(seed) | Order::Any(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        Order::ByChange => 1,
    };
    let mut below = |bound: usize| {
        // An xorshift of 64 bits (Marsaglia 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % bound
    };
    loop {
        let clusters = found.clusters_at(options.min_probability, &options);
        course.push(evaluate(truth, &labels_of(found.photos.len(), &clusters))?.adjusted_rand);
        if course.len() > num_answers {
            return Ok(course);
        }
        let (image1, image2) = match order {
            Order::Any(_) => {
                let pair = &found.pairs[below(found.pairs.len())];
                (pair.image1, pair.image2)
            }
            Order::ByChange | Order::Uncertain(_) => {
                let mut questions = found.questions(&clusters, &options, usize::MAX);
                if let Order::Uncertain(_) = order {
                    questions.retain(|q| q.probability > 0.02 && q.probability < 0.98);
                }
                let at = match order {
                    Order::ByChange => 0,
                    _ => below(questions.len().max(1)),
                };
                let Some(question) = questions.get(at) else {
                    return Ok(course);
                };
                (question.image1, question.image2)
            }
        };
        options.corrections.push(Correction {
            photo1: found.photos[image1].content_hash,
            photo2: found.photos[image2].content_hash,
            is_same: truth[image1] == truth[image2],
        });
    }
}

fn labels_of(num_photos: usize, clusters: &[Cluster]) -> Vec<usize> {
    let mut labels = vec![0; num_photos];
    for (number, cluster) in clusters.iter().enumerate() {
        cluster
            .members
            .iter()
            .for_each(|&photo| labels[photo] = number);
    }
    labels
}
