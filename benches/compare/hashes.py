#!/usr/bin/env python3
"""imagededup's perceptual hashes on a folder of make_folder.py, beside `delfin cluster`.

    pip install --no-deps imagededup==0.3.3.post2 && pip install numpy pillow scipy scikit-learn PyWavelets tqdm matplotlib
    python benches/compare/hashes.py --photos DIR [--clusters OUT/clusters.csv ..]

For each method, at its own threshold: processor seconds, and of the copies that make_folder.py made of each photo
(1: seen askew, 2: dark and compressed, 3: a detail) how many are in the cluster of the photo itself, which is 0; pairs
of different photos in one cluster. Clusters are what duplicates join. With --clusters the same numbers of delfin's
answer. Hashes need no torch.
"""

import argparse
import collections
import csv
import logging
import os
import pathlib
import sys
from unittest import mock

# Its networks, which import torch.
for name in ("imagededup.methods.cnn", "imagededup.utils.models"):
    sys.modules[name] = mock.MagicMock()

from imagededup.methods import AHash, DHash, PHash, WHash  # noqa: E402

METHODS = {"PHash": PHash, "DHash": DHash, "AHash": AHash, "WHash": WHash}


def joined(names, duplicates):
    """The cluster of each photo: duplicates, and duplicates of these."""
    parents = {name: name for name in names}

    def first(name):
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    for name, others in duplicates.items():
        for other in others:
            parents[first(name)] = first(other)
    return {name: first(name) for name in names}


def processor_seconds():
    """Of this process and of those it has waited for."""
    return sum(os.times()[:4])


def told(label, clusters):
    found, made = collections.Counter(), collections.Counter()
    for name, cluster in clusters.items():
        number, variant = pathlib.PurePath(name).stem.split("_")
        original = clusters.get(f"{number}_0.jpg")
        if variant != "0" and original is not None:
            made[variant] += 1
            found[variant] += cluster == original
    pairs = lambda counts: sum(count * (count - 1) // 2 for count in counts.values())  # noqa: E731
    things = collections.Counter((cluster, name.split("_")[0]) for name, cluster in clusters.items())
    merged = pairs(collections.Counter(clusters.values())) - pairs(things)
    shares = ", ".join(f"{variant}: {found[variant] / made[variant]:.3f}" for variant in sorted(made))
    print(f"{label}: in the cluster of 0 {shares}; wrongly merged pairs {merged}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--clusters", type=pathlib.Path, nargs="*", default=[])
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    names = sorted(path.name for path in arguments.photos.glob("*.jpg"))
    for label, method in METHODS.items():
        started = processor_seconds()
        hasher = method(verbose=False)
        hashes = hasher.encode_images(str(arguments.photos), num_enc_workers=0)
        duplicates = hasher.find_duplicates(encoding_map=hashes, num_dist_workers=0)
        seconds = processor_seconds() - started
        told(f"{label}, {seconds:.1f} s of processor time", joined(names, duplicates))
    for path in arguments.clusters:
        with open(path, newline="", encoding="utf-8") as file:
            told(str(path), {row["path"]: row["cluster"] for row in csv.DictReader(file)})


main()
