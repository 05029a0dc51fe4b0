"""What the Identity Center remembers: registrations, codes waiting for a person, sign-in sessions, their tokens.

Everything is in memory and under one lock, since handlers run in the listener's thread and tests call from theirs.
Secrets are left out of every repr.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sso_magic.local import locks

if TYPE_CHECKING:
    from sso_magic.local.clock import Clock
    from sso_magic.local.knobs import Knobs

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_GRANT = "refresh_token"
CODE_GRANT = "authorization_code"
ACCOUNT_SCOPE = "sso:account:access"

_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: no code spells a word (RFC 8628 6.1)


@dataclass(eq=False)
class Registration:
    """A client that RegisterClient let in (PROTOCOL.md 2.2)."""

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    issued_at: float
    expires_at: float


@dataclass(eq=False)
class SignInSession:
    """One sign-in of a person at one client: what Logout ends as a whole (PROTOCOL.md 13.1)."""

    id: int
    user: str
    registration: Registration
    scopes: tuple[str, ...]
    refreshable: bool
    started_at: float
    ends_at: float
    ended: bool = False
    subdomain: str | None = None
    refresh_token: str = field(default="", repr=False)
    previous_refresh_token: str = field(default="", repr=False)
    previous_accepted_until: float = 0.0


@dataclass(eq=False)
class AccessToken:
    """A bearer token of a session."""

    value: str = field(repr=False)
    session: SignInSession
    expires_at: float
    revoked: bool = False


@dataclass(eq=False)
class DeviceAuthorization:
    """A device code and the user code that a person approves it by (RFC 8628)."""

    device_code: str = field(repr=False)
    user_code: str
    registration: Registration
    started_at: float
    expires_at: float
    interval: float
    approve_at: float | None = None
    decision: str = "pending"  # pending, approved, denied, used
    user: str = ""
    last_poll: float | None = None


@dataclass(eq=False)
class AuthorizationCode:
    """What ``/authorize`` sends back to the client's redirect URI (RFC 6749 4.1, RFC 7636)."""

    code: str = field(repr=False)
    registration: Registration
    redirect_uri: str
    challenge: str
    scopes: tuple[str, ...]
    user: str
    expires_at: float
    session: SignInSession | None = None


class State:
    """The dictionaries, and what makes their entries."""

    def __init__(self, clock: Clock, knobs: Knobs, region: str) -> None:
        self.lock = locks.RLock()
        self.changed = locks.Condition(self.lock)
        self.key = secrets.token_bytes(32)
        self._clock = clock
        self._knobs = knobs
        self._region = region
        self.clear()

    def clear(self) -> None:
        """Forgets everybody."""
        with self.lock:
            self._ids = itertools.count(1)
            self.registrations: dict[str, Registration] = {}
            self.sessions: dict[int, SignInSession] = {}
            self.access_tokens: dict[str, AccessToken] = {}
            self.refresh_tokens: dict[str, SignInSession] = {}
            self.devices: dict[str, DeviceAuthorization] = {}
            self.user_codes: dict[str, DeviceAuthorization] = {}
            self.codes: dict[str, AuthorizationCode] = {}

    def continue_ids(self, ids: itertools.count[int]) -> None:
        """Number the next sessions with these."""
        self._ids = ids

    def register(
        self, name: str, scopes: tuple[str, ...], grants: tuple[str, ...], redirect_uris: tuple[str, ...]
    ) -> Registration:
        """Lets a client in."""
        now = self._clock.now()
        expires_at = now + self._knobs.registration_lifetime
        client_id = _client_id(self._region)
        registration = Registration(
            client_id, _client_secret(client_id, expires_at), name, scopes, grants, redirect_uris, now, expires_at
        )
        with self.lock:
            self.registrations[client_id] = registration
        return registration

    def start_device(self, registration: Registration) -> DeviceAuthorization:
        """Makes a device code and its user code."""
        now = self._clock.now()
        knobs = self._knobs
        with self.changed:
            user_code = _user_code()
            while user_code in self.user_codes:
                user_code = _user_code()
            device = DeviceAuthorization(
                secrets.token_urlsafe(48),
                user_code,
                registration,
                now,
                now + knobs.device_code_lifetime,
                knobs.poll_interval,
                now + knobs.auto_approve_after if knobs.auto_approve else None,
            )
            self.devices[device.device_code] = self.user_codes[user_code] = device
            self.changed.notify_all()
        return device

    def pending(self) -> list[DeviceAuthorization]:
        """The device codes that wait for a person, oldest first."""
        now = self._clock.now()
        with self.lock:
            return [
                device for device in self.devices.values() if device.decision == "pending" and now < device.expires_at
            ]

    def start_code(
        self, registration: Registration, redirect_uri: str, challenge: str, scopes: tuple[str, ...], user: str
    ) -> AuthorizationCode:
        """Makes an authorization code for a user who allowed the client in."""
        expires_at = self._clock.now() + self._knobs.authorization_code_lifetime
        code = AuthorizationCode(
            secrets.token_urlsafe(32), registration, redirect_uri, challenge, scopes, user, expires_at
        )
        with self.lock:
            self.codes[code.code] = code
        return code

    def start_session(self, user: str, registration: Registration, scopes: tuple[str, ...]) -> SignInSession:
        """Signs the user in at the client."""
        now = self._clock.now()
        with self.lock:
            session = SignInSession(
                next(self._ids),
                user,
                registration,
                scopes,
                refreshable=REFRESH_GRANT in registration.grants and bool(scopes),
                started_at=now,
                ends_at=now + self._knobs.session_lifetime,
                subdomain=self._knobs.subdomain,
            )
            self.sessions[session.id] = session
            if session.refreshable:
                self._new_refresh_token(session)
        return session

    def issue(self, session: SignInSession) -> AccessToken:
        """A new access token: it ends with its lifetime or with the session, whichever is first."""
        now = self._clock.now()
        expires_at = session.ends_at
        if session.refreshable:
            expires_at = min(expires_at, now + self._knobs.access_token_lifetime)
        token = AccessToken("aoa" + secrets.token_urlsafe(96), session, expires_at)
        with self.lock:
            self.access_tokens[token.value] = token
        return token

    def rotate(self, session: SignInSession) -> None:
        """Replaces the session's refresh token; the old one is accepted for a while, since clients race."""
        with self.lock:
            self.refresh_tokens.pop(session.previous_refresh_token, None)
            session.previous_refresh_token = session.refresh_token
            session.previous_accepted_until = self._clock.now() + self._knobs.refresh_grace
            self._new_refresh_token(session)

    def is_valid(self, session: SignInSession) -> bool:
        """Return True if the session has not ended and was begun under the present start URL."""
        in_time = not session.ended and self._clock.now() < session.ends_at
        return in_time and session.subdomain == self._knobs.subdomain

    def end(self, session: SignInSession) -> None:
        """Ends the session: each of its tokens is refused from now on."""
        with self.lock:
            session.ended = True

    def _new_refresh_token(self, session: SignInSession) -> None:
        session.refresh_token = "aor" + secrets.token_urlsafe(96)
        self.refresh_tokens[session.refresh_token] = session


def _user_code() -> str:
    letters = [secrets.choice(_USER_CODE_LETTERS) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


def _client_id(region: str) -> str:
    """Base64url whose last bytes are the region behind its length, as the live service's are."""
    suffix = region.encode()
    raw = uuid.uuid4().bytes + bytes([len(suffix)]) + suffix
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _client_secret(client_id: str, expires_at: float) -> str:
    """Looks like a JWT, as the live service's secret does; nobody is meant to read it."""
    parts = [{"alg": "HS384", "kid": "local"}, {"clientId": client_id, "exp": int(expires_at)}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(48)])
