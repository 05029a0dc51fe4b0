"""Icechunk's credentials from the environment, bound to the role that was in use when they were asked for.

What was measured (Icechunk 1.1). A storage without credentials reads the environment when it is first used, and keeps
what it found: made under A and first used after a switch to B, it is B; used before, it ends with A's keys.

What is done. While a role is in use, such a storage gets a callable of that role, which renews.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.reference import RoleReference, reference
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.use import Use

_NAME = "s3_from_env_credentials"


class IcechunkBinding:
    """The function that says that credentials come from the environment."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._module: Any = None
        self._original: Any = None
        self._roles: set[RenewingRole] = set()  # Icechunk keeps a pickle, which holds no role

    def install(self, library: ModuleType) -> None:
        """Replace the function in its module and in the package."""
        self._module = library
        original = self._original = getattr(library, _NAME)

        @functools.wraps(original)
        def from_environment() -> Any:
            role = self._kernel.bind(lambda: None)
            if not isinstance(role, RenewingRole):
                return original()
            self._roles.add(role)
            return library.s3_refreshable_credentials(RoleCallable(reference(role)))

        self._put(original, from_environment)

    def enter(self, use: Use | None) -> None:
        """Do nothing: a storage is bound when it is made."""

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield nothing: storages are held in Rust."""
        return iter(())

    def uninstall(self) -> None:
        """Put the function back."""
        self._put(getattr(self._module, _NAME), self._original)

    def _put(self, old: Any, new: Any) -> None:
        for module in (self._module, sys.modules.get("icechunk")):
            if getattr(module, _NAME, None) is old:
                setattr(module, _NAME, new)


class RoleCallable:
    """What Icechunk calls for the credentials of one role; its pickle has the role's name."""

    def __init__(self, role: RoleReference) -> None:
        self._role = role

    def __call__(self) -> Any:
        """Return the role's credentials as Icechunk's own class."""
        return icechunk_credentials(self._role.get())


def icechunk_credentials(credentials: Credentials) -> Any:
    """Return credentials as Icechunk's own class, with their expiry."""
    from icechunk import S3StaticCredentials

    return S3StaticCredentials(
        access_key_id=credentials.access_key_id.reveal(),
        secret_access_key=credentials.secret_access_key.reveal(),
        session_token=credentials.session_token.reveal(),
        expires_after=credentials.local_expires_at,
    )
