"""Ends what other people's code does on a thread, as Ctrl-C ends what it does on the main thread.

Python has no way to end a thread, but it can be told to raise an exception there at its next step. A call that is in C
at that moment (a `sleep`, an answer from the network) raises when it returns. The exception is raised inside the call
that is to be stopped and nowhere else: not in the thread of a pool, which goes on with other work.
"""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_LOCK = threading.Lock()
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
            thread = _RUNNING.pop(ticket, None)
            if thread is None:
                _REFUSED[ticket] = None
            else:
                _raise_in(thread, Stopped)
        while len(_REFUSED) > _REMEMBERED:
            del _REFUSED[next(iter(_REFUSED))]


def _enter(ticket: str) -> None:
    with _LOCK:
        if ticket in _REFUSED:
            del _REFUSED[ticket]
            raise Stopped
        _RUNNING[ticket] = threading.get_ident()


def _leave(ticket: str) -> None:
    """From here on nothing is raised in this thread any more, whether or not it was to be."""
    with _LOCK:
        _RUNNING.pop(ticket, None)
        _raise_in(threading.get_ident(), None)


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    raise_in = getattr(ctypes.pythonapi, "PyThreadState_SetAsyncExc", None)
    if raise_in is not None:
        raise_in(ctypes.c_ulong(thread), ctypes.py_object(exception) if exception else None)
