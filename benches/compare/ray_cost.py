#!/usr/bin/env python3
"""What `delfin.ray.cluster` costs beside `delfin.cluster`: the same photos, in turn, in one run.

    python benches/compare/ray_cost.py --photos DIR [--max-size 256] [--scales 0.7 1]

Needs the wheel with its extra `ray`, and at least two cores. Prints a table of stages and, computed from them by the
formulas below, what 1, 10 and 100 million photos would take. Fails when edges or clusters differ.
"""

import argparse
import math
import os
import pathlib
import shutil
import tempfile
import time

import numpy as np

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# As urgent as this process.
os.environ.setdefault("RAY_worker_niceness", "0")

import ray

import delfin
import delfin.ray

EXTRACT = ("features", "photos")
PROPOSE = ("globals", "nearest", "word_rows", "words", "voters", "votes", "proposed", "pairs")
VERIFY = ("verified", "compared")
CLUSTER = (
    "edges", "first_links", "first_grouped", "first_clustered", "links", "grouped", "clustered", "clusters",
)
STEPS = {"extract": EXTRACT, "propose": PROPOSE, "verify": VERIFY, "cluster": CLUSTER}
# Pairs proposed for a photo, and the share of them whose pixels are compared, in a folder of 16,000 (Growth).
PAIRS_OF_A_PHOTO = 34.6
COMPARED_AT_SCALE = 0.11
VOTERS = 100
VOTERS_OF_A_WORD, MAX_WORDS = 64, 1 << 20
BLOCK_BYTES = 256 << 20
RANGE_PHOTOS = BLOCK_BYTES // (8 << 10)
ROW_GROUP, UNIT_PAIRS = 4, 32768


def timed(call):
    wall, processor = time.monotonic(), time.process_time()
    result = call()
    return result, time.monotonic() - wall, time.process_time() - processor


def assert_same(found, expected):
    edges = found.edges()
    for name in ("image1", "image2", "num_inliers", "log_odds"):
        np.testing.assert_array_equal(edges[name].to_numpy(), expected.edges[name])
    clusters = found.clusters()
    np.testing.assert_array_equal(clusters["cluster"].to_numpy(), expected.labels)
    np.testing.assert_array_equal(clusters["score"].to_numpy(), expected.scores)


def on_ray(arguments, options, num_workers):
    ray.init(num_cpus=num_workers, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    output = tempfile.mkdtemp()
    try:
        # Workers start once; not part of what a collection costs.
        ray.get([ray.remote(lambda: __import__("delfin.ray") and None).remote() for _ in range(num_workers)])
        return timed(lambda: delfin.ray.cluster(arguments.photos, pathlib.Path(output) / "out", **options))[:2] + (
            output,
        )
    finally:
        ray.shutdown()


def at_scale(num_photos, cost):
    """Core hours and bytes of each step for so many photos; computed, not measured."""
    n = float(num_photos)
    words = min(MAX_WORDS, 2 ** math.ceil(math.log2(n * VOTERS / VOTERS_OF_A_WORD)))
    # Votes grow with the voters under a word, once words are as many as they get.
    crowd = max(1.0, n * VOTERS / words / cost["voters_of_a_word"])
    units = n * PAIRS_OF_A_PHOTO / UNIT_PAIRS
    partners = UNIT_PAIRS * 0.7
    groups = n / ROW_GROUP
    touched = groups * -math.expm1(-partners / groups)
    ranges = math.ceil(n / RANGE_PHOTOS)
    pairs = n * PAIRS_OF_A_PHOTO
    seconds = {
        "extract": n * cost["extract"],
        "neighbours": n * n * cost["nearest"],
        "votes": n * (cost["voters"] + cost["votes"] * crowd),
        "verify": pairs * (cost["pair"] + COMPARED_AT_SCALE * cost["compared"]),
        "cluster": n * cost["cluster"],
    }
    moved = {
        "extract": n * cost["feature_bytes"],
        "neighbours": 2 * ranges * n * cost["global_bytes"],
        "votes": n * (cost["voter_bytes"] * 3 + cost["vote_bytes"] * crowd * 2),
        "verify": units * touched * ROW_GROUP * cost["feature_bytes"],
        "cluster": n * cost["cluster_bytes"],
    }
    return seconds, moved


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--max-size", type=int, default=256)
    parser.add_argument("--scales", type=float, nargs="+", default=[0.7, 1.0])
    arguments = parser.parse_args()
    options = {"max_size": arguments.max_size, "scales": arguments.scales}
    expected, wall, processor = timed(lambda: delfin.cluster(arguments.photos, store=False, **options))
    n = len(expected.paths)
    print(f"{n} photos, {len(expected.edges['image1'])} pairs, load average {os.getloadavg()[0]:.1f}\n")
    print("| | wall, s | processor, s | times delfin.cluster's processor | photos a second |")
    print("|---|--:|--:|--:|--:|")
    print(f"| delfin.cluster | {wall:.1f} | {processor:.1f} | 1 | {n / wall:.1f} |")
    for num_workers in (1, 2):
        found, wall, output = on_ray(arguments, options, num_workers)
        assert_same(found, expected)
        stages = found.stages
        work = sum(stage["processor_seconds"] for stage in stages.values())
        name = f"delfin.ray, {num_workers} worker{'s' if num_workers > 1 else ''}"
        print(f"| {name} | {wall:.1f} | {work:.1f} | {work / processor:.2f} | {n / wall:.1f} |", flush=True)
        kept = output if num_workers == 2 else shutil.rmtree(output)
    print("\n| step, 2 workers | blocks | processor, s | photos a processor second | KB read | KB written a photo |")
    print("|---|--:|--:|--:|--:|--:|")
    for step, names in STEPS.items():
        own = [stages[name] for name in names if name in stages]
        total = {key: sum(stage[key] for stage in own) for key in own[0]}
        seconds = total["processor_seconds"]
        print(
            f"| {step} | {total['blocks']} | {seconds:.1f} | {n / seconds:.0f} "
            f"| {total['bytes_read'] / n / 1000:.1f} | {total['bytes_written'] / n / 1000:.1f} |"
        )
    print(f"\nlargest worker: {max(stage['memory_kb'] for stage in stages.values()) / 1000:.0f} MB")
    compared = int(np.isfinite(expected.edges["agreement"]).sum())
    print(f"{compared} pairs compared by pixels, {compared / len(expected.edges['image1']):.0%}")
    computed(stages, n, len(expected.edges["image1"]), compared, arguments, options)
    shutil.rmtree(kept)


def computed(stages, n, num_pairs, compared, arguments, options):
    """The table on paper."""
    seconds = {name: stage["processor_seconds"] for name, stage in stages.items()}
    written = {name: stage["bytes_written"] for name, stage in stages.items()}
    words = 2 ** math.ceil(math.log2(max(1024, n * VOTERS / VOTERS_OF_A_WORD)))
    pair, pixel = pair_costs(arguments, options)
    cost = {
        "extract": sum(seconds[name] for name in EXTRACT) / n,
        "nearest": neighbour_cost(),
        "voters": (seconds["voters"] + seconds["word_rows"] + seconds["words"]) / n,
        "votes": (seconds["votes"] + seconds["proposed"] + seconds["pairs"]) / n,
        "voters_of_a_word": n * VOTERS / words,
        "pair": pair,
        "compared": pixel,
        "cluster": sum(seconds[name] for name in CLUSTER) / n,
        "feature_bytes": written["features"] / n,
        "global_bytes": written["globals"] / n,
        "voter_bytes": written["voters"] / n,
        "vote_bytes": written["votes"] / n,
        "cluster_bytes": sum(written[name] for name in CLUSTER) * 3 / n,
    }
    print("\nper unit:", ", ".join(f"{name} {value:.3g}" for name, value in cost.items()))
    print("\n| computed | " + " | ".join(f"{count:,}" for count in (10**6, 10**7, 10**8)) + " |")
    print("|---|--:|--:|--:|")
    columns = [at_scale(count, cost) for count in (10**6, 10**7, 10**8)]
    for step in columns[0][0]:
        print(f"| core hours: {step} | " + " | ".join(f"{s[step] / 3600:,.0f}" for s, _ in columns) + " |")
    print("| core hours: all | " + " | ".join(f"{sum(s.values()) / 3600:,.0f}" for s, _ in columns) + " |")
    for step in columns[0][1]:
        print(f"| TB moved: {step} | " + " | ".join(f"{m[step] / 1e12:,.2f}" for _, m in columns) + " |")
    driver = " | ".join(f"{count * 115 / 1e9:.1f}" for count in (10**6, 10**7, 10**8))
    print(f"| GB of the calling process (60 of a path, 55 besides) | {driver} |")


def neighbour_cost():
    """Processor seconds of one photo against one other by global descriptor, in blocks of full size."""
    from delfin._delfin import block_nearest

    delfin.set_num_threads(1)
    rows = np.random.default_rng(1).integers(-2000, 2000, (8192, 1280)).astype(np.int16)
    _, _, processor = timed(lambda: block_nearest(rows, 0, rows, 0, 30))
    return processor / len(rows) ** 2


def pair_costs(arguments, options):
    """Processor seconds of a pair by features, and of a pair by pixels with its share of decoding."""
    names = sorted(path for path in arguments.photos.rglob("*") if path.is_file())[:240]
    folder = pathlib.Path(tempfile.mkdtemp())
    for path in names:
        shutil.copy(path, folder / path.name)
    store = folder / "store.sqlite"
    seconds = {}
    began = {}

    def told(stage, done, total):
        began.setdefault(stage, time.process_time())
        seconds[stage] = (time.process_time() - began[stage], total)

    found = delfin.cluster(folder, store=store, progress=told, **options)
    shutil.rmtree(folder)
    compared = int(np.isfinite(found.edges["agreement"]).sum())
    (verify, pairs), (confirm, _) = seconds["verify"], seconds["confirm"]
    return verify / pairs, confirm / max(1, compared)


if __name__ == "__main__":
    main()
