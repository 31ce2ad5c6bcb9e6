"""Parts: Parquet files that appear whole or not at all, and tell which job they belong to.

A part is written under a temporary name and renamed. Its metadata holds the job's key, what its task told of it, and
for each row group the destination that its rows are for, so that a later task reads its own row groups alone.
"""

import contextlib
import json
import posixpath
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from .._errors import FileError, OptionError

# Photos in a row group of features: a photo is read with the others of its row group.
GROUP = 4
# Row groups, and files, of one worker that are read at a time.
THREADS = 8


class Moved:
    """Bytes of columns that this process has read, and of parts that it has written."""

    read = 0
    written = 0


def filesystem_of(path, filesystem=None):
    """The pyarrow filesystem of a path or URI, and the path in it."""
    if filesystem is not None:
        if not isinstance(filesystem, pa.fs.FileSystem):
            if not hasattr(filesystem, "protocol"):
                given = type(filesystem).__name__
                raise OptionError(f"filesystem: {given} given; a filesystem of pyarrow or fsspec wanted")
            filesystem = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(filesystem))
        return filesystem, path
    if "://" in path:
        try:
            return pa.fs.FileSystem.from_uri(path)
        except (pa.ArrowException, ValueError, OSError) as error:
            raise FileError(f"{path}: {error}", path) from error
    return pa.fs.LocalFileSystem(), path


class Store:
    """The output folder of a job. Pickles, if its filesystem does."""

    def __init__(self, filesystem, root, key=None):
        self.filesystem = filesystem
        self.root = root.rstrip("/") or "/"
        self.key = key

    def at(self, name):
        return posixpath.join(self.root, f"{name}.parquet")

    def text(self, name):
        """The content of a small file; None where there is none."""
        try:
            with self.filesystem.open_input_stream(posixpath.join(self.root, name)) as file:
                return file.read().decode()
        except FileNotFoundError:
            return None

    def put_text(self, name, text):
        self.filesystem.create_dir(self.root, recursive=True)
        path = posixpath.join(self.root, name)
        temporary = temporary_name(path)
        with self.filesystem.open_output_stream(temporary) as file:
            file.write(text.encode())
        self.filesystem.move(temporary, path)

    def names(self):
        """Names in the folder; none where it is not there."""
        selector = pa.fs.FileSelector(self.root, allow_not_found=True)
        return [info.base_name for info in self.filesystem.get_file_info(selector)]

    def remove(self, names):
        """Removes files and folders of these names."""
        for name in names:
            path = posixpath.join(self.root, name)
            info = self.filesystem.get_file_info(path)
            if info.type == pa.fs.FileType.Directory:
                self.filesystem.delete_dir(path)
            elif info.type == pa.fs.FileType.File:
                self.filesystem.delete_file(path)

    def remove_temporary(self, folders):
        """Removes what a run that was stopped had begun to write."""
        for folder in folders:
            selector = pa.fs.FileSelector(posixpath.join(self.root, folder), allow_not_found=True, recursive=True)
            for info in self.filesystem.get_file_info(selector):
                if info.base_name.startswith(".") and info.base_name.endswith(".tmp"):
                    self.filesystem.delete_file(info.path)

    def make_folder(self, name):
        self.filesystem.create_dir(posixpath.join(self.root, name), recursive=True)

    def open(self, name):
        return Part(self, name)

    def check(self, name):
        """What the metadata of a whole part of this job says; None where there is none, or it is damaged."""
        try:
            with self.open(name) as part:
                info = part.info
                if info is None or info["key"] != self.key:
                    return None
                for group in range(part.num_groups):
                    part.file.read_row_group(group)
                return info
        except (OSError, ValueError, pa.ArrowException, KeyError):
            return None

    def write(self, name, schema, compression="zstd"):
        return PartWriter(self, name, schema, compression)


def temporary_name(path):
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name}.{uuid.uuid4().hex}.tmp")


class Part:
    """A part that is read; checksums are verified."""

    def __init__(self, store, name):
        self.path = store.at(name)
        self.source = store.filesystem.open_input_file(self.path)
        try:
            self.file = pq.ParquetFile(self.source, page_checksum_verification=True, pre_buffer=False)
        except BaseException:
            self.source.close()
            raise
        metadata = self.file.metadata.metadata or {}
        self.info = json.loads(metadata[b"delfin"]) if b"delfin" in metadata else None
        self.num_groups = self.file.num_row_groups

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.source.close()

    def read(self, columns=None, groups=None):
        if groups is None:
            table = self.file.read(columns=columns, use_threads=False)
        else:
            table = self.file.read_row_groups(groups, columns=columns, use_threads=False)
        Moved.read += table.nbytes
        return table


class PartWriter:
    """A part that is written; ``close`` makes it appear."""

    def __init__(self, store, name, schema, compression):
        self.store = store
        self.name = name
        self.schema = schema
        self.path = store.at(name)
        self.temporary = temporary_name(self.path)
        self.sink = store.filesystem.open_output_stream(self.temporary)
        self.writer = pq.ParquetWriter(
            self.sink,
            schema,
            compression=compression,
            use_dictionary=False,
            write_page_checksum=True,
            # Statistics of many small row groups are as large as what they describe.
            write_statistics=not name.startswith("parts/"),
        )
        self.destinations = []
        self.num_rows = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.sink.closed:
            return
        # The first error is the one to tell.
        with contextlib.suppress(OSError, pa.ArrowException):
            self.writer.close()
        with contextlib.suppress(OSError, pa.ArrowException):
            self.sink.close()
        with contextlib.suppress(OSError, pa.ArrowException):
            self.store.filesystem.delete_file(self.temporary)

    def write(self, columns, destination=None):
        """Writes one row group of a table, or of a dict of columns."""
        if isinstance(columns, dict):
            columns = pa.table({field.name: columns[field.name] for field in self.schema}, schema=self.schema)
        if len(columns) == 0:
            return
        self.writer.write_table(columns, row_group_size=len(columns))
        self.destinations.append(destination)
        self.num_rows += len(columns)

    def close(self, **info):
        """Ends the part; returns its info with the given entries."""
        info = {"key": self.store.key, "num_rows": self.num_rows, **info}
        if any(destination is not None for destination in self.destinations):
            info["destinations"] = self.destinations
        self.writer.add_key_value_metadata({"delfin": json.dumps(info)})
        self.writer.close()
        Moved.written += self.sink.tell()
        self.sink.close()
        self.store.filesystem.move(self.temporary, self.path)
        return info


def routes(names, infos):
    """For each destination the parts that hold rows for it: ``[(name, row groups)]``, in the order of the parts."""
    found = {}
    for name, info in zip(names, infos):
        groups = {}
        for group, destination in enumerate(info.get("destinations", [])):
            groups.setdefault(destination, []).append(group)
        for destination, own in groups.items():
            found.setdefault(destination, []).append((name, own))
    return found


def read_routes(store, routes, schema):
    """The rows of many parts as one table."""
    tables = [schema.empty_table()]
    for part_name, groups in routes:
        with store.open(part_name) as part:
            tables.append(part.read(groups=groups))
    return pa.concat_tables(tables)


def by_destination(destinations):
    """Rows sorted by destination, in their order: ``(destination, rows)``."""
    order = np.argsort(destinations, kind="stable")
    found, starts = np.unique(destinations[order], return_index=True)
    return zip(found.tolist(), np.split(order, starts[1:]))


def fixed_rows(table, name, dtype):
    """A column of fixed-size binary values as an array, N x D."""
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    width = column.type.byte_width
    buffer = column.buffers()[1]
    size = np.dtype(dtype).itemsize
    if buffer is None or len(column) == 0:
        return np.zeros((0, width // size), dtype)
    start = column.offset * width
    values = np.frombuffer(buffer, np.uint8)[start : start + len(column) * width]
    return values.view(dtype).reshape(len(column), width // size)


def numbers(table, name):
    return table[name].to_numpy()


class FeatureReader:
    """Columns of photos by their numbers, from parts of consecutive photos."""

    # Parts that stay open, and photos that are read at a time.
    MAX_OPEN = 64
    BATCH = 256

    def __init__(self, store, counts):
        self.store = store
        self.starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self.parts = {}
        self.threads = ThreadPoolExecutor(THREADS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.threads.shutdown()
        for part in self.parts.values():
            part.close()

    def groups(self, photos, columns):
        """Yields tables of features of a few photos each and their numbers; ``photos`` ascend."""
        photos = np.asarray(photos, dtype=np.int64)
        for start in range(0, len(photos), self.BATCH):
            own = photos[start : start + self.BATCH]
            parts = np.searchsorted(self.starts, own, side="right") - 1
            wanted = np.unique(parts).tolist()
            if len(self.parts) > self.MAX_OPEN:
                for number in set(self.parts) - set(wanted):
                    self.parts.pop(number).close()
            read = self.threads.map(lambda number: self.of_part(number, own[parts == number], columns), wanted)
            yield own, pa.concat_tables(list(read))

    def of_part(self, number, photos, columns):
        if number not in self.parts:
            self.parts[number] = self.store.open(feature_name(number))
        rows = photos - self.starts[number]
        groups = np.unique(rows // GROUP)
        table = self.parts[number].read(columns, groups.tolist())
        places = np.searchsorted(groups, rows // GROUP) * GROUP + rows % GROUP
        return table.take(pa.array(places))

    def range(self, start, stop, stage, columns):
        """Columns of consecutive photos as one table, from the parts of a stage that has one for each of features."""
        tables = []
        for number in range(len(self.starts) - 1):
            first, last = max(start, self.starts[number]), min(stop, self.starts[number + 1])
            if first >= last:
                continue
            with self.store.open(f"{stage}/{number:06}") as part:
                table = part.read(columns)
            tables.append(table.slice(int(first - self.starts[number]), int(last - first)))
        return pa.concat_tables(tables)


def feature_name(number):
    return f"parts/features/{number:06}"
