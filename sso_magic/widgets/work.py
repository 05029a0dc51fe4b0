"""Jobs that take time, done on a thread so that the kernel goes on, one after another in the order they were added."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_EVERY = 0.1  # seconds; a wait without an end cannot be interrupted on Windows


class Work:
    """A queue, and a thread that runs only while something is in it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = locks.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._at_work = False

    def add(self, job: Callable[[], None]) -> None:
        """Do the job when its turn comes. It must not raise."""
        with self._changed:
            self._waiting.append(job)
            if not self._at_work:
                self._at_work = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    @property
    def is_busy(self) -> bool:
        """True while something is being done, or waits for its turn."""
        return self._at_work

    def wait(self) -> None:
        """Return when nothing is left to do."""
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
    """Whether a cell runs: messages may come meanwhile, on a thread, and must not change the role of that cell.

    Args:
        before: Called before each cell. A cell run after Use was pressed runs under that role, so it waits there for
            credentials that are on their way.
    """

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before
        self._changed = locks.Condition()
        self._is_watching = False
        self.is_running = False

    def watch(self) -> None:
        """Follow the cells of the running IPython, if there is one."""
        if not self._is_watching:
            self._is_watching = True
            self._hook("register")

    def unwatch(self) -> None:
        """End what `watch` began."""
        if self._is_watching:
            self._is_watching = False
            self._hook("unregister")
        self._ended()

    def _hook(self, change: str) -> None:
        from sso_magic.display import shell

        running = shell()
        if running is not None:
            getattr(running.events, change)("pre_run_cell", self._began)
            getattr(running.events, change)("post_run_cell", self._ended)

    def _began(self, *_: object) -> None:
        self._before()
        with self._changed:
            self.is_running = True

    def _ended(self, *_: object) -> None:
        with self._changed:
            self.is_running = False
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when none runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_running)


class Pulse:
    """Calls a function once a second, and at once when woken, on a thread that runs between `start` and `rest`.

    Args:
        beat: The function. It must not raise.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._lock = locks.Lock()
        self._woken = locks.Event()
        self._turn: object = None  # the thread that is to go on; another ends

    @property
    def is_running(self) -> bool:
        """True between `start` and `rest`."""
        return self._turn is not None

    def start(self) -> None:
        """Start the thread, unless it is running."""
        with self._lock:
            if self._turn is None:
                self._turn = turn = object()
                self._woken.set()
                threading.Thread(target=self._run, args=(turn,), name="sso-panel-pulse", daemon=True).start()

    def wake(self) -> None:
        """Call the function now, if the thread is running."""
        self._woken.set()

    def rest(self) -> None:
        """End the thread."""
        with self._lock:
            self._turn = None
            self._woken.set()

    def _run(self, turn: object) -> None:
        while self._turn is turn:
            self._woken.wait(1)
            self._woken.clear()
            if self._turn is turn:
                self._beat()
