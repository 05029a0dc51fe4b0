"""`TokenProvider`: the current access token of a session.

The file is authoritative, since the AWS CLI and other kernels write it too: its timestamp is checked before every use.
Memory holds the token only where the file could not be written. One refresh runs at a time, in this process and across
processes: under the lock the file is read again, and a token that another process got meanwhile is used.

A token is refreshed when it expires within five minutes, or within a quarter of its lifetime if that is less, and once
when the portal refuses it. While the token is still valid, a failed refresh is repeated after 30 seconds at the
earliest, or after a tenth of that window, and the token stays in use (a choice of PROTOCOL.md 7.1). A refused token
that cannot be refreshed counts as none, in every kernel: see `refusals`.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from sso_magic.client.grants import GRANT_REFRESH_TOKEN
from sso_magic.common import cache, file_lock, leftovers, locks
from sso_magic.common.times import clock
from sso_magic.errors import CacheError, ClientError, SignInError, SignInRequired, TransportError
from sso_magic.signin import marks, refusals, registration, store, tokens
from sso_magic.signin.tokens import Token, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.common.secret import Secret
    from sso_magic.oidc import SSOOIDC
    from sso_magic.portal import SSO
    from sso_magic.signin.choice import Method
    from sso_magic.signin.marks import Mark
    from sso_magic.signin.prompt import Prompt
    from sso_magic.signin.sessions import Session
    from sso_magic.signin.waiting import Waiting

REFRESH_WINDOW = 300  # seconds left below which a token is refreshed
_SHORTEST_WINDOW = 0.1  # seconds
RETRY_GAP = 30  # seconds between failed refreshes of a token that is still valid
_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)  # other 4xx come from a proxy or a wrong endpoint
_NEVER = object()  # a stamp that no file has


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
        self._lock = locks.Lock()  # held while a refresh is on its way
        self._reading = locks.Lock()  # held for moments: `peek` never waits for the network
        self._memory: Token | None = None  # what could not be written to the file
        self._read: tuple[object, Token | None] = (_NEVER, None)
        self._lifetime = float("inf")  # seconds that the latest token lasts; a file does not tell it
        self._failed_at = float("-inf")
        self._failure: str | None = None
        self._is_over = False  # whether the last refresh was refused, as after the session's end
        self._fault: tuple[float, ClientError] | None = None  # the last failure that may pass, and when it came
        self.warning: str | None = None  # why the file could not be written, for the caller to show

    @property
    def _name(self) -> str:
        return f"the sign-in to {self.session.label}"

    @property
    def refresh_failure(self) -> str | None:
        """Why the last refresh of the token failed; None if it succeeded or was not tried."""
        fault = self._fault
        return str(fault[1]) if fault is not None else self._failure

    def peek(self) -> Token | None:
        """Return the stored token, valid or not, without using the network; None if there is none."""
        with self._reading:
            stamp = (store.current().stamp(self.session.key), refusals.stamp(self.session))
            if stamp != self._read[0]:
                stored = tokens.load(self.session) if stamp[0] is not None else None
                memory = tokens.judged(self.session, self._memory) if self._memory else None
                self._read = (stamp, self._newest(stored, memory))
            return self._read[1]

    @staticmethod
    def _newest(stored: Token | None, memory: Token | None) -> Token | None:
        if stored is None or memory is None:
            return stored or memory
        return max(stored, memory, key=lambda token: (token.rejected is None, token.expires_at))

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
        """Return a valid access token, refreshed if necessary.

        Args:
            refused: A token that the portal has just refused; another one is returned.

        Raises:
            SignInRequired: No token is valid and none can be refreshed.
            TransportError: The refresh got no answer; the next call tries again.
            ClientError: The refresh failed for a reason that may pass, such as a throttle.
        """
        called_at = time.monotonic()
        token = self.peek()
        if not self._wants_refresh(token, refused):
            assert token is not None
            return token.access_token
        file_lock.say_if_held(self._lock, self._name)
        with self._lock, cache.lock(self.session.key, name=self._name):
            token = self.peek()  # another thread or kernel may have refreshed it
            if self._wants_refresh(token, refused):
                token = self._refresh(token, refused, called_at)
            if token is not None and token.access_token == refused:
                raise self.refuse(refused)
        if token is None or token.seconds_left(utc_now()) <= 0:
            raise self._sign_in_required(token)
        return token.access_token

    def mark(self) -> Mark | None:
        """Return the mark of the sign-in that the stored token came from, valid or not; None if there is no token."""
        token = self.peek()
        if token is None:
            return None
        return marks.of(self.session, token, cache.modified_at(cache.token_path(self.session.key)))

    def mark_of(self, access_token: Secret) -> Mark | None:
        """Return the mark of the sign-in that a token in use came from."""
        token = self.peek()
        if token is not None and token.access_token == access_token:
            return self.mark()
        return marks.known(self.session, access_token)

    def refuse(self, access_token: Secret) -> SignInRequired:
        """Count this token as none from now on, in every kernel, and return the error that says so."""
        refusals.remember(self.session, access_token)
        token = self.peek()
        if token is not None and token.access_token != access_token:  # a new token has arrived
            return SignInRequired(f"{self.session.label} refused an access token that has been replaced. Run it again.")
        return self._sign_in_required(token)

    @property
    def _retry_gap(self) -> float:
        return RETRY_GAP * self._refresh_window / REFRESH_WINDOW

    @property
    def _refresh_window(self) -> float:
        """Seconds left below which a token is refreshed: 300, less if this session's tokens last less than 20 min."""
        return min(REFRESH_WINDOW, max(self._lifetime / 4, _SHORTEST_WINDOW))

    def _wants_refresh(self, token: Token | None, refused: Secret | None) -> bool:
        return token is None or token.access_token == refused or token.seconds_left(utc_now()) < self._refresh_window

    def _refresh(self, token: Token | None, refused: Secret | None, called_at: float) -> Token | None:
        """Return the refreshed token, or the given one if it cannot be refreshed now."""
        if token is None or not token.can_refresh(utc_now()):
            return token
        must = token.access_token == refused or token.seconds_left(utc_now()) <= 0
        if not must and time.monotonic() - self._failed_at < self._retry_gap:
            return token  # the gap spares a service that is down
        if must and self._fault is not None and self._fault[0] >= called_at:
            raise self._fault[1].with_traceback(None)  # the attempt that this thread has waited for
        try:
            output = self._oidc().create_token(
                client_id=token.client_id or "",
                client_secret=token.client_secret or "",
                grant_type=GRANT_REFRESH_TOKEN,
                refresh_token=token.refresh_token,
            )
            access_token = tokens.access_token_in(output)
        except ClientError as error:
            return self._after_failure(token, error, must=must)
        self._failed_at, self._failure, self._fault = float("-inf"), None, None
        self._lifetime = float(output.expires_in or "inf")
        refreshed = token.refreshed(access_token, output.expires_in or 0, output.refresh_token, utc_now())
        marks.refreshed(self.session, token, refreshed)
        self._keep(refreshed)
        return refreshed

    def _after_failure(self, token: Token, error: ClientError, *, must: bool) -> Token | None:
        """Return the token to go on with after a failed refresh.

        Raises:
            ClientError: The failure may pass, and without a refresh there is no valid token.
        """
        if _may_pass(error):
            self._fault = (time.monotonic(), error)
            if must:
                raise error
            self._failed_at = time.monotonic()
            return token
        self._failed_at, self._failure, self._is_over = time.monotonic(), str(error), _is_refusal(error)
        if _is_refusal(error) and token.refresh_token:
            refusals.remember(self.session, token.refresh_token)
        now = self.peek()  # the AWS CLI takes no lock: it may have refreshed the token, and so used up the old one
        return now if now is not None and now.access_token != token.access_token else token

    def _sign_in_required(self, token: Token | None) -> SignInRequired:
        name = self.session.label
        command = self.session.login_command
        if token is None:
            return SignInRequired(f"Not signed in to {name}. Run {command}")
        if token.rejected and token.rejected != tokens.REFUSED:
            return SignInRequired(f"The sign-in to {name} has ended: {token.rejected}. Run {command}")
        ended = token.expires_at <= utc_now()
        if self._failure and not token.rejected and not (ended and self._is_over):
            return SignInRequired(f"The sign-in to {name} could not be refreshed ({self._failure}). Run {command}")
        if ended:
            return SignInRequired(f"The sign-in to {name} ended at {clock(token.expires_at)}. Run {command}")
        return SignInRequired(f"The sign-in to {name} has ended. Run {command}")

    def sign_in(
        self,
        prompt: Prompt,
        *,
        method: Method = "auto",
        open_browser: bool = True,
        waiting: Waiting | None = None,
    ) -> Token:
        """Sign in, whatever token there is; return when approved, or when another program has signed in meanwhile.

        Args:
            prompt: Shows the request.
            method: Through the browser, by device code, or whichever fits where the kernel runs.
            open_browser: Open the page, or only show its link.
            waiting: Ends the wait for the person. By default only a sign-in by another program does.

        Raises:
            SignInError: Denied, expired or canceled.
            ClientError: The service could not be reached or refused.
        """
        from sso_magic.signin import flow
        from sso_magic.signin.waiting import Waiting

        waiting = waiting or Waiting(self)
        try:
            token = flow.sign_in(
                self._oidc(), self.session, prompt, method=method, open_browser=open_browser, waiting=waiting
            )
        except (SignInError, ClientError):
            arrived = waiting.arrived()
            if arrived is None:
                raise
            waiting.note = "Another notebook or program signed in during the wait."
            self._failed_at, self._failure, self._fault = float("-inf"), None, None
            return arrived
        file_lock.say_if_held(self._lock, self._name)
        with self._lock, cache.lock(self.session.key, name=self._name):
            self._failed_at, self._failure, self._fault = float("-inf"), None, None
            self._lifetime = token.seconds_left(utc_now())
            marks.began(self.session, token)
            self._keep(token)
        return token

    def _keep(self, token: Token) -> None:
        path = cache.token_path(self.session.key)
        cache.remove_unfinished(path.parent, path.name)
        memory, warning = None, None
        try:
            tokens.save(self.session, token)
        except CacheError as error:
            memory, warning = token, str(error)
        with self._reading:
            self._memory, self.warning, self._read = memory, warning, (_NEVER, None)

    def sign_out(self) -> bool:
        """End the session at the service and remove its token and registration here; True if there was a token.

        Each is done also where the other fails: a person who signs out means this machine and the session.

        Raises:
            CacheError: The file cannot be removed.
            ClientError: The service did not end the session, after the file was removed.
        """
        kept: CacheError | None = None
        # First here, under the lock: another kernel must not refresh with a token that is being given up.
        file_lock.say_if_held(self._lock, self._name)
        with self._lock, cache.lock(self.session.key, name=self._name):
            token = self.peek()
            with self._reading:
                self._memory, self._read = None, (_NEVER, None)
            try:
                path = cache.token_path(self.session.key)
                cache.remove_unfinished(path.parent, path.name)
                tokens.delete(self.session)
                registration.remove(self.session, token.client_id if token is not None else None)
                refusals.forget(self.session)
                marks.forget(self.session)
            except CacheError as error:
                kept = error
        leftovers.sweep()
        if token is not None:
            end_session(self._portal(), token.access_token, self.session.label)
        if kept is not None:
            raise kept
        return token is not None


def _may_pass(error: ClientError) -> bool:
    """Return True if the same refresh may succeed later: no answer came, or the service is busy or broken."""
    from sso_magic.client.errors import ServiceException
    from sso_magic.client.retry import error_type

    if isinstance(error, ServiceException):
        return (
            error_type(error) is not None or (error.metadata.http_status_code or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
    return isinstance(error, TransportError)


def _is_refusal(error: ClientError) -> bool:
    """Return True if the service has said that this refresh token is not valid."""
    from sso_magic.client.errors import ServiceException

    return isinstance(error, ServiceException) and error.metadata.http_status_code in _REFUSALS


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
            f"Signed out of {label} on this machine only: AWS could not be reached to end the session ({error}). It is "
            "valid there until it expires; your AWS administrator can end it now."
        ) from error
