"""Compares the Parquet tables of a folder that `delfin cluster` wrote with its CSV and JSON files, by pyarrow.

    python check.py DIR

DIR holds the tables in both formats, features.parquet, and in extracted/ what `delfin extract` wrote of some photos.
"""

import csv
import json
import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CLUSTERS = [("path", pa.string()), ("cluster", pa.uint32()), ("score", pa.float64()), ("representative", pa.bool_())]
EDGES = [
    ("image1", pa.string()),
    ("image2", pa.string()),
    ("matches", pa.uint32()),
    ("inliers", pa.uint32()),
    ("probability", pa.float64()),
    ("relation", pa.string()),
    ("agreement", pa.float32()),
    ("contradiction", pa.float32()),
    ("color_difference", pa.float32()),
]
FEATURES = [("path", pa.string()), ("sha256", pa.string()), ("width", pa.uint32()), ("height", pa.uint32())]
LISTS = ["x", "y", "scale", "score", "descriptors", "global"]


def text(field):
    """A field without the mark that keeps spreadsheets from taking it for a formula."""
    return field[1:] if field[:1] == "'" else field


def table(path, columns):
    file = pq.ParquetFile(path)
    assert file.metadata.metadata[b"delfin"] == b"made by delfin", file.metadata.metadata
    found = [(field.name, field.type) for field in file.schema_arrow][: len(columns)]
    assert found == columns, found
    return file.read()


def equals(value, field):
    """Whether a value is what a field of the CSV rounds."""
    if value is None:
        return field == ""
    if isinstance(value, float):
        return abs(value - float(field)) <= 0.5000001 * 10.0 ** -len(field.partition(".")[2])
    return field == (str(value).lower() if isinstance(value, bool) else str(value))


def compare(parquet, path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == parquet.column_names, header
    assert len(rows) == parquet.num_rows
    for row, fields in zip(parquet.to_pylist(), rows):
        for value, field in zip(row.values(), fields):
            assert equals(value, text(field)), (row, fields)


def check_features(out, photos):
    features = table(out / "features.parquet", FEATURES)
    assert features.column_names == [name for name, _ in FEATURES] + LISTS
    lists = [features.schema.field(name).type for name in LISTS]
    assert all(kind.value_type == pa.float32() for kind in lists), lists
    rows = features.to_pylist()
    stated = [{name: row[name] for name, _ in FEATURES} for row in rows]
    assert stated == photos, (stated, photos)
    num_compared = 0
    for row in rows:
        num_keypoints = len(row["x"])
        assert {len(row[name]) for name in ("y", "scale", "score")} == {num_keypoints}
        path = out / "extracted" / (pathlib.PurePath(row["path"]).name + ".json")
        if not path.exists():
            continue
        num_compared += 1
        own = json.loads(path.read_text())
        keypoints = np.array(own["keypoints"]).reshape(-1, 4).T
        assert keypoints.shape[1] == num_keypoints
        # Rounded as a store keeps them.
        sides = max(own["width"], own["height"])
        for name, values, size in zip(LISTS, keypoints, (sides, sides, 1, keypoints[3].max(initial=0))):
            assert np.allclose(row[name], values, atol=1.01 * size / 65535), name
        descriptors = np.array(own["descriptors"], np.float32)
        step = np.abs(descriptors).max(initial=0) / 127
        found = np.array(row["descriptors"], np.float32).reshape(descriptors.shape)
        assert np.allclose(found, descriptors, atol=0.51 * step), row["path"]
        assert (row["global"] is None) == (own["global"] is None)
        if row["global"] is not None:
            values = np.array(own["global"])
            assert np.allclose(row["global"], values, atol=0.51 * np.abs(values).max() / 32767)
    assert num_compared > 0


def main():
    out = pathlib.Path(sys.argv[1])
    found = json.loads((out / "clusters.json").read_text(encoding="utf-8"))
    clusters = table(out / "clusters.parquet", CLUSTERS)
    edges = table(out / "edges.parquet", EDGES)
    compare(clusters, out / "clusters.csv")
    compare(edges, out / "edges.csv")
    # Every digit is there.
    paths = [photo["path"] for photo in found["photos"]]
    assert clusters["path"].to_pylist() == paths
    rows = clusters.to_pylist()
    for number, cluster in enumerate(found["clusters"]):
        for photo, score in zip(cluster["members"], cluster["scores"]):
            row = rows[photo]
            assert (row["cluster"], row["score"]) == (number, score), row
            assert row["representative"] == (photo == cluster["representative"])
    for row, pair in zip(edges.to_pylist(), found["pairs"], strict=True):
        image1, image2, matches, inliers, log_odds, relation, evidence = pair
        assert (row["image1"], row["image2"]) == (paths[image1], paths[image2])
        assert (row["matches"], row["inliers"], row["relation"]) == (matches, inliers, relation)
        assert abs(row["probability"] - 1 / (1 + np.exp(-log_odds))) < 1e-12
        stated = evidence and [np.float32(evidence[name]) for name in ("agreement", "contradiction", "color_difference")]
        values = [row["agreement"], row["contradiction"], row["color_difference"]]
        assert values == (stated or [None] * 3), (values, stated)
    check_features(out, found["photos"])


main()
