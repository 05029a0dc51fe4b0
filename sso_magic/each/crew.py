"""Threads that do one job after another, and can be stopped at any moment.

`concurrent.futures` is not used: the end of the interpreter, and an interrupt, would wait until its threads are done.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.each.task import Outcome, failure_of
from sso_magic.errors import EachError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sso_magic.each.accounts import Job

PER_ACCOUNT = 4  # jobs at a time in one account; EC2's describe calls, for one, refill 20 tokens a second
_GLANCE = 0.2  # seconds between two looks at an interrupt, where waiting cannot be interrupted (Windows)
_FAREWELL = 0.3  # seconds that an interrupt waits for jobs that end at once


class Crew:
    """Threads that do jobs, a limited number at a time.

    Args:
        jobs: The jobs, in the order in which they begin.
        do: Does one job.
        hands: How many at a time.
        per_account: How many at a time in one account: the limits of an AWS API are an account's.
    """

    def __init__(
        self, jobs: Iterable[Job], do: Callable[[Job], Outcome], hands: int, per_account: int = PER_ACCOUNT
    ) -> None:
        self._left = deque(jobs)
        self._number = len(self._left)
        self._do = do
        self._per_account = per_account
        self._done: queue.SimpleQueue[tuple[Job, Outcome]] = queue.SimpleQueue()
        self._changed = locks.Condition()  # of the three below
        self._busy: Counter[str] = Counter()
        self._under_way: set[Job] = set()
        self.stopped = locks.Event()
        self._threads = [
            threading.Thread(target=self._hand, name=f"sso_magic each {number + 1}", daemon=True)
            for number in range(min(hands, self._number))
        ]

    def __iter__(self) -> Iterator[tuple[Job, Outcome]]:
        """Yield the jobs with their outcomes, in the order in which they are done.

        Raises:
            EachError: The system cannot start a thread.
        """
        self._start()
        for _ in range(self._number):
            outcome = None
            while outcome is None:
                with contextlib.suppress(queue.Empty):
                    outcome = self._done.get(timeout=_GLANCE)
            yield outcome

    def _start(self) -> None:
        """Start the threads; where the system refuses one, those that run do all of the jobs."""
        for number, thread in enumerate(self._threads):
            try:
                thread.start()
            except RuntimeError as error:  # noqa: PERF203 - a few threads
                if number:
                    return
                raise EachError(
                    f"The system starts no thread ({error}). End processes or threads, or raise the limit (ulimit -u); "
                    "nothing was run."
                ) from None

    def stop(self) -> list[Job]:
        """Let no thread begin another job; return those that are still being done, for the caller to end."""
        self.stopped.set()
        with self._changed:
            self._left.clear()
            under_way = list(self._under_way)
            self._changed.notify_all()
        for job in under_way:
            job.stopped = True
            job.wake.set()
        return under_way

    def rest(self) -> list[tuple[Job, Outcome]]:
        """Return what `__iter__` has not yielded, after `stop`; wait a moment for jobs that end at once."""
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
        while (job := self._next()) is not None:
            try:
                outcome = self._do(job)
            except BaseException as error:  # noqa: BLE001 - an error of any kind belongs to this job only
                outcome = Outcome(failure=failure_of(error))
            with self._changed:
                self._under_way.discard(job)
                self._busy[job.account.account_id] -= 1
                self._changed.notify_all()
            self._done.put((job, outcome))

    def _next(self) -> Job | None:
        """Take the first job whose account has room for one more, and wait for one; None if there is none left."""
        with self._changed:
            while self._left and not self.stopped.is_set():
                for place, job in enumerate(self._left):
                    if self._busy[job.account.account_id] < self._per_account:
                        del self._left[place]
                        self._busy[job.account.account_id] += 1
                        self._under_way.add(job)
                        return job
                self._changed.wait()
            return None
