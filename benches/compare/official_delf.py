#!/usr/bin/env python3
"""Matches the features that the official DELF model made, with delfin and with DELF's own means.

    pip install numpy scipy scikit-image
    python benches/compare/official_delf.py --data DATA/delf/official_features

DELF's match_images.py asks scipy's cKDTree of photo 1 for the nearest of each feature of photo 2
within 0.8, then scikit-image's ransac for an affine transform: 3 samples, 20 px, 1000 trials. For
every pair of photos `delfin delf match_images` must find the same matches, and inliers at least as
many. Then each query is matched with each of the other photos: inliers of both, and of delfin's own
default network on the same photos, places that are the same apart from others.
"""

import argparse
import itertools
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.spatial import cKDTree
from skimage.measure import ransac
from skimage.transform import AffineTransform

from delf_files import read_delf

ROOT = pathlib.Path(__file__).resolve().parents[2]


def photos(data):
    """Name -> photo, features."""
    found = {}
    for photo, features in (("query", "query_features"), ("train", "train_features"), (".", ".")):
        for path in sorted((data / photo).glob("*.jpg")):
            kept = data / features / f"{path.stem}.delf"
            found[path.stem] = (path, kept)
    return found


def reference(features1, features2, seed):
    """Matches, number of inliers, milliseconds of both, as match_images.py."""
    (positions1, _, _, descriptors1), (positions2, _, _, descriptors2) = features1, features2
    start = time.perf_counter()
    tree = cKDTree(descriptors1)
    _, nearest = tree.query(descriptors2, distance_upper_bound=0.8)
    matches = [(int(i), j) for j, i in enumerate(nearest) if i != len(descriptors1)]
    matched = time.perf_counter()
    inliers = 0
    if len(matches) >= 3:
        places1 = np.array([positions1[i] for i, _ in matches])
        places2 = np.array([positions2[j] for _, j in matches])
        _, kept = ransac((places1, places2), AffineTransform, min_samples=3, residual_threshold=20,
                         max_trials=1000, rng=seed)
        inliers = 0 if kept is None else int(kept.sum())
    end = time.perf_counter()
    return matches, inliers, (matched - start) * 1e3, (end - matched) * 1e3


def ours(delfin, pair1, pair2, picture):
    command = [delfin, "--threads", "1", "delf", "match_images", "--json", "--output_image", picture]
    for number, (photo, features) in ((1, pair1), (2, pair2)):
        command += [f"--image_{number}_path", photo, f"--features_{number}_path", features]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode > 1:
        sys.exit(result.stderr)
    return json.loads(result.stdout)


def own_network(delfin, photo1, photo2):
    """Inliers and answer of delfin's default network."""
    command = [delfin, "match", photo1, photo2, "--json"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode > 1:
        sys.exit(result.stderr)
    found = json.loads(result.stdout)
    return found["num_inliers"], found["is_match"], sum(found["times_ms"].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--delfin", default=str(ROOT / "target/release/delfin"))
    parser.add_argument("--seeds", type=int, default=3, help="scikit-image is run with that many; its best counts")
    parser.add_argument("--no-own", action="store_true", help="leave delfin's own network out")
    args = parser.parse_args()
    everything = photos(args.data)
    features = {name: read_delf(path) for name, (_, path) in everything.items()}
    picture = pathlib.Path(tempfile.mkdtemp()) / "match.png"

    same_matches, fewer, times, counts = 0, [], [], {}
    pairs = list(itertools.combinations(everything, 2))
    for name1, name2 in pairs:
        runs = [reference(features[name1], features[name2], seed) for seed in range(args.seeds)]
        matches, _, match_ms, ransac_ms = runs[0]
        inliers = max(run[1] for run in runs)
        found = ours(args.delfin, everything[name1], everything[name2], picture)
        same_matches += sorted(map(tuple, found["matches"])) == sorted(matches)
        counts[name1, name2] = (len(matches), inliers, len(found["inliers"]))
        if len(found["inliers"]) < inliers:
            fewer.append((name1, name2, inliers, len(found["inliers"])))
        print(name1, name2, *counts[name1, name2], file=sys.stderr, flush=True)
        times.append((match_ms, ransac_ms, found["times_ms"]["matching"], found["times_ms"]["verify"]))
    medians = [statistics.median(column) for column in zip(*times)]
    print(f"{len(everything)} photos, {len(pairs)} pairs; scikit-image's best of {args.seeds} seeds\n")
    print("| | scipy, scikit-image | delfin |\n|---|---|---|")
    print(f"| pairs with the same matches | | {same_matches} of {len(pairs)} |")
    print(f"| pairs with at least as many inliers | | {len(pairs) - len(fewer)} of {len(pairs)} |")
    more = sum(ours > theirs for _, theirs, ours in counts.values())
    print(f"| pairs with more inliers | | {more} |")
    print(f"| inliers in all | {sum(c[1] for c in counts.values())} | {sum(c[2] for c in counts.values())} |")
    print(f"| matching, median ms | {medians[0]:.2f} | {medians[2]:.2f} |")
    print(f"| transform, median ms | {medians[1]:.2f} | {medians[3]:.2f} |")
    for row in fewer:
        print("fewer:", *row)

    if args.no_own:
        return
    queries = sorted(path.stem for path in (args.data / "query").glob("*.jpg"))
    others = sorted(path.stem for path in (args.data / "train").glob("*.jpg"))
    print("\n| query | the same place: official features (scikit-image, delfin), default network | other places, at most |")
    print("|---|---|---|")
    lowest, highest = [10**9] * 3, [0] * 3
    for query in queries:
        same, other = [], [0, 0, 0]
        for name in others:
            _, theirs, mine = counts[query, name]
            own, _, _ = own_network(args.delfin, everything[query][0], everything[name][0])
            if name[0] == query[0]:
                same.append(f"{name}: ({theirs}, {mine}), {own}")
                lowest = [min(a, b) for a, b in zip(lowest, (theirs, mine, own))]
            else:
                other = [max(a, b) for a, b in zip(other, (theirs, mine, own))]
        highest = [max(a, b) for a, b in zip(highest, other)]
        print(f"| {query} | {'; '.join(same)} | ({other[0]}, {other[1]}), {other[2]} |")
    print(f"| least, most | ({lowest[0]}, {lowest[1]}), {lowest[2]} | ({highest[0]}, {highest[1]}), {highest[2]} |")


if __name__ == "__main__":
    main()
