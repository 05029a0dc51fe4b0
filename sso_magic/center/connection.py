"""`Connection`: a session's clients and its access token, which is what a call to the portal takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sso_magic.common import leftovers, locks
from sso_magic.config.files import usable_config
from sso_magic.errors import SignInRequired
from sso_magic.signin.access_token import TokenProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.common.secret import Secret
    from sso_magic.oidc import SSOOIDC
    from sso_magic.portal import SSO
    from sso_magic.signin.sessions import Session

T = TypeVar("T")


class Connection:
    """A session's clients, made when they are first asked for, and its tokens; safe to use from many threads."""

    def __init__(self, session: Session) -> None:
        leftovers.sweep_once()
        self.session = session
        self.tokens = TokenProvider(session, oidc=lambda: self.oidc, portal=lambda: self.portal)
        self._clients = locks.Lock()
        self._portal: SSO | None = None
        self._listing: SSO | None = None
        self._waiting: SSO | None = None
        self._oidc: SSOOIDC | None = None

    @property
    def portal(self) -> SSO:
        """The client of the portal, in the session's region."""
        with self._clients:
            if self._portal is None:
                from sso_magic.client.patience import add_read_timeouts
                from sso_magic.portal import SSO

                portal = SSO(region=self.session.sso_region, shared_config=usable_config())
                add_read_timeouts(portal.middleware_stack)
                self._portal = portal
            return self._portal

    @property
    def credentials_portal(self) -> SSO:
        """The client for GetRoleCredentials, on which work waits: see `sso_magic.client.patience`."""
        max_attempts = self.portal.config.max_attempts
        with self._clients:
            if self._waiting is None:
                from sso_magic.client.patience import PatientRetryStrategy, add_read_timeouts
                from sso_magic.portal import SSO

                portal = SSO(
                    region=self.session.sso_region,
                    retry_strategy=PatientRetryStrategy(max_attempts),
                    shared_config=usable_config(),
                )
                add_read_timeouts(portal.middleware_stack)
                self._waiting = portal
            return self._waiting

    @property
    def patient_portal(self) -> SSO:
        """A client that repeats nothing: the inventory repeats at the pace that it keeps."""
        with self._clients:
            if self._listing is None:
                from sso_magic.client.patience import add_read_timeouts
                from sso_magic.client.retry import StandardRetryStrategy
                from sso_magic.portal import SSO

                portal = SSO(
                    region=self.session.sso_region,
                    retry_strategy=StandardRetryStrategy(1),
                    shared_config=usable_config(),
                )
                add_read_timeouts(portal.middleware_stack, across_calls=True)
                self._listing = portal
            return self._listing

    @property
    def oidc(self) -> SSOOIDC:
        """The client of the sign-in service, in the session's region."""
        with self._clients:
            if self._oidc is None:
                from sso_magic.client.patience import add_read_timeouts
                from sso_magic.oidc import SSOOIDC

                oidc = SSOOIDC(region=self.session.sso_region, shared_config=usable_config())
                add_read_timeouts(oidc.middleware_stack)
                self._oidc = oidc
            return self._oidc

    def resolve_start_url(self) -> None:
        """Resolve a vanity start URL before a sign-in; its portal may be in another region than the configured one.

        Raises:
            ConfigError: The start URL is not https, or redirects to a URL that is not an AWS access portal.
            TransportError: The start URL's host could not be reached.
        """
        from sso_magic.signin.vanity import resolve

        resolved = resolve(self.session)
        if resolved.sso_region != self.session.sso_region:
            with self._clients:
                clients = [client for client in self._made() if client is not None]
                self._portal = self._listing = self._waiting = self._oidc = None
            for client in clients:
                client.destroy()
        self.session = self.tokens.session = resolved

    def _made(self) -> tuple[SSO | SSOOIDC | None, ...]:
        return (self._portal, self._listing, self._waiting, self._oidc)

    def call(self, operation: Callable[[Secret], T]) -> T:
        """Run a portal operation with the access token; once more with a refreshed one after a 401.

        Raises:
            SignInRequired: No token is valid and none can be refreshed.
        """
        from sso_magic.portal import UnauthorizedException

        token = self.tokens.get()
        try:
            return operation(token)
        except UnauthorizedException:
            token = self.tokens.get(refused=token)
        try:
            return operation(token)
        except UnauthorizedException:
            self.tokens.refuse(token)
            raise SignInRequired(
                f"{self.session.label} refuses the access token. Run {self.session.login_command}"
            ) from None
