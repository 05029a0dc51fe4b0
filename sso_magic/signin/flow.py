"""One sign-in: through the browser where it is on this machine, by device code elsewhere.

A browser that cannot be opened, or that does not come back soon, costs no second start: the device code is shown beside
the link, and the one that is approved first is used. If the service refuses device codes, the sign-in goes through the
browser, also from a machine that the browser cannot reach: the person pastes the address that it ended on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from sso_magic.client.errors import ServiceException, one_line
from sso_magic.common.interrupts import run_then
from sso_magic.errors import ClientError, ConfigError, SignInError, SignInExpired
from sso_magic.oidc import (
    InvalidClientException,
    InvalidGrantException,
    InvalidRequestException,
    InvalidRequestRegionException,
    UnauthorizedClientException,
)
from sso_magic.signin import browser, device
from sso_magic.signin import registration as registrations
from sso_magic.signin.browser_answer import BrowserAnswer
from sso_magic.signin.choice import Choice, Method, choose
from sso_magic.signin.opener import Opening
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.oidc import SSOOIDC, SSOOIDCServiceException
    from sso_magic.signin.prompt import BrowserRequest, Prompt
    from sso_magic.signin.registration import Registration
    from sso_magic.signin.sessions import Session
    from sso_magic.signin.tokens import Token
    from sso_magic.signin.waiting import Waiting

T = TypeVar("T")

FALLBACK_AFTER = 20  # seconds without an answer from the browser, after which the device code is offered too


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
    sent = f"The sign-in service in {session.sso_region} refused the start URL {session.portal_url} ({error.message})."
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
    chosen = choose(session, method)
    if chosen.method == "browser":
        return _by_browser(oidc, session, prompt, chosen, open_browser=open_browser, waiting=waiting)
    try:
        return _with_registration(
            oidc,
            session,
            (),
            (),
            lambda registration: device.sign_in(oidc, session, registration, prompt, waiting, reason=chosen.reason),
        )
    except ServiceException as error:
        if not device.is_refused_grant(error):
            raise
        refused = f"The sign-in service refuses device codes ({one_line(error.message)})."
    if method == "device":
        raise SignInError(f"{refused} Run %sso_login {session.label} --browser instead.")
    chosen = Choice("browser", chosen.is_remote, f"{refused} Sign in through the browser.")
    return _by_browser(oidc, session, prompt, chosen, open_browser=open_browser, waiting=waiting)


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


def _by_browser(
    oidc: SSOOIDC, session: Session, prompt: Prompt, chosen: Choice, *, open_browser: bool, waiting: Waiting
) -> Token:
    open_browser = open_browser and not chosen.is_remote  # the person's browser is on another machine

    def run(registration: Registration) -> Token:
        attempt = browser.BrowserSignIn(session, registration, browser.authorize_url(oidc))
        return run_then(lambda: wait_for(attempt, registration), attempt.close)

    def wait_for(attempt: browser.BrowserSignIn, registration: Registration) -> Token:
        with attempt:
            request = attempt.request(is_remote=chosen.is_remote, reason=chosen.reason)
            answer = BrowserAnswer(attempt, prompt, waiting)
            prompt.browser(request, opened=open_browser, device=None)  # first: the browser may take its time
            opening = Opening(request.url) if open_browser else None
            failed = opening.failed if opening is not None else None
            if chosen.is_remote:
                _wait_to_the_end(answer, request)
            elif not answer.wait(FALLBACK_AFTER, unless=failed):
                opened = failed is not None and not failed.is_set()
                token = _offer_device(oidc, prompt, request, answer, waiting, opened=opened)
                if token is not None:
                    return token
            return device.token_of(attempt.redeem(oidc), registration)

    return _with_registration(oidc, session, browser.GRANT_TYPES, (browser.REGISTERED_URI,), run)


def _offer_device(
    oidc: SSOOIDC,
    prompt: Prompt,
    request: BrowserRequest,
    answer: BrowserAnswer,
    waiting: Waiting,
    *,
    opened: bool,
) -> Token | None:
    """Wait for the browser and for a device code at once; return None if it was the browser that answered."""
    try:
        registration = registrations.register(oidc, request.session, keep=False)
        code = device.start(oidc, request.session, registration)
    except ClientError as error:
        if isinstance(error, ServiceException) and device.is_refused_grant(error):
            request = replace(request, is_remote=True, reason="")
            prompt.browser(request, opened=opened, device=None)  # an address can be pasted, a code cannot be had
        _wait_to_the_end(answer, request)
        return None
    output = device.poll_codes(
        oidc,
        registration,
        code,
        waiting,
        show=lambda code: prompt.browser(request, opened=opened, device=code),
        pause=answer.wait,
    )
    return device.token_of(output, registration) if output is not None else None


def _wait_to_the_end(answer: BrowserAnswer, request: BrowserRequest) -> None:
    """Wait for the browser's answer as long as the request is valid.

    Raises:
        SignInExpired: None came.
    """
    if not answer.wait(request.expires_in):
        raise SignInExpired("The sign-in was not approved in time. Run %sso_login to start again.")
