"""What is done in each account, and how it gets into another process."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.each.cell import CellWork
from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.each.here import Here


class Work(Protocol):
    """A cell or a function."""

    @property
    def filename(self) -> str:
        """The file of its lines in a traceback."""

    def run(self, here: Here) -> Any:
        """Do it in one account."""


class FunctionWork:
    """A function as work to be done in each account; it is called with a `Here`."""

    def __init__(self, function: Callable[[Here], Any]) -> None:
        self.function = function

    @property
    def filename(self) -> str:
        """The file it was defined in."""
        code = getattr(self.function, "__code__", None)
        return code.co_filename if code is not None else ""

    def run(self, here: Here) -> Any:
        """Call it."""
        return self.function(here)


def packed(work: Work) -> bytes:
    """Return the work for another process; functions and classes of the notebook are in it by value.

    Raises:
        UsageError: cloudpickle is not installed, or something cannot be sent; names it.
    """
    try:
        import cloudpickle  # type: ignore[import-untyped]
    except ImportError:
        raise UsageError("Work for other processes is sent by cloudpickle: pip install cloudpickle") from None
    if isinstance(work, CellWork):
        parts: Any = work.parts()
        named = parts[1]
    else:
        assert isinstance(work, FunctionWork)
        parts = work.function
        named = {getattr(parts, "__name__", "the function"): parts}
    try:
        return bytes(cloudpickle.dumps(parts))
    except Exception as error:  # noqa: BLE001 - a class may raise anything when it is pickled
        raise UsageError(_cannot_be_sent(named, cloudpickle.dumps, error)) from None


def _cannot_be_sent(named: dict[str, Any], dumps: Callable[[Any], bytes], error: Exception) -> str:
    for name, value in named.items():
        try:
            dumps(value)
        except Exception as reason:  # noqa: BLE001, PERF203 - the same; one raises, and ends the loop
            return (
                f"{name} cannot be sent to another process ({type(reason).__name__}: {reason}). Make it in the cell "
                "or function itself, or run in threads."
            )
    return f"This cannot be sent to another process ({type(error).__name__}: {error}). Run it in threads."


def unpacked(blob: bytes) -> Work:
    """Return the work, unpacked anew for each account, so that none finds what another one has left in a global."""
    parts = pickle.loads(blob)  # noqa: S301 - from the notebook that this process works for
    return CellWork(*parts) if isinstance(parts, tuple) else FunctionWork(parts)
