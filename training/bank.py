"""Draws training pairs and keeps the frozen trunk's features of both views on disk.

Called by train.py and gradient.py. Resumes: pair k depends on the seed and on k alone, finished shards are
kept. float16. A shard of flat pairs holds `homography`, one of pairs with depth `moved`: where the cells of
view 1 lie in view 2, NaN where they are not seen.
"""

import os
import pathlib
import random
import time

import numpy as np
from PIL import Image

import depth
import pairs
import photos
import trunk as lite0
from features import Features

SHARD = 250


def draw_shard(features, paths, options, seed, shard):
    """Features [SHARD, 2, C, h, w] of each tap, homographies [SHARD, 3, 3], photo numbers."""
    collected = {name: [] for name in features.names}
    homographies, numbers = [], []
    for k in range(shard * SHARD, (shard + 1) * SHARD):
        epoch, place = divmod(k, len(paths))
        number = np.random.default_rng([seed, 1, epoch]).permutation(len(paths))[place]
        generator = np.random.default_rng([seed, 2, k])
        first, second, homography = pairs.draw_pair(
            generator, photos.read_rgb(paths[number]), options
        )
        for name, value in features(np.stack([first, second])).items():
            collected[name].append(value.astype(np.float16))
        homographies.append(homography)
        numbers.append(number)
    result = {name: np.stack(values) for name, values in collected.items()}
    return result | {"homography": np.stack(homographies), "photo": np.array(numbers)}


def depth_photos(config, held_out):
    """One list of photos for each folder of [depth]; every tenth photo is kept for the held-out shard."""
    root = pathlib.Path(os.environ.get("DELFIN_DATA", config["data"]["root"]))
    listed = [photos.list_photos([root / name]) for name in config["depth"]["folders"]]
    return [[p for k, p in enumerate(paths) if (k % 10 == 0) == held_out] for paths in listed]


def draw_depth_shard(features, folders, config, shard):
    """As draw_shard, with `moved` [SHARD, K, 2]; `photo` is -1 minus the kind of thing."""
    options = config["pairs"] | config["depth"]
    collected = {name: [] for name in (*features.names, "moved", "photo")}
    for k in range(shard * SHARD, (shard + 1) * SHARD):
        r = random.Random(f"{config['seed']} depth {k}")
        first, second, moved, kind = depth.draw_pair(
            r, lambda: Image.open(r.choice(r.choice(folders))).convert("RGB"),
            options, (16.0, config["model"]["offset"]),
        )
        for name, value in features(np.stack([first, second])).items():
            collected[name].append(value.astype(np.float16))
        collected["moved"].append(moved)
        collected["photo"].append(-1 - kind)
    return {name: np.stack(values) for name, values in collected.items()}


def make_depth(config):
    """The files of the shards of pairs with depth; the last one is of photos that the others lack."""
    number = config["depth"]["shards"]
    files = [pathlib.Path(config["work"]) / "depth" / f"{shard:04}.npz" for shard in range(number)]

    def draw(features, shard):
        return draw_depth_shard(features, depth_photos(config, shard == number - 1), config, shard)

    return write(files, draw)


def make(config):
    """The files of all shards of flat pairs, drawn where they are missing."""
    number = config["bank"]["shards"]
    files = [pathlib.Path(config["work"]) / "bank" / f"{shard:04}.npz" for shard in range(number)]
    paths = photos.training(config)
    return write(files, lambda features, shard: draw_shard(
        features, paths, config["pairs"], config["seed"], shard
    ))


def write(files, draw):
    """Writes draw(features, shard) where a file is missing; returns all files."""
    if all(path.exists() for path in files):
        return files
    files[0].parent.mkdir(parents=True, exist_ok=True)
    features = Features(lite0.pretrained())
    for shard, path in enumerate(files):
        if path.exists():
            continue
        start = time.time()
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **draw(features, shard))
        partial.rename(path)
        print(f"{path}: {SHARD} pairs in {time.time() - start:.0f} s", flush=True)
    return files
