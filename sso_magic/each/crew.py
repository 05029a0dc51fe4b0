"""Threads that do one job after another, and can be sent home at any moment.

`concurrent.futures` will not do here: its threads hold the interpreter, and an interrupt, until what they do is done.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.each.task import Outcome, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sso_magic.each.accounts import Job

_GLANCE = 0.2  # seconds between two looks at an interrupt, where waiting cannot be interrupted (Windows)
_FAREWELL = 0.3  # seconds that an interrupt waits for what ends at once


class Crew:
    """Does the jobs, so many at a time.

    Args:
        jobs: What is to be done, in this order.
        do: Does one job.
        hands: How many at a time.
    """

    def __init__(self, jobs: Iterable[Job], do: Callable[[Job], Outcome], hands: int) -> None:
        self._left = deque(jobs)
        self._number = len(self._left)
        self._do = do
        self._done: queue.SimpleQueue[tuple[Job, Outcome]] = queue.SimpleQueue()
        self._lock = locks.Lock()
        self._under_way: set[Job] = set()
        self.stopped = locks.Event()
        self._threads = [
            threading.Thread(target=self._hand, name=f"sso_magic each {number + 1}", daemon=True)
            for number in range(min(hands, self._number))
        ]

    def __iter__(self) -> Iterator[tuple[Job, Outcome]]:
        """The jobs with what came of them, in the order in which they are done."""
        for thread in self._threads:
            thread.start()
        for _ in range(self._number):
            outcome = None
            while outcome is None:
                with contextlib.suppress(queue.Empty):
                    outcome = self._done.get(timeout=_GLANCE)
            yield outcome

    def stop(self) -> list[Job]:
        """Lets nobody begin another job; what is still being done is returned, for whoever can end it."""
        self.stopped.set()
        with self._lock:
            self._left.clear()
            under_way = list(self._under_way)
        for job in under_way:
            job.stopped = True
            job.wake.set()
        return under_way

    def rest(self) -> list[tuple[Job, Outcome]]:
        """What was done but not yet looked at, after `stop`; waits for what ends at once."""
        deadline = time.monotonic() + _FAREWELL
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._done.get_nowait())
        return found

    def _hand(self) -> None:
        while True:
            with self._lock:
                if not self._left or self.stopped.is_set():
                    return
                job = self._left.popleft()
                self._under_way.add(job)
            try:
                outcome = self._do(job)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is this job's and no other's
                outcome = Outcome(failure=failure_of(error))
            with self._lock:
                self._under_way.discard(job)
            self._done.put((job, outcome))
