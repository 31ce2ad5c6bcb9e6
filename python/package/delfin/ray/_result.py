"""What a job on Ray has found."""

import posixpath

import pyarrow as pa
import pyarrow.fs

from .._errors import FileError
from ._parts import Part

TABLES = ("photos", "edges", "clusters", "failures")


class RayClusterResult:
    """The clusters of a collection, as Parquet in the output folder."""

    def __init__(self, store, told):
        self._store = store
        self._told = told

    @property
    def output(self):
        """The output folder."""
        return self._store.root

    @property
    def paths(self):
        """Folder of Parquet parts of each table: photos, edges, clusters, failures."""
        return {name: posixpath.join(self.output, f"{name}.parquet") for name in TABLES}

    @property
    def num_photos(self):
        return self._told["num_photos"]

    @property
    def num_failures(self):
        return self._told["num_failures"]

    @property
    def num_edges(self):
        return self._told["num_edges"]

    @property
    def num_clusters(self):
        return self._told["num_clusters"]

    @property
    def prior_log_odds(self):
        """What the collection's own pairs add to the log-odds of each."""
        return self._told["prior_log_odds"]

    @property
    def stages(self):
        """By stage: blocks, those reused and retried, seconds, seconds of all workers, bytes read and written."""
        return self._told["stages"]

    def photos(self):
        """photo, path, content_hash, width, height, num_keypoints; sorted by path."""
        return self._table("photos")

    def edges(self):
        """Every pair verified, sorted."""
        return self._table("edges")

    def clusters(self):
        """photo, path, cluster (0 is the largest), score (0 to 1), is_representative; sorted by path."""
        return self._table("clusters")

    def failures(self):
        """path and reason; sorted by path."""
        return self._table("failures")

    def __len__(self):
        return self.num_clusters

    def __repr__(self):
        counts = [(self.num_photos, "photo"), (self.num_clusters, "cluster"), (self.num_failures, "failure")]
        counted = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
        return f"<delfin.ray.RayClusterResult: {counted}, {self.output}>"

    def _table(self, name):
        folder = self.paths[name]
        infos = self._store.filesystem.get_file_info(pa.fs.FileSelector(folder))
        names = sorted(info.base_name for info in infos if info.base_name.endswith(".parquet"))
        tables = []
        for part_name in names:
            path = f"{name}.parquet/{part_name.removesuffix('.parquet')}"
            try:
                with Part(self._store, path) as part:
                    tables.append(part.file.read())
            except (OSError, ValueError, pa.ArrowException) as error:
                path = self._store.at(path)
                raise FileError(f"{path}: {error}; run the job again, which computes it again", path) from error
        return pa.concat_tables(tables)
