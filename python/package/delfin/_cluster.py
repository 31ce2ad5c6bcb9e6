"""Clusters of any photos from the probabilities of their pairs."""

from typing import NamedTuple

import numpy as np

from ._delfin import cluster_pairs
from ._errors import OptionError


class EdgeClusters(NamedTuple):
    """Clusters by ``cluster_edges``."""

    labels: np.ndarray
    scores: np.ndarray
    representatives: np.ndarray


def cluster_edges(photos, edges, *, probability=None, log_odds=None, relation=None, min_probability=None):
    """Sorts photos into clusters by what is known of their pairs: with ``relation``, as ``cluster`` sorts a folder.

    Parameters
    ----------
    photos : int or sequence of hashable
        The number of photos, or their names.
    edges : array of int, M x 2, or sequence of pairs of names
        Pairs of photos. A pair that is not among them counts as different.
    probability, log_odds : array of float, M
        That the two photos show the same thing, in one of both forms.
    relation : sequence of str, M, optional
        "copy" or "view", what the two photos are if they show the same thing. Such a pair counts less where both its
        photos have much stronger ones (of a view only views count as stronger), and where links around it cross between
        clusters, and more where none does. "" or None where it is not known, as without ``relation``: such a pair counts
        as it is.
    min_probability : float, optional
        Least probability of a link; None is that of ``cluster``.

    Returns
    -------
    EdgeClusters
        ``labels`` (N, int64; 0 is the largest cluster), ``scores`` (N, float64, how well a photo fits its cluster) and
        ``representatives`` (index of a photo for each cluster).
    """
    if (probability is None) == (log_odds is None):
        raise OptionError("edges: either probability or log_odds wanted")
    if isinstance(photos, (int, np.integer)):
        num_photos = int(photos)
        if num_photos < 0:
            raise OptionError(f"photos: {num_photos} given; a number from 0 wanted")
    else:
        names = {name: number for number, name in enumerate(photos)}
        num_photos = len(photos)
        if len(names) < num_photos:
            raise OptionError("photos: a name stands there twice")
        try:
            edges = [(names[first], names[second]) for first, second in edges]
        except KeyError as error:
            raise OptionError(f"edges: {error.args[0]!r} is not one of the photos") from None
    edges = np.asarray(edges)
    if edges.size == 0:
        edges = edges.reshape(0, 2).astype(np.int64)
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
        raise OptionError(f"edges: array of {edges.dtype} of shape {edges.shape} given; integers, M x 2, wanted")
    given = np.asarray(log_odds if probability is None else probability, dtype=np.float64)
    if given.shape != (len(edges),):
        raise OptionError(f"edges: {len(edges)} pairs and numbers of shape {given.shape} given; one a pair wanted")
    if probability is not None:
        if not ((given >= 0) & (given <= 1)).all():
            raise OptionError("probability: a value is not from 0 to 1")
        with np.errstate(divide="ignore"):
            given = np.log(given) - np.log1p(-given)
    relation = [""] * len(edges) if relation is None else ["" if kind is None else kind for kind in relation]
    if len(relation) != len(edges) or not all(kind in ("copy", "view", "") for kind in relation):
        raise OptionError('relation: "copy", "view" or "" wanted, one a pair')
    first, second = (np.ascontiguousarray(column, dtype=np.int64) for column in edges.T)
    found = cluster_pairs(num_photos, first, second, np.ascontiguousarray(given), relation, min_probability)
    return EdgeClusters(*found)
