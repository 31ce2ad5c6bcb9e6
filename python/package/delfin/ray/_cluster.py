"""A collection of photos -> edges and clusters, block by block."""

import hashlib
import json
import os
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import ray

from .. import __version__
# Photos that are compared by global descriptor at a time, and with how many: blocks begin at multiples.
from .._delfin import BLOCK, TILE, BlockOptions, Components, Rivals, WordPhotos
from .._errors import Error, FileError, FormatError, OptionError
from .._progress import callback
from ._groups import Counts, links_of, strongest_of
from ._pairs import counted_log_odds, least_worth
from ._parts import Store, feature_name, filesystem_of, numbers, routes
from ._result import RayClusterResult
from ._run import Runner
from ._source import find_photos
from ._stages import Job

VERSION = 1
# What a job writes into its output folder.
OWN = ("parts", "photos.parquet", "edges.parquet", "clusters.parquet", "failures.parquet", "run.json")
# Bytes that a photo takes while global descriptors are compared, and while its votes are counted.
GLOBAL_BYTES = 8 << 10
VOTE_BYTES = 64 << 10
# Bytes of a photo's voters.
VOTER_BYTES = 33 << 10
# As src/candidates: voters of a photo, voters under a word, words.
VOTERS, VOTERS_OF_A_WORD, MAX_WORDS = 100, 64, 1 << 20
MAX_BLOCK_BYTES = 256 << 20
FAILURES = pa.schema([("path", pa.string()), ("reason", pa.string())])


def cluster(
    source,
    output,
    *,
    filesystem=None,
    output_filesystem=None,
    path_column=None,
    bytes_column=None,
    overwrite=False,
    model=None,
    max_features=None,
    max_size=None,
    scales=None,
    min_probability=None,
    min_inliers=None,
    copies_only=False,
    mirrored=False,
    exhaustive=False,
    judgement=None,
    cpus_per_worker=1,
    memory_per_worker=None,
    block_bytes=None,
    max_retries=3,
    progress=None,
):
    """Sorts a collection of photos into clusters by what they show, on the Ray cluster of this process.

    The same photos and options give the same edges and clusters as ``delfin.cluster``, to the bit, on any number of
    workers. Where ``ray.init`` was not called, Ray runs on this machine. Each block of work is a Parquet file in
    ``output``: a job that was stopped goes on from them when it is called again with the same photos and options. No
    process holds the collection; the one that calls holds the photos' names and about 55 bytes a photo.

    Parameters
    ----------
    source : str, PathLike, sequence of str or PathLike, or pyarrow.Array
        A folder of photos, a list of photos, or Parquet: a file or folder that ends in ``.parquet``. Paths may be URIs
        that pyarrow opens, such as ``s3://bucket/photos``. Every worker must reach them.
    output : str or PathLike
        Folder or URI that every worker reaches; made if missing.
    filesystem, output_filesystem : pyarrow.fs.FileSystem or fsspec.AbstractFileSystem, optional
        Where ``source`` and ``output`` are, if that is not this machine's disk or a URI.
    path_column, bytes_column : str, optional
        Columns of Parquet: the paths, ``"path"``, and the files' bytes; ``"bytes"`` where there is such a column.
    overwrite : bool
        Begin anew where ``output`` holds a job of other photos or options, or files that delfin did not make.
    model, max_features, max_size, scales : optional
        As for ``delfin.Extractor``; ``model`` is a path that every worker reaches.
    min_probability, min_inliers, copies_only, mirrored, exhaustive, judgement : optional
        As for ``delfin.cluster``.
    cpus_per_worker : int
        Threads of a block, and what Ray counts for it.
    memory_per_worker : int, optional
        Bytes that Ray sets aside for a block.
    block_bytes : int, optional
        Bytes that the arrays of a block take at most, about, from 1 MiB. None is a quarter of a worker's share of the
        memory, at most 256 MiB. A job that goes on keeps the blocks of its first run.
    max_retries : int
        Times that a block is computed again after its worker was lost or a file could not be read.
    progress : bool or callable, optional
        True shows tqdm's bar; a callable gets stage, done and total.

    Returns
    -------
    RayClusterResult

    Raises
    ------
    delfin.FileError
        A folder that cannot be listed, an ``output`` of another job, a file that cannot be read or written.
    delfin.FormatError
        A source without photos that can be read, or Parquet that is damaged or lacks a column.
    delfin.OptionError
        An option outside its range.
    delfin.Error
        A block that failed more than ``max_retries`` times; the message names it.
    """
    told = callback(progress)
    options = {
        "model": model_path(model),
        "max_features": max_features,
        "max_size": max_size,
        "scales": None if scales is None else tuple(float(scale) for scale in scales),
        "min_probability": min_probability,
        "min_inliers": min_inliers,
        "copies_only": bool(copies_only),
        "mirrored": bool(mirrored),
        "exhaustive": bool(exhaustive),
        "judgement": None if judgement is None else os.path.abspath(os.fspath(judgement)),
    }
    for name, value, least in [
        ("cpus_per_worker", cpus_per_worker, 1),
        ("memory_per_worker", memory_per_worker, 1),
        ("block_bytes", block_bytes, 1 << 20),
        ("max_retries", max_retries, 0),
    ]:
        if value is not None and not (isinstance(value, int) and value >= least):
            raise OptionError(f"option {name}: {value!r} given; an integer from {least} wanted")
    settings = BlockOptions(**options).settings_hash()
    output = os.fspath(output)
    output_filesystem, root = filesystem_of(output, output_filesystem)
    if isinstance(output_filesystem, pa.fs.LocalFileSystem):
        root = os.path.abspath(root)
    store = Store(output_filesystem, root)
    photos = find_photos(source, filesystem, path_column, bytes_column)
    if len(photos.names) == 0:
        raise FormatError("; ".join(["no photos", *photos.notes]), str(source)[:200])
    key = hashlib.sha256(f"{VERSION} {__version__} {settings} {photos.fingerprint}".encode()).hexdigest()
    try:
        known = prepare(store, output, key, overwrite)
    except Error:
        raise
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{output}: {error}", output) from error
    num_slots, share = slots(cpus_per_worker, memory_per_worker)
    if known is None:
        bytes_ = block_bytes or max(16 << 20, min(MAX_BLOCK_BYTES, share // 4))
        plan = make_plan(len(photos.names), num_slots, bytes_)
    else:
        # Parts are of the blocks of the run that wrote them.
        plan = known["plan"]
    store.key = key
    job = Job(store, photos.opener, options, plan, cpus_per_worker)
    runner = Runner(job, num_slots, cpus_per_worker, memory_per_worker, max_retries, told)
    run = {"version": VERSION, "delfin": __version__, "job": key, "is_done": False, "options": options, "plan": plan}
    try:
        store.put_text("run.json", json.dumps(run, indent=1))
        done = Clustering(job, runner, photos).run()
        run.update(done, is_done=True, stages={name: stage.to_dict() for name, stage in runner.stages.items()})
        store.put_text("run.json", json.dumps(run, indent=1))
    except Error:
        raise
    except (FileNotFoundError, pa.ArrowException) as error:
        message = f"{output}: {error}; does every worker reach this folder?"
        raise FileError(message, output) from error
    for note in photos.notes:
        warnings.warn(note, RuntimeWarning, stacklevel=2)
    return RayClusterResult(store, run)


def slots(cpus_per_worker, memory_per_worker):
    """Blocks that Ray runs at a time, and the bytes that each may take."""
    if not ray.is_initialized():
        ray.init(logging_level="warning")
    resources = ray.cluster_resources()
    num_cpus, memory = resources.get("CPU", 0), int(resources.get("memory", 1 << 30))
    if num_cpus < cpus_per_worker:
        raise OptionError(f"option cpus_per_worker: {cpus_per_worker} given; Ray has {num_cpus:g}")
    if memory_per_worker is not None and memory < memory_per_worker:
        raise OptionError(f"option memory_per_worker: {memory_per_worker} bytes given; Ray has {memory}")
    num_slots = int(num_cpus) // cpus_per_worker
    return num_slots, memory // num_slots if memory_per_worker is None else memory_per_worker


def model_path(model):
    """A path that workers open; None is the built-in network."""
    if model is None or isinstance(model, (str, os.PathLike)):
        return None if model is None else os.path.abspath(os.fspath(model))
    try:
        return model.__reduce__()[1][0]
    except (AttributeError, TypeError, IndexError):
        raise OptionError(f"option model: {type(model).__name__} given; a path or a delfin.Model wanted") from None


def prepare(store, output, key, overwrite):
    """Refuses an output folder of something else; what its run.json says, if it is of this job."""
    info = store.filesystem.get_file_info(store.root)
    if info.type == pa.fs.FileType.File:
        raise FileError(f"{output}: a file; a folder to write into wanted", output)
    text = store.text("run.json")
    known = None
    if text is not None:
        try:
            known = json.loads(text)
            is_own = known["job"] == key and known["plan"] is not None
        except (ValueError, KeyError, TypeError):
            is_own = False
        if is_own:
            store.remove_temporary(["parts", *OWN[1:-1]])
            return known
        if not overwrite:
            message = (
                f"{output}: holds a job of other photos or options; name another folder, "
                "or begin anew with overwrite=True"
            )
            raise FileError(message, output)
    elif not overwrite and any(name in OWN for name in store.names()):
        message = f"{output}: holds files that are not of delfin.ray; name another folder, or use overwrite=True"
        raise FileError(message, output)
    store.remove(OWN)
    return None


def clip(value, least, most):
    return max(least, min(value, most))


def make_plan(num_photos, num_slots, block_bytes):
    """The sizes of blocks: small enough for memory, and several for each worker."""
    per_slot = -(-num_photos // (2 * num_slots))
    # Voters under a word are more, once words are as many as they get.
    crowd = max(1, num_photos * VOTERS // MAX_WORDS // VOTERS_OF_A_WORD)
    vote_photos = 1 << clip(block_bytes // (VOTE_BYTES * crowd), 16, 4096).bit_length() - 1
    while vote_photos > max(BLOCK, per_slot):
        vote_photos //= 2
    least = max(BLOCK, vote_photos)
    range_photos = least * clip(-(-per_slot // least), 1, max(1, block_bytes // GLOBAL_BYTES // least))
    return {
        "block_bytes": block_bytes,
        # Photos in a part of features; that vote together, of which the votes are counted together; compared by
        # global descriptor, whose pairs are together; and those that they are compared with.
        "part_photos": clip(-(-num_photos // (4 * num_slots)), 64, min(2048, max(64, block_bytes >> 16))),
        "voter_photos": clip(per_slot, BLOCK, max(BLOCK, block_bytes // VOTE_BYTES)),
        "vote_photos": vote_photos,
        "range_photos": range_photos,
        "tile_photos": TILE * clip(-(-range_photos // TILE), 1, max(1, block_bytes // GLOBAL_BYTES // TILE)),
        "word_ranges": clip(-(-num_photos * VOTER_BYTES // (block_bytes // 2)), min(2 * num_slots, 64), 4096),
        "all_pairs": block_bytes // 100,
        "unit_pairs": clip(num_photos * 30 // (4 * num_slots), 512, 32768),
    }


def spans(total, step):
    return [(start, min(total, start + step)) for start in range(0, total, step)]


class Clustering:
    """The stages of a job, in their order."""

    def __init__(self, job, runner, photos):
        self.job = job
        self.runner = runner
        self.photos = photos
        self.plan = job.plan
        self.store = job.store

    def run(self):
        self.extract()
        options = self.job.block_options()
        if options.verifies_all(self.num_photos):
            pair_parts = self.every_pair()
        else:
            pair_parts = self.propose(options.candidates)
        edge_parts, prior = self.verify(options, pair_parts)
        num_edges = sum(info["num_rows"] for _, info in pair_parts)
        num_clusters = self.cluster(options, edge_parts, num_edges)
        return {
            "num_photos": self.num_photos,
            "num_failures": self.num_failures,
            "num_edges": num_edges,
            "num_clusters": num_clusters,
            "prior_log_odds": prior,
        }

    def extract(self):
        names, step = self.photos.names, self.plan["part_photos"]
        parts = spans(len(names), step)
        if self.photos.rows is None:
            others = self.photos.may_be_others
            units = [
                # A copy: a slice takes all names with it.
                (f"{number:06}", ("names", start, pa.array(names[start:stop].to_pylist(), names.type), others))
                for number, (start, stop) in enumerate(parts)
            ]
        else:
            rows = self.photos.rows
            raw = [
                (f"{number:06}", (path, groups, places, rows.path_column))
                for number, (_, path, groups, places) in enumerate(rows.units(step))
            ]
            infos = self.runner.run("parts/extracted", raw)
            found = routes([f"parts/extracted/{unit}" for unit, _ in raw], infos)
            units = [(f"{number:06}", ("rows", found.get(number, []))) for number in range(len(parts))]
        infos = self.runner.run("parts/features", units)
        self.job.counts = [info["num_photos"] for info in infos]
        self.num_photos = sum(self.job.counts)
        self.failing = [number for number, info in enumerate(infos) if info["num_failures"]]
        self.photo_tables()
        failures = self.write_failures(infos)
        self.num_failures = len(failures)
        if self.num_photos == 0:
            reasons = [f"{row['path']}: {row['reason']}" for row in failures.slice(0, 3).to_pylist()]
            raise FormatError("; ".join(["no photos that can be read", *reasons]))

    def write_failures(self, infos):
        tables = [pa.table([list(column) for column in zip(*self.photos.failures)] or [[], []], schema=FAILURES)]
        for number in self.failing:
            with self.store.open(feature_name(number)) as part:
                # Failures are the last row group.
                tables.append(part.read(["path", "reason"], [part.num_groups - 1]))
        table = pa.concat_tables(tables)
        table = table.take(pc.sort_indices(table, sort_keys=[("path", "ascending"), ("reason", "ascending")]))
        name = "failures.parquet/000000"
        self.store.make_folder("failures.parquet")
        with self.store.write(name, FAILURES) as writer:
            writer.write(table)
            writer.close()
        return table

    def every_pair(self):
        count = self.num_photos
        step = clip(self.plan["all_pairs"] // max(1, count), 1, count)
        units = [(f"{n:06}", ("all", *span, count)) for n, span in enumerate(spans(count, step))]
        infos = self.runner.run("parts/pairs", units)
        return [(f"parts/pairs/{unit}", info) for (unit, _), info in zip(units, infos)]

    def propose(self, candidates):
        _, num_voted, num_voters = candidates
        plan, count = self.plan, self.num_photos
        near = [
            (f"{a:06}-{b:06}", (*span, *other))
            for a, span in enumerate(spans(count, plan["range_photos"]))
            for b, other in enumerate(spans(count, plan["tile_photos"]))
        ]
        numbered = [(f"{number:06}", (number,)) for number, photos in enumerate(self.job.counts) if photos]
        self.runner.run("parts/globals", numbered)
        infos = self.runner.run("parts/nearest", near)
        near_routes = routes([f"parts/nearest/{unit}" for unit, _ in near], infos)
        vote_routes = self.vote(num_voters) if num_voted else {}
        units = [
            (f"{number:06}", (near_routes.get(number, []), vote_routes.get(number, [])))
            for number in range(len(spans(count, plan["vote_photos"])))
        ]
        infos = self.runner.run("parts/proposed", units)
        found = routes([f"parts/proposed/{unit}" for unit, _ in units], infos)
        units = [
            (f"{number:06}", ("proposed", found.get(number, [])))
            for number in range(len(spans(count, plan["range_photos"])))
        ]
        infos = self.runner.run("parts/pairs", units)
        return [(f"parts/pairs/{unit}", info) for (unit, _), info in zip(units, infos)]

    def vote(self, num_voters):
        """The votes of each run of photos: where they are."""
        plan, job = self.plan, self.job
        chosen = WordPhotos(num_voters)
        first = 0
        for number, count in enumerate(job.counts):
            if count == 0:
                continue
            with self.store.open(f"photos.parquet/{number:06}") as part:
                table = part.read(["content_hash", "num_keypoints"])
            chosen.add(first, b"".join(table["content_hash"].to_pylist()), numbers(table, "num_keypoints"))
            first += count
        chosen = chosen.photos()
        if len(chosen) == 0:
            return {}
        starts = np.concatenate([[0], np.cumsum(job.counts)])
        parts = np.searchsorted(starts, chosen, side="right") - 1
        units = [(f"{number:06}", (np.sort(chosen[parts == number]),)) for number in np.unique(parts)]
        infos = self.runner.run("parts/word_rows", units)
        names = [f"parts/word_rows/{unit}" for unit, _ in units]
        dim = max(info["dim"] for info in infos)
        [info] = self.runner.run("parts/words", [("0", (names, dim, chosen))])
        num_words = info["num_words"]
        units = [
            (f"{number:06}", (*span, dim, num_words))
            for number, span in enumerate(spans(self.num_photos, plan["range_photos"]))
        ]
        infos = self.runner.run("parts/voters", units)
        found = routes([f"parts/voters/{unit}" for unit, _ in units], infos)
        units = [(f"{number:06}", (own,)) for number, own in sorted(found.items())]
        infos = self.runner.run("parts/votes", units)
        return routes([f"parts/votes/{unit}" for unit, _ in units], infos)

    def verify(self, options, pair_parts):
        """Names of the parts of edges, and the prior."""
        units, of_part = [], []
        for number, (name, info) in enumerate(pair_parts):
            groups = range(-(-info["num_rows"] // self.plan["unit_pairs"]))
            own = [(f"{number:06}-{group:06}", (name, group)) for group in groups]
            units += own
            of_part.append([f"parts/compared/{unit}" for unit, _ in own])
        self.runner.run("parts/verified", units)
        names = [f"parts/verified/{unit}" for unit, _ in units]
        least = ray.put(least_worth(self.store, names, self.num_photos))
        self.runner.run("parts/compared", [(unit, (name, least)) for (unit, _), name in zip(units, names)])
        names = [name for own in of_part for name in own]
        rivals = Rivals(self.num_photos)
        prior = options.prior(counted_log_odds(self.store, names, options, rivals))
        self.strongest = rivals.strongest(prior)
        del rivals
        units = [(f"{number:06}", (own, prior)) for number, own in enumerate(of_part)]
        self.runner.run("edges.parquet", units)
        return [f"edges.parquet/{unit}" for unit, _ in units], prior

    def cluster(self, options, edge_parts, num_edges):
        """Writes the clusters; returns their number."""
        count = self.num_photos
        clusters = self.clusters_of(edge_parts, num_edges, Counts(self.strongest), "parts/first_")[0]
        self.strongest = None
        balance = links_of(self.store, edge_parts, options, clusters)
        del clusters
        counts = Counts(strongest_of(self.store, edge_parts, options, balance, count), balance)
        first, score, is_representative = self.clusters_of(edge_parts, num_edges, counts, "parts/")
        # The largest cluster first, of equals that with the first photo.
        found, place, sizes = np.unique(first, return_inverse=True, return_counts=True)
        rank = np.empty(len(found), dtype=np.uint32)
        rank[np.lexsort((found, -sizes))] = np.arange(len(found), dtype=np.uint32)
        labels = rank[place]
        units = [
            (f"{number:06}", (start, labels[start:stop], score[start:stop], is_representative[start:stop]))
            for number, (start, stop) in enumerate(spans(count, self.plan["range_photos"]))
        ]
        self.runner.run("clusters.parquet", units)
        return len(found)

    def clusters_of(self, edge_parts, num_edges, counts, stages):
        """For each photo the first photo of its cluster, its score, and whether it represents the cluster."""
        count = self.num_photos
        counts = ray.put(counts)
        units = [(f"{number:06}", (name, counts)) for number, name in enumerate(edge_parts)]
        self.runner.run(f"{stages}links", units)
        components = Components(count)
        for unit, _ in units:
            with self.store.open(f"{stages}links/{unit}") as part:
                for group in range(part.num_groups):
                    table = part.read(["image1", "image2"], [group])
                    components.join(numbers(table, "image1"), numbers(table, "image2"))
        component = components.first_photos()
        first = np.arange(count, dtype=np.uint32)
        score = np.ones(count)
        is_representative = np.ones(count, dtype=bool)
        sizes = np.bincount(component, minlength=count)
        roots = np.flatnonzero(sizes > 1)
        if len(roots) == 0:
            return first, score, is_representative
        # Components in turn, until a batch has about as many photos as a range.
        step = max(BLOCK, self.plan["range_photos"])
        batch_of_root = np.full(count, -1, dtype=np.int32)
        batch_of_root[roots] = (np.cumsum(sizes[roots]) - sizes[roots]) // step
        batches = batch_of_root[component]
        shared = ray.put(batches)
        units = [(f"{number:06}", (name, shared, counts)) for number, name in enumerate(edge_parts)]
        infos = self.runner.run(f"{stages}grouped", units)
        found = routes([f"{stages}grouped/{unit}" for unit, _ in units], infos)
        has_all_pairs = num_edges == count * (count - 1) // 2
        members = np.flatnonzero(batches >= 0)
        order = members[np.argsort(batches[members], kind="stable")]
        numbers_, starts = np.unique(batches[order], return_index=True)
        units = [
            (f"{number:06}", (photos, found.get(int(number), []), has_all_pairs))
            for number, photos in zip(numbers_.tolist(), np.split(order, starts[1:]))
        ]
        self.runner.run(f"{stages}clustered", units)
        for unit, _ in units:
            with self.store.open(f"{stages}clustered/{unit}") as part:
                table = part.read()
            photos = numbers(table, "photo")
            first[photos] = numbers(table, "first")
            score[photos] = numbers(table, "score")
            is_representative[photos] = numbers(table, "is_representative")
        return first, score, is_representative

    def photo_tables(self):
        starts = np.concatenate([[0], np.cumsum(self.job.counts)])
        units = [
            (f"{number:06}", (number, int(starts[number]))) for number, count in enumerate(self.job.counts) if count
        ]
        self.runner.run("photos.parquet", units)
