"""Sorts the photos of a folder by what they show, and writes a report.

    python examples/python/sort_folder.py PHOTOS OUT
"""

import sys

import delfin

if len(sys.argv) != 3:
    sys.exit(__doc__)


def show(stage, done, total):
    if done == total:
        print(f"{stage}: {total}")


found = delfin.cluster(sys.argv[1], output=sys.argv[2], progress=show)
for number, paths in enumerate(found.clusters):
    print(f"cluster {number}:", *paths)
for path, reason in found.failures:
    print(f"{path}: {reason}", file=sys.stderr)
