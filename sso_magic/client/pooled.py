"""Connection pools that do not trust a connection whose peer may have vanished.

A machine that sleeps, a VPN that reconnects and a router that forgets leave kept-alive connections that look open: a
request on one of them gets no answer until the timeout. A connection that was idle for long is therefore made anew,
and after one call got no answer, so is every connection that was idle at that time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

LONGEST_IDLE = 30.0
"""Seconds after which an idle connection is not used again; a page or a renewal follows sooner or far later."""


class Clock:
    """A reading of both clocks: one of them may stand still while the machine sleeps."""

    __slots__ = ("monotonic", "wall")

    def __init__(self) -> None:
        self.monotonic, self.wall = time.monotonic(), time.time()

    def seconds_since(self, earlier: Clock) -> float:
        """Return the seconds since an earlier reading, by the clock that counted more."""
        return max(self.monotonic - earlier.monotonic, self.wall - earlier.wall)


class FreshConnections:
    """Mixin for urllib3's pools; the methods that it extends are the same in urllib3 1.26 and 2."""

    _failed_at = float("-inf")

    def distrust(self) -> None:
        """Use no connection again that is idle now."""
        self._failed_at = time.monotonic()

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        since = getattr(connection, "idle_since", None)
        if since is not None and (since.monotonic <= self._failed_at or Clock().seconds_since(since) > LONGEST_IDLE):
            connection.close()  # it connects again when it is used
        return connection

    def _put_conn(self, connection: Any) -> None:
        if connection is not None:
            connection.idle_since = Clock()
        super()._put_conn(connection)  # type: ignore[misc]


def distrust(adapter: HTTPAdapter) -> None:
    """Use no connection again that is idle in this adapter's pools now."""
    for manager in (adapter.poolmanager, *list(adapter.proxy_manager.values())):
        for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over
            pool = manager.pools.get(key)
            if isinstance(pool, FreshConnections):
                pool.distrust()
