"""What takes time, done on a thread, so that the kernel goes on: one after another, in the order it was asked for."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_EVERY = 0.1  # seconds; a wait without an end cannot be interrupted on Windows


class Work:
    """A queue, and a thread that is there only while something is in it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = locks.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._at_work = False

    def add(self, job: Callable[[], None]) -> None:
        """Does it when its turn comes. It must not raise."""
        with self._changed:
            self._waiting.append(job)
            if not self._at_work:
                self._at_work = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def wait(self) -> None:
        """Returns when nothing is left to do."""
        with self._changed:
            while self._at_work:
                self._changed.wait(_LOOK_EVERY)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._at_work = False
                    self._changed.notify_all()
                    return
                job = self._waiting.popleft()
            job()


class Cells:
    """Whether a cell runs: callbacks may come meanwhile, in a thread, and must not change its role under it."""

    def __init__(self) -> None:
        self._changed = locks.Condition()
        self.is_running = False

    def began(self) -> None:
        """One runs."""
        with self._changed:
            self.is_running = True

    def ended(self) -> None:
        """None runs any more."""
        with self._changed:
            self.is_running = False
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns when none runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_running)


class Pulse:
    """Calls a function once a second, and at once when woken, on one thread.

    Args:
        beat: What is called. It must not raise.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._woken = locks.Event()
        self.has_ended = False

    def start(self) -> None:
        """From now on."""
        threading.Thread(target=self._run, name="sso-panel-pulse", daemon=True).start()

    def wake(self) -> None:
        """Has it called now."""
        self._woken.set()

    def end(self) -> None:
        """Has it called no more."""
        self.has_ended = True
        self._woken.set()

    def _run(self) -> None:
        while not self.has_ended:
            self._woken.wait(1)
            self._woken.clear()
            if not self.has_ended:
                self._beat()
