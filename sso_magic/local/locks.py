"""Locks that a child process made by `os.fork` finds free: another thread of the parent may have held them."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, TypeVar

AnyLock = TypeVar("AnyLock")

_made: weakref.WeakSet[Any] = weakref.WeakSet()


def _registered(lock: AnyLock) -> AnyLock:
    _made.add(lock)
    return lock


def Lock() -> threading.Lock:  # noqa: N802 - named as in threading
    """Return a `threading.Lock` that is free in a child process."""
    return _registered(threading.Lock())


def RLock() -> Any:  # noqa: N802 - the same; a factory in threading, so there is no type to name
    """Return a `threading.RLock` that is free in a child process."""
    return _registered(threading.RLock())


def Condition(lock: Any) -> threading.Condition:  # noqa: N802 - the same
    """Return a `threading.Condition` that is free in a child process and has no waiters there."""
    return _registered(threading.Condition(lock))


def Event() -> threading.Event:  # noqa: N802 - the same
    """Return a `threading.Event` that no thread holds in a child process."""
    return _registered(threading.Event())


def _after_fork() -> None:
    for lock in list(_made):
        lock._at_fork_reinit()  # noqa: SLF001 - as threading does for its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
