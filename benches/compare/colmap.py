#!/usr/bin/env python3
"""Reconstructs a folder's photos with pycolmap from a database that delfin wrote, and from pycolmap's SIFT.

    pip install pycolmap
    delfin cluster PHOTOS -o OUT --export-colmap delfin.db
    python benches/compare/colmap.py --photos PHOTOS --database delfin.db [--sift] [--json]

The same photos and the same options of the incremental mapper for both. --sift extracts and matches
all pairs with COLMAP's defaults first. The largest model of each is told: photos registered, points,
their mean reprojection error in pixels and the mean number of photos that see a point.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

import pycolmap


def reconstruct(photos, database, folder):
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = 0
    start = time.perf_counter()
    models = pycolmap.incremental_mapping(database, photos, folder, options=options)
    row = {"models": len(models), "registered": 0, "points": 0, "error_px": None, "track_length": None}
    if models:
        best = max(models.values(), key=lambda model: model.num_reg_images())
        row.update(registered=best.num_reg_images(), points=best.num_points3D(),
                   error_px=best.compute_mean_reprojection_error(),
                   track_length=best.compute_mean_track_length())
    row["mapping_s"] = time.perf_counter() - start
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--database", type=pathlib.Path, required=True, help="what delfin wrote; it is copied first")
    parser.add_argument("--sift", action="store_true", help="pycolmap's own features and matches too")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    args = parser.parse_args()
    pycolmap.logging.minloglevel = 2
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        # COLMAP changes a database that it opens.
        copy = folder / "delfin.db"
        copy.write_bytes(args.database.read_bytes())
        rows["delfin"] = reconstruct(args.photos, copy, folder)
        if args.sift:
            start = time.perf_counter()
            pycolmap.extract_features(folder / "sift.db", args.photos)
            pycolmap.match_exhaustive(folder / "sift.db")
            took = time.perf_counter() - start
            rows["SIFT"] = reconstruct(args.photos, folder / "sift.db", folder)
            print(f"extraction and matching of SIFT: {took:.0f} s", file=sys.stderr)
    if args.json:
        print(json.dumps(rows))
        return
    print("| features | photos registered | models | points | reprojection error, px | photos a point | mapping, s |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, row in rows.items():
        error, track = (f"{row[key]:.2f}" if row[key] else "" for key in ("error_px", "track_length"))
        print(f"| {name} | {row['registered']} | {row['models']} | {row['points']} | {error} | {track} | "
              f"{row['mapping_s']:.0f} |")


if __name__ == "__main__":
    main()
