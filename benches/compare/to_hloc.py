#!/usr/bin/env python3
"""Turns delfin's features and pairs into hloc's features.h5 and matches.h5.

    pip install numpy h5py
    delfin extract PHOTOS -o FEATURES [--format json]
    delfin cluster PHOTOS -o OUT
    python benches/compare/to_hloc.py --features FEATURES --clusters OUT/clusters.json --output DIR

FEATURES holds a .json or .delf file for each photo of clusters.json, named as the photo is there. Pairs
are those that clusters.json links (its minimum probability); with --clusters OUT/edges.csv, which does not
know that, those of at least --min-probability. Matches are descriptors that are each
other's nearest, and no farther than --max-distance, as delfin matches. hloc then verifies them.

features.h5 has a group for each photo's name: keypoints [n, 2], x and y in pixels with the centre of the
top-left one at (0, 0), as delfin's are; descriptors [d, n]; scores [n]; image_size [2], width and
height. matches.h5 has a group for each pair, its two names with "-" for "/", below one
another: matches0 [n], for each keypoint of the first photo its partner's place or -1; matching_scores0
[n], 1 for equal descriptors to 0. pairs.txt names the pairs, one a line. DIR must not hold these files.

Keypoints are a cell of the network wide of the mark. For a reconstruction, `delfin cluster --export-colmap`
gives places to the pixel.
"""

import argparse
import csv
import json
import math
import pathlib
import sys

import h5py
import numpy as np

from delf_files import read_delf


def read_features(folder, name):
    """Positions [n, 2], scores [n], descriptors [n, d] and (width, height); the size only of JSON."""
    path = folder / f"{name}.json"
    if path.exists():
        found = json.loads(path.read_text())
        keypoints = np.array(found["keypoints"], np.float32).reshape(-1, 4)
        descriptors = np.array(found["descriptors"], np.float32).reshape(len(keypoints), -1)
        return keypoints[:, :2], keypoints[:, 3], descriptors, (found["width"], found["height"])
    path = folder / f"{name}.delf"
    if not path.exists():
        sys.exit(f"{folder / name}: neither .json nor .delf there")
    positions, _, scores, descriptors = read_delf(path)
    return positions.astype(np.float32), scores.astype(np.float32), descriptors.astype(np.float32), None


def read_pairs(path, cut):
    """Names of photos -> width and height, where known, and the pairs that are linked."""
    if path.suffix == ".csv":
        rows = list(csv.DictReader(path.open(newline="", encoding="utf-8")))
        pairs = [(row["image1"], row["image2"]) for row in rows
                 if float(row["probability"]) >= (0.3 if cut is None else cut)]
        return {name: None for row in rows for name in (row["image1"], row["image2"])}, pairs
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["version"] not in (3, 4):
        sys.exit(f"{path}: version {found['version']}, not 3 or 4")
    cut = found["min_probability"] if cut is None else cut
    names = [photo["path"] for photo in found["photos"]]
    sizes = {photo["path"]: (photo["width"], photo["height"]) for photo in found["photos"]}
    least = found["min_inliers"] or 1
    least_odds = math.log(cut / (1 - cut))
    return sizes, [(names[pair[0]], names[pair[1]]) for pair in found["pairs"]
                   if pair[4] >= least_odds and pair[3] >= least]


def match(descriptors0, descriptors1, max_distance):
    """For each row of the first the place of its partner or -1, and a score."""
    matches, scores = np.full(len(descriptors0), -1, np.int32), np.zeros(len(descriptors0), np.float32)
    if len(descriptors0) and len(descriptors1):
        squared = ((descriptors0**2).sum(1)[:, None] + (descriptors1**2).sum(1)[None]
                   - 2 * descriptors0 @ descriptors1.T).clip(0)
        nearest = squared.argmin(1)
        rows = np.arange(len(descriptors0))
        kept = (squared.argmin(0)[nearest] == rows) & (squared[rows, nearest] <= max_distance**2)
        matches[kept] = nearest[kept]
        scores[kept] = (1 - squared[rows, nearest][kept] / 4).clip(0, 1)
    return matches, scores


def check(folder):
    """Reads both files as hloc does."""
    num_pairs = num_matches = 0
    with h5py.File(folder / "features.h5", "r") as features, h5py.File(folder / "matches.h5", "r") as matches:
        counts = {}

        def count(name, item):
            if isinstance(item, h5py.Dataset) and name.endswith("/keypoints"):
                group = item.parent
                number = len(item)
                assert item.shape == (number, 2) and group["scores"].shape == (number,), name
                assert group["descriptors"].shape[1] == number and group["image_size"].shape == (2,), name
                counts[group.name.strip("/")] = number

        features.visititems(count)
        for line in (folder / "pairs.txt").read_text(encoding="utf-8").splitlines():
            name0, name1 = line.split(" ")
            group = matches["/".join(name.replace("/", "-") for name in (name0, name1))]
            partners = group["matches0"][()]
            assert partners.shape == group["matching_scores0"].shape == (counts[name0],), line
            assert partners.min(initial=-1) >= -1 and partners.max(initial=-1) < counts[name1], line
            num_pairs += 1
            num_matches += int((partners >= 0).sum())
    return len(counts), num_pairs, num_matches


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=pathlib.Path, required=True, help="what delfin extract wrote")
    parser.add_argument("--clusters", type=pathlib.Path, required=True, help="clusters.json or edges.csv")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--max-distance", type=float, default=0.9, help="of two descriptors [0.9, as delfin]")
    parser.add_argument("--min-probability", type=float, help="another cut than that of clusters.json")
    args = parser.parse_args()
    sizes, pairs = read_pairs(args.clusters, args.min_probability)
    features = {name: read_features(args.features, name) for name in sizes}
    for name in sizes:
        if " " in name:
            sys.exit(f"{name}: a name with a space has no place in hloc's list of pairs")
        if features[name][3] is None and sizes[name] is None:
            sys.exit(f"{name}: neither .delf nor edges.csv tells a photo's size; use JSON or clusters.json")
    args.output.mkdir(parents=True, exist_ok=True)
    for name in ("features.h5", "matches.h5", "pairs.txt"):
        if (args.output / name).exists():
            sys.exit(f"{args.output / name}: there already")
    with h5py.File(args.output / "features.h5", "w") as file:
        for name, (positions, scores, descriptors, size) in features.items():
            group = file.create_group(name)
            group["keypoints"], group["scores"] = positions, scores
            group["descriptors"], group["image_size"] = descriptors.T, np.array(size or sizes[name])
    with h5py.File(args.output / "matches.h5", "w") as file:
        for name0, name1 in pairs:
            partners, scores = match(features[name0][2], features[name1][2], args.max_distance)
            group = file.create_group("/".join(name.replace("/", "-") for name in (name0, name1)))
            group["matches0"], group["matching_scores0"] = partners, scores
    lines = "".join(f"{name0} {name1}\n" for name0, name1 in pairs)
    (args.output / "pairs.txt").write_text(lines, encoding="utf-8")
    num_photos, num_pairs, num_matches = check(args.output)
    print(f"{num_photos} photos, {num_pairs} pairs, {num_matches} matches -> {args.output}")


if __name__ == "__main__":
    main()
