"""Blocks of photos: features, and what is known of each photo."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .._delfin import is_photo_with
from ._parts import GROUP, Moved, by_destination, feature_name

# Photos that are read and extracted at a time.
BATCH = 32
FEATURES = pa.schema(
    [
        ("position", pa.int64()),
        ("path", pa.string()),
        ("content_hash", pa.binary(32)),
        ("width", pa.uint32()),
        ("height", pa.uint32()),
        ("num_keypoints", pa.int64()),
        ("features", pa.binary()),
        ("global", pa.binary()),
        ("source_file", pa.string()),
        ("source_group", pa.int32()),
        ("source_row", pa.int32()),
        ("reason", pa.string()),
    ]
)
# Features, descriptors and hashes do not shrink.
PLAIN = {field.name: "zstd" for field in FEATURES} | {"features": "none", "global": "none", "content_hash": "none"}
PHOTOS = pa.schema(
    [
        ("photo", pa.uint32()),
        ("path", pa.string()),
        ("content_hash", pa.binary(32)),
        ("width", pa.uint32()),
        ("height", pa.uint32()),
        ("num_keypoints", pa.int64()),
    ]
)


class FeatureRows:
    """Rows of features for a part: photos in row groups of one size, then those that cannot be used."""

    def __init__(self, writer):
        self.writer = writer
        self.photos, self.failures = [], []
        self.num_photos = 0

    def add(self, row):
        if row["reason"] is not None:
            self.failures.append(row)
            return
        self.photos.append(row)
        self.num_photos += 1
        if len(self.photos) == GROUP:
            self.flush()

    def flush(self):
        if self.photos:
            self.writer.write(pa.Table.from_pylist(self.photos, schema=FEATURES))
            self.photos = []

    def close(self):
        self.flush()
        if self.failures:
            self.writer.write(pa.Table.from_pylist(self.failures, schema=FEATURES))
        return self.writer.close(num_photos=self.num_photos, num_failures=len(self.failures))


def extracted(job, root, positions, names, contents, may_be_others, sources=None):
    """A row of features for each photo; ``contents`` are bytes, None for a file below ``root``, or an error."""
    given, wanted = [], []
    rows = [None] * len(names)
    for at, (position, name, content) in enumerate(zip(positions, names, contents)):
        rows[at] = dict.fromkeys(FEATURES.names)
        rows[at].update(position=int(position), path=name)
        if sources is not None:
            rows[at].update(zip(("source_file", "source_group", "source_row"), sources[at]))
        if isinstance(content, Exception):
            rows[at]["reason"] = " ".join(str(content).split()) or type(content).__name__
        elif may_be_others and content is not None and not is_photo_with(name, content):
            rows[at] = None
        else:
            given.append((name, content))
            wanted.append(at)
    for at, found in zip(wanted, job.block_options().extract(root, given)):
        if isinstance(found, str):
            rows[at]["reason"] = found
        else:
            keys = ("content_hash", "width", "height", "num_keypoints", "features", "global")
            rows[at].update(zip(keys, found))
    return [row for row in rows if row is not None]


def features(job, name, first, names, may_be_others):
    """Features of consecutive photos."""
    root = job.opener.local_root()
    with job.store.write(name, FEATURES, PLAIN) as writer:
        rows = FeatureRows(writer)
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH].to_pylist()
            contents = job.opener.read(batch)
            positions = range(first + start, first + start + len(batch))
            for row in extracted(job, root, positions, batch, contents, may_be_others):
                rows.add(row)
        return rows.close()


def extract_rows(job, name, file, groups, places, path_column):
    """Features of rows of a Parquet file, in the order of their places among all names."""
    found = []
    with job.opener.filesystem.open_input_file(file) as source:
        at = 0
        with pq.ParquetFile(source, pre_buffer=False) as parquet:
            for group in groups:
                row = 0
                columns = [path_column, job.opener.bytes_column]
                for batch in parquet.iter_batches(BATCH, [group], columns):
                    names = batch.column(path_column).to_pylist()
                    contents = batch.column(job.opener.bytes_column).to_pylist()
                    Moved.read += batch.nbytes
                    contents = [OSError("the row has no bytes") if c is None else c for c in contents]
                    sources = [(file, group, row + number) for number in range(len(names))]
                    positions = places[at : at + len(names)]
                    found += extracted(job, "/", positions, names, contents, False, sources)
                    at += len(names)
                    row += len(names)
    found.sort(key=lambda row: row["position"])
    destinations = np.array([row["position"] // job.plan["part_photos"] for row in found], dtype=np.int64)
    with job.store.write(name, FEATURES, PLAIN) as writer:
        for destination, rows in by_destination(destinations):
            table = pa.Table.from_pylist([found[row] for row in rows], schema=FEATURES)
            writer.write(table, destination)
        return writer.close()


def gathered_features(job, name, routes):
    """Features of consecutive photos, from the parts of `extract_rows`."""
    found = []
    for part_name, groups in routes:
        with job.store.open(part_name) as part:
            found += part.read(groups=groups).to_pylist()
    found.sort(key=lambda row: row["position"])
    with job.store.write(name, FEATURES, PLAIN) as writer:
        rows = FeatureRows(writer)
        for row in found:
            rows.add(row)
        return rows.close()


def features_stage(job, name, kind, *arguments):
    return (features if kind == "names" else gathered_features)(job, name, *arguments)


def photo_table(job, name, number, start):
    """The photos of a part of features."""
    count = job.counts[number]
    with job.store.open(feature_name(number)) as part, job.store.write(name, PHOTOS) as writer:
        fields = [field for field in PHOTOS.names if field != "photo"]
        table = part.read(fields, list(range(-(-count // GROUP))))
        columns = {field: table[field] for field in fields}
        columns["photo"] = np.arange(start, start + count, dtype=np.uint32)
        writer.write(columns)
        return writer.close()


def globals_of(job, name, number):
    """The global descriptors of a part of features."""
    with job.store.open(feature_name(number)) as part:
        values = part.read(["global"], list(range(-(-job.counts[number] // GROUP))))["global"]
    width = max((len(value) for value in values.to_pylist() if value is not None), default=0)
    schema = pa.schema([("global", pa.binary(width))])
    with job.store.write(name, schema, "none") as writer:
        writer.write({"global": pa.array(values.to_pylist(), pa.binary(width))})
        return writer.close(dim=width // 2)
