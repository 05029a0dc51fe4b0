"""Objects that belong to no role: botocore sessions that this package makes for its own calls."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IS_WITHOUT: ContextVar[bool] = ContextVar("sso_magic objects without an owner", default=False)


def is_without_owner() -> bool:
    """Return True if what is made in this context belongs to no role."""
    return _IS_WITHOUT.get()


@contextlib.contextmanager
def without_owner() -> Iterator[None]:
    """Let objects that are made in a block belong to no role, so that the switch's line does not name them.

    For botocore sessions that this package makes for its own calls, with the credentials that it gives them.
    """
    token = _IS_WITHOUT.set(True)
    try:
        yield
    finally:
        _IS_WITHOUT.reset(token)
