"""`KeptFetch`: a fetch whose state is saved while it runs, so that a kernel that is killed loses a second of it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.inventory.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sso_magic.inventory.fetch import Fetch
    from sso_magic.inventory.part import Part
    from sso_magic.inventory.progress import Progress
    from sso_magic.inventory.rows import RoleAssignment
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
            progress: Is called with how far it is, in this thread.
            cancel: Ends the fetch when set.
        """
        interrupted = False
        try:
            while not self._ended.wait(LOOK_EVERY):
                if progress is not None:
                    progress.update(self.fetch.state())
                if cancel is not None and cancel.is_set():
                    self.fetch.cancel()
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self.fetch.cancel()
            self._ended.wait(CANCEL_WITHIN)
            raise
        finally:
            if progress is not None:
                progress.close(replace(self.fetch.state(), interrupted=interrupted))

    def rows(self) -> Iterator[RoleAssignment]:
        """Yield the roles, one by one, while they come in."""
        fetch, given, over = self.fetch, 0, False
        while not over:
            with fetch.lock:
                while len(fetch.done) == given and not fetch.finished.is_set():
                    fetch.news.wait(1)
                batch = [
                    rows_of(fetch.part.accounts[account_id], fetch.part.roles.get(account_id, ()))
                    for account_id in fetch.done[given:]
                ]
                over = fetch.finished.is_set()
            given += len(batch)
            for rows in batch:
                yield from rows

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
