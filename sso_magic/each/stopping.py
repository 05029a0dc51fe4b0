"""Ends what other people's code does on a thread, as Ctrl-C ends what it does on the main thread.

Python has no way to end a thread, but it can be told to raise an exception there at its next step. A call that is in C
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
    """Makes the call; `stop` with this ticket ends it from any other thread.

    Raises:
        Stopped: It was stopped, if only before it began.
    """
    try:
        _enter(ticket)
        try:
            return call()
        finally:
            _leave(ticket)
    except Stopped:
        _leave(ticket)  # it may have come while the call was being left; there is one a ticket
        raise


def stop(tickets: Iterable[str]) -> None:
    """Ends these calls, those of them that run in this process or are to begin in it."""
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
    """From here on nothing is raised in this thread any more.

    An exception that is still on its way is taken here: one more takes its place, and is waited for. To call it off
    would be shorter, and would leave CPython 3.10 and 3.11 believing for ever that there is one; the next function that
    is called under a debugger or a profiler then never begins.
    """
    with _LOCK:
        stopped = _RUNNING.pop(ticket, None) is None
    if stopped:
        with contextlib.suppress(Stopped):
            while _raise_in(threading.get_ident()):
                time.sleep(0)  # gives way to other threads, and looks for exceptions when it is back


def _raise_in(thread: int) -> bool:
    """Whether this Python can do it, and the thread is there."""
    raise_in = getattr(ctypes.pythonapi, "PyThreadState_SetAsyncExc", None)
    return raise_in is not None and raise_in(ctypes.c_ulong(thread), ctypes.py_object(Stopped)) == 1


def _would_hang() -> bool:
    """Whether no function could be called any more until the thread is back from C.

    CPython 3.11 under a debugger or a profiler: what is to be stopped goes on to its end there.
    """
    if sys.version_info[:2] != (3, 11):
        return False
    return any((sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()))
