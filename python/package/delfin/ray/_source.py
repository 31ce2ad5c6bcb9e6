"""Photos of a folder, of a list, or of Parquet files; and how a worker reads them."""

import hashlib
import os
import posixpath
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs
import pyarrow.parquet as pq

from .._delfin import MAX_FILE_BYTES, file_states, list_folder, name_of
from .._errors import FileError, FormatError, OptionError
from ._parts import THREADS, Moved, filesystem_of

TRIES = 3


class Photos:
    """The photos of a job, in the driver: names (sorted, each once), and what tells whether they changed."""

    def __init__(self, opener, names, fingerprint, failures=(), notes=(), may_be_others=False, rows=None):
        self.opener = opener
        self.names = names
        self.fingerprint = fingerprint
        self.failures = list(failures)
        self.notes = list(notes)
        # Whether names may be of files that are no photos.
        self.may_be_others = may_be_others
        # Of Parquet files with bytes: the rows to read.
        self.rows = rows


class Opener:
    """How a worker reads the photo of a name. Pickles, if its filesystem does."""

    def __init__(self, root, filesystem=None, may_be_uris=False, bytes_column=None):
        self.root = root
        self.filesystem = filesystem
        self.may_be_uris = may_be_uris
        self.bytes_column = bytes_column

    def read(self, names):
        """For each name the bytes of its file, None where it is a local file, or an OSError."""
        is_local = [self.filesystem is None and not (self.may_be_uris and "://" in name) for name in names]
        for name, here in zip(names, is_local):
            Moved.read += self.size(name) if here else 0
        if all(is_local):
            return [None] * len(names)
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(lambda pair: None if pair[1] else self.read_one(pair[0]), zip(names, is_local)))

    def size(self, name):
        """Bytes of a local file, which the extractor reads itself; 0 where that is not known."""
        try:
            return os.path.getsize(os.path.join(self.root, name))
        except (OSError, ValueError):
            return 0

    def read_one(self, name):
        for attempt in range(TRIES):
            try:
                filesystem, path = self.filesystem, posixpath.join(self.root, name)
                if filesystem is None:
                    filesystem, path = filesystem_of(name)
                with filesystem.open_input_file(path) as file:
                    if file.size() > MAX_FILE_BYTES:
                        return OSError(f"the file is longer than {MAX_FILE_BYTES} bytes")
                    data = file.read()
                    Moved.read += len(data)
                    return data
            except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
                return error
            except OSError as error:
                if attempt == TRIES - 1:
                    return error
                time.sleep(0.5 * 2**attempt)

    def local_root(self):
        """The folder that names of local files stand below."""
        return self.root if self.filesystem is None else "/"


def find_photos(source, filesystem, path_column, bytes_column):
    """The photos of a source, as ``cluster`` describes it."""
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if path_column is not None or bytes_column is not None or path.rstrip("/").endswith((".parquet", ".pq")):
            return of_parquet(path, filesystem, path_column or "path", bytes_column)
        if filesystem is None and "://" not in path:
            return of_local_folder(path)
        return of_folder(*filesystem_of(path, filesystem), path)
    if path_column is not None or bytes_column is not None:
        raise OptionError("path_column, bytes_column: a list of photos has no columns; give the path of Parquet files")
    try:
        given = source.to_pylist() if isinstance(source, (pa.Array, pa.ChunkedArray)) else list(source)
        given = [os.fspath(item) for item in given]
    except TypeError as error:
        message = f"source: {type(source).__name__} given; a folder, a list of paths or Parquet files wanted ({error})"
        raise OptionError(message) from error
    return of_list(given, filesystem)


def of_local_folder(path):
    if not os.path.isdir(path):
        reason = "a file; a folder of photos wanted" if os.path.exists(path) else "no such folder"
        raise FileError(f"{path}: {reason}", path)
    root = os.path.abspath(path)
    names, failures, notes = list_folder(root)
    names = pa.array(sorted(names), pa.large_string())
    return Photos(Opener(root), names, of_states(root, names), failures, notes)


def of_folder(filesystem, root, given):
    """A folder of another filesystem: its files, but for names that begin with a dot."""
    root = root.rstrip("/")
    if isinstance(filesystem, pa.fs.LocalFileSystem):
        return of_local_folder(root)
    try:
        infos = filesystem.get_file_info(pa.fs.FileSelector(root, recursive=True))
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{given}: {error}", given) from error
    found = []
    for info in infos:
        if info.type != pa.fs.FileType.File:
            continue
        name = info.path[len(root) :].lstrip("/") if info.path.startswith(root) else info.path
        if not any(part.startswith(".") for part in name.split("/")):
            found.append((name, info.size or 0, info.mtime_ns or 0))
    found.sort()
    names = pa.array([name for name, _, _ in found], pa.large_string())
    state = np.array([(size, changed) for _, size, changed in found], dtype=np.int64).reshape(-1, 2)
    opener = Opener(root, filesystem)
    return Photos(opener, names, fingerprint(names, state), may_be_others=True)


def of_list(given, filesystem):
    root = os.getcwd()
    if filesystem is not None:
        filesystem, _ = filesystem_of("", filesystem)
        if isinstance(filesystem, pa.fs.LocalFileSystem):
            filesystem = None
    may_be_uris = filesystem is None
    if may_be_uris:
        given = [name if isinstance(name, str) and "://" in name else name_of(name) for name in given]
    elif not all(isinstance(name, str) for name in given):
        raise OptionError("source: paths as text wanted with a filesystem")
    names = pa.array(sorted(set(given)), pa.large_string())
    if filesystem is None:
        state = of_states(root, names)
    else:
        state = fingerprint(names, of_infos(filesystem, names))
    return Photos(Opener("" if filesystem else root, filesystem, may_be_uris), names, state)


def of_infos(filesystem, names):
    state = np.full((len(names), 2), -1, dtype=np.int64)
    for start in range(0, len(names), 1000):
        infos = filesystem.get_file_info(names[start : start + 1000].to_pylist())
        for at, info in enumerate(infos, start):
            if info.type == pa.fs.FileType.File:
                state[at] = info.size or 0, info.mtime_ns or 0
    return state


def of_states(root, names):
    """The fingerprint of local files; URIs among them by their names alone."""
    return fingerprint(names, np.stack(file_states(root, names.to_pylist()), 1))


def fingerprint(names, state):
    """What changes with names, sizes and times of change."""
    digest = hashlib.sha256()
    for start in range(0, len(names), 1 << 16):
        for name in names[start : start + (1 << 16)].to_pylist():
            digest.update(name.encode())
            digest.update(b"\0")
    digest.update(np.ascontiguousarray(state, dtype="<i8").tobytes())
    return digest.hexdigest()


def of_parquet(given, filesystem, path_column, bytes_column):
    filesystem_given = filesystem
    filesystem, root = filesystem_of(given, filesystem)
    if isinstance(filesystem, pa.fs.LocalFileSystem):
        root = os.path.abspath(root)
    info = filesystem.get_file_info(root)
    if info.type == pa.fs.FileType.NotFound:
        raise FileError(f"{given}: no such file or folder", given)
    if info.type == pa.fs.FileType.Directory:
        infos = filesystem.get_file_info(pa.fs.FileSelector(root, recursive=True))
        infos = [i for i in infos if i.type == pa.fs.FileType.File and not i.base_name.startswith((".", "_"))]
        infos.sort(key=lambda i: i.path)
    else:
        infos = [info]
    if not infos:
        raise FormatError(f"{given}: a folder without Parquet files", given)
    names, groups, bytes_found = [], [], bytes_column
    for number, info in enumerate(infos):
        try:
            with filesystem.open_input_file(info.path) as file, pq.ParquetFile(file) as parquet:
                columns = parquet.schema_arrow.names
                if path_column not in columns:
                    message = f"{info.path}: no column {path_column!r}; there are {', '.join(columns)}"
                    raise FormatError(message, info.path)
                if bytes_column is None and number == 0 and "bytes" in columns:
                    bytes_found = "bytes"
                if bytes_found is not None and bytes_found not in columns:
                    message = f"{info.path}: no column {bytes_found!r}; there are {', '.join(columns)}"
                    raise FormatError(message, info.path)
                if bytes_found is not None:
                    kind = parquet.schema_arrow.field(bytes_found).type
                    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
                        message = f"{info.path}: column {bytes_found!r} is of {kind}; the bytes of files wanted"
                        raise FormatError(message, info.path)
                column = parquet.read(columns=[path_column])[path_column]
                if pa.types.is_dictionary(column.type):
                    column = column.cast(column.type.value_type)
                counts = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
        except FormatError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise FormatError(f"{info.path}: not a readable Parquet file: {error}", info.path) from error
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            message = f"{info.path}: column {path_column!r} is of {column.type}; text wanted"
            raise FormatError(message, info.path)
        if column.null_count:
            raise FormatError(f"{info.path}: a row of column {path_column!r} has no path", info.path)
        names.append(column.cast(pa.large_string()).combine_chunks())
        groups.extend((number, group, count) for group, count in enumerate(counts))
    names = pa.concat_arrays([chunk for array in names for chunk in chunks(array)])
    if bytes_found is None:
        return of_list(names.to_pylist(), filesystem_given)
    order = pc.sort_indices(names).to_numpy()
    ordered = names.take(pa.array(order))
    if len(ordered) > 1:
        same = pc.equal(ordered[1:], ordered[:-1])
        if pc.any(same).as_py():
            twice = ordered[1:].filter(same)[0].as_py()
            raise FormatError(f"{given}: the path {twice!r} stands there twice", given)
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    state = np.array([(i.size or 0, i.mtime_ns or 0) for i in infos], dtype=np.int64)
    files = [i.path for i in infos]
    key = fingerprint(pa.array(files, pa.large_string()), state)
    opener = Opener("", filesystem, bytes_column=bytes_found)
    rows = Rows(files, groups, places, path_column)
    return Photos(opener, ordered, key, rows=rows)


def chunks(array):
    return array.chunks if isinstance(array, pa.ChunkedArray) else [array]


class Rows:
    """The rows of Parquet files with bytes."""

    def __init__(self, files, groups, places, path_column):
        self.files = files
        # File, row group and its number of rows.
        self.groups = groups
        # For each row its place among the names.
        self.places = places
        self.path_column = path_column

    def units(self, num_rows):
        """Runs of row groups of one file with about so many rows: file, its path, row groups, places."""
        start = 0
        run, count = [], 0
        for at, (file, group, rows) in enumerate(self.groups):
            run.append(group)
            count += rows
            is_last = at + 1 == len(self.groups) or self.groups[at + 1][0] != file
            if count >= num_rows or is_last:
                yield file, self.files[file], run, self.places[start : start + count]
                start += count
                run, count = [], 0
