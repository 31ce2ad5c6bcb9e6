"""Learns the projection on the bank of pairs, shard after shard.

    python train.py config.toml

Resumes after the last shard in work/checkpoint.pt. Writes work/log.csv, work/curve.png and
work/head.pt. The last shard is held out: on it, for every cell of view 1 seen in view 2, the
nearest of the cells of all views 2 is looked up; `right` is the share within 1.5 cells.
"""

import csv
import pathlib
import sys
import time
import tomllib

import numpy as np
import torch
from torch.nn import functional as F

import bank
import cells
import discriminant
from head import CHANNELS, SIZE, Head

CHUNK = 25  # pairs at a time


def chunks(path, grid):
    """Features [N, K, C] of view 1 and view 2, and where the cells of view 1 lie in view 2 [N, K, 2]."""
    with np.load(path) as arrays:
        moved = cells.moved_of(arrays, grid)
        taps = {name: torch.from_numpy(arrays[name]) for name in CHANNELS}
    for start in range(0, len(moved), CHUNK):
        part = slice(start, start + CHUNK)
        views = [cells.stack({n: v[part, k].float() for n, v in taps.items()}) for k in (0, 1)]
        yield *views, moved[part]


def held_out(path, mean, rows, grid):
    """Share of cells whose nearest neighbour among all views 2 of a chunk is right."""
    right = count = 0
    for first, second, moved in chunks(path, grid):
        first, second = (F.normalize((x - mean) @ rows.T, dim=2) for x in (first, second))
        found = cells.right_neighbours(first, second, moved, grid)[2]
        right, count = right + found.sum().item(), count + len(found)
    return right / count


def draw_curve(log, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = np.genfromtxt(log, delimiter=",", names=True)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2))
    left.plot(rows["pairs"], rows["right"], marker="o")
    left.set(xlabel="training pairs", ylabel="right nearest neighbours, held out")
    right.plot(rows["pairs"], rows["ratio_first"], label="first")
    right.plot(rows["pairs"], rows["ratio_last"], label="last kept")
    right.set(xlabel="training pairs", ylabel="total / within-pair variance", yscale="log")
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def run(config):
    options, work = config["projection"], pathlib.Path(config["work"])
    shards = bank.make(config)
    grid = (16.0, config["model"]["offset"])
    statistics, done, checkpoint = discriminant.Statistics(SIZE), 0, work / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        done = state.pop("shards")
        statistics.__dict__.update(state)
    log = work / "log.csv"
    if done == 0:
        log.write_text("pairs,cells,ratio_first,ratio_last,right,seconds\n")
    for number, shard in enumerate(shards[done:-1], done + 1):
        start = time.time()
        for first, second, moved in chunks(shard, grid):
            statistics.add(first, second, moved, grid, options["max_cells"])
        if number & (number - 1) == 0 or number == len(shards) - 1:  # 1, 2, 4, .. and the last
            mean = statistics.mean().float()
            rows, ratios = discriminant.projection(
                *statistics.covariances(), options["dimensions"], options["regularisation"]
            )
            row = [number * bank.SHARD, statistics.count, f"{ratios[0]:.3f}", f"{ratios[-1]:.3f}"]
            row += [f"{held_out(shards[-1], mean, rows, grid):.4f}", f"{time.time() - start:.1f}"]
            with open(log, "a", newline="") as file:
                csv.writer(file).writerow(row)
            print(*row, flush=True)
        torch.save(statistics.__dict__ | {"shards": number}, work / "checkpoint.partial")
        (work / "checkpoint.partial").rename(checkpoint)
    rows, _ = discriminant.projection(
        *statistics.covariances(), options["dimensions"], options["regularisation"]
    )
    torch.save({"mean": statistics.mean().float(), "rows": rows}, work / "head.pt")
    draw_curve(log, work / "curve.png")


def load_head(config):
    """The trained head, in evaluation mode."""
    state = torch.load(pathlib.Path(config["work"]) / "head.pt", weights_only=True)
    return Head(state["mean"], state["rows"], config["model"]["attention"]).eval()


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(tomllib.loads(pathlib.Path(sys.argv[1]).read_text()))
