"""Sorts photos by what they show, on the machines of a Ray cluster.

    python examples/python/cluster_on_ray.py PHOTOS OUT

PHOTOS is a folder, a Parquet file with a column of paths, or a URI; run it again to go on with a job that was stopped.
"""

import sys

import delfin.ray

if len(sys.argv) != 3:
    sys.exit(__doc__)


def show(stage, done, total):
    if done == total:
        print(f"{stage}: {total}")


found = delfin.ray.cluster(sys.argv[1], sys.argv[2], progress=show)
clusters = {}
for row in found.clusters().select(["path", "cluster"]).to_pylist():
    clusters.setdefault(row["cluster"], []).append(row["path"])
for number, paths in sorted(clusters.items()):
    print(f"cluster {number}:", *paths)
for row in found.failures().to_pylist():
    print(f"{row['path']}: {row['reason']}", file=sys.stderr)
