"""Solves the projection again in closed form on the features of the trained trunk.

    python refit.py config.toml FLAT DEPTH WEIGHT

Uses the first FLAT shards of flat pairs and the first DEPTH shards of pairs with depth, the latter counted
WEIGHT times. Reads work/trunk/learned.pt, writes work/refit/learned.pt in the same form.
"""

import pathlib
import sys
import tomllib

import numpy as np
import torch

import bank
import cells
import discriminant
import gradient
from head import SIZE


@torch.no_grad()
def add(total, model, path, grid, max_cells, weight, parts=10):
    """Adds the statistics of one shard, counted `weight` times."""
    statistics, pairs = discriminant.Statistics(SIZE), gradient.Bank([path], 0, grid)
    for rows in np.split(np.arange(pairs.number), parts):
        taps, moved = pairs.take(rows)
        statistics.add(*cells.stack(model.taps(taps)).chunk(2), moved, grid, max_cells)
    for name, value in vars(statistics).items():
        setattr(total, name, getattr(total, name) + weight * value)


def run(config, flat, depth, weight):
    options, work = config["projection"], pathlib.Path(config["work"])
    grid = (16.0, config["model"]["offset"])
    model, total = gradient.load(config, "trunk"), discriminant.Statistics(SIZE)
    for path in bank.make(config)[:flat]:
        add(total, model, path, grid, options["max_cells"], 1)
    for path in bank.make_depth(config)[:depth] if depth else ():
        add(total, model, path, grid, options["max_cells"], weight)
    mean = total.mean().float()
    rows, _ = discriminant.projection(
        *total.covariances(), options["dimensions"], options["regularisation"]
    )
    head = model.head
    head.local.weight.data = rows[:, :112, None, None].clone()
    head.local.bias.data = -(rows.double() @ mean.double()).float()
    head.stride8.weight.data = rows[:, 112:].reshape(len(rows), 40, 2, 2).clone()
    (work / "refit").mkdir(exist_ok=True)
    torch.save(model.state_dict(), work / "refit" / "learned.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(tomllib.loads(pathlib.Path(sys.argv[1]).read_text()), *map(int, sys.argv[2:5]))
