"""`Center`: what a run in many accounts needs of an Identity Center."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.inventory import Account, Inventory
    from sso_magic.signin.sessions import Session


class CenterRole(Protocol):
    """A handle of a role in an account; `sso_magic.center.role.Role` is one."""

    def credentials(self, *, refresh: bool = False) -> Credentials:
        """Return credentials that are valid for a while, from the cache unless ``refresh`` is set."""


class Center(Protocol):
    """An Identity Center; `sso_magic.center.identity_center.IdentityCenter` is one.

    Attributes:
        session: The session that is signed in to.
        directory: The inventory.
    """

    session: Session
    directory: Inventory

    def find_account(self, text: str) -> Account:
        """Return the account that the text names."""

    def role(self, account: str, role: str | None = None) -> CenterRole:
        """Return a handle of a role in an account."""
