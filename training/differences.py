"""Learns what differences of the aligned photos change in the judgement, and writes it into ../models/judgement.json.

    python differences.py TABLES --judgement ../models/judgement.json --report differences_report.csv

TABLES holds tables of `cargo bench --bench evidence` of sets that the judgement has not learned from, and of its
own photographs (training/README.md has the commands). The trees begin with the log-odds of the judgement, and so learn
only what differences add to them. Each family is left out in turn; the slope is what the left-out answers want.
"""

import argparse
import json
import pathlib

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from judgement import boosted, ensemble, left_out, read, weights, write

INPUTS = [
    *(
        f"difference_{name}"
        for name in (
            "region agreeing ln_contrast error high_error high highest enclosed weight blocks balance correlation groups "
            "share replaced nearby movement high_movement wide_weight wide_region"
        ).split()
    ),
    "agreeing_share", "planar_share", "contradicted_attention",
]
# More of these never raises the answer.
FALLING = {"difference_enclosed", "difference_weight", "difference_replaced", "difference_wide_weight"}
NUM_TREES, NUM_LEAVES = 100, 8
# Edits of one picture, which may be written over without being another thing, and what they weigh more.
EDITED, EDITED_WEIGHT = ["garments", "edits", "detail", "treated"], 3
# Pairs with lower log-odds are a clear no, and teach nothing about look-alikes.
ASKED = -4.0
# Pixels; photos that move more against one smooth movement are of solid things, where parallax makes differences.
MAX_MOVEMENT = 1.5


def weight_of(table):
    """Weights as of the judgement, edits of pictures more."""
    return weights(table) * np.where(table.family.isin(EDITED), EDITED_WEIGHT, 1)


def fit(table, columns):
    """One model a seed, of pairs that have differences, from the log-odds of the judgement on."""
    return boosted(
        table, columns, weight_of(table), (), FALLING,
        start=table.judged.values, num_trees=NUM_TREES, num_leaves=NUM_LEAVES,
    )


def best_slope(table, answers):
    """Factor of left-out answers that makes them most probable, pairs weighing as in learning. There is no base: a pair
    without differences is judged as before."""
    weight, sign = weight_of(table), 2 * table.same.values - 1

    def loss(slope):
        return np.average(np.logaddexp(0, -sign * (table.judged.values + slope * answers)), weights=weight)

    return minimize_scalar(loss, bounds=(0, 2), method="bounded").x


def report(table, added, path):
    rows = []
    before, after, same = table.judged.values, table.judged.values + added, table.same.values == 1
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
    parser.add_argument("--judgement", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, help="default: the judgement itself")
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--without", nargs="*", default=[], help="families that nothing is learned from")
    arguments = parser.parse_args()
    table = read(arguments.tables)
    table = table[table.difference_error.notna() & (table.judged >= ASKED)]
    table = table[~table.family.isin(arguments.without)].reset_index(drop=True)
    known = ((table.difference_error >= 0) & (table.difference_movement <= MAX_MOVEMENT)).values
    close = table[known].reset_index(drop=True)
    answers = left_out(close, INPUTS, fit)
    slope = best_slope(close, answers)
    print(f"slope {slope:.3f}")
    added = np.zeros(len(table))
    added[known] = slope * answers
    report(table, added, arguments.report)
    content = json.loads(arguments.judgement.read_text())
    content["differences"] = ensemble(fit(close, INPUTS), INPUTS, slope, 0.0)
    content["max_movement"] = MAX_MOVEMENT
    write(content, arguments.output or arguments.judgement)


if __name__ == "__main__":
    main()
