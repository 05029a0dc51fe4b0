"""One sign-in: through the browser where it is on this machine, by device code elsewhere.

A browser that cannot be opened, or that does not come back soon, costs no second start: the device code is shown beside
the link, and whichever is approved first wins.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, TypeVar

from sso_magic.client.errors import one_line
from sso_magic.errors import ClientError, ConfigError, SignInCancelled, SignInExpired
from sso_magic.oidc import (
    InvalidClientException,
    InvalidGrantException,
    InvalidRequestException,
    InvalidRequestRegionException,
    UnauthorizedClientException,
)
from sso_magic.signin import browser, device
from sso_magic.signin import registration as registrations
from sso_magic.signin.opener import Opening
from sso_magic.signin.tokens import utc_now
from sso_magic.signin.where import remote_signal

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sso_magic.oidc import SSOOIDC, SSOOIDCServiceException
    from sso_magic.profiles import Session
    from sso_magic.signin.prompt import Prompt
    from sso_magic.signin.registration import Registration
    from sso_magic.signin.tokens import Token
    from sso_magic.signin.waiting import Waiting

Method = Literal["auto", "browser", "device"]
T = TypeVar("T")

FALLBACK_AFTER = 20  # seconds without an answer from the browser, after which the device code is offered too
_TICK = 0.2  # seconds between looks at two events


def sign_in(
    oidc: SSOOIDC,
    session: Session,
    prompt: Prompt,
    *,
    method: Method,
    open_browser: bool,
    waiting: Waiting,
) -> Token:
    """Signs in by the method, or by the one that fits; returns when approved.

    Raises:
        SignInError: Denied, expired, or ``waiting`` was over.
        ConfigError: There is no such method, or the service refused the start URL: it or the region is wrong.
    """
    try:
        return _sign_in(oidc, session, prompt, method=method, open_browser=open_browser, waiting=waiting)
    except (InvalidRequestException, InvalidRequestRegionException, InvalidGrantException) as error:
        raise _wrong_session(session, error) from None


def _wrong_session(session: Session, error: SSOOIDCServiceException) -> ConfigError:
    """Return the error for a service that knows no such portal, as in another region than the portal's."""
    sent = f"The sign-in service in {session.region} refused the start URL {session.portal_url} ({error.message})."
    region = error.members.get("region")
    if isinstance(region, str) and region:
        sent = f"{sent[:-1]}; the service names {one_line(region)}."
    if session.name is not None:
        return ConfigError(f"{sent} Check sso_region and sso_start_url of [sso-session {session.name}].")
    return ConfigError(f"{sent} Check both: %sso_login {session.portal_url} --sso-region REGION")


def _sign_in(
    oidc: SSOOIDC,
    session: Session,
    prompt: Prompt,
    *,
    method: Method,
    open_browser: bool,
    waiting: Waiting,
) -> Token:
    if method not in ("auto", "browser", "device"):
        raise ConfigError(f"sign_in is {method!r}: it can be 'auto', 'browser' or 'device'.")
    if method == "browser" or (method == "auto" and _browser_fits(session)):
        return _by_browser(oidc, session, prompt, open_browser=open_browser, waiting=waiting)
    return _with_registration(
        oidc, session, (), (), lambda registration: device.sign_in(oidc, session, registration, prompt, waiting)
    )


def _browser_fits(session: Session) -> bool:
    """The legacy format has the device code only, for the AWS CLI as for us (portal-protocol 13)."""
    return (session.name is not None or session.scopes is not None) and remote_signal() is None


def _with_registration(
    oidc: SSOOIDC,
    session: Session,
    grant_types: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    run: Callable[[Registration], T],
) -> T:
    """Runs with the stored registration; if the service refuses that one, with a new one."""
    stored = registrations.load(session, utc_now(), grant_types=grant_types)
    if stored:
        try:
            return run(stored)
        except (InvalidClientException, UnauthorizedClientException):
            registrations.forget(session)
    return run(registrations.register(oidc, session, grant_types=grant_types, redirect_uris=redirect_uris))


def _by_browser(oidc: SSOOIDC, session: Session, prompt: Prompt, *, open_browser: bool, waiting: Waiting) -> Token:
    def run(registration: Registration) -> Token:
        with browser.BrowserSignIn(session, registration, browser.authorize_url(oidc)) as attempt:
            request = attempt.request()
            prompt.browser(request, opened=open_browser, device=None)  # first: the browser may take its time
            opening = Opening(request.url) if open_browser else None
            failed = opening.failed if opening is not None else None
            if not _wait(attempt.answered, waiting, FALLBACK_AFTER, unless=failed):
                opened = failed is not None and not failed.is_set()
                token = _offer_device(oidc, prompt, request, attempt, waiting, opened=opened)
                if token is not None:
                    return token
            return device.token_of(attempt.redeem(oidc), registration)

    return _with_registration(oidc, session, browser.GRANT_TYPES, (browser.REGISTERED_URI,), run)


def _offer_device(
    oidc: SSOOIDC,
    prompt: Prompt,
    request: browser.BrowserRequest,
    attempt: browser.BrowserSignIn,
    waiting: Waiting,
    *,
    opened: bool,
) -> Token | None:
    """Waits for the browser and for a device code at once; None if it was the browser that answered."""
    try:
        registration = registrations.register(oidc, request.session, keep=False)
        code = device.start(oidc, request.session, registration)
    except ClientError:
        if not _wait(attempt.answered, waiting, request.expires_in):
            raise SignInExpired("The sign-in was not approved in time. Run %sso_login to start again.") from None
        return None
    output = device.poll_codes(
        oidc,
        registration,
        code,
        waiting,
        show=lambda code: prompt.browser(request, opened=opened, device=code),
        pause=lambda seconds: _wait(attempt.answered, waiting, seconds),
    )
    return device.token_of(output, registration) if output is not None else None


def _wait(
    answered: threading.Event, waiting: Waiting, seconds: float, *, unless: threading.Event | None = None
) -> bool:
    """Wait for the browser's answer; return False if none came in time or if `unless` was set.

    Raises:
        SignInCancelled: ``waiting`` was over first.
    """
    deadline = time.monotonic() + seconds
    while not waiting.is_set():
        left = deadline - time.monotonic()
        if answered.wait(max(0.0, min(_TICK, left))):
            return True
        if left <= 0 or (unless is not None and unless.is_set()):
            return False
    raise SignInCancelled("Sign-in cancelled. Run %sso_login to start again.")
