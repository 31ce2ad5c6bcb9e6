#!/usr/bin/env python3
"""Times delfin's matching against scipy, OpenCV and faiss, one thread each, and checks the answers.

    pip install numpy scipy opencv-python-headless faiss-cpu
    python benches/compare/search.py [--rounds N] [--real FILE1.npy FILE2.npy]

Each contender does the whole job, from two arrays of descriptors to pairs of indices: building its
index, searching, and with "mutual" keeping the pairs that are each other's nearest. They run in
turn, round after round; the table gives medians and how many times delfin's time each takes.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import cv2
import faiss
import numpy as np
import scipy
from scipy.spatial import cKDTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIM = 40


class Delfin:
    """The `search_cases` bench, which matches once for each line it reads."""

    def __init__(self, executable, first, second, search):
        self.search = search
        self.directory = tempfile.TemporaryDirectory()
        paths = [os.path.join(self.directory.name, name) for name in ("1.f32", "2.f32")]
        for path, values in zip(paths, (first, second)):
            values.astype("<f4").tofile(path)
        command = [executable, str(first.shape[1]), *paths]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, mutual):
        direction = "mutual" if mutual else "one_way"
        self.process.stdin.write(f"{direction} {self.search}\n")
        self.process.stdin.flush()
        nanoseconds, *indices = map(int, self.process.stdout.readline().split())
        return nanoseconds * 1e-9, np.array(indices, dtype=np.int64).reshape(-1, 2)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.directory.cleanup()


class Python:
    """A contender given as a function from two arrays and `mutual` to pairs of indices."""

    def __init__(self, function, first, second):
        self.function, self.first, self.second = function, first, second

    def run(self, mutual):
        start = time.perf_counter()
        pairs = self.function(self.first, self.second, mutual)
        return time.perf_counter() - start, pairs

    def close(self):
        pass


def keep_mutual(nearest1, nearest2):
    """Pairs (index1, index2) from the nearest in set 1 of each of set 2, and the reverse."""
    index2 = np.arange(len(nearest1))
    if nearest2 is None:
        return np.stack([nearest1, index2], axis=1)
    keep = nearest2[nearest1] == index2
    return np.stack([nearest1[keep], index2[keep]], axis=1)


def match_scipy(first, second, mutual):
    nearest1 = cKDTree(first).query(second, workers=1)[1]
    return keep_mutual(nearest1, cKDTree(second).query(first, workers=1)[1] if mutual else None)


def match_opencv(first, second, mutual):
    found = cv2.BFMatcher(cv2.NORM_L2, crossCheck=mutual).match(second, first)
    return np.array([(m.trainIdx, m.queryIdx) for m in found], dtype=np.int64)


def match_faiss(first, second, mutual):
    def nearest(searched, queries):
        index = faiss.IndexFlatL2(searched.shape[1])
        index.add(searched)
        return index.search(queries, 1)[1][:, 0]

    return keep_mutual(nearest(first, second), nearest(second, first) if mutual else None)


PEERS = {
    "scipy cKDTree": match_scipy,
    "OpenCV BFMatcher": match_opencv,
    "faiss IndexFlatL2": match_faiss,
}


def clustered(count, rng):
    """Two sets of unit vectors around common centres; half of the second set repeats the first."""

    def unit(values):
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)

    spread = 1 / np.sqrt(np.arange(1, DIM + 1))  # as of principal components
    centres = rng.normal(size=(64, DIM)) * spread
    first, second = (
        centres[rng.integers(64, size=count)] + 0.5 * rng.normal(size=(count, DIM)) * spread
        for _ in range(2)
    )
    half = count // 2
    noise = 0.1 * rng.normal(size=(half, DIM)) * spread
    second[:half] = first[rng.permutation(count)[:half]] + noise
    return unit(first), unit(second)


def differing(first, second, ours, theirs):
    """How many pairs differ; raises unless each is a near tie that f32 cannot decide."""
    ours, theirs = ({(int(a), int(b)) for a, b in pairs} for pairs in (ours, theirs))
    differences = ours ^ theirs
    for index1, index2 in differences:
        point = second[index2].astype(np.float64)
        to_first = ((first.astype(np.float64) - point) ** 2).sum(axis=1)
        point = first[index1].astype(np.float64)
        to_second = ((second.astype(np.float64) - point) ** 2).sum(axis=1)
        gaps = [np.partition(d, 1)[:2] @ [-1, 1] for d in (to_first, to_second)]
        if min(gaps) > 1e-5:
            raise SystemExit(f"pair {index1}, {index2}: a wrong answer, not a near tie")
    return len(differences)


def build():
    command = ["cargo", "bench", "--bench", "search_cases", "--no-run", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    for line in output.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "search_cases":
            return message["executable"]
    raise SystemExit("cargo built no search_cases")


def compare(executable, name, first, second, rounds):
    contenders = {
        "delfin": Delfin(executable, first, second, "brute_force"),
        "delfin k-d tree": Delfin(executable, first, second, "kd_tree"),
    }
    for peer, function in PEERS.items():
        contenders[peer] = Python(function, first, second)
    for mutual in (False, True):
        times = {contender: [] for contender in contenders}
        answers = {}
        for round_ in range(rounds + 1):
            for contender, it in contenders.items():
                seconds, answers[contender] = it.run(mutual)
                if round_ > 0:  # the first warms up
                    times[contender].append(seconds)
        ours = np.median(times["delfin"])
        for contender in contenders:
            median = np.median(times[contender])
            differ = differing(first, second, answers["delfin"], answers[contender])
            job = "mutual" if mutual else "one way"
            print(
                f"| {name} | {job} | {contender} | {median * 1e3:.2f} | {min(times[contender]) * 1e3:.2f} "
                f"| {median / ours:.1f} | {differ} of {len(answers['delfin'])} |",
                flush=True,
            )
    for contender in contenders.values():
        contender.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--real", nargs=2, metavar=("FILE1", "FILE2"), help="two .npy arrays")
    parser.add_argument("--executable", help="a search_cases that is already built")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    executable = arguments.executable or build()
    print(
        f"scipy {scipy.__version__}, OpenCV {cv2.__version__}, faiss {faiss.__version__}; "
        f"one thread each, {arguments.rounds} rounds in turn\n"
    )
    print("| descriptors | job | by | median ms | best ms | x delfin | pairs that differ |")
    print("|---|---|---|--:|--:|--:|--:|")
    for count in (500, 1000, 4000):
        first, second = clustered(count, np.random.default_rng(count))
        compare(executable, f"{count} x {DIM}", first, second, arguments.rounds)
    if arguments.real:
        first, second = (
            np.ascontiguousarray(np.load(path), dtype=np.float32) for path in arguments.real
        )
        name = f"real, {len(first)} and {len(second)} x {first.shape[1]}"
        compare(executable, name, first, second, arguments.rounds)


if __name__ == "__main__":
    main()
