"""The refresh of an inventory that nobody waits for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable


class BackgroundRefresh:
    """A fetch on a daemon thread, one at a time.

    Attributes:
        error: Why the last one failed; None if it did not.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._launching = locks.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """True if the thread is at work."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self, fetch: Callable[[], object], is_under_way: Callable[[], bool]) -> None:
        """Start a fetch, if none is under way, and do not wait.

        Args:
            fetch: Asks for all of it, and waits.
            is_under_way: Returns True if a fetch that a caller waits for is under way.
        """
        with self._launching:
            if self.is_running or is_under_way():
                return
            self._thread = threading.Thread(target=self._run, args=(fetch,), name="sso-inventory-refresh", daemon=True)
            self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait until the thread has ended, for so many seconds at most."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, fetch: Callable[[], object]) -> None:
        try:
            fetch()
        except BaseException as error:  # noqa: BLE001 - the next caller shows it; a thread's own would be lost
            self.error = error
        else:
            self.error = None
