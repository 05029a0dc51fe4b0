"""Access key IDs in strings, bytes and buffers."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST = 1 << 20  # characters; a longer text is data, not credentials
_JOINED = 1 << 22  # characters that are searched at once
_UNTRACKABLE = {dict, tuple}
_SLICE = 20_000  # references that are looked at in one step


class Marks(dict[Any, str]):
    """The texts to look for, each with the label of its role. A class of this package, so that no search finds it."""

    def __repr__(self) -> str:
        return f"Marks({len(self)})"


class TextSearch:
    """Finds the marks in the texts that objects refer to.

    Args:
        marks: What to look for.
    """

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._encoded = Marks({mark.encode(): label for mark, label in marks.items()})
        self._strings = set(_with_subclasses(str))
        self._byte_types = set(_with_subclasses(bytes)) | set(_with_subclasses(bytearray))
        self._texts = self._strings | self._byte_types
        self._buffers = _ctypes_arrays()
        self._dicts = set(_with_subclasses(dict))

    def is_in_any(self, things: list[Any], references: list[Any]) -> bool:
        """Return True if a text among the references, or in untracked containers there, contains a mark.

        Args:
            things: Objects.
            references: What they refer to.
        """
        if self._buffers and any(type(thing) in self._buffers and self._in_buffer(thing) for thing in things):
            return True
        texts = (references, self._untracked(references), self._keys(things))
        return any(self._is_in_slice(part) for found in texts for part in _slices(found))

    def labels(self, thing: Any) -> set[str]:
        """Return the roles whose marks the object holds: in itself, in its referents, in untracked containers there."""
        references = [thing, *gc.get_referents(thing)]
        references += self._untracked(references)
        references += self._keys([thing])
        found: set[str] = set()
        for text in references:
            if type(text) in self._texts:
                found |= self._labels_in(text)
        if type(thing) in self._buffers:
            found |= self._in_buffer(thing)
        return found

    def _is_in_slice(self, references: list[Any]) -> bool:
        texts = [text for text in references if type(text) in self._texts]
        strings = [text for text in texts if type(text) is str]
        if sum(map(len, strings)) <= _JOINED:
            joined = "\0".join(strings)
            if any(mark in joined for mark in self._marks):
                return True
        elif any(map(self._labels_in, strings)):
            return True
        return any(self._labels_in(text) for text in texts if type(text) is not str)

    def _labels_in(self, text: Any) -> set[str]:
        if type(text) in self._strings:
            if str.__len__(text) > _LONGEST:
                return set()
            return {label for mark, label in self._marks.items() if str.__contains__(text, mark)}
        kind = bytearray if issubclass(type(text), bytearray) else bytes
        if kind.__len__(text) > _LONGEST:
            return set()
        return {label for mark, label in self._encoded.items() if kind.__contains__(text, mark)}

    def _in_buffer(self, thing: Any) -> set[str]:
        view = memoryview(thing)
        if view.nbytes > _LONGEST:
            return set()
        return self._labels_in(bytes(view))

    def _untracked(self, references: Iterable[Any]) -> list[Any]:
        """Return what the untracked dicts and tuples among the references refer to, at any depth.

        The garbage collector does not track, and `gc.get_objects` does not list, a dict or tuple of strings alone.
        """
        found: list[Any] = []
        inner = [thing for thing in references if type(thing) in _UNTRACKABLE and not gc.is_tracked(thing)]
        while inner:
            referents = gc.get_referents(*inner)
            found += referents
            found += self._keys(inner)
            inner = [thing for thing in referents if type(thing) in _UNTRACKABLE and not gc.is_tracked(thing)]
        return found

    def _keys(self, things: Iterable[Any]) -> list[Any]:
        """Return the keys of the dicts among the objects: the collector does not see strings that are keys."""
        found: list[Any] = []
        for thing in things:
            if type(thing) in self._dicts:
                found += dict.keys(thing)
        return found


def _slices(references: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(references), _SLICE):
        yield references[start : start + _SLICE]


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    subclasses: list[type] = type.__subclasses__(kind)
    for subclass in subclasses:
        yield from _with_subclasses(subclass)


def _ctypes_arrays() -> set[type]:
    """Return the array types of ctypes that have been made, if it is imported: their contents are no Python object."""
    ctypes = sys.modules.get("ctypes")
    return set(_with_subclasses(ctypes.Array)) if ctypes is not None else set()
