"""What a worker does with one block: reads parts, calls delfin, writes one part.

Each function takes the job, the name of its part and its own arguments, and returns what the part's metadata says.
Photos have numbers in the order of their names, without those that cannot be used.
"""

import functools
import os
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray

from .. import _delfin
from .._delfin import BlockOptions, BlockWords, PairBlock, set_num_threads
from ._parts import GROUP, FeatureReader, Moved, by_destination, feature_name, fixed_rows, numbers
from ._source import is_photo

try:
    import resource
except ImportError:
    # Not on Windows.
    resource = None

# Photos that are read and extracted at a time.
BATCH = 32
# Bytes that a decoded photo takes, and loaded features, at most about.
IMAGE_BYTES = 8 << 20
LOADED_BYTES = 200 << 10

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
NEAREST = pa.schema([("photo", pa.uint32()), ("other", pa.uint32()), ("similarity", pa.float32())])
WORD_ROWS = pa.schema([("photo", pa.uint32()), ("row", pa.binary())])
WORDS = pa.schema([("row", pa.binary()), ("group", pa.uint32())])
VOTES = pa.schema(
    [("photo", pa.uint32()), ("voter", pa.uint16()), ("other", pa.uint32()), ("weight", pa.float32())]
)
PAIRS = pa.schema([("image1", pa.uint32()), ("image2", pa.uint32())])
EVIDENCE = [
    ("relation", pa.string()),
    ("agreement", pa.float32()),
    ("contradiction", pa.float32()),
    ("explained1", pa.float32()),
    ("explained2", pa.float32()),
    ("color_difference", pa.float32()),
    ("replaced", pa.float32()),
]
COUNTS = [
    ("image1", pa.uint32()),
    ("image2", pa.uint32()),
    ("num_matches", pa.uint32()),
    ("num_inliers", pa.uint32()),
    ("log_odds", pa.float64()),
]
VERIFIED = pa.schema([*COUNTS, *EVIDENCE])
EDGES = pa.schema([*COUNTS, ("probability", pa.float64()), *EVIDENCE])
LINKS = pa.schema([("image1", pa.uint32()), ("image2", pa.uint32()), ("evidence", pa.float64())])
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
CLUSTERED = pa.schema(
    [("photo", pa.uint32()), ("first", pa.uint32()), ("score", pa.float64()), ("is_representative", pa.bool_())]
)
CLUSTERS = pa.schema(
    [
        ("photo", pa.uint32()),
        ("path", pa.string()),
        ("cluster", pa.uint32()),
        ("score", pa.float64()),
        ("is_representative", pa.bool_()),
    ]
)


class Job:
    """What every block of a job needs. Small, and pickles."""

    def __init__(self, store, opener, options, plan, num_cpus):
        self.store = store
        self.opener = opener
        self.options = options
        self.plan = plan
        self.num_threads = max(1, int(num_cpus))
        # The number of photos in each part of features.
        self.counts = []

    def block_options(self):
        return _block_options(tuple(sorted(self.options.items(), key=lambda item: item[0])))

    def reader(self):
        return FeatureReader(self.store, self.counts)


@functools.lru_cache(maxsize=4)
def _block_options(items):
    options = dict(items)
    if options.get("scales") is not None:
        options["scales"] = list(options["scales"])
    return BlockOptions(**options)


@functools.cache
def _set_threads(count, process):
    set_num_threads(count)


def work(job, stage, unit, arguments):
    """Computes a block, unless its part is there: what the part says, and what it took."""
    started, processor = time.monotonic(), time.process_time()
    read, written = Moved.read, Moved.written
    _set_threads(job.num_threads, os.getpid())
    name = f"{stage}/{unit}"
    info = job.store.check(name)
    is_reused = info is not None
    if not is_reused:
        info = STAGES[stage](job, name, *arguments)
    return {
        **info,
        "is_reused": is_reused,
        "seconds": time.monotonic() - started,
        "processor_seconds": time.process_time() - processor,
        "memory_kb": 0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "bytes_read": Moved.read - read,
        "bytes_written": Moved.written - written,
    }


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
        elif may_be_others and content is not None and not is_photo(name, content):
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


def globals_of(job, name, number):
    """The global descriptors of a part of features."""
    with job.store.open(feature_name(number)) as part:
        values = part.read(["global"], list(range(-(-job.counts[number] // GROUP))))["global"]
    width = max((len(value) for value in values.to_pylist() if value is not None), default=0)
    schema = pa.schema([("global", pa.binary(width))])
    with job.store.write(name, schema, "none") as writer:
        writer.write({"global": pa.array(values.to_pylist(), pa.binary(width))})
        return writer.close(dim=width // 2)


def global_rows(reader, start, stop):
    """Global descriptors of consecutive photos, N x D int16; zeros where there is none."""
    values = reader.range(start, stop, "parts/globals", ["global"])["global"]
    width = max(chunk.type.byte_width for chunk in values.chunks)
    empty = bytes(width)
    rows = b"".join(value or empty for chunk in values.chunks for value in chunk.to_pylist())
    return np.frombuffer(rows, "<i2").astype(np.int16).reshape(len(values), width // 2)


def nearest(job, name, start, stop, other_start, other_stop):
    """The nearest by global descriptor of consecutive photos, among other consecutive photos."""
    count = job.block_options().candidates[0]
    with job.reader() as reader:
        own = global_rows(reader, start, stop)
        others = global_rows(reader, other_start, other_stop)
    photos, near, similarities = _delfin.block_nearest(own, start, others, other_start, count)
    step = job.plan["vote_photos"]
    with job.store.write(name, NEAREST) as writer:
        for destination, rows in by_destination(photos // step):
            columns = {"photo": photos[rows], "other": near[rows], "similarity": similarities[rows]}
            writer.write(columns, destination)
        return writer.close()


def word_rows(job, name, photos):
    """The descriptors of photos that become words."""
    with job.reader() as reader, job.store.write(name, WORD_ROWS) as writer:
        dim = 0
        for own, table in reader.groups(photos, ["features"]):
            found = BlockWords.rows(table["features"].to_pylist())
            dim = max(dim, max(d for _, d in found))
            writer.write({"photo": own.astype(np.uint32), "row": [row for row, _ in found]})
        return writer.close(dim=dim)


def words(job, name, parts, dim, photos):
    """The visual words of a job: rows of these photos, in their order."""
    rows = {}
    for part_name in parts:
        with job.store.open(part_name) as part:
            table = part.read()
            rows.update(zip(table["photo"].to_pylist(), table["row"].to_pylist()))
    values = np.frombuffer(b"".join(rows[photo] for photo in photos.tolist()), "<f4").astype(np.float32)
    values = values.reshape(-1, dim)
    groups = BlockWords(values).groups()
    with job.store.write(name, WORDS) as writer:
        step = 1 << 16
        for start in range(0, len(values), step):
            part = values[start : start + step]
            columns = {"row": [row.tobytes() for row in part], "group": groups[start : start + step]}
            writer.write(columns)
        return writer.close(num_words=len(values))


@functools.lru_cache(maxsize=1)
def read_words(path, key, read):
    with read() as part:
        table = part.read()
    rows = table["row"].to_pylist()
    values = np.frombuffer(b"".join(rows), np.float32).reshape(len(rows), -1)
    return BlockWords(values, numbers(table, "group"))


class Reading:
    """Opens a part; equal to every other, so that a cache looks at the path and the key alone."""

    def __init__(self, store, name):
        self.store, self.name = store, name

    def __call__(self):
        return self.store.open(self.name)

    def __eq__(self, other):
        return isinstance(other, Reading)

    def __hash__(self):
        return 0


def voter_schema(dim):
    return pa.schema(
        [
            ("photo", pa.uint32()),
            ("voter", pa.uint16()),
            ("place", pa.uint16()),
            ("word", pa.uint32()),
            ("row", pa.binary(2 * dim)),
        ]
    )


def voters(job, name, start, stop, dim, num_words):
    """The voters of consecutive photos under their words, in row groups by range of words."""
    known = read_words(job.store.at("parts/words/0"), job.store.key, Reading(job.store, "parts/words/0"))
    num_voters = job.block_options().candidates[2]
    schema = voter_schema(dim)
    with job.reader() as reader, job.store.write(name, schema) as writer:
        for first in range(start, stop, job.plan["voter_photos"]):
            last = min(stop, first + job.plan["voter_photos"])
            found = []
            for own, table in reader.groups(np.arange(first, last), ["features"]):
                photos, number, place, word, rows = known.voters(table["features"].to_pylist(), num_voters)
                rows = np.frombuffer(rows, np.uint8).reshape(len(photos), 2 * dim)
                found.append((own.astype(np.uint32)[photos], number, place, word, rows))
            photos, number, place, word, rows = (np.concatenate(column) for column in zip(*found))
            for destination, at in by_destination(word_range(word, num_words, job.plan["word_ranges"])):
                columns = {
                    "photo": photos[at],
                    "voter": number[at],
                    "place": place[at],
                    "word": word[at],
                    "row": fixed_column(rows[at], dim),
                }
                writer.write(columns, destination)
        return writer.close()


def fixed_column(rows, dim):
    buffer = pa.py_buffer(np.ascontiguousarray(rows).tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(2 * dim), len(rows), [None, buffer])


def word_range(words, num_words, num_ranges):
    """The range of each word, of ranges of equal length."""
    return words.astype(np.int64) * num_ranges // num_words


def votes(job, name, routes):
    """The votes of all voters for those that stand under a range of words, in row groups by photos that vote."""
    standing = {"photo": [], "word": [], "row": []}
    for part_name, groups in routes:
        with job.store.open(part_name) as part:
            for group in groups:
                table = part.read(groups=[group])
                is_nearest = numbers(table, "place") == 0
                for key in ("photo", "word"):
                    standing[key].append(numbers(table, key)[is_nearest])
                standing["row"].append(fixed_rows(table, "row", "<i2")[is_nearest])
    photos, word, rows = (np.concatenate(standing[key]) for key in ("photo", "word", "row"))
    order = np.argsort(word, kind="stable")
    photos, word, rows = photos[order], word[order], np.ascontiguousarray(rows[order], dtype=np.int16)
    step = job.plan["vote_photos"]
    with job.store.write(name, VOTES) as writer:
        for part_name, groups in routes:
            with job.store.open(part_name) as part:
                for group in groups:
                    table = part.read(groups=[group])
                    own = {key: numbers(table, key) for key in ("photo", "voter", "word")}
                    order = np.argsort(own["word"], kind="stable")
                    own_rows = np.ascontiguousarray(fixed_rows(table, "row", "<i2")[order], dtype=np.int16)
                    voter, other, weight = _delfin.block_votes(own["word"][order], own_rows, word, rows)
                    voter = order[voter]
                    columns = {
                        "photo": own["photo"][voter],
                        "voter": own["voter"][voter],
                        "other": photos[other],
                        "weight": weight,
                    }
                    for destination, at in by_destination(columns["photo"] // step):
                        writer.write({key: values[at] for key, values in columns.items()}, destination)
        return writer.close()


def read_routes(job, routes, schema):
    """The rows of many parts as one table."""
    tables = [schema.empty_table()]
    for part_name, groups in routes:
        with job.store.open(part_name) as part:
            tables.append(part.read(groups=groups))
    return pa.concat_tables(tables)


def ordered_pairs(photos, others):
    """Each pair once, the lesser photo first, sorted."""
    first, second = np.minimum(photos, others), np.maximum(photos, others)
    pairs = np.unique(first.astype(np.uint64) << np.uint64(32) | second)
    return (pairs >> np.uint64(32)).astype(np.uint32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def proposed(job, name, near_routes, vote_routes):
    """The partners of a run of photos as pairs, in row groups by range of the first photo."""
    num_similar, num_voted, _ = job.block_options().candidates
    table = read_routes(job, near_routes, NEAREST)
    columns = [numbers(table, key) for key in NEAREST.names]
    photos, others = _delfin.merge_nearest(*columns, num_similar)
    table = read_routes(job, vote_routes, VOTES)
    columns = [numbers(table, key) for key in VOTES.names]
    voting, voted = _delfin.count_votes(*columns, num_voted)
    image1, image2 = ordered_pairs(np.concatenate([photos, voting]), np.concatenate([others, voted]))
    with job.store.write(name, PAIRS) as writer:
        for destination, rows in by_destination(image1 // job.plan["range_photos"]):
            writer.write({"image1": image1[rows], "image2": image2[rows]}, destination)
        return writer.close()


def pairs(job, name, routes):
    """The pairs to verify of a range of first photos, sorted."""
    table = read_routes(job, routes, PAIRS)
    image1, image2 = ordered_pairs(numbers(table, "image1"), numbers(table, "image2"))
    return write_pairs(job, name, image1, image2)


def all_pairs(job, name, start, stop, num_photos):
    """Every pair of a range of first photos, sorted."""
    first = np.arange(start, stop)
    counts = num_photos - 1 - first
    image1 = np.repeat(first, counts)
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    image2 = np.arange(len(image1)) - np.repeat(offsets, counts) + image1 + 1
    return write_pairs(job, name, image1.astype(np.uint32), image2.astype(np.uint32))


def write_pairs(job, name, image1, image2):
    # Row groups are what tasks of `verified` read.
    step = job.plan["unit_pairs"]
    with job.store.write(name, PAIRS) as writer:
        for start in range(0, len(image1), step):
            rows = slice(start, start + step)
            writer.write({"image1": image1[rows], "image2": image2[rows]})
        return writer.close()


def verified(job, name, pairs_name, group):
    """Pairs judged by their features, and by their pixels where that is worthwhile; without the prior."""
    with job.store.open(pairs_name) as part:
        table = part.read(groups=[group])
    image1, image2 = numbers(table, "image1"), numbers(table, "image2")
    options = job.block_options()
    block = PairBlock(options)
    max_loaded, max_decoded = options.max_held
    max_loaded = min(max_loaded, max(2, job.plan["block_bytes"] // LOADED_BYTES))
    max_decoded = min(max_decoded, max(2, job.plan["block_bytes"] // IMAGE_BYTES))
    columns = {key: None for key in VERIFIED.names}
    is_worth = np.zeros(len(image1), dtype=bool)
    with job.reader() as reader:
        for at in runs(image1, image2, max_loaded):
            load(reader, block, np.unique([image1[at], image2[at]]))
            found = block.verify(image1[at], image2[at])
            is_worth[at] = found.pop("is_worth")
            put(columns, found, at, len(image1))
        worth = np.flatnonzero(is_worth) if options.compares_pixels else np.zeros(0, np.int64)
        for at in runs(image1[worth], image2[worth], max_decoded):
            at = worth[at]
            photos = np.unique([image1[at], image2[at]])
            load(reader, block, photos)
            load_images(job, reader, block, photos)
            places, found = block.compare(image1[at], image2[at])
            put(columns, found, at[places], len(image1))
    with job.store.write(name, VERIFIED) as writer:
        is_compared = columns.pop("is_compared")
        for field, _ in EVIDENCE:
            values = columns[field]
            columns[field] = pa.array(values, VERIFIED.field(field).type, mask=~is_compared)
        writer.write(columns)
        return writer.close(num_compared=int(is_compared.sum()), num_worth=int(is_worth.sum()))


def runs(image1, image2, max_photos):
    """Places of pairs that few photos are in, all pairs in turn."""
    order, ends = PairBlock.groups(image1, image2, max_photos)
    start = 0
    for end in ends:
        yield np.asarray(order[start:end])
        start = end


def put(columns, found, at, count):
    """Puts found columns into those of all pairs."""
    for key, values in found.items():
        values = np.asarray(values, dtype=object if key == "relation" else None)
        if columns.get(key) is None:
            columns[key] = np.zeros(count, dtype=values.dtype)
        columns[key][at] = values


def load(reader, block, photos):
    missing = block.keep_photos(photos.tolist())
    if not missing:
        return
    for own, table in reader.groups(missing, ["content_hash", "features"]):
        hashes, data = table["content_hash"].to_pylist(), table["features"].to_pylist()
        block.load_photos(list(zip(own.tolist(), hashes, data)))


def load_images(job, reader, block, photos):
    missing = block.keep_images(photos.tolist())
    if not missing:
        return
    columns = ["path", "source_file", "source_group", "source_row"]
    found = [(own.tolist(), table.to_pylist()) for own, table in reader.groups(missing, columns)]
    found = [pair for own, rows in found for pair in zip(own, rows)]
    root = job.opener.local_root()
    step = job.num_threads * 4
    for start in range(0, len(found), step):
        some = found[start : start + step]
        names = [row["path"] for _, row in some]
        if job.opener.bytes_column is None:
            contents = job.opener.read(names)
        else:
            contents = read_rows(job, [row for _, row in some])
        photos = []
        for (number, _), name, content in zip(some, names, contents):
            if isinstance(content, (FileNotFoundError, PermissionError)):
                continue
            if isinstance(content, Exception):
                raise OSError(f"{name}: {content}")
            photos.append((number, name, content))
        block.load_images(root, photos)


def read_rows(job, rows):
    """Bytes of photos that are rows of Parquet files."""
    contents = [None] * len(rows)
    wanted = {}
    for at, row in enumerate(rows):
        wanted.setdefault((row["source_file"], row["source_group"]), []).append((row["source_row"], at))
    for (file, group), own in sorted(wanted.items()):
        with job.opener.filesystem.open_input_file(file) as source, pq.ParquetFile(source, pre_buffer=False) as parquet:
            start = 0
            own = dict(own)
            for batch in parquet.iter_batches(BATCH, [group], [job.opener.bytes_column]):
                for row in range(start, start + len(batch)):
                    if row in own:
                        contents[own[row]] = batch.column(0)[row - start].as_py()
                Moved.read += batch.nbytes
                start += len(batch)
    return contents


def aligned_log_odds(store, names):
    """The log-odds of all pairs with pixel evidence, in the order of pairs."""
    found = [np.zeros(0)]
    for name in names:
        with store.open(name) as part:
            table = part.read(["log_odds", "agreement"])
        found.append(numbers(table, "log_odds")[table["agreement"].is_valid().to_numpy()])
    return np.concatenate(found)


def edges(job, name, names, prior):
    """The edges of a range of first photos, with the prior."""
    table = pa.concat_tables([VERIFIED.empty_table(), *(read_whole(job, part_name) for part_name in names)])
    log_odds = numbers(table, "log_odds") + prior
    columns = {key: table[key] for key in VERIFIED.names}
    columns["log_odds"] = log_odds
    columns["probability"] = _delfin.probabilities(log_odds)
    table = pa.table({key: columns[key] for key in EDGES.names}, schema=EDGES)
    with job.store.write(name, EDGES) as writer:
        for start in range(0, len(table), 1 << 16):
            writer.write(table.slice(start, 1 << 16))
        return writer.close()


def read_whole(job, name):
    with job.store.open(name) as part:
        return part.read()


def links(job, name, edges_name):
    """The pairs of a part of edges that link their photos."""
    with job.store.open(edges_name) as part, job.store.write(name, LINKS) as writer:
        for group in range(part.num_groups):
            columns = evidence_of(job, part, group)
            is_link = columns["evidence"] >= 1
            writer.write({key: values[is_link] for key, values in columns.items()})
        return writer.close()


def evidence_of(job, part, group):
    table = part.read(["image1", "image2", "num_inliers", "log_odds", "relation"], [group])
    is_copy = np.array(table["relation"].to_pylist(), dtype=object) == "copy"
    inliers = numbers(table, "num_inliers").astype(np.int64)
    evidence = job.block_options().evidence(numbers(table, "log_odds"), inliers, is_copy.astype(bool))
    return {"image1": numbers(table, "image1"), "image2": numbers(table, "image2"), "evidence": evidence}


def grouped(job, name, edges_name, batches):
    """The pairs of a part of edges that touch components, in row groups by batch of components."""
    batches = ray.get(batches)
    with job.store.open(edges_name) as part, job.store.write(name, LINKS) as writer:
        for group in range(part.num_groups):
            columns = evidence_of(job, part, group)
            first, second = batches[columns["image1"]], batches[columns["image2"]]
            rows = np.concatenate([np.flatnonzero(first >= 0), np.flatnonzero((second >= 0) & (second != first))])
            destinations = np.concatenate([first[first >= 0], second[(second >= 0) & (second != first)]])
            for destination, at in by_destination(destinations):
                at = rows[at]
                writer.write({key: values[at] for key, values in columns.items()}, destination)
        return writer.close()


def clustered(job, name, photos, routes, has_all_pairs):
    """The clusters of a batch of components."""
    table = read_routes(job, routes, LINKS)
    columns = [numbers(table, key) for key in LINKS.names]
    photos = photos.astype(np.uint32)
    first, score, is_representative = _delfin.block_clusters(photos, *columns, has_all_pairs)
    with job.store.write(name, CLUSTERED) as writer:
        writer.write({"photo": photos, "first": first, "score": score, "is_representative": is_representative})
        return writer.close()


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


def cluster_table(job, name, start, cluster, score, is_representative):
    """The clusters of consecutive photos."""
    with job.reader() as reader, job.store.write(name, CLUSTERS) as writer:
        stop = start + len(cluster)
        paths = reader.range(start, stop, "photos.parquet", ["path"])["path"]
        columns = {
            "photo": np.arange(start, stop, dtype=np.uint32),
            "path": paths,
            "cluster": cluster,
            "score": score,
            "is_representative": is_representative,
        }
        writer.write(columns)
        return writer.close()


def features_stage(job, name, kind, *arguments):
    return (features if kind == "names" else gathered_features)(job, name, *arguments)


def pairs_stage(job, name, kind, *arguments):
    return (pairs if kind == "proposed" else all_pairs)(job, name, *arguments)


STAGES = {
    "parts/extracted": extract_rows,
    "parts/features": features_stage,
    "parts/globals": globals_of,
    "parts/nearest": nearest,
    "parts/word_rows": word_rows,
    "parts/words": words,
    "parts/voters": voters,
    "parts/votes": votes,
    "parts/proposed": proposed,
    "parts/pairs": pairs_stage,
    "parts/verified": verified,
    "edges.parquet": edges,
    "parts/links": links,
    "parts/grouped": grouped,
    "parts/clustered": clustered,
    "photos.parquet": photo_table,
    "clusters.parquet": cluster_table,
}
