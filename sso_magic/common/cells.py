"""Running the text of a cell inside a magic: in the notebook's namespace, its last expression as its value."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from types import CodeType

    from IPython.core.interactiveshell import InteractiveShell


UNREADABLE = (ValueError, OverflowError, MemoryError, RecursionError)  # the last three: too deep; no SyntaxError


def reason(error: Exception) -> str:
    """Why a text is no program, without the line."""
    return getattr(error, "msg", None) or str(error) or "it is too deeply nested"


class Cell:
    """A cell's text, read once.

    Args:
        shell: The running IPython.
        text: The cell's code; magics and ``!`` in it work.

    Raises:
        SyntaxError: It cannot be read; the line is shown as for any cell.
        UsageError: It holds what no Python program can, is too deep, or awaits outside a function: a magic runs while
            the kernel's event loop waits for it.
    """

    def __init__(self, shell: InteractiveShell, text: str) -> None:
        try:
            self._body, self._value = _compiled(shell, text)
        except UNREADABLE as error:
            raise UsageError(f"The cell cannot be read ({reason(error)}).") from None
        except SyntaxError as error:
            if not _awaits(shell, text):
                raise
            raise UsageError(
                f"%%sso_as cannot run await outside a function (line {error.lineno}). Run %sso_use ACCOUNT ROLE, and "
                "the code in the next cell."
            ) from None

    def run(self, namespace: dict[str, Any]) -> Any:
        """Runs it there; the value of its last expression, None where it has none or ends in ``;``."""
        exec(self._body, namespace)  # noqa: S102 - the person's own cell
        return eval(self._value, namespace) if self._value is not None else None  # noqa: S307


def _compiled(shell: InteractiveShell, text: str) -> tuple[CodeType, CodeType | None]:
    """What to run, and the expression whose value is the cell's."""
    source: str = shell.transform_cell(text)
    name: str = shell.compile.cache(source)  # tracebacks show the lines
    tree = ast.parse(source, name)
    last = tree.body[-1] if tree.body else None
    value = None
    if isinstance(last, ast.Expr) and not _is_silenced(source):
        tree.body.pop()
        value = compile(ast.Expression(last.value), name, "eval")
    return compile(tree, name, "exec"), value


def _awaits(shell: InteractiveShell, text: str) -> bool:
    """Return True if the cell is a program once ``await`` may be outside a function."""
    try:
        compile(shell.transform_cell(text), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, *UNREADABLE):
        return False
    return True


def _is_silenced(source: str) -> bool:
    """Whether the cell ends in a semicolon, by which IPython shows no value."""
    import io
    import tokenize

    lines = io.StringIO(source, newline=None)  # a line may end in \r alone, at which tokenize of Python 3.12 fails
    try:
        tokens = [
            token.string
            for token in tokenize.generate_tokens(lines.readline)
            if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT)
        ]
    except (tokenize.TokenError, SyntaxError):  # of Python 3.11, at a backslash that ends the cell
        return False
    return bool(tokens) and tokens[-1] == ";"
