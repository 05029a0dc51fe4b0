"""`TokenProvider`: what a session's access token is right now.

The file is the truth, for the AWS CLI and other kernels write it too: it is looked at before every use, by its
timestamp. Memory is asked only where the file could not be written. One refresh is made at a time, in this process and
across processes: under the lock the file is read again, and a token that somebody else got meanwhile is taken.

Refreshed: less than five minutes before the end, and once when the portal refuses the token; no more often than every
30 seconds if that fails; never at the price of a token that still holds (portal-protocol 8, DECISION).
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sso_magic import cache
from sso_magic.errors import CacheError, ClientError, SignInRequired
from sso_magic.signin import store, tokens
from sso_magic.signin.tokens import Token, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.oidc import SSOOIDC
    from sso_magic.portal import SSO
    from sso_magic.profiles import Session
    from sso_magic.secret import Secret
    from sso_magic.signin.flow import Method
    from sso_magic.signin.prompt import Prompt

REFRESH_WINDOW = 300  # seconds left below which a token is refreshed
RETRY_GAP = 30  # seconds between refreshes that failed


class TokenProvider:
    """The access token of one session; safe to use from many threads.

    Args:
        session: Whose.
        oidc: Makes the client for the sign-in service; called when first needed.
        portal: Makes the client for the portal.
    """

    def __init__(self, session: Session, *, oidc: Callable[[], SSOOIDC], portal: Callable[[], SSO]) -> None:
        self.session = session
        self._oidc = oidc
        self._portal = portal
        self._lock = threading.RLock()
        self._memory: Token | None = None  # what could not be written to the file
        self._read: tuple[object, Token | None] = (None, None)
        self._failed_at = float("-inf")
        self._failure: str | None = None
        self.warning: str | None = None  # why the file could not be written, for whoever shows it

    def peek(self) -> Token | None:
        """The token at hand, valid or not; never the network."""
        with self._lock:
            stamp = store.current().stamp(self.session.key)
            if stamp is None:
                self._read = (None, None)
                return self._memory
            if stamp != self._read[0]:
                self._read = (stamp, tokens.load(self.session))
            return self._newest(self._read[1], self._memory)

    @staticmethod
    def _newest(stored: Token | None, memory: Token | None) -> Token | None:
        if stored is None or memory is None:
            return stored or memory
        return max(stored, memory, key=lambda token: token.expires_at)

    def is_valid(self) -> bool:
        """Whether a token is at hand that has not ended."""
        token = self.peek()
        return token is not None and token.seconds_left(utc_now()) > 0

    def is_usable(self) -> bool:
        """Whether `get` can succeed without a person, as far as this side can know."""
        token = self.peek()
        now = utc_now()
        return token is not None and (token.seconds_left(now) > 0 or token.can_refresh(now))

    def get(self, refused: Secret | None = None) -> Secret:
        """An access token that holds, refreshed if need be.

        Args:
            refused: A token that the portal has just refused; another one is returned.

        Raises:
            SignInRequired: There is none without a person.
        """
        token = self.peek()
        if not self._wants_refresh(token, refused):
            assert token is not None
            return token.access_token
        with self._lock, cache.lock(self.session.key):
            token = self.peek()  # another thread or kernel may have been here
            if self._wants_refresh(token, refused):
                token = self._refresh(token, refused)
        if token is None or token.access_token == refused or token.seconds_left(utc_now()) <= 0:
            raise self._sign_in_required(token)
        return token.access_token

    @staticmethod
    def _wants_refresh(token: Token | None, refused: Secret | None) -> bool:
        return token is None or token.access_token == refused or token.seconds_left(utc_now()) < REFRESH_WINDOW

    def _refresh(self, token: Token | None, refused: Secret | None) -> Token | None:
        """The refreshed token, or the one there was if it cannot be refreshed now."""
        if token is None or not token.can_refresh(utc_now()):
            return token
        # The gap spares a service that is down; a token that the portal has just refused is worth the one try.
        if time.monotonic() - self._failed_at < RETRY_GAP and token.access_token != refused:
            return token
        assert token.client_id
        assert token.client_secret
        try:
            output = self._oidc().create_token(
                client_id=token.client_id,
                client_secret=token.client_secret,
                grant_type="refresh_token",
                refresh_token=token.refresh_token,
            )
            access_token = tokens.access_token_in(output)
        except ClientError as error:
            self._failed_at = time.monotonic()
            self._failure = str(error)
            return token
        self._failed_at, self._failure = float("-inf"), None
        refreshed = token.refreshed(access_token, output.expires_in or 0, output.refresh_token, utc_now())
        self._keep(refreshed)
        return refreshed

    def _sign_in_required(self, token: Token | None) -> SignInRequired:
        name = self.session.label
        command = f"%sso_login {name}"
        if token is None:
            return SignInRequired(f"Not signed in to {name}. Run {command}")
        if self._failure:
            return SignInRequired(f"The sign-in to {name} could not be refreshed ({self._failure}). Run {command}")
        return SignInRequired(f"The sign-in to {name} has ended. Run {command}")

    def sign_in(
        self,
        prompt: Prompt,
        *,
        method: Method = "auto",
        open_browser: bool = True,
        cancel: threading.Event | None = None,
    ) -> Token:
        """Signs in, whatever token there is; returns when approved.

        Args:
            prompt: Shows the request.
            method: Through the browser, by device code, or whichever fits where the kernel runs.
            open_browser: Open the page, or only show its link.
            cancel: Ends the wait when set.

        Raises:
            SignInError: Denied, expired or cancelled.
            ClientError: The service could not be reached or refused.
        """
        from sso_magic.signin import flow

        token = flow.sign_in(
            self._oidc(),
            self.session,
            prompt,
            method=method,
            open_browser=open_browser,
            cancel=cancel or threading.Event(),
        )
        with self._lock, cache.lock(self.session.key):
            self._failed_at, self._failure = float("-inf"), None
            self._keep(token)
        return token

    def _keep(self, token: Token) -> None:
        try:
            tokens.save(self.session, token)
        except CacheError as error:
            self._memory, self.warning = token, str(error)
        else:
            self._memory, self.warning = None, None

    def sign_out(self) -> bool:
        """Ends the session at the service and removes its token here; True if there was one.

        Each is done also where the other fails: a person who signs out means this machine and the session.

        Raises:
            CacheError: The file cannot be removed.
            ClientError: The service did not end the session, after the file was removed.
        """
        kept: CacheError | None = None
        # First here, under the lock: another kernel must not refresh with a token that is being given up.
        with self._lock, cache.lock(self.session.key):
            token = self.peek()
            self._memory = None
            try:
                tokens.delete(self.session)
            except CacheError as error:
                kept = error
        if token is not None:
            end_session(self._portal(), token.access_token, self.session.label)
        if kept is not None:
            raise kept
        return token is not None


def end_session(portal: SSO, access_token: Secret, label: str) -> None:
    """Ends a session at the service, whose token this machine has given up.

    Raises:
        ClientError: The service did not say that it has ended.
    """
    from sso_magic.portal import UnauthorizedException

    try:
        portal.logout(access_token=access_token)
    except UnauthorizedException:
        return  # ended already: that is what was asked for
    except ClientError as error:
        raise ClientError(
            f"This machine is signed out of {label}, but AWS could not be told: there the session lasts until it ends "
            f"by itself ({error})"
        ) from error
