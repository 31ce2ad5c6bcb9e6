//! `delfin evaluate`: clusters, or other labels, against true classes.

use anyhow::bail;
use delfin::cluster::{Evaluation, Scores, evaluate};
use delfin::counted;
use delfin::formats::labels;
use serde_json::json;

use crate::cli::args::EvaluateArgs;
use crate::cli::{Answer, output};

/// Rows without a partner that are named one by one, of each file.
const MAX_NAMED: usize = 20;

pub(crate) fn run(args: &EvaluateArgs) -> anyhow::Result<Answer> {
    let (truth, pred) = (labels::read(&args.truth)?, labels::read(&args.pred)?);
    let paired = labels::pair(&truth, &pred);
    for (rows, file) in [(&paired.only1, &args.truth), (&paired.only2, &args.pred)] {
        for name in rows.iter().take(MAX_NAMED) {
            output::note(format_args!("{}: only here: {name}", file.display()));
        }
        if rows.len() > MAX_NAMED {
            let more = rows.len() - MAX_NAMED;
            output::note(format_args!("{}: and {more} more", file.display()));
        }
    }
    let unpaired = paired.only1.len() + paired.only2.len();
    if unpaired > 0 {
        bail!(
            "{} of {} and {} without a partner",
            counted(unpaired, "row"),
            args.truth.display(),
            args.pred.display()
        );
    }
    if paired.pairs.is_empty() {
        bail!("{}: no labels", args.truth.display());
    }
    let pairs = paired.pairs.into_iter();
    let (truth, pred): (Vec<String>, Vec<String>) =
        pairs.map(|pair| (pair.label1, pair.label2)).unzip();
    let found = evaluate(&truth, &pred)?;
    if args.json {
        output::json(object(&found));
    } else {
        lines(&found).iter().for_each(output::line);
    }
    Ok(Answer::Yes)
}

fn lines(found: &Evaluation) -> Vec<String> {
    vec![
        format!("photos               {}", found.num_photos),
        format!("true classes         {}", found.num_true),
        format!("clusters             {}", found.num_found),
        format!("adjusted Rand index  {:.4}", found.adjusted_rand),
        format!("Rand index           {:.4}", found.rand),
        format!("NMI                  {:.4}", found.nmi),
        format!("pairwise             {}", text(&found.pairwise)),
        format!("BCubed               {}", text(&found.bcubed)),
    ]
}

fn text(scores: &Scores) -> String {
    let Scores {
        precision,
        recall,
        f1,
        ..
    } = scores;
    format!("precision {precision:.4}, recall {recall:.4}, F1 {f1:.4}")
}

fn object(found: &Evaluation) -> serde_json::Value {
    let scores = |scores: &Scores| json!({"precision": scores.precision, "recall": scores.recall, "f1": scores.f1});
    json!({
        "version": 2,
        "num_photos": found.num_photos,
        "num_true_classes": found.num_true,
        "num_clusters": found.num_found,
        "adjusted_rand_index": found.adjusted_rand,
        "rand_index": found.rand,
        "nmi": found.nmi,
        "pairwise": scores(&found.pairwise),
        "bcubed": scores(&found.bcubed),
    })
}
