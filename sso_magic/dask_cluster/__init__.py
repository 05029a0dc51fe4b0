"""The role in use, on every worker of a Dask cluster: `use(client)`; the client's side and the workers'.

cluster_role  the client's side
worker        the workers' side, a plugin
clients       which client is meant, and whether it is connected and encrypted
calls         calls to all workers that one worker cannot hold up
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sso_magic.dask_cluster.clients import InsecureSchedulerWarning as InsecureSchedulerWarning
    from sso_magic.dask_cluster.cluster_role import ClusterRole as ClusterRole
    from sso_magic.dask_cluster.cluster_role import use as use

__all__ = ["ClusterRole", "InsecureSchedulerWarning", "use"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # a worker needs its own side only
        from sso_magic.dask_cluster import clients, cluster_role

        return getattr(clients if name == "InsecureSchedulerWarning" else cluster_role, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
