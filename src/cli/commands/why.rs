//! `delfin why`: why two photos are, or are not, in one cluster.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use delfin::counted;
use delfin::extract::extract;
use delfin::folder::{name_below, path_below, path_from_text, path_text};
use delfin::formats::labels::unmarked;
use delfin::hex;
use delfin::image::Photo;
use delfin::pipeline::{
    ClusterFile, Explanation, MatchOptions, PairReport, SAME_FILE, VerifiedPair, for_and_against,
    match_extracted, percent, relation_text,
};
use delfin::scoring::Relation;
use delfin::store::rounded;
use serde_json::{Value, json};

use crate::cli::args::WhyArgs;
use crate::cli::commands::match_photos::draw;
use crate::cli::commands::open_model;
use crate::cli::commands::outputs::ensure_output;
use crate::cli::{Answer, output};

pub(crate) fn run(args: &WhyArgs) -> anyhow::Result<Answer> {
    let path = args.input.join("clusters.json");
    if !path.is_file() {
        bail!(
            "{}: not a folder that `delfin cluster` wrote to",
            args.input.display()
        );
    }
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file = ClusterFile::parse(&text, &path)?;
    let [photo1, photo2] = [
        find(&file, &args.image1, &path)?,
        find(&file, &args.image2, &path)?,
    ];
    let Some(why) = file.explain(photo1, photo2) else {
        bail!("{}: a photo is in no cluster", path.display());
    };
    let drawn = shown_pair(&why).map(|pair| picture(args, &file, pair));
    let (picture, failed) = match drawn.transpose() {
        Ok(picture) => (picture, None),
        Err(error) => (None, Some(error)),
    };
    if args.json {
        output::json(as_json(&file, [photo1, photo2], &why, picture.as_deref()));
    } else {
        as_text(&file, [photo1, photo2], &why)
            .iter()
            .for_each(output::line);
        if let Some(picture) = picture {
            output::line(format_args!("picture   {}", picture.display()));
        }
    }
    // The answer needs no picture; only one that was asked for is missed.
    if let Some(error) = failed {
        let error = error.context("no picture");
        if args.output.is_some() {
            return Err(error);
        }
        output::note(format_args!("delfin: {}", output::one_line(&error)));
    }
    Ok(if why.is_same_cluster() {
        Answer::Yes
    } else {
        Answer::No
    })
}

/// A photo by its path in clusters.json or, with a `'` before what a spreadsheet would take for a formula, in
/// clusters.csv; a path on the disk that ends in it does too.
fn find(file: &ClusterFile, name: &OsStr, path: &Path) -> anyhow::Result<usize> {
    let below = || {
        let absolute = std::path::absolute(name).ok()?;
        let folder = path_from_text(&file.source.folder);
        file.photo(&name_below(&folder, &absolute))
    };
    let as_written = name.to_str().and_then(|name| file.photo(name));
    as_written
        .or_else(|| file.photo(&path_text(Path::new(name))))
        .or_else(below)
        .or_else(|| file.photo(&unmarked(name.to_str()?)))
        .with_context(|| {
            let name = Path::new(name).display();
            format!("{}: {name} is not a photo of it", path.display())
        })
}

/// The pair to draw: the weakest of the chain in one cluster, else the two photos' own.
fn shown_pair(why: &Explanation) -> Option<&VerifiedPair> {
    match why.is_same_cluster() {
        true => why.weakest(),
        false => why.pair.as_ref().or(why.weakest()),
    }
}

/// Draws a pair; the path of the picture.
fn picture(args: &WhyArgs, file: &ClusterFile, pair: &VerifiedPair) -> anyhow::Result<PathBuf> {
    let to = args.output.clone();
    let to = to.unwrap_or_else(|| args.input.join("why.png"));
    let folder = path_from_text(&file.source.folder);
    let photos = file.photos.iter().map(|p| path_below(&folder, &p.path));
    let photos: Vec<PathBuf> = photos.collect();
    ensure_output(&to, args.force, photos.iter().map(PathBuf::as_path))?;
    draw_pair(args, file, pair, &to)?;
    Ok(to)
}

/// Matches the pair as `delfin cluster` did, and draws it.
fn draw_pair(
    args: &WhyArgs,
    file: &ClusterFile,
    pair: &VerifiedPair,
    to: &Path,
) -> anyhow::Result<()> {
    let recorded = file.source.model.as_deref().map(path_from_text);
    let model = open_model(args.model.as_deref().or(recorded.as_deref()))?;
    if model.manifest().sha256 != file.source.model_sha256 {
        bail!(
            "{}: another network than that of {}",
            model.path().display(),
            args.input.display()
        );
    }
    let mut options: MatchOptions = model.match_options();
    options.extraction = file.source.extraction.clone();
    options.verification.limits.allow_mirrored = file.source.mirrored;
    let mut rows = [&file.photos[pair.image1], &file.photos[pair.image2]];
    rows.sort_by(|a, b| a.sha256.cmp(&b.sha256));
    let open = |index: usize| -> anyhow::Result<(Photo, delfin::FeatureSet)> {
        let folder = path_from_text(&file.source.folder);
        let path = path_below(&folder, &rows[index].path);
        let photo = Photo::open(&path, &options.decode)?;
        if hex(photo.content_hash()) != rows[index].sha256 {
            bail!("{}: changed since the clustering", path.display());
        }
        let features = rounded(&extract(&model, &photo, &options.extraction)?)?;
        Ok((photo, features))
    };
    let ((photo1, features1), (photo2, features2)) = (open(0)?, open(1)?);
    let photos = [&photo1, &photo2];
    let result = match_extracted(photos, [features1, features2], &options)?;
    draw(
        &PairReport {
            photos,
            result: &result,
            options: &options,
        },
        to,
    )
}

/// Least change of log-odds that is printed.
const MIN_TOLD: f64 = 0.05;

fn as_text(file: &ClusterFile, photos: [usize; 2], why: &Explanation) -> Vec<String> {
    let name = |photo: usize| file.photos[photo].path.as_str();
    let [cluster1, cluster2] = why.clusters;
    let mut lines = vec![if why.is_same_cluster() {
        format!("answer    one cluster: {cluster1}")
    } else {
        format!("answer    two clusters: {cluster1} and {cluster2}")
    }];
    lines.push(match &why.pair {
        Some(pair) => format!("pair      {}", describe(pair)),
        None if photos[0] == photos[1] => "pair      both are the same photo".into(),
        None => "pair      the two were not verified with each other".into(),
    });
    let gain = why.gain.filter(|gain| gain.log_odds.abs() >= MIN_TOLD);
    let rivals = why.rivals.as_ref();
    let rivals = rivals.filter(|rivals| rivals.log_odds >= MIN_TOLD);
    if gain.is_some() || rivals.is_some() {
        if let Some(gain) = gain {
            lines.push(format!(
                "links     first sorting: {} linked photos in their clusters, {} links to other clusters: {:+.1} log-odds",
                gain.linked,
                gain.crossing,
                gain.log_odds
            ));
        }
        if let Some(rivals) = rivals {
            let rival = |pair: &VerifiedPair| {
                let [image1, image2] = [pair.image1, pair.image2].map(name);
                format!("{image1} - {image2} {}", percent(pair.probability()))
            };
            let [first, second] = rivals.pairs.each_ref().map(rival);
            lines.push(format!(
                "rivals    {first}, {second}: both photos are tied more strongly to others: {:+.1} log-odds",
                -rivals.log_odds
            ));
        }
        let adjusted = why.counts_as.map(percent);
        lines.extend(adjusted.map(|text| format!("adjusted  {text}")));
    }
    if let Some(between) = why
        .between
        .filter(|between| between.links + between.links_by_probability > 0)
    {
        let without = match between.links_by_probability {
            links if links == between.links => String::new(),
            links => format!(", {links} by their probability alone"),
        };
        lines.push(format!(
            "between   links between both clusters: {} of {} pairs{without}",
            between.links, between.pairs
        ));
    }
    lines.extend(why.pair.iter().flat_map(|pair| conditions(file, pair)));
    if let Some(is_same) = why.correction {
        let said = if is_same {
            "the same thing"
        } else {
            "not the same"
        };
        lines.push(format!("corrected by hand: {said}"));
    }
    if why.chain.len() > 2 {
        for (ends, link) in why.chain.windows(2).zip(&why.links) {
            lines.push(format!(
                "chain     {} - {}: {}",
                name(ends[0]),
                name(ends[1]),
                describe(link)
            ));
        }
    }
    if let Some(weakest) = why.weakest().filter(|_| why.chain.len() > 2) {
        let (a, b) = (name(weakest.image1), name(weakest.image2));
        lines.push(format!("weakest   {a} - {b}"));
    } else if why.chain.is_empty() && photos[0] != photos[1] {
        lines.push("chain     no pairs with inliers lead from one to the other".into());
    }
    let cut = file.source.min_probability;
    lines.push(match why.other_min_probability {
        Some(other) => format!(
            "threshold {cut}; the answer changes at --min-probability {}",
            as_option(other, cut)
        ),
        None => format!("threshold {cut}; no other --min-probability changes the answer"),
    });
    lines
}

/// What the clusters' options ask of a link and this pair does not have.
fn conditions(file: &ClusterFile, pair: &VerifiedPair) -> Vec<String> {
    let source = &file.source;
    let mut lines = Vec::new();
    let no_copy = match pair.relation {
        Some(Relation::Copy) => None,
        Some(Relation::View) => Some("this is another view"),
        None => Some("the pixels of this pair were not compared"),
    };
    if let Some(reason) = no_copy.filter(|_| source.copies_only) {
        lines.push(format!(
            "no link   only edited copies are linked (--copies-only), and {reason}"
        ));
    }
    if let Some(least) = source.min_inliers.filter(|least| pair.num_inliers < *least) {
        lines.push(format!(
            "no link   a link needs {} (--min-inliers), and this has {}",
            counted(least, "inlier"),
            pair.num_inliers
        ));
    }
    lines
}

/// A probability as it is written on a command line, rounded away from `threshold`.
fn as_option(probability: f64, threshold: f64) -> String {
    let digits = (2.0 - (1.0 - probability).min(probability).log10()).ceil();
    let digits = digits.clamp(2.0, 9.0) as usize;
    let unit = 10f64.powi(digits as i32);
    let rounded = match probability > threshold {
        true => (probability * unit).ceil() / unit,
        false => (probability * unit).floor() / unit,
    };
    format!("{rounded:.digits$}")
}

fn describe(pair: &VerifiedPair) -> String {
    if pair.is_same_file() {
        return format!("same thing; for it: {SAME_FILE}");
    }
    let [pro, contra] = for_and_against(pair.num_inliers, pair.evidence.as_ref());
    let list = |title: &str, reasons: Vec<String>| match reasons.is_empty() {
        true => String::new(),
        false => format!("; {title}: {}", reasons.join(", ")),
    };
    let pixels = match pair.evidence.is_none() && pair.num_inliers > 0 {
        true => ", pixels not compared",
        false => "",
    };
    format!(
        "same thing {}{}{pixels}{}{}",
        percent(pair.probability()),
        relation_text(pair.relation),
        list("for it", pro),
        list("against it", contra)
    )
}

fn as_json(
    file: &ClusterFile,
    photos: [usize; 2],
    why: &Explanation,
    picture: Option<&Path>,
) -> Value {
    let name = |photo: &usize| file.photos[*photo].path.as_str();
    let pair = |pair: &VerifiedPair| {
        json!({
            "image1": name(&pair.image1),
            "image2": name(&pair.image2),
            "matches": pair.num_matches,
            "inliers": pair.num_inliers,
            "probability": pair.probability(),
            "relation": pair.relation,
            "evidence": pair.evidence,
        })
    };
    json!({
        "version": 4,
        "photos": photos.each_ref().map(name),
        "clusters": why.clusters,
        "same_cluster": why.is_same_cluster(),
        "pair": why.pair.as_ref().map(pair),
        "links_of_clusters": why.gain.map(|gain| json!({
            "linked": gain.linked,
            "crossing": gain.crossing,
            "log_odds": gain.log_odds,
        })),
        "rivals": why.rivals.as_ref().map(|rivals| json!({
            "pairs": rivals.pairs.each_ref().map(pair),
            "log_odds": -rivals.log_odds,
        })),
        "counts_as": why.counts_as,
        "between": why.between.map(|between| json!({
            "pairs": between.pairs,
            "links": between.links,
            "links_by_probability": between.links_by_probability,
        })),
        "correction": why.correction,
        "chain": why.chain.iter().map(name).collect::<Vec<_>>(),
        "links": why.links.iter().map(pair).collect::<Vec<_>>(),
        "weakest": why.weakest().map(pair),
        "min_probability": file.source.min_probability,
        "other_min_probability": why.other_min_probability,
        "picture": picture,
    })
}
