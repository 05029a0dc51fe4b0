"""Room for new variables in the environment of the C library.

Before glibc 2.41, `setenv` frees the array of variables when it adds one, while a thread of C or Rust code (of polars
and DuckDB, for example) may be reading it in `getenv`: the process crashes. A variable that is there already is
replaced without that. So `make_room` adds the new names, with no value yet, in an array that is never freed, and what
sets their values afterwards frees nothing.

Source: glibc's stdlib/setenv.c, the comment of 2.41 in its NEWS ("getenv is now thread-safe").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_SAFE_GLIBC = (2, 41)
_SPARE = 64  # entries that can be added before the array is copied to a larger one


def make_room(names: Iterable[str]) -> None:
    """Add the variables that are not set, as empty ones, where setting a new one could crash another thread.

    They are not in `os.environ`; give each its value at once.
    """
    new = [name for name in names if name not in os.environ]
    if new and (variables := _variables()) is not None:
        variables.add([os.fsencode(name) for name in new])


class _Variables:
    """The C library's `environ`, a pointer to an array of pointers to texts "NAME=value" that ends with NULL."""

    def __init__(self, ctypes: Any) -> None:
        self._ctypes = ctypes
        library = ctypes.CDLL(None)
        self._getenv = library.getenv
        self._getenv.restype = ctypes.c_void_p
        self._environ = ctypes.c_void_p.in_dll(library, "environ")
        self._array: Any = None
        self._texts: dict[bytes, Any] = {}

    def add(self, names: list[bytes]) -> None:
        names = [name for name in names if self._getenv(name) is None]
        count = self._count()
        while not self._is_own() or count + len(names) >= len(self._array):
            self._copy(count, len(names))
            self._set_what_was_missed()  # which makes the C library copy it again, if there was anything
            count = self._count()
        for number, name in enumerate(names, count):
            # What follows the last entry is NULL already.
            self._array[number] = self._ctypes.addressof(self._text(name))

    def _is_own(self) -> bool:
        return self._array is not None and self._environ.value == self._ctypes.addressof(self._array)

    def _entries(self) -> Any:
        return self._ctypes.cast(self._environ.value, self._ctypes.POINTER(self._ctypes.c_void_p))

    def _count(self) -> int:
        if self._environ.value is None:
            return 0
        entries, count = self._entries(), 0
        while entries[count] is not None:
            count += 1
        return count

    def _copy(self, count: int, new: int) -> None:
        """Make the environment an array with room for more."""
        array = self._for_ever((self._ctypes.c_void_p * (count + new + _SPARE))())
        if count:
            self._ctypes.memmove(array, self._environ.value, count * self._ctypes.sizeof(self._ctypes.c_void_p))
        self._array = array
        self._environ.value = self._ctypes.addressof(array)

    def _set_what_was_missed(self) -> None:
        """Set the variables that another thread of Python has set while the array was copied."""
        for name, value in dict(os.environ).items():
            if self._getenv(os.fsencode(name)) is None:
                os.putenv(name, value)

    def _text(self, name: bytes) -> Any:
        if name not in self._texts:
            self._texts[name] = self._for_ever(self._ctypes.create_string_buffer(name + b"="))
        return self._texts[name]

    def _for_ever(self, memory: Any) -> Any:
        """Keep it beyond the end of the interpreter: a thread may be reading it at any time."""
        self._ctypes.pythonapi.Py_IncRef(self._ctypes.py_object(memory))
        return memory


_known: list[_Variables | None] = []


def _variables() -> _Variables | None:
    """Return the C library's environment; None where adding a variable crashes nothing, or this is no glibc."""
    if not _known:
        _known.append(_find())
    return _known[0]


def _find() -> _Variables | None:
    ask = getattr(os, "confstr", None)  # Windows has none
    try:
        name, _, version = ((ask and ask("CS_GNU_LIBC_VERSION")) or "").partition(" ")
        release = tuple(map(int, version.split(".")[:2]))
    except (ValueError, OSError):  # another C library; macOS and Windows lock their environments themselves
        return None
    if name != "glibc" or release >= _SAFE_GLIBC:
        return None
    try:
        import ctypes

        return _Variables(ctypes)
    except (ImportError, AttributeError, ValueError, OSError):  # a Python without ctypes
        return None
