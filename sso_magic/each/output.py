"""What a task prints, collected for its account instead of mixed with what the others print.

Every thread prints to the same `sys.stdout`. While tasks run it is replaced by one that collects what a task's own
thread prints, and passes on everything else. (Otherwise the ``print`` of a thread would be lost from the saved
notebook, or be shown in the cell that runs then.)
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Iterator

_STREAMS = ("stdout", "stderr")
_COLLECTING = threading.local()
_LOCK = locks.Lock()
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
    with _LOCK:
        if not _RUNS:
            for name in _STREAMS:
                _ROUTERS[name] = _Router(getattr(sys, name))
                setattr(sys, name, _ROUTERS[name])
        _RUNS.add(run)


def restore(run: object) -> None:
    """End what `route` began for this run. Calling it again changes nothing."""
    with _LOCK:
        if run not in _RUNS:
            return
        _RUNS.remove(run)
        if _RUNS:
            return
        for name in _STREAMS:
            router = _ROUTERS.pop(name)
            if getattr(sys, name) is router:  # else other code redirects it now
                setattr(sys, name, router.real)


@contextlib.contextmanager
def routed() -> Iterator[None]:
    """Let what tasks print be collected in a block. May be nested, and used by several threads at once."""
    run = object()
    route(run)
    try:
        yield
    finally:
        restore(run)


@contextlib.contextmanager
def collected() -> Iterator[list[str]]:
    """Collect what this thread prints; to be used inside `routed`, or between `route` and `restore`."""
    outer = getattr(_COLLECTING, "text", None)
    text: list[str] = []
    _COLLECTING.text = text
    try:
        yield text
    finally:
        _COLLECTING.text = outer


def lines_of(text: list[str]) -> list[str]:
    """Return the lines as a terminal shows them, without what was overwritten after a carriage return."""
    whole = "".join(text).removesuffix("\n")
    return [line.rstrip("\r").rpartition("\r")[2] for line in whole.split("\n")] if whole else []
