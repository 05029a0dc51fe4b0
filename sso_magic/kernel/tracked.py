"""The objects that the garbage collector tracks, listed without harm to code that is building a tuple.

`tuple(iterator)` resizes a tuple that only C code refers to, and raises SystemError if a list of `gc.get_objects()` or
`gc.get_referrers()` refers to it as well: the list may be taken in the iterator, or in another thread. So the
collector's list, tuples included, exists only during one call of C code, in which no other thread and no code of Python
runs; what is left of it has no tuples. A tuple that a tracked object refers to is complete.
"""

from __future__ import annotations

import gc
import operator
import sys
from functools import partial
from itertools import chain, compress, repeat, starmap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = 1000  # objects between two pauses


def tracked_objects(pause: Callable[[], None]) -> list[Any]:
    """Return the objects that the garbage collector tracks, also those that `gc.freeze` has hidden from it.

    Of tuples, only those that one of these refers to. Of frozen objects, those that can be reached from the others,
    from modules or from running code.

    Args:
        pause: Called every millisecond or so; an error that it raises is raised here.
    """
    objects = _without_tuples(gc.get_objects)
    _add_tuples(objects, pause)
    if gc.get_freeze_count():
        objects += frozen_objects(objects, pause)
    return objects


def referrers(*things: Any) -> list[Any]:
    """Return the objects that refer to one of these and are not tuples, frozen ones as in `tracked_objects`."""
    found = _without_tuples(gc.get_referrers, *things)
    if not gc.get_freeze_count():
        return found
    wanted = set(map(id, things))
    known = set(map(id, found))
    return found + [
        thing
        for thing in frozen_objects(_without_tuples(gc.get_objects), lambda: None)
        if type(thing) is not tuple and id(thing) not in known and _refers(thing, wanted)
    ]


def frozen_objects(objects: list[Any], pause: Callable[[], None]) -> list[Any]:
    """Return the tracked objects, other than these, that these, modules or running code lead to.

    After a call of `gc.freeze`, as servers make before they fork, `gc.get_objects` and `gc.get_referrers` leave out the
    objects that existed then. `gc.get_referents` does not.
    """
    known = set(map(id, objects))
    frozen: list[Any] = []
    frontier = [*objects, *sys.modules.values(), _variables()]
    while frontier:
        reached: dict[int, Any] = {}
        for start in range(0, len(frontier), _STEP):
            pause()
            referents = gc.get_referents(*frontier[start : start + _STEP])
            reached.update(zip(map(id, referents), referents, strict=True))
        frontier = [thing for number, thing in reached.items() if number not in known and gc.is_tracked(thing)]
        known.update(map(id, frontier))
        frozen += frontier
    return frozen


def _variables() -> list[Any]:
    """Return what the variables of running code refer to, without those of this package's search.

    A frame that runs shows the collector none of its variables.
    """
    found: list[Any] = []
    for innermost in list(sys._current_frames().values()):  # noqa: SLF001 - there is no other way
        frame: Any = innermost
        while frame is not None:
            if not str(frame.f_globals.get("__name__")).startswith("sso_magic."):
                found += list(frame.f_locals.values())
            frame = frame.f_back
    return found


def _refers(thing: Any, wanted: set[int]) -> bool:
    return not wanted.isdisjoint(map(id, gc.get_referents(thing)))


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
