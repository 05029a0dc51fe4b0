"""Access key IDs in strings, bytes and buffers."""

from __future__ import annotations

import base64
import gc
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.canary.contents import LONGEST, readers, with_subclasses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_JOINED = 1 << 22  # characters that are searched at once
_UNTRACKABLE = {dict, tuple}
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")  # in arrays and buffers of characters
_SLICE = 20_000  # references that are looked at in one step


class Marks(dict[Any, str]):
    """The texts to look for, each with the label of its role. A class of this package, so that no search finds it."""

    def __repr__(self) -> str:
        return f"Marks({len(self)})"


class TextSearch:
    """Finds the marks in the texts that objects refer to, as they are and in base64.

    Args:
        marks: What to look for.
    """

    def __init__(self, marks: Marks) -> None:
        self._marks = Marks(marks)
        for mark, label in marks.items():
            self._marks.update(dict.fromkeys(_in_base64(mark), label))
        self._encoded = Marks({mark.encode(): label for mark, label in self._marks.items()})
        for mark, label in marks.items():
            self._encoded.update(dict.fromkeys(map(mark.encode, _WIDE), label))
        self._strings = set(with_subclasses(str))
        byte_types = set(with_subclasses(bytes)) | set(with_subclasses(bytearray))
        self._readers = readers()
        self._texts = self._strings | byte_types
        self._closed = _UNTRACKABLE | set(self._readers)
        self._of_interest = self._texts | self._closed
        self._dicts = set(with_subclasses(dict))

    def is_in_any(self, things: list[Any], references: list[Any]) -> bool:
        """Return True if a text among the references, or in untracked containers there, contains a mark.

        Args:
            things: Objects.
            references: What they refer to.
        """
        references = [thing for thing in references if type(thing) in self._of_interest]  # few: spares the next passes
        texts = (references, self._within(things, references), self._keys(things))
        return any(self._is_in_slice(part) for found in texts for part in _slices(found))

    def labels(self, thing: Any) -> set[str]:
        """Return the roles whose marks the object holds: in itself, in its referents, in untracked containers there."""
        references = [thing, *gc.get_referents(thing)]
        references += self._within([thing], references)
        references += self._keys([thing])
        return set().union(*(self._labels_in(text) for text in references if type(text) in self._texts))

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
            if str.__len__(text) > LONGEST:
                return set()
            return {label for mark, label in self._marks.items() if str.__contains__(text, mark)}
        kind = bytearray if issubclass(type(text), bytearray) else bytes
        if kind.__len__(text) > LONGEST:
            return set()
        return {label for mark, label in self._encoded.items() if kind.__contains__(text, mark)}

    def _within(self, things: list[Any], references: list[Any]) -> list[Any]:
        """Return what is in the objects and their references, but for what the garbage collector sees, at any depth.

        The collector does not track, and `gc.get_objects` does not list, a dict or tuple of strings alone, nor most
        objects that have no references. What it tracks is an object of its own, unless a reader has made it just now.
        """
        found = [content for thing in things if type(thing) in self._readers for content in self._read(thing)]
        inner = [thing for thing in references if type(thing) in self._closed and not gc.is_tracked(thing)]
        inner += [thing for thing in found if type(thing) in self._closed]
        seen: dict[int, Any] = {}  # keeps what the readers make, so that no identity is used again
        while inner:
            seen.update(zip(map(id, inner), inner, strict=True))
            contents = [content for thing in inner for content in self._read(thing)]
            contents += self._keys(inner)
            found += contents
            inner = [thing for thing in contents if type(thing) in self._closed and id(thing) not in seen]
        return found

    def _read(self, thing: Any) -> Iterable[Any]:
        reader = self._readers.get(type(thing))
        return gc.get_referents(thing) if reader is None else reader(thing)

    def _keys(self, things: Iterable[Any]) -> list[Any]:
        """Return the keys of the dicts among the objects: the collector does not see strings that are keys."""
        found: list[Any] = []
        for thing in things:
            if type(thing) in self._dicts:
                found += dict.keys(thing)
        return found


def _in_base64(mark: str) -> Iterator[str]:
    """Yield what base64 makes of the mark, whatever is before and after it: one text for each of the three offsets."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + mark.encode()).decode()
        whole = (offset + len(mark.encode())) // 3 * 4
        yield encoded[4 if offset else 0 : whole]


def _slices(references: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(references), _SLICE):
        yield references[start : start + _SLICE]
