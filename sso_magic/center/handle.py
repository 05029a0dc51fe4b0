"""`RoleHandle`: what a library's provider needs of a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import boto3

    from sso_magic.kernel.renewal import RenewingRole


class RoleHandle(Protocol):
    """An account and a role in it; `sso_magic.center.role.Role` is one. It can be compared, hashed and pickled."""

    def renewing(self) -> RenewingRole:
        """Return the credentials that renew, shared by all that uses this role in this process."""

    def boto3_session(self, *, region: str | None = None) -> boto3.session.Session:
        """Return a boto3 session that renews its credentials and stays this role."""
