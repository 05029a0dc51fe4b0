"""What the bindings ask of the role in use in this process.

`sso_magic.kernel.kernel_role` is above the bindings: it says with `set_host` where they find it. In a process that has
not imported it, such as one that only unpickles objects of a role, no role is in use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, TypeVar

from sso_magic.kernel.libraries.owner import role_of_the_owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use

T = TypeVar("T")


class Host(Protocol):
    """The role in use, as the bindings see it; `KernelRole` is one."""

    @property
    def current(self) -> Use | None:
        """The role in use."""

    @property
    def generation(self) -> int:
        """Counts the changes of the environment: odd while one is being made."""

    def own(self, name: str) -> str | None:
        """Return the value that a variable has without a role in use."""

    def bind(self, otherwise: Callable[[], T]) -> RenewingRole | T:
        """Return the role whose credentials are in the environment; without one, what `otherwise` returns."""

    def find(self, account_id: str, role_name: str) -> RenewingRole | None:
        """Return the role of this account and name: the one in use, or one that an object here still uses."""

    def serves(self, role: RenewingRole) -> bool:
        """Return True if this role is in use by the endpoint's address rather than by keys."""


class NoRole:
    """A process in which no role has been in use."""

    current = None
    generation = 0

    def own(self, name: str) -> str | None:
        """Return the value that the variable has."""
        return os.environ.get(name)

    def bind(self, otherwise: Callable[[], T]) -> RenewingRole | T:
        """Return the role of the object or the task that runs; without one, what `otherwise` returns."""
        role = role_of_the_owner()
        return otherwise() if role is None else role

    def find(self, account_id: str, role_name: str) -> None:
        """Return None."""

    def serves(self, role: RenewingRole) -> bool:  # noqa: ARG002 - as the protocol says
        """Return False."""
        return False


_find: Callable[[], Host] = NoRole


def host() -> Host:
    """Return the role in use in this process."""
    return _find()


def set_host(find: Callable[[], Host]) -> None:
    """Find the role in use by this function from now on."""
    global _find  # noqa: PLW0603 - a process has one
    _find = find
