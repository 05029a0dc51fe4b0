"""What objects hold outside of the references that the garbage collector sees: buffers, constants, columns.

Each reader returns the texts and objects in one object, and copies at most `LONGEST` bytes. It calls functions of
Python, NumPy or pyarrow, never a method that a subclass may have replaced.

Memory that is mapped to a file is left out: reading it waits for the disk, and ends the process where the file has
become shorter meanwhile.
"""

from __future__ import annotations

import array
import contextlib
import contextvars
import gc
import io
import sys
import sysconfig
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Reader = Callable[[Any], Iterable[Any]]

LONGEST = 1 << 20  # bytes or characters; what is longer is data, not credentials
_MOST_ELEMENTS = 100_000  # of an array of objects
_CHARACTERS = frozenset("bBuw")  # type codes of `array.array`
_TEXT_KINDS = frozenset("SUTV")  # NumPy: bytes, text, text of any length, records
_INSTALLED = tuple(path for name in ("stdlib", "purelib", "platlib") if (path := sysconfig.get_path(name)))


def readers() -> dict[type, Reader]:
    """Return the function that reads an object, by the object's exact type; of libraries that are imported."""
    found: dict[type, Reader] = {
        contextvars.ContextVar: gc.get_referents,  # untracked where its default is a text
        types.CodeType: _constants,
    }
    by_base: list[tuple[type, Reader]] = [
        (array.array, _of_array),
        (io.BytesIO, lambda thing: [io.BytesIO.getvalue(thing)]),  # copies nothing
        (io.StringIO, _of_string_io),
    ]
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None:
        by_base += [(base, _of_ctypes) for base in (ctypes.Array, ctypes.Structure, ctypes.Union)]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        by_base += [(numpy.ndarray, _of_numpy(numpy)), (numpy.void, lambda thing: [numpy.void.tobytes(thing)])]
    arrow = sys.modules.get("pyarrow.lib")
    if arrow is not None:
        by_base += [
            (arrow.Table, lambda thing: thing.columns),
            (arrow.RecordBatch, lambda thing: thing.columns),
            (arrow.ChunkedArray, lambda thing: thing.chunks),
            (arrow.Array, _of_arrow_array),
            (arrow.Buffer, _of_arrow_buffer),
        ]
    for base, reader in by_base:
        found |= dict.fromkeys(with_subclasses(base), _without_errors(reader))
    return found


def with_subclasses(kind: type) -> Iterator[type]:
    """Yield a class and all classes that inherit from it."""
    yield kind
    subclasses: list[type] = type.__subclasses__(kind)
    for subclass in subclasses:
        yield from with_subclasses(subclass)


def _without_errors(reader: Reader) -> Reader:
    def read(thing: Any) -> Iterable[Any]:
        with contextlib.suppress(Exception):  # closed, not initialized, or of an unexpected shape
            return reader(thing)
        return ()

    return read


def _constants(code: types.CodeType) -> Iterable[Any]:
    """Return the constants of code that was made in this process or is the user's: no library has a role's keys."""
    return () if code.co_filename.startswith(_INSTALLED) else code.co_consts


def _of_array(thing: Any) -> Iterable[Any]:
    length, code = array.array.__len__(thing), array.array.typecode.__get__(thing)
    return [array.array.tobytes(thing)] if code in _CHARACTERS and length <= LONGEST else ()


def _of_string_io(thing: io.StringIO) -> Iterable[Any]:
    return [io.StringIO.getvalue(thing)] if io.StringIO.tell(thing) <= LONGEST else ()


def _of_ctypes(thing: Any) -> Iterable[Any]:
    if not thing._b_needsfree_ and thing._b_base_ is None and not thing._objects:  # noqa: SLF001 - ctypes documents them
        return ()  # at an address of C code, which may have freed it
    view = memoryview(thing)
    return [view.tobytes()] if view.nbytes <= LONGEST else ()


def _of_numpy(numpy: types.ModuleType) -> Reader:
    base: Any = numpy.ndarray

    def owner(thing: Any) -> Any:
        while isinstance(thing, base) and base.base.__get__(thing) is not None:
            thing = base.base.__get__(thing)
        return thing

    def read(thing: Any) -> Iterable[Any]:
        kind = base.dtype.__get__(thing)
        if kind.hasobject or kind.kind == "T":
            size = base.size.__get__(thing)
            return base.ravel(thing).tolist() if size <= _MOST_ELEMENTS and kind.kind in "OT" else ()
        if base.nbytes.__get__(thing) > LONGEST or not (kind.kind in _TEXT_KINDS or kind.itemsize == 1):
            return ()
        return [base.tobytes(thing)] if isinstance(owner(thing), (base, bytes, bytearray)) else ()

    return read


def _of_arrow_array(thing: Any) -> Iterable[Any]:
    parts = [buffer for buffer in thing.buffers() if buffer is not None]
    return [*parts, thing.dictionary] if hasattr(thing, "dictionary") else parts


def _of_arrow_buffer(thing: Any) -> Iterable[Any]:
    is_own = thing.parent is None and thing.is_cpu  # another's may be mapped to a file
    return [thing.to_pybytes()] if is_own and thing.size <= LONGEST else ()
