"""`Use`: a role that is, or was, used in this kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.credentials.role_credentials import Credentials


class Use:
    """A role that is, or was, used in this kernel.

    Args:
        credentials: The first keys; the account and the role stay theirs.
        region: The region for the work done; None leaves the environment's.
        session: The label of the session they came from.
        fetch: Gets the same role's credentials again.
        serve: Whether the environment gets the address of the credential endpoint instead of the keys.
    """

    def __init__(
        self,
        credentials: Credentials,
        region: str | None,
        session: str,
        fetch: Callable[[], Credentials],
        *,
        serve: bool = False,
    ) -> None:
        self.region = region
        self.session = session
        self.fetch = fetch
        self.serve = serve
        self.role = RenewingRole(credentials, fetch)

    @property
    def credentials(self) -> Credentials:
        """The newest credentials of the role."""
        return self.role.latest

    @property
    def label(self) -> str:
        """``payments-prod (111111111111) / ReadOnly``."""
        return self.role.label

    @property
    def key(self) -> tuple[str, str, str]:
        """Which role it is: session, account, role."""
        return (self.session, self.credentials.account_id, self.credentials.role_name)

    def is_same(self, other: Use) -> bool:
        """Return True if both use one role in one region."""
        return (self.key, self.region) == (other.key, other.region)

    def current(self) -> Use:
        """Return this use, with new credentials if its own end soon."""
        self.role.retry_now()
        self.role.get()
        return self
