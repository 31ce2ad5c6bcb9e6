"""Blocks of pairs: verified by features, compared by pixels, and with the prior."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ray

from .. import _delfin
from .._delfin import PairBlock
from ._extract import BATCH
from ._parts import Moved, numbers, read_routes

# Bytes that a decoded photo takes, and loaded features, at most about.
IMAGE_BYTES = 8 << 20
LOADED_BYTES = 200 << 10
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
VERIFIED = pa.schema([*COUNTS, ("worth", pa.float32())])
COMPARED = pa.schema([*COUNTS, *EVIDENCE])
EDGES = pa.schema([*COUNTS, ("probability", pa.float64()), *EVIDENCE])


def ordered_pairs(photos, others):
    """Each pair once, the lesser photo first, sorted."""
    first, second = np.minimum(photos, others), np.maximum(photos, others)
    pairs = np.unique(first.astype(np.uint64) << np.uint64(32) | second)
    return (pairs >> np.uint64(32)).astype(np.uint32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def pairs(job, name, routes):
    """The pairs to verify of a range of first photos, sorted."""
    table = read_routes(job.store, routes, PAIRS)
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


def pairs_stage(job, name, kind, *arguments):
    return (pairs if kind == "proposed" else all_pairs)(job, name, *arguments)


def write_pairs(job, name, image1, image2):
    # Row groups are what tasks of `verified` read.
    step = job.plan["unit_pairs"]
    with job.store.write(name, PAIRS) as writer:
        for start in range(0, len(image1), step):
            rows = slice(start, start + step)
            writer.write({"image1": image1[rows], "image2": image2[rows]})
        return writer.close()


def verified(job, name, pairs_name, group):
    """Pairs judged by their features, without the prior, and what their pixels are worth."""
    with job.store.open(pairs_name) as part:
        table = part.read(groups=[group])
    image1, image2 = numbers(table, "image1"), numbers(table, "image2")
    options = job.block_options()
    block = PairBlock(options)
    max_loaded, _ = options.max_held
    max_loaded = min(max_loaded, max(2, job.plan["block_bytes"] // LOADED_BYTES))
    columns = {}
    with job.reader() as reader:
        for at in runs(image1, image2, max_loaded):
            load(reader, block, np.unique([image1[at], image2[at]]))
            put(columns, block.verify(image1[at], image2[at]), at, len(image1))
    with job.store.write(name, VERIFIED) as writer:
        writer.write(columns)
        return writer.close()


def least_worth(store, names, num_photos):
    """What the last of each photo's best pairs is worth, of the pairs of parts that are worth comparing."""
    best = _delfin.BestPairs(num_photos)
    keys = ["image1", "image2", "worth", "log_odds"]
    for name in names:
        with store.open(name) as part:
            table = part.read(keys)
        best.add(*(numbers(table, key) for key in keys))
    return best.least()


def own_photos(image1, image2):
    """The photos of pairs, ascending, and the places of both ends among them: for values of these photos, not of all."""
    photos, places = np.unique(np.concatenate([image1, image2]), return_inverse=True)
    return photos, *np.split(places.astype(np.uint32), 2)


def compared(job, name, verified_name, least):
    """Pairs judged by their pixels too where they are on the shortlist, without the prior. `least` is what the last of
    each photo's best pairs is worth."""
    least = ray.get(least)
    table = read_whole(job, verified_name)
    columns = {key: np.array(numbers(table, key)) for key in VERIFIED.names}
    image1, image2 = columns["image1"], columns["image2"]
    count = len(image1)
    photos, *ends = own_photos(image1, image2)
    is_listed, log_odds = _delfin.shortlisted(least[photos], *ends, columns.pop("worth"), columns["log_odds"])
    columns["log_odds"] = np.array(log_odds)
    columns["is_compared"] = np.zeros(count, dtype=bool)
    options = job.block_options()
    block = PairBlock(options)
    _, max_decoded = options.max_held
    max_decoded = min(max_decoded, max(2, job.plan["block_bytes"] // IMAGE_BYTES))
    listed = np.flatnonzero(is_listed)
    with job.reader() as reader:
        for at in runs(image1[listed], image2[listed], max_decoded):
            at = listed[at]
            photos = np.unique([image1[at], image2[at]])
            load(reader, block, photos)
            load_images(job, reader, block, photos)
            places, found = block.compare(image1[at], image2[at])
            put(columns, found, at[places], count)
    with job.store.write(name, COMPARED) as writer:
        is_compared = columns.pop("is_compared")
        for field, kind in EVIDENCE:
            values = columns.get(field)
            columns[field] = pa.nulls(count, kind) if values is None else pa.array(values, kind, mask=~is_compared)
        writer.write(columns)
        return writer.close(num_compared=int(is_compared.sum()))


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


def counted_log_odds(store, names, options, rivals):
    """The log-odds of all pairs that count for the prior, in the order of pairs; adds those with pixel evidence that
    may link to `rivals`."""
    found = [np.zeros(0)]
    for name in names:
        with store.open(name) as part:
            table = part.read(["image1", "image2", "num_inliers", "log_odds", "relation", "agreement"])
        log_odds = numbers(table, "log_odds")
        is_compared = table["agreement"].is_valid().to_numpy()
        copies = is_copy(table)
        able = is_compared & options.may_link(numbers(table, "num_inliers"), copies)
        ends = (numbers(table, key)[able] for key in ("image1", "image2"))
        rivals.add(*ends, log_odds[able], copies[able])
        found.append(log_odds[is_compared | (log_odds >= options.least_counted)])
    return np.concatenate(found)


def is_copy(table):
    return pc.equal(table["relation"], "copy").fill_null(False).to_numpy()


def edges(job, name, names, prior):
    """The edges of a range of first photos, with the prior."""
    table = pa.concat_tables([COMPARED.empty_table(), *(read_whole(job, part_name) for part_name in names)])
    log_odds = numbers(table, "log_odds") + prior
    columns = {key: table[key] for key in COMPARED.names}
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
