"""Finds the same thing in photographs.

``match`` says whether two photos show the same thing, and where. ``Extractor`` and ``verify`` do it in two steps,
``cluster`` sorts a folder, ``train`` and ``classify`` label photos. Positions are in pixels of the upright photo: x to
the right, y down, the centre of the top-left pixel at (0, 0). Images are 1 and 2, and a matrix maps 1 to 2.
"""

from ._cluster import EdgeClusters, cluster_edges
from ._delfin import (
    Classification,
    Classifier,
    ClusterResult,
    Extractor,
    Features,
    MatchResult,
    Model,
    VerifyResult,
    __version__,
    classify,
    cluster,
    match,
    read_delf,
    set_num_threads,
    train,
    verify,
    write_delf,
)
from ._errors import (
    DependencyError,
    Error,
    FeaturesError,
    FileError,
    FormatError,
    ImageError,
    ModelError,
    OptionError,
)
from ._hloc import HlocExport, export_hloc

__all__ = [
    "Classification",
    "Classifier",
    "ClusterResult",
    "DependencyError",
    "EdgeClusters",
    "Error",
    "Extractor",
    "Features",
    "FeaturesError",
    "FileError",
    "FormatError",
    "HlocExport",
    "ImageError",
    "MatchResult",
    "Model",
    "ModelError",
    "OptionError",
    "VerifyResult",
    "__version__",
    "classify",
    "cluster",
    "cluster_edges",
    "export_hloc",
    "match",
    "read_delf",
    "set_num_threads",
    "train",
    "verify",
    "write_delf",
]
