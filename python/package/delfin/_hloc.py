"""Features and linked pairs of delfin as the files of hloc."""

import csv
import io
import json
import math
import os
import pathlib
from typing import NamedTuple

import numpy as np

from ._delfin import ClusterResult, Extractor, read_delf
from ._errors import FileError, FormatError

FILES = ("features.h5", "matches.h5", "pairs.txt")
# Without clusters.json, which knows the cut of its run.
CSV_MIN_PROBABILITY = 0.3


class HlocExport(NamedTuple):
    """What ``export_hloc`` has written."""

    num_photos: int
    num_pairs: int
    num_matches: int


class Entry(NamedTuple):
    """Features of one photo; ``size`` is None where nothing tells it."""

    keypoints: np.ndarray
    scores: np.ndarray
    descriptors: np.ndarray
    size: "tuple[int, int] | None"


def export_hloc(clusters, output, *, features=None, max_distance=0.9, min_probability=None, progress=None):
    """Writes features.h5, matches.h5 and pairs.txt of hloc into the folder ``output``, which must not hold them.

    features.h5 has a group for each photo's name: keypoints (N x 2, x and y, the centre of the top-left pixel at
    (0, 0)), descriptors (D x N), scores (N), image_size (width, height). matches.h5 has a group for each pair, its
    two names with "-" for "/", below one another: matches0 (N, for each keypoint of the first photo its partner's
    index or -1) and matching_scores0 (N, 1 for equal descriptors to 0). Matches are descriptors that are each other's
    nearest; hloc verifies them. Keypoints are a cell of the network wide of the mark: for a reconstruction,
    ``cluster(colmap=...)`` gives places to the pixel. Needs h5py (the extra ``hloc``).

    Parameters
    ----------
    clusters : ClusterResult, str or PathLike
        What ``cluster`` found, or its clusters.json or edges.csv. The pairs that it links are exported.
    output : str or PathLike
        Folder, made if missing.
    features : mapping or str or PathLike, optional
        Features by the photo's name, or a folder of the files of ``delfin extract`` (.json or .delf). None extracts
        them again, with the settings of the clusters.
    max_distance : float
        Largest distance of two matching descriptors.
    min_probability : float, optional
        Another cut than that of the clusters.
    progress : bool or callable, optional

    Returns
    -------
    HlocExport
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("export_hloc writes HDF5 files: pip install h5py") from error
    if min_probability is not None and not 0 < min_probability < 1:
        raise FormatError(f"min_probability: {min_probability} is not between 0 and 1")
    output = pathlib.Path(output)
    for name in FILES:
        if (output / name).exists():
            raise FileError(f"{output / name}: there already", str(output / name))
    sizes, pairs, source = read_pairs(clusters, min_probability)
    for name in sizes:
        if " " in name:
            raise FormatError(f"{name}: a name with a space has no place in hloc's list of pairs", name)
    entries = read_entries(features, list(sizes), source, progress)
    for name, entry in entries.items():
        if entry.size is None and sizes[name] is None:
            raise FormatError(f"{name}: neither .delf nor edges.csv tells a photo's size; use JSON or clusters.json")
    output.mkdir(parents=True, exist_ok=True)
    num_matches = 0
    with h5py.File(output / FILES[0], "w") as file:
        for name, entry in entries.items():
            group = file.create_group(name)
            group["keypoints"], group["scores"] = entry.keypoints, entry.scores
            group["descriptors"] = entry.descriptors.T
            group["image_size"] = np.array(entry.size or sizes[name])
    with h5py.File(output / FILES[1], "w") as file:
        for name0, name1 in pairs:
            partners, scores = match(entries[name0].descriptors, entries[name1].descriptors, max_distance)
            group = file.create_group("/".join(name.replace("/", "-") for name in (name0, name1)))
            group["matches0"], group["matching_scores0"] = partners, scores
            num_matches += int((partners >= 0).sum())
    lines = "".join(f"{name0} {name1}\n" for name0, name1 in pairs)
    (output / FILES[2]).write_text(lines, encoding="utf-8")
    return HlocExport(len(entries), len(pairs), num_matches)


def read_pairs(clusters, cut):
    """Names of photos -> width and height, where known; the linked pairs; clusters.json, where there is one."""
    if isinstance(clusters, ClusterResult):
        found, path = clusters.to_dict(), "clusters"
    else:
        path = pathlib.Path(clusters)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}", str(path)) from error
        except UnicodeDecodeError as error:
            raise FormatError(f"{path}: neither clusters.json nor edges.csv", str(path)) from error
        if path.suffix == ".csv":
            return pairs_of_csv(text, path, CSV_MIN_PROBABILITY if cut is None else cut)
        try:
            found = json.loads(text)
            version = found["version"]
        except (ValueError, TypeError, KeyError) as error:
            raise FormatError(f"{path}: not a clusters.json of delfin", str(path)) from error
        if version not in (3, 4):
            raise FormatError(f"{path}: version {version}, not 3 or 4", str(path))
    cut = found["min_probability"] if cut is None else cut
    names = [photo["path"] for photo in found["photos"]]
    sizes = {photo["path"]: (photo["width"], photo["height"]) for photo in found["photos"]}
    least = found["min_inliers"] or 1
    least_odds = math.log(cut / (1 - cut))
    copies_only = found.get("copies_only", False)
    pairs = [
        (names[pair[0]], names[pair[1]])
        for pair in found["pairs"]
        if pair[4] >= least_odds and pair[3] >= least and (not copies_only or pair[5] == "copy")
    ]
    return sizes, pairs, found


def pairs_of_csv(text, path, cut):
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    try:
        pairs = [(row["image1"], row["image2"]) for row in rows if float(row["probability"]) >= cut]
        names = {name: None for row in rows for name in (row["image1"], row["image2"])}
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: not an edges.csv of delfin", str(path)) from error
    return names, pairs, None


def read_entries(features, names, source, progress):
    """Features by name."""
    if features is None:
        return extract_entries(names, source, progress)
    if isinstance(features, (str, os.PathLike)):
        folder = pathlib.Path(features)
        return {name: read_entry(folder, name) for name in names}
    entries = {}
    for name in names:
        if name not in features:
            raise FormatError(f"{name}: no features given", name)
        entries[name] = entry_of(features[name])
    return entries


def extract_entries(names, source, progress):
    if source is None:
        raise FormatError("features: edges.csv does not tell where the photos are; name a folder of features")
    folder, settings = pathlib.Path(source["folder"]), source["extraction"]
    extractor = Extractor(
        source["model"],
        settings["max_features"],
        max_size=settings["max_size"],
        scales=settings["scales"],
    )
    found = extractor.map([folder / name for name in names], progress=progress)
    return {name: entry_of(features) for name, features in zip(names, found)}


def entry_of(features):
    size = (features.width, features.height)
    return Entry(features.keypoints, features.scores, features.descriptors, size)


def read_entry(folder, name):
    path = folder / f"{name}.json"
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            keypoints = np.array(found["keypoints"], np.float32).reshape(-1, 4)
            descriptors = np.array(found["descriptors"], np.float32).reshape(len(keypoints), -1)
            size = (found["width"], found["height"])
        except (ValueError, TypeError, KeyError) as error:
            raise FormatError(f"{path}: not features of delfin extract", str(path)) from error
        return Entry(keypoints[:, :2], keypoints[:, 3], descriptors, size)
    path = folder / f"{name}.delf"
    if not path.exists():
        raise FileError(f"{folder / name}: neither .json nor .delf there", str(folder / name))
    # The file does not tell the photo's size.
    return entry_of(read_delf(path))._replace(size=None)


def match(descriptors0, descriptors1, max_distance):
    """For each row of the first the index of its partner or -1, and a score."""
    matches = np.full(len(descriptors0), -1, np.int32)
    scores = np.zeros(len(descriptors0), np.float32)
    if len(descriptors0) and len(descriptors1):
        squared = (
            (descriptors0**2).sum(1)[:, None]
            + (descriptors1**2).sum(1)[None]
            - 2 * descriptors0 @ descriptors1.T
        ).clip(0)
        nearest = squared.argmin(1)
        rows = np.arange(len(descriptors0))
        kept = (squared.argmin(0)[nearest] == rows) & (squared[rows, nearest] <= max_distance**2)
        matches[kept] = nearest[kept]
        scores[kept] = (1 - squared[rows, nearest][kept] / 4).clip(0, 1)
    return matches, scores
