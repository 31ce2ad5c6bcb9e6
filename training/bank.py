"""Draws training pairs and keeps the frozen trunk's features of both views on disk.

Called by train.py. Resumes: pair k depends on the seed and on k alone, finished shards are kept. float16.
"""

import pathlib
import time

import numpy as np

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


def make(config):
    """The files of all shards, drawn where they are missing."""
    folder = pathlib.Path(config["work"]) / "bank"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{shard:04}.npz" for shard in range(config["bank"]["shards"])]
    if all(path.exists() for path in files):
        return files
    paths = photos.training(config)
    features = Features(lite0.pretrained())
    for shard, path in enumerate(files):
        if path.exists():
            continue
        start = time.time()
        result = draw_shard(features, paths, config["pairs"], config["seed"], shard)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **result)
        partial.rename(path)
        print(f"shard {shard}: {SHARD} pairs in {time.time() - start:.0f} s", flush=True)
    return files
