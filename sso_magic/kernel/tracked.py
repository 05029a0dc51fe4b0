"""The objects that the garbage collector tracks, listed without harm to code that is building a tuple.

`tuple(iterator)` resizes a tuple that only C code refers to, and raises SystemError if a list of `gc.get_objects()` or
`gc.get_referrers()` refers to it as well: the list may be taken in the iterator, or in another thread. So the
collector's list, tuples included, exists only during one call of C code, in which no other thread and no code of Python
runs; what is left of it has no tuples. A tuple that a tracked object refers to is complete.
"""

from __future__ import annotations

import gc
import operator
from functools import partial
from itertools import chain, compress, repeat, starmap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = 1000  # objects between two pauses


def tracked_objects(pause: Callable[[], None]) -> list[Any]:
    """Return the objects that the garbage collector tracks; of tuples, only those that one of these refers to.

    Args:
        pause: Called every millisecond or so; an error that it raises is raised here.
    """
    objects = _without_tuples(gc.get_objects)
    _add_tuples(objects, pause)
    return objects


def referrers(*things: Any) -> list[Any]:
    """Return the objects that refer to one of these and are not tuples."""
    return _without_tuples(gc.get_referrers, *things)


def _add_tuples(objects: list[Any], pause: Callable[[], None]) -> None:
    """Append the tuples that can be reached from the objects.

    A function of its own: its frame, whose variables refer to the tuples, is made later than the list.
    """
    tuples: dict[int, tuple[Any, ...]] = {}
    found = _tuples_in(objects, pause)
    while found:
        new = [thing for number, thing in found.items() if number not in tuples and gc.is_tracked(thing)]
        tuples |= found
        objects += new
        found = _tuples_in(new, pause)


def _tuples_in(objects: list[Any], pause: Callable[[], None]) -> dict[int, tuple[Any, ...]]:
    """Return the tuples that the objects refer to, by identity."""
    tuples: dict[int, tuple[Any, ...]] = {}
    for start in range(0, len(objects), _STEP):
        pause()
        found = gc.get_referents(*objects[start : start + _STEP])
        of_tuples = list(compress(found, map(operator.is_, map(type, found), repeat(tuple))))
        tuples.update(zip(map(id, of_tuples), of_tuples, strict=True))
    return tuples


def _without_tuples(list_objects: Callable[..., list[Any]], *arguments: Any) -> list[Any]:
    """Return the objects of a function of `gc` that are not tuples.

    The assignment to `objects` is one call of C code. It makes the collector's list, iterates over it twice at the same
    time, once for the objects and once for their types, and drops it. A garbage collection, which could run code of
    Python, is off. The list that is returned is made after the collector's, and so is not in it.
    """
    lists = chain.from_iterable(map(repeat, starmap(list_objects, (arguments,)), repeat(2)))
    choices = map(partial(map, operator.is_not, repeat(tuple)), map(partial(map, type), lists))
    others = map(list, map(compress, lists, choices))
    was_enabled = gc.isenabled()
    try:
        gc.disable()
        [objects] = others
    finally:
        if was_enabled:
            gc.enable()
    return objects
