"""Sorts collections of photos on a Ray cluster, too large for one machine.

``cluster`` gives the edges and clusters of ``delfin.cluster`` to the bit, as Parquet. Needs ``delfin[ray]``.
"""

from .._errors import DependencyError

try:
    import pyarrow  # noqa: F401
    import ray  # noqa: F401
except ImportError as error:
    raise DependencyError(f"delfin.ray needs Ray and pyarrow: pip install 'delfin[ray]' ({error})") from error

from ._cluster import cluster
from ._result import RayClusterResult

__all__ = ["RayClusterResult", "cluster"]
