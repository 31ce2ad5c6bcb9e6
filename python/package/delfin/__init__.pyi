"""Finds the same thing in photographs.

Positions are in pixels of the upright photo: x to the right, y down, the centre of the top-left pixel at (0, 0).
Images are 1 and 2, and a matrix maps 1 to 2. Arrays that results hold are read-only.
"""

import pathlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

_Path: TypeAlias = str | PathLike[str]
_Image: TypeAlias = _Path | bytes | bytearray | memoryview | NDArray[np.uint8] | Any
"""A photo: a path, the bytes of a file, uint8 pixels (H x W x 3 in RGB order, or H x W in grey) or a PIL image."""
_Progress: TypeAlias = bool | Callable[[str, int, int], object] | None
"""True shows tqdm's bar; a callable gets the stage, the number done and the total, in the calling thread."""
_Store: TypeAlias = _Path | bool | None
"""File that stores computed results; None is .delfin/store.sqlite in the folder of photos, False stores nothing."""
_Kind: TypeAlias = Literal["similarity", "affine", "homography"]

class Error(Exception):
    """Base of every error of delfin."""

    path: str | None
    """The file or folder at fault, or None."""
    def __init__(self, message: str, path: str | None = None) -> None: ...

class FileError(Error, OSError):
    """A file or folder cannot be opened, read or written."""

class ImageError(Error, ValueError):
    """An image cannot be used: a damaged file, or an array of another shape or type."""

class FeaturesError(Error, ValueError):
    """Features are damaged, or do not fit one another."""

class ModelError(Error, ValueError):
    """A network cannot be used."""

class FormatError(Error, ValueError):
    """A file or folder does not hold what it should."""

class OptionError(Error, ValueError):
    """An option has a value outside its range."""

class DependencyError(Error, ImportError):
    """A package that a part of delfin needs is not installed: ``delfin.ray`` needs the extra ``ray``, from delfin's
    source folder by ``pip install './python[ray]'``."""

class Model:
    """A network, loaded once and used for many calls; None is the built-in one."""

    def __init__(self, path: _Path | None = None) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str:
        """Of its ONNX file, 64 hexadecimal digits."""
    @property
    def license(self) -> str:
        """Of its weights, as an SPDX expression."""

class Features:
    """Keypoints and descriptors of one photo, best first. Pickles take about 60 bytes a keypoint."""

    def __init__(
        self,
        keypoints: ArrayLike,
        descriptors: ArrayLike,
        *,
        width: int,
        height: int,
        scales: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        global_descriptor: ArrayLike | None = None,
    ) -> None: ...
    @property
    def keypoints(self) -> NDArray[np.float32]:
        """N x 2: x and y in pixels of the upright photo."""
    @property
    def scales(self) -> NDArray[np.float32]:
        """N: scale of the image pyramid, 1 is the photo at its working size."""
    @property
    def scores(self) -> NDArray[np.float32]:
        """N: the network's attention, at least 0, larger is better."""
    @property
    def descriptors(self) -> NDArray[np.float32]:
        """N x D, of unit length up to rounding; a view without a copy."""
    @property
    def global_descriptor(self) -> NDArray[np.float32] | None:
        """Numbers that describe the photo as a whole, not normalised; a view without a copy."""
    @property
    def width(self) -> int:
        """Of the upright photo, in pixels."""
    @property
    def height(self) -> int:
        """Of the upright photo, in pixels."""
    @property
    def content_hash(self) -> bytes | None:
        """SHA-256 that names the photo, 32 bytes; None for features that no ``Extractor`` made."""
    @property
    def max_size(self) -> int | None:
        """Longest side at which the photo was read, in pixels; None where it is not known."""
    def to_bytes(self) -> bytes:
        """The encoding of delfin's store. Exact for features of an ``Extractor``; others are rounded."""
    @staticmethod
    def from_bytes(data: bytes, *, content_hash: bytes | None = None, max_size: int | None = None) -> Features:
        """Features from ``to_bytes``; the other two arguments are those of the photo's ``Features``."""
    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

class Extractor:
    """Extracts features of photos. Arguments that are left out take the network's own settings.

    ``max_features`` keypoints are kept (500 for the built-in network), ``max_size`` is the longest side of a photo at
    scale 1 in pixels (480), ``scales`` are those of the image pyramid.
    """

    def __init__(
        self,
        model: _Path | Model | None = None,
        max_features: int | None = None,
        *,
        max_size: int | None = None,
        scales: Sequence[float] | None = None,
    ) -> None: ...
    def __call__(self, image: _Image) -> Features: ...
    def map(self, images: Iterable[_Image], *, progress: _Progress = None) -> list[Features]:
        """Features of many photos at once, in their order; the first error ends it."""

class MatchResult:
    """Result of matching two photos."""

    @property
    def is_match(self) -> bool:
        """Whether both photos show the same thing."""
    @property
    def probability(self) -> float:
        """That both photos show the same thing, 0 to 1."""
    @property
    def relation(self) -> Literal["copy", "view"] | None:
        """One picture edited, or two photographs; None where the pixels were not compared, but for equal files."""
    @property
    def matrix(self) -> NDArray[np.float64] | None:
        """3 x 3: maps pixels of photo 1 to pixels of photo 2, x2 ~ H x1."""
    @property
    def inliers(self) -> NDArray[np.float32]:
        """N x 4: x1, y1, x2, y2 in pixels; right to the pixel where refined, else at the keypoints."""
    @property
    def num_inliers(self) -> int: ...
    @property
    def num_matches(self) -> int:
        """Pairs of similar descriptors."""
    @property
    def evidence(self) -> dict[str, Any] | None:
        """Measurements of ``features`` and ``pixels``; None without a transform."""
    def to_dict(self) -> dict[str, Any]:
        """The object of ``delfin match --json`` without its ``times_ms``."""
    def plot(self) -> NDArray[np.uint8]:
        """The match picture, H x W x 3. Photos that are files are read again."""
    def save(self, path: _Path, *, overwrite: bool = False) -> None:
        """Writes the match picture (.png, .jpg, .webp, .gif, .bmp or .tiff); over a foreign file only with ``overwrite``."""

class VerifyResult:
    """Result of verifying the features of two photos."""

    @property
    def is_match(self) -> bool: ...
    @property
    def probability(self) -> float:
        """That both photos show the same thing, by features alone, 0 to 1."""
    @property
    def matrix(self) -> NDArray[np.float64] | None:
        """3 x 3: maps pixels of photo 1 to pixels of photo 2, not refined."""
    @property
    def matches(self) -> NDArray[np.int64]:
        """N x 2: indices of keypoints of photo 1 and photo 2."""
    @property
    def distances(self) -> NDArray[np.float32]:
        """N: distance of the descriptors of each match, 0 to 2."""
    @property
    def inlier_indices(self) -> NDArray[np.int64]:
        """M: rows of ``matches`` that the transform explains."""
    @property
    def inliers(self) -> NDArray[np.float32]:
        """M x 4: x1, y1, x2, y2 of their keypoints in pixels."""
    @property
    def num_inliers(self) -> int: ...
    @property
    def num_matches(self) -> int: ...
    @property
    def evidence(self) -> dict[str, Any] | None: ...

class _Edges(TypedDict):
    image1: NDArray[np.int64]
    image2: NDArray[np.int64]
    num_matches: NDArray[np.int64]
    num_inliers: NDArray[np.int64]
    log_odds: NDArray[np.float64]
    probability: NDArray[np.float64]
    relation: NDArray[np.str_]
    agreement: NDArray[np.float32]
    contradiction: NDArray[np.float32]
    color_difference: NDArray[np.float32]

class ClusterResult:
    """The clusters of a folder; its length is their number."""

    @property
    def folder(self) -> pathlib.Path: ...
    @property
    def paths(self) -> list[str]:
        """The photos below the folder, with ``/`` between names, sorted."""
    @property
    def labels(self) -> NDArray[np.int64]:
        """N: the cluster of each photo, 0 is the largest."""
    @property
    def scores(self) -> NDArray[np.float64]:
        """N: score of each photo in its cluster, 0 to 1."""
    @property
    def representatives(self) -> NDArray[np.int64]:
        """C: index of the photo that represents each cluster."""
    @property
    def clusters(self) -> list[list[str]]:
        """Paths of the photos of each cluster, the largest first."""
    @property
    def edges(self) -> _Edges:
        """Columns of every pair verified, as a DataFrame takes them. ``image1`` and ``image2`` are indices of
        ``paths``; ``relation`` is "" and the last three are NaN where the pixels were not compared."""
    @property
    def failures(self) -> list[tuple[str, str]]:
        """Path and reason of each photo that could not be used."""
    @property
    def prior_log_odds(self) -> float:
        """Prior of the folder: added to the log-odds of each pair, 0 or less."""
    def to_dict(self) -> dict[str, Any]:
        """The object of ``clusters.json``."""
    def __len__(self) -> int: ...

class EdgeClusters(NamedTuple):
    """Clusters by ``cluster_edges``."""

    labels: NDArray[np.int64]
    """N: the cluster of each photo, 0 is the largest."""
    scores: NDArray[np.float64]
    """N: score of each photo in its cluster, 0 to 1."""
    representatives: NDArray[np.int64]
    """C: index of the photo that represents each cluster."""

class _BestMatch(TypedDict):
    photo: str
    label: str
    num_inliers: int
    probability: float

class Classification:
    """The label of one photo. Probabilities are from 0 to 1."""

    @property
    def path(self) -> str | None:
        """None for a photo in memory."""
    @property
    def label(self) -> str: ...
    @property
    def probability(self) -> float:
        """Of ``label`` among the classes."""
    @property
    def fit_probability(self) -> float:
        """That the photo belongs to ``label`` and not to no class."""
    @property
    def probabilities(self) -> dict[str, float]:
        """Of each class by both scores."""
    @property
    def softmax(self) -> dict[str, float]:
        """Of each class by the softmax score alone."""
    @property
    def best_match(self) -> _BestMatch | None:
        """The training photo that most probably shows the same thing."""
    @property
    def scores_disagree(self) -> bool:
        """Whether geometry is sure of another class than softmax."""

class Classifier:
    """A trained classifier with its network, from a file of ``train`` or ``delfin train``."""

    def __init__(self, path: _Path, *, model: _Path | Model | None = None) -> None: ...
    @property
    def labels(self) -> list[str]: ...
    @property
    def test_accuracy(self) -> float | None:
        """Share of the test photos that were labelled rightly, 0 to 1; None without test photos."""
    @property
    def has_geometry(self) -> bool:
        """Whether photos are matched with training photos too."""
    def __call__(self, image: _Image) -> Classification: ...
    def save(self, path: _Path, *, overwrite: bool = False) -> None: ...

class HlocExport(NamedTuple):
    """Numbers of what ``export_hloc`` has written."""

    num_photos: int
    num_pairs: int
    num_matches: int

def match(
    a: _Image,
    b: _Image,
    *,
    model: _Path | Model | None = None,
    preset: Literal["delf"] | None = None,
    max_features: int | None = None,
    max_size: int | None = None,
    scales: Sequence[float] | None = None,
    max_distance: float | None = None,
    ratio: float | None = None,
    model_kind: _Kind | None = None,
    max_error_px: float | None = None,
    min_probability: float | None = None,
    min_inliers: int | None = None,
    mirrored: bool = False,
    refine: bool = True,
    seed: int | None = None,
) -> MatchResult:
    """Decides whether photo ``a`` and photo ``b`` show the same thing, and where.

    The same bits as ``delfin match`` with the same photos and options, on any number of threads. ``max_error_px`` counts
    in pixels of a photo whose longest side is ``max_size``; ``min_inliers`` decides instead of ``min_probability``
    (0.5); ``seed`` is made from the photos' content where left out.
    """

def verify(
    f1: Features,
    f2: Features,
    *,
    model: _Path | Model | None = None,
    max_size: int | None = None,
    max_distance: float | None = None,
    ratio: float | None = None,
    max_error_px: float | None = None,
    min_probability: float | None = None,
    min_inliers: int | None = None,
    mirrored: bool = False,
    seed: int | None = None,
) -> VerifyResult:
    """Matches and verifies the features of two photos without their pixels.

    For features of an ``Extractor``, matches and geometry are those of ``match`` before it refines them by pixels.
    """

def cluster(
    folder: _Path,
    *,
    output: _Path | None = None,
    overwrite: bool = False,
    store: _Store = None,
    colmap: _Path | None = None,
    model: _Path | Model | None = None,
    max_features: int | None = None,
    max_size: int | None = None,
    scales: Sequence[float] | None = None,
    min_probability: float | None = None,
    min_inliers: int | None = None,
    copies_only: bool = False,
    mirrored: bool = False,
    exhaustive: bool = False,
    judgement: _Path | None = None,
    progress: _Progress = None,
) -> ClusterResult:
    """Groups the photos of a folder and its sub-folders into clusters that show the same thing, as ``delfin cluster``.

    ``output`` gets the program's files, over foreign files and edited tables only with ``overwrite``; ``colmap`` a COLMAP
    database. Ctrl-C ends a run; computed results are kept in
    the store, and the next run resumes from them. Stages of ``progress``: extract, propose, verify, confirm, report,
    align.
    """

def cluster_edges(
    photos: int | Sequence[Hashable],
    edges: ArrayLike | Sequence[tuple[Hashable, Hashable]],
    *,
    probability: ArrayLike | None = None,
    log_odds: ArrayLike | None = None,
    relation: Sequence[str | None] | None = None,
    min_probability: float | None = None,
) -> EdgeClusters:
    """Sorts photos into clusters by the probability, or log-odds, that each pair shows the same thing.

    ``edges`` are indices, M x 2, or pairs of the names in ``photos``. A pair that is not among them counts as different.
    With ``relation``, the column of ``cluster``'s edges, pairs are adjusted as in a folder: lowered where both photos
    have much stronger pairs, and lowered or raised by the links between clusters.
    """

def train(
    folder: _Path,
    *,
    output: _Path | None = None,
    overwrite: bool = False,
    validation_folder: _Path | None = None,
    test_folder: _Path | None = None,
    validation_percentage: float | None = None,
    testing_percentage: float | None = None,
    geometry: bool = True,
    num_steps: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    store: _Store = None,
    model: _Path | Model | None = None,
    progress: _Progress = None,
) -> Classifier:
    """Trains a classifier on a folder of photos, in which each sub-folder is a class."""

def classify(
    photos: _Path | Iterable[_Image],
    classifier: Classifier | _Path,
    *,
    model: _Path | Model | None = None,
    progress: _Progress = None,
) -> list[Classification]:
    """Labels the photos of a folder, or of a list.

    Photos of a folder that cannot be read are warned of and left out; in a list the first error ends the call.
    """

def read_delf(path: _Path, *, size: tuple[int, int] | None = None) -> Features:
    """Reads a DELF feature file, which does not hold the photo's ``size``, width and height in pixels; where left out,
    the smallest photo that holds all keypoints is assumed."""

def write_delf(path: _Path, features: Features, *, overwrite: bool = False) -> None:
    """Writes features as a DELF feature file; over a file that is there only with ``overwrite``."""

def export_hloc(
    clusters: ClusterResult | _Path,
    output: _Path,
    *,
    features: Mapping[str, Features] | _Path | None = None,
    max_distance: float = 0.9,
    min_probability: float | None = None,
    progress: _Progress = None,
) -> HlocExport:
    """Writes features.h5, matches.h5 and pairs.txt of hloc for the linked photos. Needs h5py.

    ``features`` are by name, or a folder of the files of ``delfin extract``; None extracts them again.
    """

def set_num_threads(count: int, /) -> None:
    """Sets the number of threads of this process that delfin computes on, 1 to 1024. Results do not depend on it."""
