"""Locks that no Ctrl-C leaves held and no child process inherits held: every lock of the package is made here.

`with LOCK:` on a lock that is written in C has no bytecode between taking the lock and entering the block, so that no
signal handler runs there. `threading.Condition` and `threading.Event` are written in Python: a KeyboardInterrupt in
their ``__enter__`` leaves the lock held for good. The classes here take and release the underlying lock directly.

A child made by `os.fork` has one thread. A lock that another thread held at that moment would stay held in it, so each
lock made here is put back to "free" in the child. `threading` does the same for its own locks, by the same method.
"""

from __future__ import annotations

import operator
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
AnyLock = TypeVar("AnyLock")

_made: dict[int, weakref.ref[Any]] = {}


def _registered(lock: AnyLock) -> AnyLock:
    number = id(lock)

    def drop(gone: weakref.ref[Any]) -> None:
        if _made.get(number) is gone:  # the number may be another lock's by now
            del _made[number]

    _made[number] = weakref.ref(lock, drop)
    return lock


def is_registered(lock: object) -> bool:
    """Return True if the lock is put back to "free" in a child process."""
    known = _made.get(id(lock))
    return known is not None and known() is lock


def Lock() -> threading.Lock:  # noqa: N802 - named as in threading
    """Return a `threading.Lock` that is free in a child process."""
    return _registered(threading.Lock())


def RLock() -> Any:  # noqa: N802 - the same; a factory in threading, so there is no type to name
    """Return a `threading.RLock` that is free in a child process."""
    return _registered(threading.RLock())


class Condition(threading.Condition):
    """A `threading.Condition` that no Ctrl-C leaves held, free in a child process.

    Args:
        lock: A lock made by this module; a new `RLock` if None.
    """

    def __init__(self, lock: Any = None) -> None:
        super().__init__(RLock() if lock is None else lock)
        _registered(self)

    if not TYPE_CHECKING:  # attrgetter is written in C, and so are the methods it returns
        __enter__ = property(operator.attrgetter("_lock.__enter__"))
        __exit__ = property(operator.attrgetter("_lock.__exit__"))


class Event(threading.Event):
    """A `threading.Event` that no Ctrl-C leaves locked; set or not set in a child process as in its parent."""

    def __init__(self) -> None:
        super().__init__()
        self._cond: threading.Condition = Condition(Lock())


def run_holding(lock: Any, call: Callable[[], T], *, wait: bool = True) -> T | None:
    """Call a function while this thread holds a lock; release the lock however the function ends.

    A `with` statement runs bytecode of its own line after the block and before the release, so an exception that a
    tracer or `PyThreadState_SetAsyncExc` raises there leaves the lock held. Here the lock is released in any case.

    Args:
        lock: An `RLock`, because only that tells whether this thread holds it. Must not be held by this thread yet.
        call: The function.
        wait: Wait for the lock; otherwise return None at once if another thread holds it.
    """
    try:
        try:
            return call() if lock.acquire(blocking=wait) else None
        finally:
            _release(lock)
    except BaseException:
        _release(lock)  # the exception may have come before the first one
        raise


def _release(lock: Any) -> None:
    if lock._is_owned():  # noqa: SLF001 - threading.Condition asks the same
        lock.release()


def _after_fork() -> None:
    for reference in list(_made.values()):
        lock = reference()
        if lock is not None:
            lock._at_fork_reinit()  # noqa: SLF001 - as threading does for its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
