"""An adapter of requests that http.client's debug level does not make print what is sent.

``http.client.HTTPConnection.debuglevel = 1`` prints every request's headers and body: the access token, the refresh
token and the client's secret. A connection class with a level of its own is not affected.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

from sso_magic.client.pooled import FreshConnections

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool, PoolManager


class QuietAdapter(HTTPAdapter):
    """requests' adapter, whose connections print nothing and are not used again after a long idle time."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool manager for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _make_quiet(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pool manager for connections through the proxy, HTTP or SOCKS."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _make_quiet(manager)
        return manager


def _make_quiet(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _quiet_pool(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@lru_cache
def _quiet_pool(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """Return a subclass of the pool's class with a quiet connection class; one that is quiet stays as it is."""
    connection = pool.ConnectionCls
    if "debuglevel" in vars(connection):
        return pool
    quiet = type(connection.__name__, (connection,), {"debuglevel": 0})
    return type(pool.__name__, (FreshConnections, pool), {"ConnectionCls": quiet})
