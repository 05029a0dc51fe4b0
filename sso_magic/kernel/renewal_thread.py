"""`RenewalThread`: renews the role that is in use.

It sleeps until the next moment there is something to do. Python's waits run on a clock that stands still while a laptop
sleeps, so it looks at the wall clock once a minute as well.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.kernel.renewal import RenewingRole


_LONGEST_WAIT = 60  # seconds the thread sleeps at most without a look at the wall clock


class RenewalThread:
    """Renews one role at a time, in a daemon thread that runs only while there is a role.

    Args:
        also: Called once a minute as well; raises nothing.
    """

    def __init__(self, also: Callable[[], None] | None = None) -> None:
        self._also = also
        self._role: RenewingRole | None = None
        self._thread: threading.Thread | None = None
        self._starting = locks.RLock()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()  # putting in it is one step, and holds no lock

    def watch(self, role: RenewingRole | None) -> None:
        """Renew this role from now on, in place of any other; None: nothing, and the thread ends."""
        self._role = role
        if role is not None and locks.run_holding(self._starting, self._has_started):
            return
        self._wake.put(None)

    def _has_started(self) -> bool:
        """Start the thread, or return False if it is running. If no thread can be started, callers renew."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._run, name="sso_magic renewal", daemon=True)
        with contextlib.suppress(RuntimeError):
            self._thread.start()
        return True

    def _has_ended(self) -> bool:
        if self._role is None:
            self._thread = None
        return self._role is None

    def look_again(self) -> None:
        """Wake the thread: there may be something to do earlier than it computed."""
        self._wake.put(None)

    def join(self) -> None:
        """Wait until the thread has ended, after `watch(None)`."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            if self._also is not None:
                self._also()
            role = self._role
            if role is None:
                if locks.run_holding(self._starting, self._has_ended):
                    return
                continue
            wait = role.seconds_until_due()
            if wait <= 0:
                role.renew()
                continue
            del role  # while it waits, it holds no role that has been taken out of use
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=min(wait, _LONGEST_WAIT))
                while True:
                    self._wake.get_nowait()

    def after_fork(self) -> None:
        """Begin anew in a child process, which has none of its parent's threads."""
        self._role = None
        self._thread = None
        self._wake = queue.SimpleQueue()
