"""Ends the call of a function on a thread, as Ctrl-C ends one on the main thread.

Python has no way to end a thread, but it can raise an exception there at the thread's next step. A call that is in C
at that moment (a `sleep`, an answer from the network) raises when it returns. The exception is raised inside the call
that is to be stopped and nowhere else: not in the thread of a pool, which goes on with other work.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_LOCK = locks.Lock()
_RUNNING: dict[str, int] = {}  # tickets of the calls that run in this process, and their threads
_REFUSED: dict[str, None] = {}  # those that were stopped before they began here, or that run elsewhere
_REMEMBERED = 10_000


class Stopped(BaseException):
    """Raised in a call that was stopped; no ``except Exception`` takes it for a failure."""


def stoppable(ticket: str, call: Callable[[], T]) -> T:
    """Make the call; `stop` with this ticket ends it from any other thread.

    Raises:
        Stopped: It was stopped, possibly before it began.
    """
    try:
        _enter(ticket)
        try:
            return call()
        finally:
            _leave(ticket)
    except Stopped:
        _leave(ticket)  # it may have come in `_leave`; no second one comes for a ticket
        raise


def stop(tickets: Iterable[str]) -> None:
    """End the calls of these tickets that run in this process, or that begin in it later."""
    with _LOCK:
        for ticket in tickets:
            thread = _RUNNING.get(ticket)
            if thread is None:
                _REFUSED[ticket] = None
            elif not _would_hang() and _raise_in(thread):
                del _RUNNING[ticket]
        while len(_REFUSED) > _REMEMBERED:
            del _REFUSED[next(iter(_REFUSED))]


def _enter(ticket: str) -> None:
    with _LOCK:
        if ticket in _REFUSED:
            del _REFUSED[ticket]
            raise Stopped
        _RUNNING[ticket] = threading.get_ident()


def _leave(ticket: str) -> None:
    """Make sure that nothing is raised in this thread from here on.

    If `stop` has asked for an exception, it may still be pending: another one replaces it, and is waited for here. To
    clear it would be shorter, but CPython 3.10 and 3.11 would go on as if it were pending: under a debugger or a
    profiler, the next function that is called would never begin.
    """
    with _LOCK:
        stopped = _RUNNING.pop(ticket, None) is None
    if stopped:
        with contextlib.suppress(Stopped):
            while _raise_in(threading.get_ident()):
                time.sleep(0)  # gives way to other threads, and looks for exceptions when it is back


def _raise_in(thread: int) -> bool:
    """Raise `Stopped` in a thread; return False if this Python cannot do it, or the thread has ended."""
    raise_in = getattr(ctypes.pythonapi, "PyThreadState_SetAsyncExc", None)
    return raise_in is not None and raise_in(ctypes.c_ulong(thread), ctypes.py_object(Stopped)) == 1


def _would_hang() -> bool:
    """Return True if an exception would keep every function from being called until the thread is back from C.

    That is so in CPython 3.11 under a debugger or a profiler; there, a call that is to be stopped goes on to its end.
    """
    if sys.version_info[:2] != (3, 11):
        return False
    return any((sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()))
