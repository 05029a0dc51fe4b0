"""Changes of the kernel's role, made one after another on a thread that no Ctrl-C reaches.

Python raises KeyboardInterrupt in the main thread, between any two bytecodes there. A change made on the main thread
can therefore stop after any of its steps, and so can the code that would take it back. Here a thread of its own makes
the change. The thread that asked for it waits, and can be interrupted while it waits: the change is then completed or
taken back, as the caller chose, before the exception goes on.

Handing a change over costs about 20 microseconds.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_GLANCE = 1.0  # seconds between two looks whether the thread is alive
_ATTEMPTS = 100  # tries of a change that has to be completed, if interrupts keep coming


class _Change(Generic[T]):
    """One change: run once, waited for by the thread that asked for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._ended = locks.Lock()  # waited for by one thread, released once
        self._ended.acquire()
        self.is_finished = False
        self._error: BaseException | None = None
        self._result: list[T] = []

    def run(self) -> None:
        """Make the change, unless that has been done."""
        if self.is_finished:
            return
        try:
            self._result.append(self._make())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._error = error
        finally:
            self.is_finished = True
            self._ended.release()

    def wait(self, seconds: float) -> bool:
        """Wait until the change has run; return False if it has not after this time."""
        return self.is_finished or self._ended.acquire(timeout=seconds) or self.is_finished

    def result(self) -> T:
        """Return what the change returned, or raise what it raised."""
        error, self._error = self._error, None  # its traceback holds this frame, and that this object
        try:
            if error is not None:
                raise error
            return self._result[0]
        finally:
            del error


class Changes:
    """A queue of changes and the thread that makes them."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Change[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._consuming = locks.Lock()
        self._starting = locks.RLock()
        self._turn = locks.RLock()  # held while a change is made

    def perform(self, make: Callable[[], T], *, then: Callable[[], object] = lambda: None) -> T:
        """Make a change and return what it returns. If this call is interrupted, the change is completed first.

        Args:
            make: The change; has to be all or nothing itself.
            then: Called in this thread when the change is made.

        Raises:
            BaseException: What the change raises, or what interrupts this thread.
        """
        change = _Change(make)
        try:
            self._run(change)
            result = change.result()
            then()
            return result  # noqa: TRY300 - an interrupt may come at this line too
        except BaseException:
            if not change.is_finished:
                self.complete(lambda: None)  # made after the change, if that was handed over
            raise

    def complete(self, make: Callable[[], T]) -> T | None:
        """Make a change, whatever is raised in this thread meanwhile; return None if the change raises."""
        change = _Change(make)
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(BaseException):
                self._run(change)
                break
        with contextlib.suppress(BaseException):
            return change.result()
        return None

    def flush(self) -> None:
        """Wait until the changes that have been asked for are made."""
        self._run(_Change(lambda: None))

    def is_mine(self) -> bool:
        """Return True if the calling thread is making a change."""
        return bool(self._turn._is_owned())  # noqa: SLF001 - threading.Condition asks the same

    def stop(self) -> None:
        """Make the changes that have been asked for and end the thread."""
        thread = self._thread
        while thread is not None and thread.is_alive() and not self.is_mine():
            self._queue.put(None)  # a second thread, left by an interrupted start, needs one of its own
            thread.join(_GLANCE)

    def pause(self, seconds: float) -> None:
        """Let no change begin until `resume`; give up after this time if one is under way."""
        self._turn.acquire(timeout=seconds)

    def resume(self) -> None:
        """End what `pause` began, in the same thread."""
        if self.is_mine():
            self._turn.release()

    def _run(self, change: _Change[Any]) -> None:
        """Hand the change over and wait. It runs here if there is no thread, or this one is making a change."""
        if self.is_mine() or not self._has_thread():
            self._run_here(change)
            return
        self._queue.put(change)
        while not change.wait(_GLANCE):
            if not self._has_thread():
                self._run_here(change)

    def _run_here(self, change: _Change[Any]) -> None:
        if self.is_mine():
            change.run()
        else:
            locks.run_holding(self._turn, change.run)

    def _has_thread(self) -> bool:
        """Start the thread if it is not running; return False if no thread can be started."""
        if self._thread is not None and self._thread.is_alive():
            return True
        return not sys.is_finalizing() and bool(locks.run_holding(self._starting, self._has_started))

    def _has_started(self) -> bool:
        if self._thread is not None and self._thread.is_alive():  # another caller has started it meanwhile
            return True
        self._thread = threading.Thread(target=self._work, name="sso_magic switch", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the limit of threads, or the interpreter is shutting down
            return False
        return True

    def _work(self) -> None:
        with self._consuming:  # a start that was interrupted may have left a second thread
            while (change := self._queue.get()) is not None:
                with self._turn:
                    change.run()
                del change

    def after_fork(self) -> None:
        """Begin anew in a child process, which has none of its parent's threads."""
        self._queue = queue.SimpleQueue()
        self._thread = None
