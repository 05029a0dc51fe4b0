"""A refresh of the inventory that a panel started: on a thread that reports how far it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.inventory import FetchState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.identity_center import IdentityCenter


class Loading:
    """At most one refresh of one center at a time; several centers may be refreshed at once.

    Args:
        moved: Is called on the refresh's thread when it has made progress.
        ended: Is called when one has ended: its center, and its error or None. Neither may raise.
    """

    def __init__(
        self, moved: Callable[[IdentityCenter], None], ended: Callable[[IdentityCenter, BaseException | None], None]
    ) -> None:
        self._moved = moved
        self._ended = ended
        self._lock = locks.Lock()
        self._cancel = locks.Event()
        self._states: dict[IdentityCenter, FetchState] = {}

    def state(self, center: IdentityCenter) -> FetchState | None:
        """Return how far the refresh of this center is; None if none is under way."""
        return self._states.get(center)

    def start(self, center: IdentityCenter) -> None:
        """Begin a refresh, unless one is under way."""
        with self._lock:
            if center in self._states or self._cancel.is_set():
                return
            self._states[center] = FetchState()
        threading.Thread(target=self._run, args=(center,), name="sso-panel-refresh", daemon=True).start()

    def cancel(self) -> None:
        """End all refreshes, and let none begin any more."""
        self._cancel.set()

    def _run(self, center: IdentityCenter) -> None:
        error: BaseException | None = None
        try:
            center.directory.fetch(progress=_Progress(self, center), cancel=self._cancel)
        except BaseException as raised:  # noqa: BLE001 - a thread's error is lost unless it is handed on
            error = raised
        with self._lock:
            del self._states[center]
        self._ended(center, error)

    def put(self, center: IdentityCenter, state: FetchState) -> None:
        """Record how far a refresh is, and report it."""
        with self._lock:
            self._states[center] = state
        self._moved(center)


class _Progress:
    def __init__(self, loading: Loading, center: IdentityCenter) -> None:
        self._loading = loading
        self._center = center

    def update(self, state: FetchState) -> None:
        self._loading.put(self._center, state)

    def close(self, state: FetchState) -> None:
        self._loading.put(self._center, state)
