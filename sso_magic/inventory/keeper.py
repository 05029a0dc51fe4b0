"""`KeptFetch`: a fetch whose state is saved while it runs, so that a kernel that is killed loses a second of it."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.inventory.fetch import Fetch
    from sso_magic.inventory.part import Part
    from sso_magic.inventory.progress import Progress
    from sso_magic.signin.marks import Mark

SAVE_EVERY = 0.25  # seconds between two savings
SAVING_SHARE = 20  # and at least this many times as long as a saving takes
LOOK_EVERY = 0.1  # seconds between two looks at progress and cancellation
CANCEL_WITHIN = 1.0  # seconds that an interrupted wait gives the last saving


class KeptFetch:
    """A fetch and the thread that saves it.

    Args:
        fetch: Not started yet.
        save: Is given what there is, now and then while it runs.
        end: Is given the fetch when it has finished.
        owner: The mark of the sign-in that it uses.
    """

    def __init__(
        self, fetch: Fetch, *, save: Callable[[Part], None], end: Callable[[Fetch], None], owner: Mark | None = None
    ) -> None:
        self.fetch = fetch
        self.owner = owner
        self._save = save
        self._end = end
        self._ended = locks.Event()
        self._process = os.getpid()

    def start(self) -> None:
        """Starts the fetch and its keeper."""
        self.fetch.start()
        threading.Thread(target=self._keep, name="sso-inventory-keeper", daemon=True).start()

    @property
    def under_way(self) -> bool:
        """Whether something may come yet, or be saved. A forked child has none of the threads that would do it."""
        return self._process == os.getpid() and not self._ended.is_set()

    def wait(self, progress: Progress | None = None, cancel: threading.Event | None = None) -> None:
        """Waits until it has ended and is saved. Interrupted, it cancels the fetch and passes the interruption on.

        Args:
            progress: Is told how far it is, in this thread.
            cancel: Ends the fetch when set.
        """
        try:
            while not self._ended.wait(LOOK_EVERY):
                if progress is not None:
                    progress.update(self.fetch.state())
                if cancel is not None and cancel.is_set():
                    self.fetch.cancel()
        except BaseException:
            self.fetch.cancel()
            self._ended.wait(CANCEL_WITHIN)
            raise
        finally:
            if progress is not None:
                progress.close(self.fetch.state())

    def _keep(self) -> None:
        saved = len(self.fetch.done)
        pause = SAVE_EVERY
        try:
            while not self.fetch.finished.wait(pause):
                if len(self.fetch.done) == saved:
                    continue
                began = time.monotonic()
                with self.fetch.lock:
                    part, saved = self.fetch.part.copy(), len(self.fetch.done)
                self._save(part)
                pause = max(SAVE_EVERY, SAVING_SHARE * (time.monotonic() - began))
            self._end(self.fetch)
        finally:
            self._ended.set()
