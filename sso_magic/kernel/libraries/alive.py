"""Objects that are still alive, by identity: those of some libraries cannot be hashed, or not when they are made."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Alive(Generic[T]):
    """Objects and what is known of each, as long as other code holds them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], T]] = {}

    def add(self, thing: Any, known: T) -> None:
        """Remember the object and what is known of it."""
        number, entries = id(thing), self._known
        drop = _drop  # the module's names may be gone when the interpreter ends
        entries[number] = (weakref.ref(thing, lambda gone: drop(entries, number, gone)), known)

    def get(self, thing: Any) -> T | None:
        """Return what is known of the object; None if nothing is."""
        reference, known = self._known.get(id(thing), (None, None))
        return known if reference is not None and reference() is thing else None

    def discard(self, thing: Any) -> bool:
        """Forget the object; return True if it was known."""
        reference, _ = self._known.get(id(thing), (None, None))
        if reference is None or reference() is not thing:
            return False
        del self._known[id(thing)]
        return True

    def __iter__(self) -> Iterator[tuple[Any, T]]:
        for reference, known in list(self._known.values()):
            thing = reference()
            if thing is not None:
                yield thing, known

    def clear(self) -> None:
        """Forget all objects."""
        self._known.clear()


def _drop(entries: dict[int, tuple[weakref.ref[Any], T]], number: int, gone: weakref.ref[Any]) -> None:
    known = entries.get(number)
    if known is not None and known[0] is gone:  # the number may be another object's by now
        del entries[number]
