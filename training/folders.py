"""Sorts the pictures of every table into clusters by left-out log-odds, as the program sorts a folder.

    python folders.py TABLES --judged left_out.csv --output folders.csv

TABLES and `left_out.csv` are those of judgement.py (`--left-out`): no pair is judged by a fit that has learned from its
family. Each set is a folder. Which pairs are compared by pixels, clusters, the prior, rivals and links are the program's own,
by the installed package `delfin`; only whether a pair is of copies comes from the judgement that ships, which may have
learned from it.

The table of a family: true pairs of its folders, pairs rightly and wrongly in one cluster, and the mean adjusted Rand
index of its folders.
"""

import argparse
import json
import pathlib

import delfin
import numpy as np
import pandas as pd
from delfin import _delfin
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import pair_confusion_matrix

import judgement
from judgement import KEYS, answers

# A copy's transform stretches at most by this; log. The program looks at the refined transform, which tables lack: the
# limit of that, with room for the coarse one's error.
MAX_STRETCH = 0.15
MODELS = pathlib.Path(__file__).parent.parent / "models"
# Families of photographs, and those that are drawn like one.
PHOTOGRAPHED = "products garments edits detail objects places views kin held carton series".split()


def compared(count, pairs, file, has_shortlist):
    """Which pairs are compared by pixels, and the log-odds of all, without the prior."""
    # As the program has it: infinity with many inliers, none where it is not worth it.
    worth = pairs.worth.mask(pairs.worth < file["min_worth"]).mask(pairs.inliers >= judgement.MANY_INLIERS, np.inf)
    worth = worth.to_numpy(np.float32)
    is_compared = ~np.isnan(worth)
    by_features = pairs.by_features.to_numpy(np.float64)
    by_features = np.where(is_compared, by_features, np.minimum(by_features, file["max_not_compared"]))
    if has_shortlist:
        ends = [pairs[place].to_numpy(np.uint32) for place in ("place1", "place2")]
        best = _delfin.BestPairs(count)
        best.add(*ends, worth, by_features)
        is_compared, by_features = _delfin.shortlisted(best.least(), *ends, worth, by_features)
    return is_compared, np.where(is_compared, pairs.log_odds, by_features)


def clusters_of(options, count, pairs, file, arguments):
    """The cluster of each picture, and which pairs are compared by pixels."""
    is_compared, log_odds = compared(count, pairs, file, not arguments.without_shortlist)
    prior = options.prior(log_odds[is_compared | (log_odds >= options.least_counted)])
    relation = np.where(pairs.is_copy, "copy", "view").astype(object)
    relation[~is_compared] = None
    found = delfin.cluster_edges(
        count, pairs[["place1", "place2"]].to_numpy(), log_odds=log_odds + prior,
        relation=relation.tolist(), min_probability=arguments.min_probability,
    )
    return np.asarray(found.labels), is_compared


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--judged", type=pathlib.Path, required=True, help="left-out log-odds of judgement.py")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--judgement", type=pathlib.Path, default=MODELS / "judgement.json")
    parser.add_argument("--min-probability", type=float)
    parser.add_argument("--without-shortlist", action="store_true", help="all pairs that are worth it are compared")
    arguments = parser.parse_args()
    options = _delfin.BlockOptions(judgement=str(arguments.judgement))
    file = json.loads(arguments.judgement.read_text())
    judged = pd.read_csv(arguments.judged).drop_duplicates(KEYS)[[*KEYS, "log_odds", "by_features", "worth"]]
    rows, num_pairs, num_compared = [], 0, 0
    for path in sorted(arguments.tables.glob("*.csv")):
        own = judged[judged.set == path.stem].drop(columns="set")
        if own.empty:
            continue
        table = pd.read_csv(path)
        names = sorted(set(table.image1) | set(table.image2))
        place = {name: at for at, name in enumerate(names)}
        table["place1"], table["place2"] = table.image1.map(place), table.image2.map(place)
        truth = np.zeros((len(names), len(names)), dtype=bool)
        true = table[table.same == 1]
        truth[true.place1, true.place2] = truth[true.place2, true.place1] = True
        pairs = table.merge(own, on=KEYS[1:])
        pairs["is_copy"] = (answers(file["copies"], pairs) > 0) & (pairs.ln_stretch <= MAX_STRETCH)
        labels, is_compared = clusters_of(options, len(names), pairs, file, arguments)
        num_pairs, num_compared = num_pairs + len(pairs), num_compared + is_compared.sum()
        # A thing is named by its first picture. Each pair is counted twice.
        things = (truth | np.eye(len(names), dtype=bool)).argmax(1)
        (_, wrong), (_, right) = pair_confusion_matrix(things, labels) // 2
        num_true = truth.sum() // 2
        ari = adjusted_rand_score(things, labels) if num_true else np.nan
        rows.append((judgement.family(path.stem), num_true, right, wrong, ari))
    found = pd.DataFrame(rows, columns=["family", "true", "right", "wrong", "ari"])
    sums = {"true": "sum", "right": "sum", "wrong": "sum", "ari": "mean"}
    found = found.groupby("family").agg(sums)
    found.round(3).to_csv(arguments.output)
    print(found.round(3).to_string())
    print(f"all: {found.true.sum()} true, {found.right.sum()} right, {found.wrong.sum()} wrong, "
          f"{num_compared} of {num_pairs} pairs compared, "
          f"mean ARI {found.ari.mean():.3f}, of photographs {found.ari[found.index.isin(PHOTOGRAPHED)].mean():.3f}")


if __name__ == "__main__":
    main()
