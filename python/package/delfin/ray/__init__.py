"""Sorts collections of photos on a Ray cluster, too large for one machine.

``cluster`` gives the edges and clusters of ``delfin.cluster`` to the bit, as Parquet. Needs the extra ``ray``.
"""

from .._errors import DependencyError

try:
    import pyarrow  # noqa: F401
    import ray  # noqa: F401
except ImportError as error:
    hint = "in delfin's source folder: pip install './python[ray]'"
    raise DependencyError(f"delfin.ray needs Ray and pyarrow, the extra `ray`; {hint} ({error})") from error

from ._cluster import cluster
from ._result import RayClusterResult

__all__ = ["RayClusterResult", "cluster"]
