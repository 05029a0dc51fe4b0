"""Refuse names in a cell that would find the notebook's own session or credentials in every account."""

from __future__ import annotations

import dis
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LOOKS_UP = {"LOAD_GLOBAL", "LOAD_NAME"}


def refuse_own_names(needed: Mapping[str, Any], notebook: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse code that looks up one of these names, which the notebook has too, and would find the notebook's.

    A function of the notebook can be made to look in the account's copy of its namespace. A class's methods, and a
    function inside a wrapper such as `functools.cache`, cannot.

    Args:
        needed: What of the notebook the cell may look up.
        notebook: The notebook's namespace.
        names: What the cell is given.

    Raises:
        UsageError: There is such code; names it.
    """
    both = {name for name in names if name in notebook}
    if not both:
        return
    for label, value in needed.items():
        for code in _codes(value):
            found = both & _looked_up(code)
            if found:
                name = min(found)
                raise UsageError(
                    f"{label} looks up {name}, and would find the notebook's own {name} in every account. Define "
                    f"{label} in the cell, give it {name} as an argument, or rename the notebook's."
                )


def _codes(value: Any) -> Iterator[CodeType]:
    """Yield the notebook's code in a value: methods of a class, and a function in a wrapper; not plain functions."""
    if isinstance(value, FunctionType):
        return
    wrapped = getattr(value, "__wrapped__", None)
    if isinstance(wrapped, FunctionType) and wrapped.__module__ == "__main__":
        yield wrapped.__code__
    kind = value if isinstance(value, type) else type(value)
    for part in kind.__mro__:
        if part.__module__ == "__main__":
            for member in vars(part).values():
                yield from _functions(member)


def _functions(member: Any) -> Iterator[CodeType]:
    for function in (member, *(getattr(member, name, None) for name in ("__func__", "fget", "fset", "func"))):
        if isinstance(function, FunctionType):
            yield function.__code__


def _looked_up(code: CodeType) -> set[str]:
    """Return the global names that the code looks up, also in what it defines."""
    names = {str(step.argval) for step in dis.get_instructions(code) if step.opname in _LOOKS_UP}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _looked_up(constant)
    return names
