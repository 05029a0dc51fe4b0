"""A cell of ``%%sso_each``: read once, run once an account, each time in a copy of the notebook's namespace.

The copy is as deep as a namespace is: what the cell assigns stays in it, what an object holds is shared. In it are
``session``, ``credentials``, ``account`` and ``role``; the first two are made when the cell first touches them.
Functions of the notebook that the cell calls see the copy as well, so that a ``session`` in one of them is the
account's, and never one that the notebook happens to have.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import functools
import inspect
import linecache
import textwrap
from hashlib import sha256
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common.cells import UNREADABLE, reason
from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sso_magic.each.here import Here

_SHOWN = 200  # characters of a line that an error shows
NAMES = ("session", "credentials", "account", "role")  # what the cell is given, even if the notebook has the same names
REGION_NAMES = (*NAMES, "region")  # the same in a run with a list of regions


class Code(NamedTuple):
    """A compiled cell: what to run, and the expression whose value is the result, if it ends in one."""

    filename: str
    body: CodeType
    value: CodeType | None

    @property
    def names(self) -> set[str]:
        """All names that it may look up, also inside what it defines."""
        codes = [self.body] if self.value is None else [self.body, self.value]
        return {name for code in codes for name in _names(code)}

    @property
    def is_asynchronous(self) -> bool:
        """True if the cell awaits outside its functions."""
        codes = [self.body] if self.value is None else [self.body, self.value]
        return any(code.co_flags & inspect.CO_COROUTINE for code in codes)


@functools.lru_cache(maxsize=8)
def compiled(text: str) -> Code:
    """Compile the cell's text; tracebacks show its lines.

    Raises:
        UsageError: It is not Python; says which line.
    """
    source = textwrap.dedent(text)
    filename = f"<sso_each {sha256(source.encode(errors='replace')).hexdigest()[:8]}>"
    try:
        tree = ast.parse(source, filename)
        last = tree.body[-1] if tree.body else None
        value = None
        if isinstance(last, ast.Expr):
            tree.body.pop()
            value = compile(ast.Expression(last.value), filename, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        body = compile(tree, filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, *UNREADABLE) as error:
        raise UsageError(_no_python(source, error)) from None
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return Code(filename, body, value)


def _no_python(source: str, error: Exception) -> str:
    number = getattr(error, "lineno", None) or 1
    lines = source.splitlines() or [""]
    line = lines[min(number, len(lines)) - 1].strip()[:_SHOWN]
    if line.startswith(("%", "!", "?")) or line.endswith("?") or "= !" in line or "= %" in line:
        return (
            f"Line {number} of the cell is IPython's, not Python: {line}. Magics and ! run as the whole notebook; "
            "run a program by subprocess.run(..., env={**os.environ, **credentials.environment()})."
        )
    return f"Line {number} of the cell is not Python ({reason(error)}): {line}"


def needed(code: Code, notebook: Mapping[str, Any], given: Iterable[str] = NAMES) -> dict[str, Any]:
    """Return what of the notebook the cell may look up, also by the notebook's functions, without the names given."""
    found: dict[str, Any] = {}
    wanted = list(code.names)
    while wanted:
        name = wanted.pop()
        if name in given or name in found or name not in notebook:
            continue
        found[name] = notebook[name]
        if isinstance(notebook[name], FunctionType):
            wanted += _names(notebook[name].__code__)
    return found


def _names(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


class AccountNamespace(dict[str, Any]):
    """The copy of the notebook's namespace that one account's run has for its own.

    Args:
        notebook: What is copied.
        here: The account.
        functions: The names of the notebook's own functions in it.
        given: The names that the cell is given.
    """

    def __init__(
        self, notebook: Mapping[str, Any], here: Here, functions: Iterable[str], given: Iterable[str] = NAMES
    ) -> None:
        super().__init__(notebook)
        for name in given:
            self.pop(name, None)
        self["__builtins__"] = _Builtins(here)
        self["account"] = here.account
        self["role"] = here  # whose `records` is the account's, where the notebook's own `role` has another's
        if "region" in given:
            self["region"] = here.region
        done: dict[int, FunctionType] = {}
        for name in functions:
            if name not in given:
                self[name] = moved(self[name], self, done)


class _Builtins(dict[str, Any]):
    """Python's own names, and two that are made when they are first looked up.

    Here and not in the namespace itself, because this is the one place where Python looks for every name in the same
    way: in functions, comprehensions and bodies of classes.
    """

    def __init__(self, here: Here) -> None:
        super().__init__(vars(builtins))
        self._here = here

    def __missing__(self, name: str) -> Any:
        if name in ("session", "credentials"):
            return getattr(self._here, name)
        raise KeyError(name)


def own_functions(notebook: Mapping[str, Any]) -> list[str]:
    """Return the names of the functions that were defined in this namespace."""
    return [
        name for name, value in notebook.items() if isinstance(value, FunctionType) and value.__globals__ is notebook
    ]


def moved(function: FunctionType, namespace: dict[str, Any], done: dict[int, FunctionType]) -> FunctionType:
    """Return the same function, looking up global names in this namespace, as do the functions in its closure.

    Args:
        function: A function of the notebook.
        namespace: Where it is to look.
        done: What has been moved already, by the id of the original: functions may close over each other.
    """
    if id(function) in done:
        return done[id(function)]
    cells = [CellType(*_content(cell)) for cell in function.__closure__ or ()]
    made = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, tuple(cells) or None)
    done[id(function)] = made
    for cell in cells:
        for inner in _content(cell):
            if isinstance(inner, FunctionType) and inner.__globals__ is function.__globals__:
                cell.cell_contents = moved(inner, namespace, done)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__dict__.update(function.__dict__)
    for name in ("__doc__", "__qualname__", "__module__"):
        setattr(made, name, getattr(function, name))
    return made


def _content(cell: CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # it is empty
        return ()


class CellWork:
    """A cell as work to be done in each account.

    Args:
        text: The cell.
        notebook: The namespace to be copied.
        functions: The names of the notebook's own functions in it.
        given: The names that the cell is given.

    Attributes:
        code: The cell, compiled.
        given: The same names.
    """

    def __init__(
        self, text: str, notebook: Mapping[str, Any], functions: Iterable[str], given: Iterable[str] = NAMES
    ) -> None:
        self.text = text
        self.code = compiled(text)
        self._notebook = notebook
        self._functions = tuple(functions)
        self.given = tuple(given)

    @property
    def filename(self) -> str:
        """What its lines are called in a traceback."""
        return self.code.filename

    def run(self, here: Here) -> Any:
        """Run it; return the value of its last expression, None if it does not end in one."""
        namespace = AccountNamespace(self._notebook, here, self._functions, self.given)
        if self.code.is_asynchronous:
            return asyncio.run(self._awaited(namespace))
        exec(self.code.body, namespace)  # noqa: S102 - the person's own cell
        return eval(self.code.value, namespace) if self.code.value is not None else None  # noqa: S307

    async def _awaited(self, namespace: dict[str, Any]) -> Any:
        """Run a cell with ``await`` outside a function, as IPython runs one: a part that awaits is a coroutine."""
        result = None
        for part in (self.code.body, self.code.value):
            if part is not None:
                result = eval(part, namespace)  # noqa: S307 - the person's own cell
                if part.co_flags & inspect.CO_COROUTINE:
                    result = await result
        return result if self.code.value is not None else None

    def parts(self) -> tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]:
        """Return what another process needs to run it.

        Returns:
            The text, what it may look up by name, which of these names are functions, and the names it is given.
        """
        names = needed(self.code, self._notebook, self.given)
        functions = tuple(name for name in self._functions if name in names)
        bare = {name: value for name, value in names.items() if name not in functions}
        done: dict[int, FunctionType] = {}
        for name in functions:
            bare[name] = moved(names[name], bare, done)  # so that pickling one does not take the whole notebook along
        return self.text, bare, functions, self.given
