"""Development measure of the trained head on cached features of the frozen trunk.

    python dev.py config.toml [linear|attention|trunk]

The taps of features.py are kept once for every photo and scale, in float16; a candidate is
then measured without running the trunk again. A name measures what gradient.py trained, in
place of the closed form. weak.py adds things turned by 180 degrees (60 photos of UKBench beside
another view, turned), places and scenes.
"""

import os
import pathlib
import sys
import time
import tomllib

import numpy as np
import torch

import evaluate
import gradient
import photos
import train
import trunk as lite0
import weak
from features import Features
from head import CHANNELS

NUM_PHOTOS = 240
LEVEL_ARRAYS = ("factor", *CHANNELS)


def list_photos(data):
    """Key -> (photo, turned): the first of UKBench, some turned, Oxford affine, weak.py's."""
    files = sorted((data / "eval" / "ukbench").iterdir())[:NUM_PHOTOS]
    keys = {f"ukbench_{p.stem}": (p, False) for p in files}
    keys |= {f"turned_{p.stem}": (p, True) for p in files[1::4]}
    for name in evaluate.SEQUENCES:
        found = sorted((data / "eval" / "oxford_affine" / name).glob("img*"))
        keys |= {f"{name}_{p.stem}": (p, False) for p in found}
    return keys | {key: (p, False) for key, p in weak.list_photos(data).items()}


def cache(data, folder):
    """Writes the features of every photo where they are missing; returns their keys."""
    folder.mkdir(parents=True, exist_ok=True)
    features, listed = None, list_photos(data)
    for key, (file, turned) in listed.items():
        target = folder / f"{key}.npz"
        if target.exists():
            continue
        features = features or Features(lite0.pretrained())
        photo, arrays = photos.read_rgb(file), {}
        photo = np.ascontiguousarray(photo[::-1, ::-1]) if turned else photo
        for level, scale in enumerate(evaluate.SCALES):
            image, factor = photos.fit(photo, evaluate.MAX_SIDE * scale)
            arrays[f"factor{level}"] = factor
            for name, value in features(image[None]).items():
                arrays[f"{name}{level}"] = value.astype(np.float16)
        partial = target.with_suffix(".partial.npz")
        np.savez(partial, **arrays)
        partial.rename(target)
    return list(listed)


class Dev:
    """Loads the cache into memory; measures functions from features to maps."""

    def __init__(self, data, folder):
        self.data, self.arrays = data, {}
        wanted = [f"{n}{k}" for n in LEVEL_ARRAYS for k in range(len(evaluate.SCALES))]
        for key in cache(data, folder):
            with np.load(folder / f"{key}.npz") as arrays:
                self.arrays[key] = {name: arrays[name] for name in wanted}
        self.ukbench = [k for k in self.arrays if k.startswith("ukbench")]

    def extract(self, key, head, offset):
        """`head` maps a dict of [1,C,h,w] float32 arrays to descriptors, attention, offsets."""
        arrays, levels = self.arrays[key], []
        for level in range(len(evaluate.SCALES)):
            taps = {n: arrays[f"{n}{level}"].astype(np.float32) for n in CHANNELS}
            levels.append((*head(taps), arrays[f"factor{level}"]))
        return evaluate.select(levels, offset)

    def measure(self, name, head, offset, verbose=False, max_distance=evaluate.MAX_DISTANCE):
        start = time.time()
        sets = [self.extract(key, head, offset) for key in self.ukbench]
        scores, inliers = evaluate.recognition(sets, max_distance=max_distance)
        rows = evaluate.geometry(
            self.data / "eval" / "oxford_affine",
            lambda path, _: self.extract(f"{path.parent.name}_{path.stem}", head, offset),
        )
        evaluate.report(f"{name} ({time.time() - start:.0f} s)", scores, rows, verbose)
        return scores, rows, inliers


def main():
    torch.set_num_threads(1)
    config = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())
    data = pathlib.Path(os.environ.get("DELFIN_DATA", config["data"]["root"]))
    name = sys.argv[2] if len(sys.argv) > 2 else "head"
    head = train.load_head(config) if name == "head" else gradient.load(config, name)

    def maps(taps):
        with torch.no_grad():
            values, attention = head({k: torch.from_numpy(v) for k, v in taps.items()})
        return values[0].numpy(), attention[0, 0].numpy(), None

    sets = Dev(data, pathlib.Path(config["work"]) / "dev")
    limits = config["model"]["offset"], config["export"]["max_distance"]
    sets.measure(name, maps, limits[0], True, limits[1])
    weak.measure(list(sets.arrays), lambda k: sets.extract(k, maps, limits[0]), limits[1])


if __name__ == "__main__":
    main()
