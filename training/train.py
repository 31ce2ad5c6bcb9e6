"""Trains the head, and the trunk's last local blocks if asked, on a bank of pairs.

    python train.py config.toml [--name NAME] [KEY=VALUE ..]

Resumes from the last checkpoint in work/NAME; writes log.csv there. One seed.
"""

import argparse
import copy
import csv
import json
import pathlib
import time
import tomllib

import numpy as np
import torch
from torch.nn import functional as F

import discriminant
import losses
import trunk as lite0
from head import Head, Local

TAPS = ("stride8", "middle", "local")


class Bank:
    """The shards in memory, float16."""

    def __init__(self, folder, taps):
        files = sorted(p for p in folder.glob("*.npz") if "partial" not in p.name)
        if not files:
            raise FileNotFoundError(f"{folder}: no shards, run bank.py first")
        self.taps = {name: [] for name in taps}
        homographies = []
        for file in files:
            with np.load(file) as arrays:
                homographies.append(arrays["homography"])
                for name in taps:
                    self.taps[name].append(arrays[name])
        self.homography = torch.from_numpy(np.concatenate(homographies)).float()
        self.taps = {n: torch.from_numpy(np.concatenate(v)) for n, v in self.taps.items()}

    def __len__(self):
        return len(self.homography)

    def batch(self, index):
        """Taps [2N, C, h, w], view 1 of all pairs first, and homographies [N, 3, 3]."""
        taps = {}
        for name, values in self.taps.items():
            chosen = values[index].float()
            taps[name] = torch.cat([chosen[:, 0], chosen[:, 1]])
        return taps, self.homography[index]


def cells(maps):
    """[N, C, h, w] -> [N, h * w, C]."""
    return maps.flatten(2).transpose(1, 2)


def build(config, mean, axes):
    options = config["model"]
    head = Head(mean, axes, options["hidden"], options["attention"])
    return Local(copy.deepcopy(lite0.pretrained()), head, config["train"]["train_blocks"])


def step_losses(model, taps, homography, options, grid, generator):
    """The loss of one batch and what to log."""
    number = len(homography)
    local = model.local(taps)
    values, _ = model.head(local, taps["stride8"])
    side = values.shape[-1]
    raw = cells(values)
    unit = F.normalize(raw, dim=2)
    first, second = unit[:number], unit[number:]
    pair, cell1, cell2, distance = losses.correspondences(homography, side, *grid)
    few = torch.randperm(len(pair), generator=generator)[: options["queries_per_step"]]
    chosen = (pair[few], cell1[few], cell2[few])
    contrast, right = losses.info_nce(
        first, second, *chosen, distance, options["temperature"]
    )
    original = cells(taps["local"]) - model.head.centre.flatten()
    kept = losses.keep_similarities(raw, original, generator)
    seen, target = losses.match_targets(first, second, distance)
    logit = cells(model.head.logit(local.detach(), taps["stride8"]))[:number, :, 0]
    scored = F.binary_cross_entropy_with_logits(logit[seen], target[seen])
    loss = contrast + options["keep"] * kept + scored
    return loss, {
        "contrast": contrast.item(), "right": right.item(), "keep": kept.item(),
        "score": scored.item(), "matched": target[seen].mean().item(),
    }


def train(config, folder, deadline=None):
    options, seed = config["train"], config["seed"]
    torch.manual_seed(seed)
    bank = Bank(pathlib.Path(config["work"]) / "bank", TAPS if options["train_blocks"] else TAPS[::2])
    grid = (16.0, config["model"]["offset"])
    mean, total, within = discriminant.statistics(bank, options["statistics_pairs"], grid)
    axes = discriminant.projection(total, within, config["model"]["dimensions"])
    model = build(config, mean.float(), axes)
    groups = [
        {"params": [p for p in model.blocks.parameters() if p.requires_grad],
         "lr": options["learning_rate_blocks"]},
        {"params": list(model.head.parameters()), "lr": options["learning_rate_head"]},
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], weight_decay=options["weight_decay"])
    peaks = [g["lr"] for g in optimizer.param_groups]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    checkpoint, start_step = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start_step = state["step"]
    steps, size = options["steps"], options["pairs_per_step"]
    log = open(folder / "log.csv", "a", newline="")
    writer, sums, count, saved = csv.writer(log), {}, 0, time.time()
    for step in range(start_step, steps):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        index = torch.randint(len(bank), (size,), generator=generator)
        share = step / steps
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * min(1, (step + 1) / 20) * 0.5 * (1 + np.cos(np.pi * share))
        loss, values = step_losses(model, *bank.batch(index), options, grid, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], 5.0)
        optimizer.step()
        for key, value in values.items():
            sums[key] = sums.get(key, 0.0) + value
        count += 1
        if (step + 1) % 10 == 0 or step + 1 == steps:
            row = [step + 1, *(round(v / count, 4) for v in sums.values())]
            writer.writerow(row)
            log.flush()
            print(folder.name, dict(zip(["step", *sums], row)), flush=True)
            sums, count = {}, 0
        if time.time() - saved > 60 or step + 1 == steps:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(state, checkpoint.with_suffix(".partial"))
            checkpoint.with_suffix(".partial").rename(checkpoint)
            saved = time.time()
    return model.eval()


def load(config_path, name):
    """The model of a finished or running run, from its checkpoint."""
    folder = pathlib.Path(tomllib.loads(config_path.read_text())["work"]) / name
    config = json.loads((folder / "config.json").read_text())
    state = torch.load(folder / "checkpoint.pt", weights_only=True)["model"]
    model = build(config, torch.zeros(272), torch.zeros(config["model"]["dimensions"], 272))
    model.load_state_dict(state)
    model.offset = config["model"]["offset"]
    return model.eval()


def override(config, settings):
    """Applies `section.key=value` settings, values in TOML."""
    for setting in settings:
        key, value = setting.split("=", 1)
        section, name = key.split(".")
        config[section][name] = tomllib.loads(f"x = {value}")["x"]
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--name", default="run")
    parser.add_argument("settings", nargs="*", help="section.key=value")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = override(tomllib.loads(arguments.config.read_text()), arguments.settings)
    train(config, pathlib.Path(config["work"]) / arguments.name)


if __name__ == "__main__":
    main()
