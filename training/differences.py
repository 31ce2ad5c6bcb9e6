"""Learns what differences of the aligned photos change in the judgement, and writes it into ../models/judgement.json.

    python differences.py TABLES --judged left_out.csv --judgement ../models/judgement.json --report differences_report.csv

TABLES and `left_out.csv` are those of judgement.py (`--left-out`). The trees begin with the log-odds that its fits
without a pair's family give the pair, as a pair of another kind would have, and so learn only what differences add
to them. Each family is left out here, too; the slope is what the left-out answers want.
"""

import argparse
import json
import pathlib

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from judgement import KEYS, boosted, ensemble, left_out, read, weights, write

# Not among them, as left-out answers got worse by them: how large the region is and how much of it agrees, its
# contrast and movement, and what the cells of the map say.
INPUTS = [
    f"difference_{name}"
    for name in (
        "error high_error enclosed weight balance correlation groups share replaced nearby levels rearranged following "
        "near_movement near_error wide_weight hull_agreeing hull_weight hull_deep"
    ).split()
]
# More of these never raises the answer.
FALLING = {
    f"difference_{name}"
    for name in ("enclosed", "weight", "replaced", "wide_weight", "rearranged", "hull_weight", "hull_deep")
}
NUM_TREES, NUM_LEAVES = 100, 8
# Edits of one picture, which may be written over without being another thing, and what they weigh more.
EDITED, EDITED_WEIGHT = ["garments", "edits", "detail", "treated"], 3
# A surface of which less follows its smooth movement is of a solid thing, where parallax makes differences
# (src/scoring/surfaces.rs).
MIN_FOLLOWING = 0.7


def weight_of(table):
    """Weights as of the judgement, edits of pictures more."""
    return weights(table) * np.where(table.family.isin(EDITED), EDITED_WEIGHT, 1)


def fit(table, columns):
    """One model a seed, of pairs that have differences, from the log-odds of the judgement on."""
    return boosted(
        table, columns, weight_of(table), (), FALLING,
        start=table.log_odds.values, num_trees=NUM_TREES, num_leaves=NUM_LEAVES,
    )


def lowered(slope, answers):
    """What differences add to log-odds. They never raise them: that none are seen says less for one thing than some say
    against it, and the left-out answers get worse by it."""
    return np.minimum(slope * answers, 0)


def best_slope(table, answers):
    """Factor of left-out answers that makes them most probable, pairs weighing as in the judgement. There is no base: a
    pair without differences is judged as before."""
    weight, sign = weights(table), 2 * table.same.values - 1

    def loss(slope):
        return np.average(np.logaddexp(0, -sign * (table.log_odds.values + lowered(slope, answers))), weights=weight)

    return minimize_scalar(loss, bounds=(0, 2), method="bounded").x


def report(table, added, path):
    rows = []
    before, after, same = table.log_odds.values, table.log_odds.values + added, table.same.values == 1
    groups = [*table.groupby("family").indices.items(), ("all", np.arange(len(table)))]
    for name, own in groups:
        true, false = own[same[own]], own[~same[own]]
        counts = {"false": len(false), "true": len(true)}
        for when, values in (("before", before), ("after", after)):
            counts[f"false yes {when}"] = (values[false] > 0).sum()
            counts[f"true yes {when}"] = (values[true] > 0).sum()
        rows.append({"family": name, **counts})
    frame = pd.DataFrame(rows)
    print(frame.to_string(index=False))
    frame.to_csv(path, index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--judged", type=pathlib.Path, required=True, help="left-out log-odds of judgement.py")
    parser.add_argument("--judgement", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, help="default: the judgement itself")
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--left-out", type=pathlib.Path, help="the answers of --judged with differences, as CSV")
    parser.add_argument("--without", nargs="*", default=[], help="families that nothing is learned from")
    arguments = parser.parse_args()
    judged = pd.read_csv(arguments.judged).drop_duplicates(KEYS)
    judged = judged[~judged.family.isin(arguments.without)]
    table = read(arguments.tables).drop(columns="family").merge(judged.drop(columns=["same", "inliers"]), on=KEYS)
    known = (table.difference_following >= MIN_FOLLOWING).values
    close = table[known].reset_index(drop=True)
    answers = left_out(close, INPUTS, fit)
    slope = best_slope(close, answers)
    print(f"slope {slope:.3f}")
    added = np.zeros(len(table))
    added[known] = lowered(slope, answers)
    report(table, added, arguments.report)
    if arguments.left_out:
        table.assign(log_odds=table.log_odds + added)[judged.columns].to_csv(arguments.left_out, index=False)
    content = json.loads(arguments.judgement.read_text())
    content["differences"] = ensemble(fit(close, INPUTS), INPUTS, slope, 0.0)
    write(content, arguments.output or arguments.judgement)


if __name__ == "__main__":
    main()
