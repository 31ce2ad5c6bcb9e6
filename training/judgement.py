"""Learns the judgement of a pair: evidence -> log-odds, written to ../models/judgement.json.

    python judgement.py TABLES --output ../models/judgement.json --report judgement_report.csv

TABLES holds the tables that `cargo bench --bench evidence` writes, one a set (training/README.md has
the commands). Sets that share their photos or their way of being made are one family; each family
is left out in turn, and all that is reported of it comes from the fit that left it out. The slope
and the base of the shipped log-odds are those that the left-out answers want, so that a set like
none of these is stated about as truly as one left out here.

Gradient boosting by LightGBM with monotone constraints; small trees. Deterministic.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re

import lightgbm
import numpy as np
import pandas as pd
from scipy.optimize import minimize

FAMILIES = {"listings": "garments", "listA": "garments", "garments": "garments"}

FEATURES = [
    "ln_inliers", "ln_inlier_share", "global_similarity", "coverage_max", "coverage_min",
    "descriptor_similarity_mean", "descriptor_similarity_min", "descriptor_similarity_max", "ln_keypoints",
    "ln_guided", "guided_share", "ln_second_inliers",
]
# How likely the transform is by itself. It foretells well which pairs pixels leave open, and is learned from for that
# alone: beside pixels it parts printed things better, but garments photographed in one place worse
# (benches/RESULTS.md, tried).
TRANSFORM = [
    "ln_scale_change", "ln_stretch", "spread_max", "spread_min", "inlier_similarity", "best_inlier_similarity",
]
# More of these never lowers the answer, more of those never raises it.
RISING = {"ln_inliers", "middle_agreement", "subject_agreement", "best_middle_agreement", "least_agreement"}
FALLING = {"contradicted_attention", "middle_contradiction"}
# True pairs of these families are edits of one picture, and photographs of one thing.
COPIES = ["garments", "edits", "detail"]
VIEWS = ["products", "carton", "held", "views", "objects", "kin", "painted", "places", "near"]
# Views that are nearly copies: only the question of copy or view is learned from them.
NEAR = ["near"]
# Share of the learned copies that are called views.
LOST_COPIES = 0.01
# Families that log-odds are calibrated on; the others are composed or printed.
PHOTOGRAPHS = ["products", "garments", "strangers", "views", "edits", "detail", "objects", "places"]
# Families of photographs from several sides, and what their pairs weigh in learning.
WITH_DEPTH, DEPTH_WEIGHT = ["products", "views", "objects", "places"], 3
# Made kinds that weigh less in learning, so that they do not outweigh photographs.
LIGHT, LIGHT_WEIGHT = "calendar deck note music table prose plan label sign chat".split(), 0.5
# Kinds of evidence, for the ablation.
GROUPS = {
    "numbers of inliers": ["ln_inliers", "ln_inlier_share", "ln_keypoints", "inlier_cells"],
    "similarity of the wholes": ["global_similarity"],
    "coverage and overlap": ["coverage_max", "coverage_min", "overlap_max", "overlap_min"],
    "descriptors in the overlap": [
        "descriptor_similarity_mean", "descriptor_similarity_min", "descriptor_similarity_max",
        "middle_descriptor_similarity", "ln_guided", "guided_share",
    ],
    "second transform": ["ln_second_inliers"],
    "agreement": [
        "agreement", "attended_agreement", "middle_agreement", "subject_agreement", "coarse_agreement",
        "inlier_agreement", "agreeing_share", "worst_blocks", "median_block", "best_blocks", "best_middle_agreement",
        "least_agreement", "fine_loss",
    ],
    "contradiction": ["contradicting_share", "contradicted_attention", "middle_contradiction"],
    "explained attention": ["explained_attention_max", "explained_attention_min"],
    "colours": [
        "ln_color_difference", "ln_middle_color_difference", "ln_relative_color_difference",
        "ln_local_color_difference", "ln_saturation",
    ],
    "movement": ["shift", "roughness", "planar_share"],
    "texture": ["ln_texture", "texture_balance"],
    "small windows": [
        "fine_windows", "fine_agreement", "fine_low", "fine_worst", "fine_contradicting", "fine_replaced",
        "fine_deep_replaced", "fine_inner_replaced", "fine_largest_contradiction", "fine_largest_replaced",
        "fine_strength", "fine_replaced_strength", "fine_tone",
    ],
}
# Pairs with fewer inliers are not judged by pixels.
MIN_INLIERS = 6
# Pairs that features alone give lower log-odds teach nothing about pixels; a pair that is not worth comparing by them
# has at most these.
ASKED = -4.0
# A pair is worth comparing by pixels where these may well give it log-odds above OPEN: where features give that
# log-odds of MIN_WORTH and more.
OPEN, MIN_WORTH = -2.0, -3.0
# Pairs with as many inliers are compared whatever features say (src/scoring/judgement.rs).
MANY_INLIERS = 50
NUM_TREES = 200
# Answers are the mean of as many fits, which differ in the rows and the columns that their trees draw: a seed moves
# single pairs by a log-odds of 1.
SEEDS = (1, 2, 3)
OPTIONS = dict(
    objective="binary", learning_rate=0.06, num_leaves=15, min_data_in_leaf=40, feature_fraction=0.5,
    bagging_fraction=0.7, bagging_freq=1, lambda_l2=5.0, num_threads=1, deterministic=True, verbose=-1,
    monotone_constraints_method="intermediate",
)

# What names a pair of the tables.
KEYS = ["set", "image1", "image2"]


def family(name):
    """Sets of one family are left out together."""
    if name in FAMILIES:
        return FAMILIES[name]
    if name.startswith("lay_"):
        return name[4:]
    return re.sub(r"^s\d+_", "", name)


def read(folder):
    tables = []
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path)
        table["set"], table["family"] = path.stem, family(path.stem)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def weights(table):
    """Each family and class counts with the root of its pairs, things with depth three times and light ones
    half of that; both classes count the same."""
    weight = np.zeros(len(table))
    for (name, _), rows in table.groupby(["family", "same"]).indices.items():
        times = DEPTH_WEIGHT if name in WITH_DEPTH else LIGHT_WEIGHT if name in LIGHT else 1
        weight[rows] = min(len(rows), 4000) ** 0.5 / len(rows) * times
    for same in (0, 1):
        chosen = (table.same == same).values
        weight[chosen] /= weight[chosen].sum()
    return weight * len(table) / 2


def fit(table, columns, seeds=SEEDS):
    """One model a seed."""
    return boosted(table, columns, weights(table), RISING, FALLING, seeds)


def boosted(table, columns, weight, rising, falling, seeds=SEEDS, start=None, num_trees=NUM_TREES, **changed):
    """One model a seed, from the log-odds `start` on; `changed` are options."""
    signs = [1 if c in rising else -1 if c in falling else 0 for c in columns]
    options = {**OPTIONS, "monotone_constraints": signs, **changed}
    inputs = table[columns].to_numpy(np.float64)
    models = []
    for seed in seeds:
        data = lightgbm.Dataset(
            inputs, table.same.values, weight=weight, init_score=start, feature_name=list(columns)
        )
        models.append(lightgbm.train({**options, "seed": seed}, data, num_trees))
    return models


def answers_of(models, table, columns):
    """Log-odds: the mean of the models' answers."""
    inputs = table[columns].to_numpy(np.float64)
    return np.mean([model.predict(inputs, raw_score=True) for model in models], axis=0)


def left_out(table, columns, fit=fit):
    """Answers for every pair by the fit that left its family out."""
    answers, names = np.zeros(len(table)), table.family.unique()
    # Processes: LightGBM crashed in threads now and then.
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), None, learn_from, (table, columns, fit)) as pool:
        for name, values in zip(names, pool.map(answers_without, names)):
            answers[table.family == name] = values
    return answers


def learn_from(*learned):
    """What `answers_without` learns from in this process: table, columns and how."""
    global LEARNED
    LEARNED = learned


def answers_without(name):
    """Answers for the pairs of a family by a fit without them."""
    table, columns, fit = LEARNED
    own = (table.family == name).values
    return answers_of(fit(table[~own], columns), table[own], columns)


def calibrate(table, answers):
    """Slope and base that make left-out log-odds of photographs most probable, families weighing the
    same and classes as they occur."""
    weight = np.zeros(len(table))
    for name, rows in table.groupby("family").indices.items():
        weight[rows] = (name in PHOTOGRAPHS) / len(rows)
    return most_probable(table.same.values, answers[:, None], weight, [1.0, 0.0])


def most_probable(same, values, weight, start):
    """Factors of the columns of `values`, and a base, whose sum as log-odds makes `same` most probable."""

    def loss(parameters):
        signed = (2 * same - 1) * (values @ parameters[:-1] + parameters[-1])
        return np.average(np.logaddexp(0, -signed), weights=weight)

    return minimize(loss, start).x


def recall(same, scores, rate, counts=None):
    """Share of true pairs above the score that one false pair in 1 / rate reaches. `counts` are the
    numbers of false and true pairs, where not all of them have a score."""
    false = np.sort(scores[same == 0])[::-1]
    num_false, num_true = counts or (len(false), (same == 1).sum())
    if not len(false):
        return 1.0
    limit = false[min(int(num_false * rate), len(false) - 1)]
    return (scores[same == 1] > limit).sum() / num_true


def report(table, answers, path):
    rows = []
    for name, rows_of in table.groupby("family").indices.items():
        same, scores = table.same.values[rows_of], answers[rows_of]
        row = {"family": name, "pairs": len(same), "true": int(same.sum())}
        row["false above 0"] = (scores[same == 0] > 0).mean()
        row["false above ln 100"] = (scores[same == 0] > np.log(100)).mean()
        if same.any():
            row["true above 0"] = (scores[same == 1] > 0).mean()
            row["recall at 1e-2"] = recall(same, scores, 1e-2)
            row["recall at 1e-3"] = recall(same, scores, 1e-3)
        rows.append(row)
    frame = pd.DataFrame(rows).round(4)
    print(frame.to_string(index=False))
    frame.to_csv(path, index=False)


def reliability(table, log_odds, path):
    """How often pairs are true that are stated at a probability, family by family."""
    stated = 1 / (1 + np.exp(-log_odds))
    limits = [0, 1e-3, 1e-2, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1]
    rows = []
    for name, own in [("photographs", table.family.isin(PHOTOGRAPHS).values)] + [
        (name, (table.family == name).values) for name in sorted(table.family.unique())
    ]:
        for low, high in zip(limits, limits[1:]):
            inside = own & (stated >= low) & (stated < high)
            if inside.any():
                row = {"family": name, "from": low, "to": high, "pairs": int(inside.sum())}
                row["stated"], row["true"] = stated[inside].mean(), table.same.values[inside].mean()
                rows.append(row)
    frame = pd.DataFrame(rows).round(5)
    print(frame[frame.family == "photographs"].to_string(index=False))
    frame.to_csv(path, index=False)


def ablate(table, close, columns, names):
    """Recall at 1e-3 of families that are left out, with and without each kind of evidence."""
    for group, inputs in [("all", [])] + list(GROUPS.items()):
        kept = [c for c in columns if c not in inputs]
        line = []
        for name in names:
            own = (close.family == name).values
            answers = answers_of(fit(close[~own], kept), close[own], kept)
            every = table.same[table.family == name]
            counts = ((every == 0).sum(), (every == 1).sum())
            line.append(f"{name} {recall(close.same.values[own], answers, 1e-3, counts):.3f}")
        print(f"{'with' if group == 'all' else 'without'} {group}: " + ", ".join(line), flush=True)


def ensemble(models, columns, slope, base):
    """The trees of all models as lists of nodes, parents first."""
    trees, slope = [], slope / len(models)
    for info in (info for model in models for info in model.dump_model()["tree_info"]):
        nodes = []

        def add(node):
            at = len(nodes)
            nodes.append(None)
            if "leaf_value" in node and "split_feature" not in node:
                nodes[at] = [round(slope * node["leaf_value"], 4)]
                return at
            below, above = add(node["left_child"]), add(node["right_child"])
            threshold = float(f"{node['threshold']:.5g}")
            nodes[at] = [node["split_feature"], threshold, below, above]
            return at

        add(info["tree_structure"])
        trees.append(nodes)
    return {"inputs": columns, "base": round(float(base), 5), "trees": trees}


def answers(ensemble, table):
    """What the trees of a judgement file answer."""
    inputs = table[ensemble["inputs"]].to_numpy(np.float32)
    rows, sums = np.arange(len(table)), np.full(len(table), ensemble["base"])
    for tree in ensemble["trees"]:
        splits = [node if len(node) == 4 else [0, np.inf, at, at] for at, node in enumerate(tree)]
        column, threshold, below, above = np.array(splits, dtype=np.float64).T
        leaf = np.array([node[0] if len(node) == 1 else 0.0 for node in tree])
        place = np.zeros(len(table), dtype=int)
        for _ in tree:
            is_above = inputs[rows, column[place].astype(int)] > threshold[place]
            place = np.where(is_above, above[place], below[place]).astype(int)
            if np.inf == threshold[place].min():
                break
        sums += leaf[place]
    return sums


def learn_features(table, path):
    """A judgement with its sum by features, and their left-out log-odds."""
    answers = left_out(table, FEATURES)
    slope, base = calibrate(table, answers)
    print(f"features alone: slope {slope:.3f}, base {base:.3f}", flush=True)
    answers = slope * answers + base
    report(table, answers, path.with_stem(path.stem + "_features"))
    return {"features": ensemble(fit(table, FEATURES), FEATURES, slope, base)}, answers


def kept_answers(table, kept, judged):
    """Log-odds by features, and of worth: as `judged` has them, by fits without the family; of sets that it does not have,
    by the judgement `kept`, which has not learned from them."""
    is_new = ~table.set.isin(judged.set).to_numpy()
    known = table[KEYS].merge(judged.drop_duplicates(KEYS), "left", KEYS)
    return [
        np.where(is_new, answers(kept[part], table), known[name].fillna(-np.inf))
        for part, name in (("features", "by_features"), ("worth", "worth"))
    ]


def fit_worth(table, learned, by_pixels):
    """Tells by features which pairs pixels may leave open, and its left-out answers. `by_pixels` are the left-out log-odds
    of the `learned` pairs."""
    is_open = np.zeros(len(table), dtype=int)
    is_open[learned] = by_pixels > OPEN
    pairs = table.assign(same=is_open)
    answers = left_out(pairs, FEATURES + TRANSFORM)
    slope, base = calibrate(pairs, answers)
    answers = slope * answers + base
    asked = (answers >= MIN_WORTH) | (table.inliers >= MANY_INLIERS).to_numpy()
    is_yes = np.zeros(len(table), dtype=bool)
    is_yes[learned] = by_pixels > 0
    is_yes &= (table.same == 1).to_numpy()
    for name in ("all", "products", "garments", "places", "objects", "detail", "edits"):
        own = (table.family == name).to_numpy() | (name == "all")
        print(f"{name}: compared {asked[own].mean():.3f} of the pairs, {asked[own & learned].mean():.3f} of those with "
              f"log-odds by features from {ASKED}; of {is_yes[own].sum()} true ones that pixels link lost "
              f"{(is_yes & ~asked)[own].sum()}")
    inputs = FEATURES + TRANSFORM
    return ensemble(fit(pairs, inputs, SEEDS[:1]), inputs, slope, base), answers


def fit_copies(table, columns):
    """Tells edited copies of one picture from two views of one thing."""
    pairs = table[(table.same == 1) & table.family.isin(COPIES + VIEWS)].reset_index(drop=True)
    pairs["same"] = pairs.family.isin(COPIES).astype(int)
    answers = left_out(pairs, columns)
    slope, _ = calibrate(pairs, answers)
    models = fit(pairs, columns)
    # Views from nearly one place look like copies: only what most learned copies exceed is one.
    base = -np.quantile(slope * answers_of(models, pairs[pairs.same == 1], columns), LOST_COPIES)
    right = ((slope * answers + base) > 0) == (pairs.same == 1)
    print("copies or views, right:", right.groupby(pairs.family).mean().round(3).to_dict())
    return ensemble(models, columns, slope, base)


def write(content, path):
    """Writes a judgement and prints the hash that the manifest needs."""
    text = json.dumps(content, separators=(",", ":")) + "\n"
    path.write_text(text)
    print(f"{path}: {len(text)} bytes, sha256 {hashlib.sha256(text.encode()).hexdigest()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--left-out", type=pathlib.Path, help="left-out answers for every pair, as CSV")
    parser.add_argument("--ablate", nargs="*", default=[], help="families to measure each kind of evidence on")
    parser.add_argument("--without", nargs="*", default=[], help="families that nothing is learned from")
    parser.add_argument("--keep", type=pathlib.Path, help="judgement whose sums by features, of worth and of copies stay")
    parser.add_argument("--judged", type=pathlib.Path, help="with --keep: its --left-out")
    arguments = parser.parse_args()
    if arguments.keep and not arguments.judged:
        parser.error("--keep needs --judged")
    table = read(arguments.tables)
    table = table[~table.family.isin(arguments.without)]
    table = table[(table.inliers >= MIN_INLIERS) & table.ln_inliers.notna()].reset_index(drop=True)
    pairs_of_all = table
    table = table[~table.family.isin(NEAR)].reset_index(drop=True)
    others = ["image1", "image2", "same", "inliers", "set", "family", *TRANSFORM]
    columns = [c for c in table.columns if c not in others and not c.startswith("difference_")]
    has_pixels = table.overlap_max.notna().to_numpy()
    if arguments.keep:
        content = json.loads(arguments.keep.read_text())
        by_features, by_worth = kept_answers(table, content, pd.read_csv(arguments.judged))
    else:
        content, by_features = learn_features(table, arguments.report)
    # Pairs of two things that features part by themselves were not aligned.
    learned = (by_features >= ASKED) & has_pixels
    close = table[learned].reset_index(drop=True)
    by_pixels = left_out(close, columns)
    slope, base = calibrate(close, by_pixels)
    print(f"features and pixels: slope {slope:.3f}, base {base:.3f}", flush=True)
    by_pixels = slope * by_pixels + base
    if not arguments.keep:
        content["worth"], by_worth = fit_worth(table, learned, by_pixels)
        content["copies"] = fit_copies(pairs_of_all[pairs_of_all.overlap_max.notna()], columns)
    share = np.mean([rows.mean() for name, rows in close.same.groupby(close.family) if name in PHOTOGRAPHS])
    print(f"share of true pairs among those: {share:.3f}")
    report(close, by_pixels, arguments.report)
    reliability(close, by_pixels, arguments.report.with_stem(arguments.report.stem + "_reliability"))
    if arguments.ablate:
        ablate(table, close, columns, arguments.ablate)
    if arguments.left_out:
        out = close[["set", "family", "image1", "image2", "same", "inliers"]].copy()
        out["log_odds"], out["by_features"], out["worth"] = by_pixels, by_features[learned], by_worth[learned]
        out.to_csv(arguments.left_out, index=False)
    pixels = fit(close, columns)
    content |= {
        "version": 4,
        "no_transform": -6.0,
        "max_not_compared": ASKED,
        "min_worth": MIN_WORTH,
        "share": round(float(share), 4),
        "pixels": ensemble(pixels, columns, slope, base),
        # Learned by differences.py.
        "differences": {"inputs": [], "base": 0.0, "trees": []},
    }
    write(content, arguments.output)
    gains = sorted(zip(sum(model.feature_importance("gain") for model in pixels), columns), reverse=True)
    print("gain: " + ", ".join(f"{c} {g / sum(g for g, _ in gains):.2f}" for g, c in gains[:14]))


if __name__ == "__main__":
    main()
