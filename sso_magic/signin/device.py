"""Device authorization: a code that a person approves in any browser, on any machine (PROTOCOL.md 2.3, 2.6)."""

from __future__ import annotations

import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from sso_magic.client.grants import GRANT_DEVICE_CODE
from sso_magic.client.retry import error_type
from sso_magic.common import cache
from sso_magic.errors import (
    ClientError,
    DeserializationError,
    SignInCanceled,
    SignInDenied,
    SignInExpired,
    TransportError,
)
from sso_magic.oidc import (
    AccessDeniedException,
    AuthorizationPendingException,
    ExpiredTokenException,
    SlowDownException,
    UnauthorizedClientException,
    UnsupportedGrantTypeException,
)
from sso_magic.signin.prompt import DeviceRequest
from sso_magic.signin.tokens import Token, access_token_in, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.client.errors import ServiceException
    from sso_magic.oidc import SSOOIDC, CreateTokenOutput
    from sso_magic.signin.prompt import Prompt
    from sso_magic.signin.registration import Registration
    from sso_magic.signin.sessions import Session
    from sso_magic.signin.waiting import Waiting

DEFAULT_LIFETIME = 600  # seconds, where the service names none
LONGEST_LIFETIME = 86_400  # seconds; AWS's codes hold for 600
DEFAULT_INTERVAL = 5  # seconds, where the service names none (RFC 8628 3.2)
LOST_POLLS = 5  # in a row, each of which the client has retried already
SLOW_DOWN_STEP = 5  # seconds, for good (RFC 8628 3.5)
NEW_CODES = 3  # in the place of codes that expired while nobody was there


def sign_in(
    oidc: SSOOIDC,
    session: Session,
    registration: Registration,
    prompt: Prompt,
    waiting: Waiting,
    *,
    reason: str = "",
) -> Token:
    """Signs in by device code; returns when approved.

    Raises:
        SignInDenied: The person pressed deny.
        SignInExpired: The code and those that replaced it expired first.
        SignInCanceled: ``waiting`` was over.
    """
    request = replace(start(oidc, session, registration), reason=reason)
    output = None
    try:
        output = _create_token(oidc, registration, request)  # one that is approved already need not ask (2.6, step 3)
    except SlowDownException:  # counts for every later poll, also if it answers the first one (RFC 8628 3.5)
        request = replace(request, interval=request.interval + SLOW_DOWN_STEP)
    if output is None:
        output = poll_codes(oidc, registration, request, waiting, show=prompt.device, pause=waiting.wait)
    if output is None:
        raise SignInCanceled("Sign-in canceled. Run %sso_login to start again.")
    return token_of(output, registration)


def is_refused_grant(error: ServiceException) -> bool:
    """Return True if the error of RegisterClient or StartDeviceAuthorization says that device codes are not allowed.

    A person's refusal is none of these: it comes from CreateToken, as `SignInDenied`.
    """
    refusals = (AccessDeniedException, UnauthorizedClientException, UnsupportedGrantTypeException)
    return isinstance(error, refusals) or error.metadata.http_status_code == HTTPStatus.FORBIDDEN


def start(oidc: SSOOIDC, session: Session, registration: Registration) -> DeviceRequest:
    """Asks the service for a code.

    Raises:
        DeserializationError: It gave none, or no page to approve it on.
    """
    output = oidc.start_device_authorization(
        client_id=registration.client_id, client_secret=registration.client_secret, start_url=session.portal_url
    )
    uri = output.verification_uri_complete or output.verification_uri
    if not output.device_code or not output.user_code or not uri:
        raise DeserializationError(
            "The service gave no code. Try again. If it persists, contact your AWS administrator."
        )
    expires_in = min(max(output.expires_in or DEFAULT_LIFETIME, 0), LONGEST_LIFETIME)
    return DeviceRequest(
        session=session,
        user_code=output.user_code,
        verification_uri=output.verification_uri or uri,
        verification_uri_complete=uri,
        expires_at=cache.seconds_after(utc_now(), expires_in),
        expires_in=expires_in,
        interval=min(max(output.interval or DEFAULT_INTERVAL, 1), LONGEST_LIFETIME),
        device_code=output.device_code,
    )


def poll_codes(
    oidc: SSOOIDC,
    registration: Registration,
    request: DeviceRequest,
    waiting: Waiting,
    *,
    show: Callable[[DeviceRequest], None],
    pause: Callable[[float], bool],
) -> CreateTokenOutput | None:
    """Show a code and poll until the person has decided; replace a code that expires, `NEW_CODES` times at most.

    Args:
        oidc: The sign-in service.
        registration: What the code was asked for with.
        request: The first code.
        waiting: Gets a note if it was not the first code that was approved.
        show: Shows a code, in the place of the one before it.
        pause: Waits that many seconds; True ends the polling, and the answer is None.

    Raises:
        SignInExpired: The last code expired too.
    """
    for expired in range(NEW_CODES + 1):
        show(request)
        try:
            output = poll(oidc, registration, request, pause)
        except SignInExpired:
            if expired < NEW_CODES:
                request = replace(start(oidc, request.session, registration), renewed=True)
            continue
        if output is not None and expired:
            waiting.note = (
                "The first code expired; its replacement was approved."
                if expired == 1
                else f"{expired} codes expired; the next one was approved."
            )
        return output
    raise SignInExpired(
        f"{NEW_CODES + 1} codes expired before one of them was approved. Run %sso_login to get a new one."
    )


def poll(
    oidc: SSOOIDC, registration: Registration, request: DeviceRequest, pause: Callable[[float], bool]
) -> CreateTokenOutput | None:
    """Asks until the person has decided.

    Args:
        oidc: The sign-in service.
        registration: What the code was asked for with.
        request: The code.
        pause: Waits that many seconds; True ends the polling, and the answer is None.
    """
    interval, failures = float(request.interval), 0
    deadline = time.monotonic() + request.expires_in
    while time.monotonic() < deadline:
        if pause(min(interval, max(0.0, deadline - time.monotonic()))):
            return None
        try:
            output = _create_token(oidc, registration, request)
        except SlowDownException:
            interval, failures = interval + SLOW_DOWN_STEP, 0
        except ClientError as error:
            # A network, or a service, that comes back in time costs no approval.
            if not isinstance(error, TransportError) and error_type(error) is None:
                raise
            failures += 1
            if failures > LOST_POLLS:
                raise
        else:
            failures = 0
            if output is not None:
                return output
    raise _expired()


def _create_token(oidc: SSOOIDC, registration: Registration, request: DeviceRequest) -> CreateTokenOutput | None:
    """One poll; None while the person has not decided."""
    try:
        return oidc.create_token(
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            grant_type=GRANT_DEVICE_CODE,
            device_code=request.device_code,
        )
    except AuthorizationPendingException:
        return None
    except AccessDeniedException:
        raise SignInDenied(
            f"The sign-in to {request.session.label} was denied in the browser. Run %sso_login to start again."
        ) from None
    except ExpiredTokenException:
        raise _expired() from None


def _expired() -> SignInExpired:
    return SignInExpired("The code ran out before it was approved. Run %sso_login to get a new one.")


def token_of(output: CreateTokenOutput, registration: Registration) -> Token:
    """The token of a CreateToken answer, with the registration that refreshes it."""
    return Token(
        access_token=access_token_in(output),
        expires_at=cache.seconds_after(utc_now(), output.expires_in or 0),
        refresh_token=output.refresh_token,
        client_id=registration.client_id,
        client_secret=registration.client_secret,
        registration_expires_at=registration.expires_at,
    )
