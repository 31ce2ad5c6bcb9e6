"""Learns to compare two aligned photos: small pictures of their overlap -> log-odds of one thing.

    python comparison.py TABLES --work DIR --answers answers.csv --judged left_out.csv --report report.csv

An experiment: no program reads the network yet.

TABLES holds what `cargo bench --bench evidence` writes with `--pictures`: a table a set, and beside it a file of
the same name and the ending .bin with a record for each row whose pixels were compared. Families of sets
(judgement.py) are left out in five groups, so that no network answers for a family that it has learned from.
An epoch ends with a checkpoint in the work folder; the same command goes on from there.

The network takes features of both pictures by the same convolutions, compares them place by place, adds what the
agreement map says of its cells, and pools over the whole and over the middle. Swapping the photos changes nothing.
"""

import argparse
import pathlib
import time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

import judgement
from judgement import KEYS

SIDE, CELLS, VALUES = 192, 24, 8
PICTURES = 3 * SIDE * SIDE
RECORD = PICTURES + VALUES * CELLS * CELLS
# Families that are left out together: unlike one another, so that each keeps relatives to be learned from.
GROUPS = [
    ["products", "series", "ticket", "chart", "prose", "sign", "wallpaper", "edits"],
    ["garments", "kin", "grid", "form", "page", "deck", "note", "clutter"],
    ["carton", "objects", "receipt", "card", "mat", "music", "label", "detail"],
    ["places", "held", "revised", "cover", "chat", "calendar", "strangers"],
    ["views", "screenshot", "slide", "paper", "table", "plan"],
]
BATCH, EPOCH, NUM_EPOCHS, RATE = 32, 8000, 10, 3e-3


def read(folder):
    """Rows whose pixels were compared, and where their records are."""
    tables, records = [], {}
    for path in sorted(folder.glob("*.csv")):
        family = judgement.family(path.stem)
        if family in judgement.NEAR:
            continue
        table = pd.read_csv(path)
        table = table[table.overlap_max.notna()].reset_index(drop=True)
        table["set"], table["family"], table["record"] = path.stem, family, table.index
        tables.append(table[["set", "family", "image1", "image2", "same", "record"]])
        if len(table):
            records[path.stem] = np.memmap(path.with_suffix(".bin"), np.uint8, "r").reshape(-1, RECORD)
            assert len(records[path.stem]) == len(table), path
    return pd.concat(tables, ignore_index=True), records


def load(table, records, rows):
    """Inputs of the network: pictures (grey levels of both photos, whether known) and cells."""
    sets, places = table.set.values, table.record.values
    bytes_of = np.stack([records[sets[row]][places[row]] for row in rows])
    pictures = torch.from_numpy(bytes_of[:, :PICTURES].reshape(-1, 3, SIDE, SIDE)).float()
    cells = torch.from_numpy(bytes_of[:, PICTURES:].reshape(-1, CELLS, CELLS, VALUES)).permute(0, 3, 1, 2).float()
    known = cells[:, :1]
    return pictures, torch.cat([known, (cells[:, 1:] - 128) / 127 * known], 1)


def varied(pictures, cells):
    """The same pairs turned, mirrored, in other light and colours, one photo blurred."""
    turns, is_mirrored = int(torch.randint(4, ())), bool(torch.randint(2, ()))
    pictures, cells = (torch.rot90(values, turns, (2, 3)) for values in (pictures, cells))
    if is_mirrored:
        pictures, cells = pictures.flip(3), cells.flip(3)
    count = len(pictures)
    levels, known = pictures[:, :2], pictures[:, 2:]
    power = torch.exp(0.15 * torch.randn(count, 2, 1, 1))
    levels = 255 * (levels / 255).clamp(1e-3, 1) ** power
    if torch.rand(()) < 0.3:
        blurred = functional.avg_pool2d(levels * known, 3, 1, 1) / (functional.avg_pool2d(known, 3, 1, 1) + 1e-3)
        levels = torch.cat([blurred[:, :1], levels[:, 1:]], 1)
    if torch.rand(()) < 0.3:
        levels = levels + 3 * torch.rand(count, 1, 1, 1) * torch.randn_like(levels)
    light = 0.03 * torch.randn(count, 4, 1, 1) * cells[:, :1]
    return torch.cat([levels * known, known], 1), torch.cat([cells[:, :4], cells[:, 4:] + light], 1)


class Comparison(nn.Module):
    """Log-odds that two aligned photos show one thing."""

    def __init__(self):
        super().__init__()
        self.own = nn.Sequential(
            nn.Conv2d(2, 10, 5, 2, 2), nn.BatchNorm2d(10), nn.ReLU(),
            nn.Conv2d(10, 20, 3, 2, 1), nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 20, 1),
        )
        self.compare = nn.Sequential(nn.Conv2d(61, 28, 1), nn.ReLU())
        self.coarse = nn.Sequential(nn.Conv2d(28, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.places = nn.Sequential(
            nn.Conv2d(32 + 10, 40, 3, 1, 1), nn.BatchNorm2d(40), nn.ReLU(),
            nn.Conv2d(40, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU(), nn.Conv2d(48, 48, 3, 1, 1), nn.ReLU(),
        )
        self.verdict = nn.Sequential(nn.Linear(3 * 48, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))
        side = torch.arange(12) - 5.5
        middle = torch.exp(-((side / 3) ** 2))
        self.register_buffer("middle", (middle[:, None] * middle[None])[None, None])

    def features(self, levels, known):
        """Features of one photo, from its grey levels against the whole and against their surroundings."""
        count = known.sum((2, 3), keepdim=True) + 1
        mean = (levels * known).sum((2, 3), keepdim=True) / count
        centred = (levels - mean) * known
        whole = centred / (((centred**2).sum((2, 3), keepdim=True) / count).sqrt() + 6)

        def around(values):
            values = functional.avg_pool2d(functional.avg_pool2d(values, 4), 5, 1, 2)
            return functional.interpolate(values, scale_factor=4, mode="nearest")

        share = around(known) + 1e-3
        near = (levels - around(levels * known) / share) * known
        near = near / ((around(near**2) / share).sqrt() + 6)
        return self.own(torch.cat([whole, near], 1))

    def forward(self, pictures, cells):
        known = pictures[:, 2:]
        first, second = (self.features(pictures[:, i : i + 1], known) for i in (0, 1))
        share = functional.avg_pool2d(known, 4)
        compared = torch.cat([(first - second).abs(), first * second, first + second, share], 1)
        compared = self.coarse(self.compare(compared) * share)
        is_cell = cells[:, :1]
        difference, sum_ = cells[:, 4:6] - cells[:, 6:], cells[:, 4:6] + cells[:, 6:]
        mean = difference.sum((2, 3), keepdim=True) / (is_cell.sum((2, 3), keepdim=True) + 1)
        local = (difference - mean) * is_cell
        compared = torch.cat([compared, cells[:, :4], 4 * difference.abs(), 8 * local.abs(), 2 * sum_], 1)
        places = self.places(compared)
        weight = functional.avg_pool2d(known, 16) + 1e-3
        centre = weight * self.middle
        mean = (places * weight).sum((2, 3)) / weight.sum((2, 3))
        middle = (places * centre).sum((2, 3)) / centre.sum((2, 3))
        return self.verdict(torch.cat([mean, middle, places.amax((2, 3))], 1)).squeeze(1)


def learn(table, records, name, work):
    """The network that learns from all rows of `table`; goes on from its checkpoint."""
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    network = Comparison()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    steps = EPOCH // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=NUM_EPOCHS * steps, pct_start=0.1)
    chances = judgement.weights(table)
    chances /= chances.sum()
    path, first = work / f"{name}.pt", 0
    if path.exists():
        kept = torch.load(path, weights_only=True)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        first = kept["epoch"]
    for epoch in range(NUM_EPOCHS):
        chosen = random.choice(len(table), steps * BATCH, p=chances)
        if epoch < first:
            continue
        start, total = time.time(), 0.0
        for step in range(steps):
            rows = chosen[step * BATCH : (step + 1) * BATCH]
            pictures, cells = varied(*load(table, records, rows))
            same = torch.from_numpy(table.same.values[rows]).float()
            loss = functional.binary_cross_entropy_with_logits(network(pictures, cells), same)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"{name}: epoch {epoch + 1}, loss {total / steps:.4f}, {time.time() - start:.0f} s", flush=True)
        torch.save({
            "network": network.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict(),
            "epoch": epoch + 1,
        }, path)
    return network.eval()


def answers(network, table, records):
    """Log-odds of all rows of `table`."""
    with torch.no_grad():
        parts = [
            network(*load(table, records, range(first, min(first + 64, len(table))))).numpy()
            for first in range(0, len(table), 64)
        ]
    return np.concatenate(parts)


def report(pairs, path):
    """What the comparison adds to left-out log-odds of the judgement, each family by weights that the others want:
    false pairs of both above their own limit, which as many true pairs exceed as have log-odds above 0, and recalls."""
    values, rows = pairs[["log_odds", "comparison"]].to_numpy(), []
    for name in sorted(pairs.family.unique()):
        own = (pairs.family == name).to_numpy()
        others = pairs[~own].reset_index(drop=True)
        weight = judgement.weights(others)
        parameters = judgement.most_probable(others.same.values, values[~own], weight, np.zeros(3))
        same, before = pairs.same.values[own], pairs.log_odds.values[own]
        after = values[own] @ parameters[:-1] + parameters[-1]
        row = {"family": name, "pairs": len(same), "true": int(same.sum())}
        num_yes = (before[same == 1] > 0).sum()
        if num_yes:
            limits = [np.sort(scores[same == 1])[-num_yes] for scores in (before, after)]
            false = [(scores[same == 0] >= limit).sum() for scores, limit in zip((before, after), limits)]
            row |= {"yes": num_yes, "false": false[0], "false with": false[1]}
            for rate in (1e-2, 1e-3):
                row[f"recall {rate}"] = judgement.recall(same, before, rate)
                row[f"recall {rate} with"] = judgement.recall(same, after, rate)
        rows.append(row)
    frame = pd.DataFrame(rows).round(4)
    print(frame.to_string(index=False))
    frame.to_csv(path, index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="checkpoints")
    parser.add_argument("--answers", type=pathlib.Path, required=True, help="left-out log-odds of every pair, as CSV")
    parser.add_argument("--groups", type=int, nargs="*", default=range(len(GROUPS)), help="only these groups")
    parser.add_argument("--judged", type=pathlib.Path, help="left-out log-odds of judgement.py, for the report")
    parser.add_argument("--report", type=pathlib.Path, help="what the comparison adds to these, as CSV")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    arguments = parser.parse_args()
    # As many processes as cores, each with some of the groups, are faster than one with all threads.
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)
    table, records = read(arguments.tables)
    unknown = set(table.family) - {family for group in GROUPS for family in group}
    if unknown:
        parser.error(f"families of no group: {', '.join(sorted(unknown))}")
    print(f"{len(table)} pairs, {table.same.sum()} of one thing")
    parts = []
    for number in arguments.groups:
        path = arguments.work / f"without_{number}.csv"
        if not path.exists():
            is_own = table.family.isin(GROUPS[number])
            network = learn(table[~is_own].reset_index(drop=True), records, f"without_{number}", arguments.work)
            own = table[is_own].reset_index(drop=True)
            own.assign(comparison=answers(network, own, records)).drop(columns="record").to_csv(path, index=False)
        parts.append(pd.read_csv(path))
    compared = pd.concat(parts, ignore_index=True)
    compared.to_csv(arguments.answers, index=False)
    if arguments.judged and arguments.report:
        judged = pd.read_csv(arguments.judged).drop_duplicates(KEYS)[[*KEYS, "log_odds"]]
        report(compared.drop_duplicates(KEYS).merge(judged, on=KEYS), arguments.report)


if __name__ == "__main__":
    main()
