"""Trains a head, an attention or the trunk's second half by gradients, from the closed form on.

    python gradient.py config.toml linear|attention|trunk|deep

Needs the bank and the head of train.py, and the names of the photos: the first half of the trunk
is frozen, and the bank holds its output. Descriptors: cross entropy over similarities / temperature between
corresponding cells, all other cells of the batch as negatives (InfoNCE, van den Oord et al.,
arXiv:1807.03748), and the mean squared change of the similarities and of the stride 16
features. Attention: the probability that a cell's nearest neighbour is right. Resumes from
work/NAME/checkpoint.pt; writes log.csv, curve.png and learned.pt there. The last shard is held
out, `right` is train.py's. A table with `begin` goes on from what another one trained ("deep": from "trunk",
with pairs with depth); `part` is then the part that it trains.
"""

import pathlib
import re
import sys
import time
import tomllib

import numpy as np
import torch
from torch.nn import functional as F

import bank
import cells
import photos
import train
from head import CHANNELS
from learned import Learned

COLUMNS = ["step", "loss", "changed", "right", "seconds"]


class Bank:
    """Shards in memory; a batch depends on the seed and the step alone.

    `times` says how often an epoch has the pairs of each shard, by default once.
    `kinds` gives each photo the number of its kind, and a batch has `alike` pairs of one kind in a
    row, all but at the borders of kinds: photos of like things are the negatives that teach most.
    """

    def __init__(self, files, seed, grid, kinds=None, alike=1, times=None):
        arrays = [np.load(path) for path in files]
        names = (*CHANNELS, "photo")
        self.arrays = {name: np.concatenate([a[name] for a in arrays]) for name in names}
        self.moved = torch.cat([cells.moved_of(a, grid) for a in arrays])
        sizes = [len(a["photo"]) for a in arrays]
        self.rows = np.repeat(np.arange(sum(sizes)), np.repeat(times or [1] * len(sizes), sizes))
        self.seed, self.number = seed, len(self.rows)
        photo = self.arrays["photo"]
        self.kinds = kinds and np.where(photo < 0, photo, np.array(kinds)[photo])
        self.alike = alike

    def take(self, rows):
        """Taps [2 N, C, h, w], the views 1 before the views 2, and homographies [N, 3, 3]."""
        taps = {}
        for name in CHANNELS:
            views = torch.from_numpy(self.arrays[name][rows]).float()
            taps[name] = views.transpose(0, 1).flatten(0, 1)
        return taps, self.moved[rows]

    def batch(self, step, size):
        epoch, place = divmod(step, self.number // size)
        generator = np.random.default_rng([self.seed, 3, epoch])
        order = generator.permutation(self.rows)
        if self.kinds is not None:
            order = order[np.argsort(self.kinds[order], kind="stable")]
            whole = len(order) // self.alike * self.alike
            rows = order[:whole].reshape(-1, self.alike)
            order = np.concatenate([generator.permutation(rows).ravel(), order[whole:]])
        return self.take(order[place * size : (place + 1) * size])


def kinds_of(config):
    """For each training photo the number of its kind: its folder, and its name up to the digits."""
    names = [
        (str(path.parent), re.match(r"[^\d]*", path.name)[0]) for path in photos.training(config)
    ]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return [numbers[name] for name in names]


def describe(values):
    """Descriptor maps [2 N, D, h, w] -> unit descriptors [N, K, D] of views 1 and of views 2."""
    return F.normalize(values.flatten(2).transpose(1, 2), dim=2).chunk(2)


def info_nce(first, second, moved, grid, options):
    """Cross entropy of each corresponding cell among all cells of the other views, both ways."""
    side, number = round(first.shape[1] ** 0.5), first.shape[1]
    pair, cell1, cell2, distance = cells.correspondences(
        moved, side, *grid, options["max_cells"]
    )
    rows = torch.arange(len(pair))[:, None]
    every = torch.arange(number)
    loss = 0.0
    for here, there, one, other, gaps in (
        (first, second, cell1, cell2, distance[pair, cell1]),
        (second, first, cell2, cell1, distance[pair, :, cell2]),
    ):
        similarity = here[pair, one] @ there.flatten(0, 1).T
        near = (gaps < options["blocked_cells"]) & (every != other[:, None])
        blocked = torch.zeros_like(similarity, dtype=torch.bool)
        blocked[rows, pair[:, None] * number + every] = near  # neither right nor wrong
        logits = (similarity / options["temperature"]).masked_fill(blocked, -1e4)
        loss = loss + F.cross_entropy(logits, pair * number + other) / 2
    return loss


def attention_loss(model, taps, first, second, moved, grid):
    """Cross entropy of the attention with whether the descriptors' nearest neighbours are right."""
    with torch.no_grad():
        pair, cell, right = cells.right_neighbours(first, second, moved, grid)
    scores = model.scores(taps)[: len(moved)].flatten(1)[pair, cell]
    return F.binary_cross_entropy_with_logits(scores, right.float())


def objective(model, start, taps, moved, grid, options):
    """The loss and, for the log, how far the similarities have moved."""
    with torch.no_grad():
        original = describe(start(taps)[0])
    if model.variant == "attention":
        return attention_loss(model, taps, *original, moved, grid), torch.tensor(0.0)
    made = model.taps(taps)
    first, second = describe(model(taps)[0]) if made is taps else describe(model.head(made)[0])
    loss = info_nce(first, second, moved, grid, options)
    some = [torch.cat(views).flatten(0, 1)[:: options["keep_every"]]
            for views in ((first, second), original)]
    changed = F.mse_loss(*(x @ x.T for x in some))
    loss = loss + options["keep"] * changed
    if made is not taps:
        scale = taps["local"].var(dim=(0, 2, 3), keepdim=True)
        loss = loss + options["distil"] * ((made["local"] - taps["local"]) ** 2 / scale).mean()
        if options["score"]:
            loss = loss + attention_loss(model, made, first, second, moved, grid)
    return loss, changed


@torch.no_grad()
def held_out(model, pairs, grid, size=25):
    """Share of right nearest neighbours; "attention": of the half that it ranks first."""
    right, scores = [], []
    for rows in np.split(np.arange(pairs.number), pairs.number // size):
        taps, moved = pairs.take(rows)
        values, attention = model(taps)
        pair, cell, found = cells.right_neighbours(*describe(values), moved, grid)
        right.append(found.float())
        scores.append(attention[: len(rows)].flatten(1)[pair, cell])
    right, scores = torch.cat(right), torch.cat(scores)
    if model.variant == "attention":
        right = right[scores.argsort(descending=True)[: len(right) // 2]]
    return right.mean().item()


def draw_curve(log, path, variant):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = np.genfromtxt(log, delimiter=",", names=True)
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.2))
    for axis, name in zip(axes, ("loss", "right"), strict=True):
        axis.plot(rows["step"], rows[name], marker="o")
        axis.set(xlabel="step", ylabel=name, title=variant)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def options_of(config, variant):
    """[training] with the variant's own table on top."""
    return config["training"] | config["training"][variant]


def part_of(config, variant):
    """The part of learned.py that a variant trains, by default the one of its own name."""
    return config["training"][variant].get("part", variant)


def stages(config, variant):
    """The variant, after those that it begins from."""
    begin = config["training"][variant].get("begin")
    return [*(stages(config, begin) if begin else ()), variant]


def run(config, variant):
    options, work = options_of(config, variant), pathlib.Path(config["work"])
    folder, grid = work / variant, (16.0, config["model"]["offset"])
    folder.mkdir(exist_ok=True)
    *files, last = bank.make(config)
    files, tests = files[: options["flat"]], [last]
    times = [1] * len(files)
    if options["depth"]:
        *deep, last = bank.make_depth(config)
        times += [options["depth_times"]] * options["depth"]
        files, tests = files + deep[: options["depth"]], [*tests, last]
    kinds, seed = kinds_of(config) if options["alike"] > 1 else None, options.get("seed", config["seed"])
    pairs = Bank(files, seed, grid, kinds, options["alike"], times)
    tests = [Bank([test], seed, grid) for test in tests]
    torch.manual_seed(seed)
    start = train.load_head(config)
    model = Learned(start, part_of(config, variant))
    if "begin" in options:
        model.load_state_dict(torch.load(work / options["begin"] / "learned.pt", weights_only=True))
    optimizer = torch.optim.AdamW(model.groups(options), weight_decay=options["weight_decay"])
    steps, warmup = options["steps"], options["warmup"]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(
        (step + 1) / warmup, 0.5 + 0.5 * np.cos(np.pi * step / steps)
    ))
    columns = [*COLUMNS[:-1], *["right_depth"][: len(tests) - 1], COLUMNS[-1]]
    right = lambda: [f"{held_out(model, test, grid):.4f}" for test in tests]
    done, log, checkpoint = 0, folder / "log.csv", folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        if state.get("options") != options:
            sys.exit(f"{checkpoint} was made with other options: delete {folder}")
        for part, name in ((model, "model"), (optimizer, "optimizer"), (schedule, "schedule")):
            part.load_state_dict(state[name])
        done, rows = state["step"], state["rows"]
    else:
        rows = [[0, "", 0, *right(), 0]]
        print(variant, *rows[0], flush=True)
    losses, begin = [], time.time()
    for step in range(done, steps):
        taps, moved = pairs.batch(step, options["batch"])
        loss, changed = objective(model, start, taps, moved, grid, options)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip"])
        optimizer.step()
        schedule.step()
        losses.append([loss.item(), changed.item()])
        if (step + 1) % options["interval"] and step + 1 < steps:
            continue
        row = [step + 1, *(f"{v:.4f}" for v in np.mean(losses, 0))]
        row += [*right(), f"{time.time() - begin:.0f}"]
        rows.append(row)
        print(variant, *row, flush=True)
        log.write_text("\n".join(",".join(map(str, r)) for r in [columns, *rows]) + "\n")
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rows": rows,
                    "schedule": schedule.state_dict(), "step": step + 1, "options": options},
                   folder / "partial.pt")
        (folder / "partial.pt").rename(checkpoint)
        losses, begin = [], time.time()
    torch.save(model.state_dict(), folder / "learned.pt")
    draw_curve(log, folder / "curve.png", variant)


def load(config, variant):
    """The trained network of work/VARIANT, in evaluation mode."""
    model = Learned(train.load_head(config), part_of(config, variant))
    path = pathlib.Path(config["work"]) / variant / "learned.pt"
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(tomllib.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])
