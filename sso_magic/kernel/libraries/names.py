"""What refers to a class or a function: the names that it has been imported to, for one.

Python has no list of them. `gc.get_referrers` looks through every object of the process, which takes 0.1 s in a kernel
of 2 million objects, so the searches of all libraries are made in one pass.
"""

from __future__ import annotations

import contextlib
import threading
from itertools import chain
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.tracked import referrers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Act = Callable[[list[Any]], None]


class Searches:
    """Searches for referrers that are made in one pass."""

    def __init__(self) -> None:
        self._wanted: list[tuple[tuple[Any, ...], Act]] = []

    def add(self, things: Iterable[Any], act: Act) -> None:
        """Note a search.

        Args:
            things: What is referred to.
            act: Called with the referrers of these objects and of those of other searches.
        """
        self._wanted.append((tuple(things), act))

    def run(self) -> None:
        """Make the searches, in the order in which they were added, also those after one that fails.

        Raises:
            Exception: The first error of a search's function.
        """
        wanted, self._wanted = self._wanted, []
        things = list(chain.from_iterable(things for things, _ in wanted))
        found = referrers(*things) if things else []
        with contextlib.ExitStack() as stack:
            for _, act in reversed(wanted):
                stack.callback(act, found)


class _OfThread(threading.local):
    searches: Searches | None = None


_of_thread = _OfThread()


@contextlib.contextmanager
def collected() -> Iterator[Searches]:
    """Keep the searches that this thread asks for in the block, instead of making each at once."""
    outer = _of_thread.searches
    _of_thread.searches = searches = outer or Searches()
    try:
        yield searches
    finally:
        _of_thread.searches = outer


def with_referrers(things: Iterable[Any], act: Act) -> None:
    """Call a function with the referrers of these objects: at once, or when the collected searches are made."""
    with collected() as searches:
        searches.add(things, act)
    if _of_thread.searches is None:
        searches.run()


def rename(old: Any, new: Any, but_for: str = "\0") -> None:
    """Put the new object under each name that the old one has in a module or a notebook.

    Args:
        old: What has the names now.
        new: What gets them.
        but_for: Modules whose name begins with this keep the old one.
    """

    def replace(found: list[Any]) -> None:
        with contextlib.ExitStack() as stack:  # the others are changed where one cannot be
            for namespace in found:
                if isinstance(namespace, dict) and _is_of_module(namespace, but_for):
                    for name in [name for name, value in namespace.items() if value is old]:
                        stack.callback(namespace.__setitem__, name, new)

    with_referrers([old], replace)


def _is_of_module(namespace: dict[Any, Any], but_for: str) -> bool:
    name = namespace.get("__name__")
    return isinstance(name, str) and "__builtins__" in namespace and not name.startswith((but_for, "sso_magic.lib"))
