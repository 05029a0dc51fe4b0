"""What the magics have in common: a line is parsed, a ``;`` silences the value, an interrupt is said in one line.

`sso_magic.magics.parsing` parses; `%load_ext` imports this module, not that one.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import linecache
import re
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_magic as ipython_line_magic

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator


def parse(magic: Callable[..., Any], line: str) -> argparse.Namespace:
    """Return the line's arguments by the magic's parser.

    Raises:
        UsageError: The line cannot be read; the message says what to type.
    """
    from sso_magic.magics import parsing  # here: %load_ext needs none of it

    return parsing.parsed(magic, line)


def split_name_from_semicolon(lines: list[str]) -> list[str]:
    """Transform a cell's lines: IPython takes ``sso_accounts;`` for the name of a magic that has no arguments."""
    return [re.sub(_NAME_WITH_SEMICOLON, r"\1\2', ';", line) if "sso_" in line else line for line in lines]


_NAME_WITH_SEMICOLON = r"(\.run_(?:line|cell)_magic\(')(sso_\w+);+', '"


def silenced_by_semicolon(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Make a magic return nothing to display where its line ends in ``;``.

    IPython's ``output_can_be_silenced`` also takes the value from an assignment, ``df = %sso_accounts;``: here an
    assignment keeps it.
    """

    @functools.wraps(magic)
    def wrapper(self: Any, line: str, *cell: str) -> Any:
        value = magic(self, line, *cell)
        return None if value is not None and _is_silenced(line) and _is_statement(self.shell) else value

    return wrapper


@contextlib.contextmanager
def said_when_interrupted(name: str) -> Iterator[None]:
    """Turn an interrupt into `Interrupted`, which is shown as one line instead of a traceback.

    Args:
        name: The magic's name with its percent signs.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        from sso_magic.errors import Interrupted

        said = str(error) or "Run it again."  # a fetch of the inventory says what it has kept
        raise Interrupted(f"{name} was interrupted. {said}") from None


def line_magic(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method a line magic that says in one line that it was interrupted."""

    @functools.wraps(magic)
    def wrapper(self: Any, line: str) -> Any:
        with said_when_interrupted(f"%{magic.__name__}"):
            return magic(self, line)

    return ipython_line_magic(wrapper)


def _is_silenced(line: str) -> bool:
    from sso_magic.common import lexer

    return lexer.split(line).is_silenced


def _is_statement(shell: Any) -> bool:
    """True if the magic is a statement of the cell, so that IPython would display its value."""
    frame = sys._getframe(1)  # noqa: SLF001 - IPython tells a magic nothing about its statement
    while frame is not None and not (frame.f_globals is shell.user_global_ns and frame.f_code.co_name.startswith("<")):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return False
    try:
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        isinstance(node, ast.Expr)
        and node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in {"run_line_magic", "run_cell_magic"}
        for node in tree.body
    )
