"""`Session`, what a person signs in to, and `SSOProfile`, a profile of an account and a role under a session."""

from __future__ import annotations

from dataclasses import dataclass, field

from sso_magic.common.lexer import quote
from sso_magic.config.start_url import normalize, region_of

DEFAULT_SCOPE = "sso:account:access"


@dataclass(frozen=True, slots=True)
class Session:
    """What one signs in to.

    Attributes:
        name: The ``[sso-session]``'s name; None where the start URL stands alone (legacy format).
        start_url: The access portal's URL, as configured.
        sso_region: The region of the Identity Center instance, not of the work done.
        scopes: ``sso_registration_scopes`` as configured; None where it is not.
        resolved_url: The AWS access portal that a vanity start URL redirects to, once a sign-in has resolved it.
    """

    name: str | None
    start_url: str
    sso_region: str
    scopes: tuple[str, ...] | None = None
    resolved_url: str | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """What the token cache hashes (PROTOCOL.md 6.1)."""
        return self.name if self.name is not None else self.start_url

    @property
    def label(self) -> str:
        """The word a person knows it by."""
        return self.key

    @property
    def portal_url(self) -> str:
        """The start URL as it is sent and linked: resolved, and without what browsers add to it (``/#/``)."""
        return self.resolved_url or normalize(self.start_url) or self.start_url

    @property
    def login_command(self) -> str:
        """The magic that signs in to this session; for a start URL with its region if the URL does not contain it."""
        command = f"%sso_login {quote(self.key) or self.key}"
        needs_region = self.name is None and bool(self.sso_region) and region_of(self.start_url) != self.sso_region
        return f"{command} --sso-region {self.sso_region}" if needs_region else command

    def console_link(self, account_id: str, role_name: str, destination: str | None = None) -> str:
        """The portal's shortcut into an account's console; no secret in it (PROTOCOL.md 12.2)."""
        from urllib.parse import quote as quote_url

        query = f"account_id={quote_url(account_id, safe='')}&role_name={quote_url(role_name, safe='')}"
        if destination:
            query += f"&destination={quote_url(destination, safe='')}"
        return f"{self.portal_url}/#/console?{query}"


@dataclass(frozen=True, slots=True)
class SSOProfile:
    """A profile that names an account and a role.

    Attributes:
        name: The profile's name.
        session: Its session.
        account_id: 12 digits.
        role_name: The permission set's name.
        region: The region for the work done, if the profile has one.
    """

    name: str
    session: Session
    account_id: str
    role_name: str
    region: str | None
