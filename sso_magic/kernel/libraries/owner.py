"""The role of the object whose method runs in this context: what looks up credentials meanwhile gets that role's.

`owned.py` calls the methods of objects that look up credentials at each call inside `as_role`.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

from sso_magic.kernel.libraries.tasks import current_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso_magic.kernel.renewal import RenewingRole

_ROLE: ContextVar[RenewingRole | None] = ContextVar("sso_magic owner's role", default=None)


def role_of_the_owner() -> RenewingRole | None:
    """Return the role of the object whose method runs in this context, else of the task; None if there is neither.

    Raises:
        TaskError: The task has ended.
    """
    role = _ROLE.get()
    if role is not None:
        return role
    task = current_task()
    return task.role if task is not None else None


@contextlib.contextmanager
def as_role(role: RenewingRole | None) -> Iterator[None]:
    """Run a block as one role, whatever role is in use; None changes nothing."""
    if role is None:
        yield
        return
    token = _ROLE.set(role)
    try:
        yield
    finally:
        _ROLE.reset(token)
