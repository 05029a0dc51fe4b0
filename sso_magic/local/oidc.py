"""SSO-OIDC: RegisterClient, StartDeviceAuthorization, CreateToken (PROTOCOL.md 2, 13)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sso_magic.local.errors import NoSuchUser
from sso_magic.local.origin import is_form
from sso_magic.local.state import (
    CODE_GRANT,
    DEVICE_GRANT,
    REFRESH_GRANT,
    DeviceAuthorization,
    Registration,
    SignInSession,
    State,
)
from sso_magic.local.wire import Request, Response, answer, oidc_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local.clock import Clock
    from sso_magic.local.knobs import Knobs
    from sso_magic.local.organization import Organization

_LOOPBACK = {"127.0.0.1", "localhost"}
SLOW_DOWN_STEP = 5.0  # seconds, RFC 8628 3.5
_EARLY = 0.9  # a poll that leaves on time can arrive a little sooner after the last one than it left
# Hosts of AWS's access portals, which the AWS CLI takes without asking where they lead.
_AWS_HOSTS = frozenset(
    {
        "identitycenter.amazonaws.com",
        "identitycenter.amazonaws.com.cn",
        "identitycenter.amazonaws.eu",
        "identitycenter.us-gov.amazonaws.com",
    }
)
_AWS_SUFFIXES = (
    ".app.aws",
    ".portal.amazonaws.com",
    ".portal.amazonaws.com.cn",
    ".app.amazonwebservices.com.cn",
    ".portal.amazonaws.eu",
    ".api.amazonwebservices.eu",
    ".awsapps.com",
    ".awsapps.cn",
)


class Oidc:
    """The three operations, each a function from a request to an answer."""

    def __init__(
        self,
        knobs: Knobs,
        clock: Clock,
        state: State,
        organization: Callable[[], Organization],
        own_urls: Callable[[], tuple[str, ...]],
    ) -> None:
        self._knobs = knobs
        self._clock = clock
        self._state = state
        self._organization = organization
        self._own_urls = own_urls

    def register_client(self, request: Request) -> Response:
        """Lets a public client in (PROTOCOL.md 2.2)."""
        fields = _fields(request)
        name = _text(fields, "clientName")
        if _text(fields, "clientType") != "public":
            raise oidc_error("InvalidClientMetadataException", "Only public clients can be registered")
        scopes = _texts(fields, "scopes")
        if not all(re.fullmatch(r"[\w.-]+(:[\w.-]+)*", scope, re.ASCII) for scope in scopes):
            raise oidc_error("InvalidScopeException", "Invalid scope provided")
        grants = _texts(fields, "grantTypes")
        if not set(grants) <= {DEVICE_GRANT, REFRESH_GRANT, CODE_GRANT}:
            raise oidc_error("UnsupportedGrantTypeException", "Unsupported grant type provided")
        redirects = _texts(fields, "redirectUris")
        if not all(_is_redirect(uri) for uri in redirects):
            raise oidc_error("InvalidRedirectUriException", "Redirect URIs must be https, or http on loopback")
        if CODE_GRANT in grants and not redirects:
            raise oidc_error("InvalidRedirectUriException", "A redirect URI is needed for authorization_code")
        issuer = fields.get("issuerUrl")
        if issuer is not None and not (isinstance(issuer, str) and self._is_start_url(issuer)):
            raise oidc_error("InvalidRequestException", "Invalid issuer URL provided")
        registration = self._state.register(name, scopes, grants or _default_grants(scopes), redirects)
        return answer(
            {
                "clientId": registration.client_id,
                "clientSecret": registration.client_secret,
                "clientIdIssuedAt": int(registration.issued_at),
                "clientSecretExpiresAt": int(registration.expires_at),
                "authorizationEndpoint": None,
                "tokenEndpoint": None,
            }
        )

    def start_device_authorization(self, request: Request) -> Response:
        """Makes a device code and says where a person approves it (PROTOCOL.md 2.3)."""
        fields = _fields(request)
        registration = self._client(fields)
        if not self._is_start_url(_text(fields, "startUrl")):
            raise oidc_error("InvalidRequestException", "Invalid start URL provided")
        if self._knobs.refuse_device_grant:
            raise oidc_error("AccessDeniedException", "device grant is blocked")
        if DEVICE_GRANT not in registration.grants:
            raise oidc_error("UnauthorizedClientException", "The client is not registered for device codes")
        device = self._state.start_device(registration)
        page = f"{self._own_urls()[0]}/start/#/device"
        return answer(
            {
                "deviceCode": device.device_code,
                "userCode": device.user_code,
                "verificationUri": page,
                "verificationUriComplete": f"{page}?user_code={device.user_code}",
                "expiresIn": int(self._knobs.device_code_lifetime),
                "interval": _seconds(device.interval),
            }
        )

    def create_token(self, request: Request) -> Response:
        """An access token for a device code, an authorization code or a refresh token (PROTOCOL.md 2.4)."""
        if "aws_iam" in request.query:
            raise oidc_error("InvalidRequestException", "CreateTokenWithIAM is not supported")
        fields = _fields(request)
        registration = self._client(fields)
        grant = _text(fields, "grantType")
        redeem = {DEVICE_GRANT: self._device, REFRESH_GRANT: self._refresh, CODE_GRANT: self._code}.get(grant)
        if redeem is None:
            raise oidc_error("UnsupportedGrantTypeException", "Unsupported grant type provided")
        if grant not in registration.grants:
            raise oidc_error("UnauthorizedClientException", "The client is not registered for this grant type")
        with self._state.lock:
            return self._tokens(redeem(registration, fields))

    def approve(self, device: DeviceAuthorization, user: str) -> None:
        """A person allowed it."""
        with self._state.lock:
            device.decision, device.user = "approved", user

    def deny(self, device: DeviceAuthorization) -> None:
        """A person refused it."""
        with self._state.lock:
            device.decision = "denied"

    def auto_user(self) -> str:
        """Who approves when sign-ins are approved by themselves."""
        chosen = self._knobs.auto_approve
        return self._organization().user(chosen if isinstance(chosen, str) else None).name

    def _device(self, registration: Registration, fields: dict[str, Any]) -> SignInSession:
        device = self._state.devices.get(_text(fields, "deviceCode"))
        if device is None or device.registration is not registration or device.decision == "used":
            raise oidc_error("InvalidGrantException", "Invalid grant provided")
        now = self._clock.now()
        if now >= device.expires_at:
            raise oidc_error("ExpiredTokenException", "The device code has expired")
        if device.decision == "pending" and device.approve_at is not None and now >= device.approve_at:
            with contextlib.suppress(NoSuchUser):  # the user has been removed: a person decides
                self.approve(device, self.auto_user())
        self._pace(device, now)
        if device.decision == "denied":
            raise oidc_error("AccessDeniedException", "The request was denied")
        if device.decision == "pending":
            raise oidc_error("AuthorizationPendingException", "Authorization is still pending")
        device.decision = "used"
        return self._state.start_session(device.user, registration, registration.scopes)

    def _pace(self, device: DeviceAuthorization, now: float) -> None:
        """SlowDown while nothing is decided and the poll comes too soon, or when it was asked for."""
        last, device.last_poll = device.last_poll, now
        asked_for = self._knobs.slow_down > 0
        if asked_for:
            self._knobs.slow_down -= 1
        early = last is not None and now - last < device.interval * _EARLY and device.decision == "pending"
        if asked_for or early:
            device.interval += SLOW_DOWN_STEP
            raise oidc_error("SlowDownException", "Slow down: the device code is polled too often")

    def _refresh(self, registration: Registration, fields: dict[str, Any]) -> SignInSession:
        given = _text(fields, "refreshToken")
        session = self._state.refresh_tokens.get(given)
        now = self._clock.now()
        if session is None or session.registration is not registration or not self._state.is_valid(session):
            raise oidc_error("InvalidGrantException", "Invalid grant provided")
        if given != session.refresh_token:
            if now >= session.previous_accepted_until:
                raise oidc_error("InvalidGrantException", "Invalid grant provided")
        elif self._knobs.rotate_refresh_tokens:
            self._state.rotate(session)
        return session

    def _code(self, registration: Registration, fields: dict[str, Any]) -> SignInSession:
        code = self._state.codes.get(_text(fields, "code"))
        redirect, verifier = _text(fields, "redirectUri"), _text(fields, "codeVerifier")
        if code is None or code.registration is not registration:
            raise oidc_error("InvalidGrantException", "Invalid grant provided")
        if code.session is not None:  # redeemed before: somebody has a copy of it (RFC 6749 4.1.2)
            self._state.end(code.session)
            raise oidc_error("InvalidGrantException", "Invalid grant provided")
        if self._clock.now() >= code.expires_at:
            raise oidc_error("ExpiredTokenException", "The authorization code has expired")
        if redirect != code.redirect_uri or not hmac.compare_digest(challenge_of(verifier), code.challenge):
            raise oidc_error("InvalidGrantException", "Invalid grant provided")
        code.session = self._state.start_session(code.user, registration, code.scopes)
        return code.session

    def _tokens(self, session: SignInSession) -> Response:
        token = self._state.issue(session)
        return answer(
            {
                "accessToken": token.value,
                "tokenType": "Bearer",
                "expiresIn": int(token.expires_at - self._clock.now() + 0.001),
                "refreshToken": session.refresh_token or None,
                "idToken": None,
            }
        )

    def _client(self, fields: dict[str, Any]) -> Registration:
        registration = self._state.registrations.get(_text(fields, "clientId"))
        secret = _text(fields, "clientSecret")
        if registration is None or not hmac.compare_digest(
            registration.client_secret.encode(), secret.encode("utf-8", "replace")
        ):
            raise oidc_error("InvalidClientException", "Invalid client provided")
        if self._clock.now() >= registration.expires_at:
            raise oidc_error("InvalidClientException", "The client's registration has expired")
        return registration

    def _is_start_url(self, url: str) -> bool:
        """Return True for its own portal's URL, on either loopback name too, and for any on a host that AWS owns.

        If `subdomain` is set, the start URL with that subdomain is the only one on a host that AWS owns.

        Query, fragment, a slash at the end and upper case in the host do not matter, as at AWS.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        host = (parts.hostname or "").rstrip(".")
        for own in map(urlsplit, self._own_urls()):
            names = _LOOPBACK if own.hostname in _LOOPBACK else {own.hostname}
            if host in names and (parts.scheme, port, parts.path.rstrip("/")) == (own.scheme, own.port, "/start"):
                return True
        if self._knobs.subdomain is not None:
            return (parts.scheme, host) == ("https", f"{self._knobs.subdomain}.awsapps.com")
        return parts.scheme == "https" and (host in _AWS_HOSTS or host.endswith(_AWS_SUFFIXES))


def challenge_of(verifier: str) -> str:
    """The S256 code challenge (RFC 7636 4.2)."""
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _default_grants(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """When none are named: the device code, and refreshing if there is a scope (PROTOCOL.md 13.3)."""
    return (DEVICE_GRANT, REFRESH_GRANT) if scopes else (DEVICE_GRANT,)


def _seconds(value: float) -> float:
    """An integer, as AWS sends it, unless the knob was set to a fraction."""
    return int(value) if value == int(value) else value


def _is_redirect(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        return False
    return (
        bool(parts.hostname)
        and not parts.fragment
        and (parts.scheme == "https" or (parts.scheme == "http" and loopback))
    )


def _fields(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        raise oidc_error("InvalidRequestException", "Only POST is allowed here")
    if is_form(request.headers):
        raise oidc_error("InvalidRequestException", "The body is a form; send JSON, as application/json")
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise oidc_error("InvalidRequestException", "The body is not a JSON object")
    return fields


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise oidc_error("InvalidRequestException", f"{name} is missing or not a text")
    return value


def _texts(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise oidc_error("InvalidRequestException", f"{name} is not a list of texts")
    return tuple(value)
