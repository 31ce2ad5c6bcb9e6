"""What a worker does with one block: reads parts, calls delfin, writes one part.

The function of a stage takes the job, the name of its part and its own arguments, and returns what the part's metadata
says. Photos have numbers in the order of their names, without those that cannot be used.
"""

import functools
import os
import time

from .._delfin import BlockOptions, set_num_threads
from . import _candidates, _extract, _groups, _pairs
from ._parts import FeatureReader, Moved

try:
    import resource
except ImportError:
    # Not on Windows.
    resource = None


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


STAGES = {
    "parts/extracted": _extract.extract_rows,
    "parts/features": _extract.features_stage,
    "photos.parquet": _extract.photo_table,
    "parts/globals": _extract.globals_of,
    "parts/nearest": _candidates.nearest,
    "parts/word_rows": _candidates.word_rows,
    "parts/words": _candidates.words,
    "parts/voters": _candidates.voters,
    "parts/votes": _candidates.votes,
    "parts/proposed": _candidates.proposed,
    "parts/pairs": _pairs.pairs_stage,
    "parts/verified": _pairs.verified,
    "parts/compared": _pairs.compared,
    "edges.parquet": _pairs.edges,
    "parts/first_links": _groups.links,
    "parts/first_grouped": _groups.grouped,
    "parts/first_clustered": _groups.clustered,
    "parts/links": _groups.links,
    "parts/grouped": _groups.grouped,
    "parts/clustered": _groups.clustered,
    "clusters.parquet": _groups.cluster_table,
}
