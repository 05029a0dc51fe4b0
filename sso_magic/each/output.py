"""What a task prints, collected for its account instead of mixed with what the others print.

Every thread prints to the same `sys.stdout`. While tasks run it is replaced by one that collects what a task's own
thread prints, and passes on everything else. (Otherwise the ``print`` of a thread would be lost from the saved
notebook, or be shown in the cell that runs then.)
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_STREAMS = ("stdout", "stderr")
_COLLECTING = threading.local()
_LOCK = locks.RLock()
_ROUTERS: dict[str, _Router] = {}
_RUNS: set[object] = set()


class _Router:
    """Replaces `sys.stdout` or `sys.stderr`; attributes that it lacks are those of the real stream."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def write(self, text: str) -> int:
        lines: list[str] | None = getattr(_COLLECTING, "text", None)
        if lines is None:
            return int(self.real.write(text) or len(text))
        lines.append(text)
        return len(text)

    def writelines(self, texts: list[str]) -> None:
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def route(run: object) -> None:
    """Let what tasks print be collected until `restore` is called for this run. Several runs may be under way."""
    locks.run_holding(_LOCK, lambda: _route(run))


def _route(run: object) -> None:
    is_first = not _RUNS
    _RUNS.add(run)
    if is_first:
        for name in _STREAMS:
            _ROUTERS[name] = _Router(getattr(sys, name))
            setattr(sys, name, _ROUTERS[name])


def restore(run: object) -> None:
    """End what `route` began for this run. Calling it again changes nothing, or ends what an interrupt left."""
    locks.run_holding(_LOCK, lambda: _restore(run))


def _restore(run: object) -> None:
    if {run} == _RUNS:
        for name in _STREAMS:
            router = _ROUTERS.get(name)
            if router is not None and getattr(sys, name) is router:  # else other code redirects it now
                setattr(sys, name, router.real)
            _ROUTERS.pop(name, None)
    _RUNS.discard(run)


def run_routed(call: Callable[[], T]) -> T:
    """Make a call while what tasks print is collected. May be nested, and used by several threads at once."""
    run = object()
    try:
        try:
            route(run)
            return call()
        finally:
            restore(run)
    except BaseException:
        restore(run)  # the exception may have come before the first one, or in it
        raise


def run_collecting(text: list[str], call: Callable[[], object]) -> None:
    """Make a call and add to a list what this thread prints in it; inside `run_routed`, or `route` and `restore`."""
    outer = getattr(_COLLECTING, "text", None)
    try:
        try:
            _COLLECTING.text = text
            call()
        finally:
            _COLLECTING.text = outer
    except BaseException:
        _COLLECTING.text = outer  # as in `run_routed`
        raise


def lines_of(text: list[str]) -> list[str]:
    """Return the lines as a terminal shows them, without what was overwritten after a carriage return."""
    whole = "".join(text).removesuffix("\n")
    return [line.rstrip("\r").rpartition("\r")[2] for line in whole.split("\n")] if whole else []
