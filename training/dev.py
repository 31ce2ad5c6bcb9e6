"""Development measure of a head on cached features of the frozen trunk.

The taps of features.py are kept once for every photo and scale, in float16; a candidate is
then measured without running the trunk again.
"""

import os
import pathlib
import time

import numpy as np

import evaluate
import photos
import trunk as lite0
from features import Features

NUM_PHOTOS = 240


def cache(data, folder):
    """Writes the features of the first UKBench photos and of Oxford affine; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted((data / "ukbench").iterdir())[:NUM_PHOTOS]
    files += sorted(p for s in evaluate.SEQUENCES for p in (data / "oxford_affine" / s).glob("img*"))
    features = None
    for file in files:
        target = folder / f"{file.parent.name}_{file.stem}.npz"
        if target.exists():
            continue
        features = features or Features(lite0.pretrained())
        photo, arrays = photos.read_rgb(file), {}
        for level, scale in enumerate(evaluate.SCALES):
            image, factor = photos.fit(photo, evaluate.MAX_SIDE * scale)
            arrays[f"factor{level}"] = factor
            for name, value in features(image[None]).items():
                arrays[f"{name}{level}"] = value.astype(np.float16)
        partial = target.with_suffix(".partial.npz")
        np.savez(partial, **arrays)
        partial.rename(target)
    return files


class Dev:
    """Loads the cache into memory; measures functions from features to maps."""

    def __init__(self, data, folder):
        self.data, files = data, cache(data, folder)
        self.arrays = {}
        for file in files:
            key = f"{file.parent.name}_{file.stem}"
            with np.load(folder / f"{key}.npz") as arrays:
                self.arrays[key] = dict(arrays)
        self.ukbench = [k for k in self.arrays if k.startswith("ukbench")]

    def extract(self, key, head, offset):
        """`head` maps a dict of [1,C,h,w] float32 arrays to descriptors, attention, offsets."""
        arrays, levels = self.arrays[key], []
        for level in range(len(evaluate.SCALES)):
            taps = {n: arrays[f"{n}{level}"].astype(np.float32) for n in ("stride8", "middle", "local")}
            levels.append((*head(taps), arrays[f"factor{level}"]))
        return evaluate.select(levels, offset)

    def measure(self, name, head, offset, verbose=False, max_distance=evaluate.MAX_DISTANCE):
        start = time.time()
        sets = [self.extract(key, head, offset) for key in self.ukbench]
        scores, inliers = evaluate.recognition(sets, max_distance=max_distance)
        rows = evaluate.geometry(
            self.data / "oxford_affine",
            lambda path, _: self.extract(f"{path.parent.name}_{path.stem}", head, offset),
        )
        evaluate.report(f"{name} ({time.time() - start:.0f} s)", scores, rows, verbose)
        return scores, rows, inliers


def open_dev(work="work"):
    data = pathlib.Path(os.environ["DELFIN_DATA"]) / "eval"
    return Dev(data, pathlib.Path(work) / "dev")


if __name__ == "__main__":
    start = time.time()
    cache(pathlib.Path(os.environ["DELFIN_DATA"]) / "eval", pathlib.Path("work/dev"))
    print(f"{time.time() - start:.0f} s")
