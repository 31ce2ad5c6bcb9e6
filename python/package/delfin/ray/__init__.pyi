"""Sorts collections of photos on a Ray cluster, too large for one machine.

Columns of Parquet are described at the methods of ``RayClusterResult``.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, TypeAlias

import fsspec
import pyarrow as pa
import pyarrow.fs

import delfin

_Path: TypeAlias = str | PathLike[str]
_FileSystem: TypeAlias = pyarrow.fs.FileSystem | fsspec.AbstractFileSystem
_Progress: TypeAlias = bool | Callable[[str, int, int], object] | None

class RayClusterResult:
    """The clusters of a collection, as Parquet in the output folder; its length is the number of clusters.

    Tables of a large collection do not fit memory: ``paths`` are folders of parts, which Ray Data, pyarrow.dataset,
    DuckDB or Spark read piece by piece.
    """

    @property
    def output(self) -> str:
        """The output folder."""
    @property
    def paths(self) -> dict[str, str]:
        """Folder of Parquet parts of ``photos``, ``edges``, ``clusters`` and ``failures``."""
    @property
    def num_photos(self) -> int:
        """Photos that could be read."""
    @property
    def num_failures(self) -> int: ...
    @property
    def num_edges(self) -> int:
        """Pairs verified."""
    @property
    def num_clusters(self) -> int: ...
    @property
    def prior_log_odds(self) -> float:
        """Prior of the collection: added to the log-odds of each pair, 0 or less."""
    @property
    def stages(self) -> dict[str, dict[str, Any]]:
        """By stage: ``blocks``, those ``reused`` and ``retried``, ``seconds``; and of all workers ``work_seconds``,
        ``processor_seconds``, ``bytes_read`` of photos and Parquet, ``bytes_written``, and ``memory_kb``, that of the
        largest worker at most until then."""
    def photos(self) -> pa.Table:
        """photo (uint32, its number), path, content_hash (32 bytes), width, height (pixels, upright), num_keypoints;
        sorted by path."""
    def edges(self) -> pa.Table:
        """Every pair verified, sorted: image1, image2 (uint32, numbers of photos), num_matches, num_inliers, log_odds
        (float64, with the prior), probability (float64), and null where the pixels were not compared: relation
        ("copy", "view"), agreement, contradiction, explained1, explained2, color_difference, replaced (float32)."""
    def clusters(self) -> pa.Table:
        """photo, path, cluster (uint32, 0 is the largest), score (float64, 0 to 1), is_representative (bool); sorted by
        path."""
    def failures(self) -> pa.Table:
        """path, reason; sorted by path."""
    def __len__(self) -> int: ...

def cluster(
    source: _Path | Sequence[_Path] | pa.Array,
    output: _Path,
    *,
    filesystem: _FileSystem | None = None,
    output_filesystem: _FileSystem | None = None,
    path_column: str | None = None,
    bytes_column: str | None = None,
    overwrite: bool = False,
    model: _Path | delfin.Model | None = None,
    max_features: int | None = None,
    max_size: int | None = None,
    scales: Sequence[float] | None = None,
    min_probability: float | None = None,
    min_inliers: int | None = None,
    copies_only: bool = False,
    mirrored: bool = False,
    exhaustive: bool = False,
    judgement: _Path | None = None,
    cpus_per_worker: int = 1,
    memory_per_worker: int | None = None,
    block_bytes: int | None = None,
    max_retries: int = 3,
    progress: _Progress = None,
) -> RayClusterResult:
    """Groups a collection of photos into clusters that show the same thing, on the Ray cluster of this process.

    The same photos and options give the same edges and clusters as ``delfin.cluster``, to the bit, on any number of
    workers. ``source`` is a folder, a list of paths, or Parquet (``.parquet``) with a column of paths, or of paths and
    bytes; paths may be URIs. ``output`` is a folder or URI. A job that was stopped resumes from the parts in
    ``output`` when it is called again with the same photos and options; parts of another job are refused without
    ``overwrite``. ``memory_per_worker`` and ``block_bytes`` are in bytes. A photo that cannot be read is a failure,
    not an error. Stages of ``progress``: extracted, features, photos, globals, nearest, word_rows, words, voters,
    votes, proposed, pairs, verified, compared, edges, first_links, first_grouped, first_clustered, links, grouped,
    clustered, clusters.
    """
