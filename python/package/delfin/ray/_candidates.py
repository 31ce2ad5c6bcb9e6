"""Blocks of candidates: nearest global descriptors, visual words, votes."""

import functools

import numpy as np
import pyarrow as pa

from .. import _delfin
from .._delfin import BlockWords
from ._pairs import PAIRS, ordered_pairs
from ._parts import by_destination, fixed_rows, numbers, read_routes

NEAREST = pa.schema([("photo", pa.uint32()), ("other", pa.uint32()), ("similarity", pa.float32())])
WORD_ROWS = pa.schema([("photo", pa.uint32()), ("row", pa.binary())])
WORDS = pa.schema([("row", pa.binary()), ("group", pa.uint32())])
VOTES = pa.schema([("photo", pa.uint32()), ("voter", pa.uint16()), ("other", pa.uint32()), ("weight", pa.float32())])


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


def proposed(job, name, near_routes, vote_routes):
    """The partners of a run of photos as pairs, in row groups by range of the first photo."""
    num_similar, num_voted, _ = job.block_options().candidates
    table = read_routes(job.store, near_routes, NEAREST)
    columns = [numbers(table, key) for key in NEAREST.names]
    photos, others = _delfin.merge_nearest(*columns, num_similar)
    table = read_routes(job.store, vote_routes, VOTES)
    columns = [numbers(table, key) for key in VOTES.names]
    voting, voted = _delfin.count_votes(*columns, num_voted)
    image1, image2 = ordered_pairs(np.concatenate([photos, voting]), np.concatenate([others, voted]))
    with job.store.write(name, PAIRS) as writer:
        for destination, rows in by_destination(image1 // job.plan["range_photos"]):
            writer.write({"image1": image1[rows], "image2": image2[rows]}, destination)
        return writer.close()
