"""Draws training pairs and keeps the frozen trunk's features of both views on disk.

    python bank.py config.toml

Resumes: pair k depends on the seed and on k alone, finished shards are kept. float16.
"""

import os
import pathlib
import sys
import time
import tomllib

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


def main():
    config = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())
    root = pathlib.Path(os.environ.get("DELFIN_DATA", config["data"]["root"]))
    paths = photos.list_photos([root / folder for folder in config["data"]["folders"]])
    folder = pathlib.Path(config["work"]) / "bank"
    folder.mkdir(parents=True, exist_ok=True)
    features = Features(lite0.pretrained())
    for shard in range(config["bank"]["shards"]):
        path = folder / f"{shard:04}.npz"
        if path.exists():
            continue
        start = time.time()
        result = draw_shard(features, paths, config["pairs"], config["seed"], shard)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **result)
        partial.rename(path)
        print(f"shard {shard}: {SHARD} pairs in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
