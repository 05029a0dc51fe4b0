"""Authorization code with PKCE through the browser (PROTOCOL.md 2.7; RFC 7636, RFC 8252).

The listener is on 127.0.0.1 alone and starts before the browser opens: a browser that is signed in answers at once.
It serves one path, compares the state in constant time, answers a page that repeats nothing of the request, and stops.

A browser on another machine ends on the same address of 127.0.0.1 and cannot reach it, unless the port is forwarded
(under any local port and as ``localhost``: the state is the check, not the header Host). The person can then paste the
address: see `sso_magic.signin.pasted`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string
import uuid
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from sso_magic.client.grants import GRANT_AUTHORIZATION_CODE, GRANT_REFRESH_TOKEN
from sso_magic.common import locks
from sso_magic.common.loopback import LoopbackHandler, LoopbackServer
from sso_magic.common.secret import Secret
from sso_magic.errors import SignInDenied, SignInError, SignInExpired
from sso_magic.oidc import (
    AccessDeniedException,
    ExpiredTokenException,
    InvalidGrantException,
)
from sso_magic.signin.callback_page import page
from sso_magic.signin.prompt import BrowserRequest
from sso_magic.signin.sessions import DEFAULT_SCOPE

if TYPE_CHECKING:
    from typing_extensions import Self

    from sso_magic.oidc import SSOOIDC, CreateTokenOutput
    from sso_magic.signin.registration import Registration
    from sso_magic.signin.sessions import Session

GRANT_TYPES = (GRANT_AUTHORIZATION_CODE, GRANT_REFRESH_TOKEN)
CALLBACK_PATH = "/oauth/callback"
REGISTERED_URI = f"http://127.0.0.1{CALLBACK_PATH}"  # without a port, which the service ignores for loopback
_VERIFIER_LETTERS = string.ascii_letters + string.digits + "-._~"


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def authorize_url(oidc: SSOOIDC) -> str:
    """The page that asks the person: beside the service's other operations, as the AWS CLI has it."""
    return f"{oidc.config.endpoint.rstrip('/')}/authorize"


class BrowserSignIn:
    """One sign-in through the browser: a context manager that holds the listener.

    Args:
        session: Who asks.
        registration: A client registered for `GRANT_TYPES` and `REGISTERED_URI`.
        authorize_url: Where the page is.
    """

    def __init__(self, session: Session, registration: Registration, authorize_url: str) -> None:
        self._registration = registration
        self._session = session
        self._verifier = Secret("".join(secrets.choice(_VERIFIER_LETTERS) for _ in range(64)))
        # No `Secret`: the link in the cell has it, and what is displayed is searched for secrets.
        self._state = str(uuid.uuid4())
        self._authorize_url = authorize_url
        self.answered = locks.Event()
        self._code: Secret | None = None
        self._error: str | None = None
        self._server: _Listener | None = None

    def __enter__(self) -> Self:
        try:
            self._server = _Listener(self)
        except OSError as error:
            raise SignInError(
                f"No port on 127.0.0.1 could be opened for the browser's answer ({error.strerror or error}). "
                "Run %sso_login --device"
            ) from None
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the listener's port and end its thread; it may be called again."""
        if self._server is not None:
            self._server.stop()

    @property
    def redirect_uri(self) -> str:
        """The listener's address, with its port."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}{CALLBACK_PATH}"

    def request(self, *, is_remote: bool = False, reason: str = "") -> BrowserRequest:
        """Return what the prompt shows.

        Args:
            is_remote: See `BrowserRequest`.
            reason: See `BrowserRequest`.
        """
        scopes = " ".join(self._session.scopes or (DEFAULT_SCOPE,))
        parameters = {
            "response_type": "code",
            "client_id": self._registration.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self._state,
            "code_challenge_method": "S256",
            "scopes": scopes,
            "code_challenge": challenge_of(self._verifier.reveal()),
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        url = f"{self._authorize_url}?{query}"
        return BrowserRequest(self._session, url, self.redirect_uri, is_remote=is_remote, reason=reason)

    def take(self, query: str) -> bool | None:
        """Read the browser's answer: True for a code, False for an error, None if it does not answer this request."""
        values = {name: found[-1] for name, found in parse_qs(query).items()}
        if not hmac.compare_digest(values.get("state", "").encode("utf-8", "replace"), self._state.encode()):
            return None
        if "error" in values:
            self._error = values["error"]
        elif values.get("code"):
            self._code = Secret(values["code"])
        else:
            return None
        self.answered.set()
        return self._error is None

    def redeem(self, oidc: SSOOIDC) -> CreateTokenOutput:
        """Exchanges the code for an access token.

        Raises:
            SignInDenied: The person, or the identity provider, said no.
            SignInExpired: The code ran out.
        """
        if self._error is not None or self._code is None:
            if self._error == "access_denied":
                raise _denied(self._session)
            known = self._error if (self._error or "").isidentifier() else "an error"
            raise SignInError(
                f"The sign-in page answered {known}. Run %sso_login again, or %sso_login --device for a code."
            )
        try:
            return oidc.create_token(
                client_id=self._registration.client_id,
                client_secret=self._registration.client_secret,
                grant_type=GRANT_AUTHORIZATION_CODE,
                code=self._code,
                code_verifier=self._verifier,
                redirect_uri=self.redirect_uri,
            )
        except AccessDeniedException:
            raise _denied(self._session) from None
        except InvalidGrantException:
            raise SignInError(
                "The sign-in service did not accept the code that the browser came back with. Run %sso_login to start "
                "again."
            ) from None
        except ExpiredTokenException:
            raise SignInExpired("The approval came too late. Run %sso_login to start again.") from None


def is_loopback_host(parts: SplitResult) -> bool:
    """Return True if the address names this machine by a loopback name."""
    try:
        _ = parts.port  # raises if it is no number
        host = parts.hostname
    except ValueError:
        return False
    return host in ("127.0.0.1", "localhost", "::1") and parts.username is None


def _denied(session: Session) -> SignInDenied:
    return SignInDenied(f"The sign-in to {session.label} was denied in the browser. Run %sso_login to start again.")


class _Listener(LoopbackServer):
    def __init__(self, sign_in: BrowserSignIn) -> None:
        self.sign_in = sign_in
        super().__init__(_Handler, "sso_magic sign-in callback")


class _Handler(LoopbackHandler):
    server: _Listener

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        parts = urlsplit(self.path)
        if parts.path != CALLBACK_PATH or not self._is_addressed_by_loopback():
            self._answer(404, page("missing"))
            return
        result = self.server.sign_in.take(parts.query)
        if result is None:
            self._answer(400, page("foreign"))
        else:
            self._answer(200, page("done" if result else "denied"))

    def _is_addressed_by_loopback(self) -> bool:
        """Return True for a loopback name with any port: a forwarded port may be another one."""
        hosts = self.headers.get_all("Host") or []
        return len(hosts) == 1 and is_loopback_host(urlsplit(f"//{hosts[0]}"))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
