"""The browser's side of the authorization code with PKCE: ``/authorize`` (PROTOCOL.md 2.7, RFC 6749, RFC 7636)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sso_magic.local.state import ACCOUNT_SCOPE, CODE_GRANT, Registration
from sso_magic.local.web import redirect
from sso_magic.local.wire import Request, Response

if TYPE_CHECKING:
    from sso_magic.local.knobs import Knobs
    from sso_magic.local.oidc import Oidc
    from sso_magic.local.state import State
    from sso_magic.local.web import Web

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge_method",
    "scopes",
    "scope",
    "code_challenge",
)


@dataclass(frozen=True)
class _Wish:
    """A request that can be granted."""

    registration: Registration
    redirect_uri: str
    state: str
    challenge: str
    scopes: tuple[str, ...]


class Authorize:
    """Asks the person, and sends the browser back with a code or an error."""

    def __init__(self, web: Web, state: State, oidc: Oidc, knobs: Knobs) -> None:
        self._web = web
        self._state = state
        self._oidc = oidc
        self._knobs = knobs

    def ask(self, request: Request) -> Response:
        """The consent page; with `auto_approve` the answer to it."""
        wish = self._read(request, request.query)
        if isinstance(wish, Response):
            return wish
        if self._knobs.auto_approve:
            return self._grant(wish, self._oidc.auto_user())
        target = urlsplit(wish.redirect_uri)
        return self._web.page(
            "authorize.html",
            request,
            posts_to=f"{target.scheme}://{target.netloc}",
            client=wish.registration.name,
            wishes=wishes(wish.scopes),
            target=target.netloc,
            parameters={name: request.query[name] for name in _PARAMETERS if name in request.query},
            form=self._web.forms.issue(_subject(request.query)),
        )

    def decide(self, request: Request) -> Response:
        """Posted by the consent page."""
        form = request.form()
        wish = self._read(request, form)
        if isinstance(wish, Response):
            return wish
        if not self._web.forms.redeem(form.get("form", ""), _subject(form)):
            return self._web.stale(request)
        if form.get("decision") != "allow":
            return _back(
                wish.redirect_uri, wish.state, error="access_denied", error_description="The request was denied"
            )
        return self._grant(wish, self._web.user(request).name)

    def _grant(self, wish: _Wish, user: str) -> Response:
        code = self._state.start_code(wish.registration, wish.redirect_uri, wish.challenge, wish.scopes, user)
        return _back(wish.redirect_uri, wish.state, code=code.code)

    def _read(self, request: Request, parameters: dict[str, str]) -> _Wish | Response:
        """The wish; or a page, while it is not sure where to send the browser; or the way back with an error."""
        registration = self._state.registrations.get(parameters.get("client_id", ""))
        redirect_uri = parameters.get("redirect_uri", "")
        if registration is None or self._web.clock.now() >= registration.expires_at:
            return self._refuse(request, "The application that sent you here is not registered, or no longer.")
        if not any(_matches(redirect_uri, registered) for registered in registration.redirect_uris):
            return self._refuse(request, "The application wants an answer at an address that it has not registered.")
        state = parameters.get("state", "")
        wrong = _wrong(registration, parameters)
        if wrong:
            error, description = wrong
            return _back(redirect_uri, state, error=error, error_description=description)
        scopes = _scopes(parameters) or registration.scopes
        return _Wish(registration, redirect_uri, state, parameters["code_challenge"], scopes)

    def _refuse(self, request: Request, text: str) -> Response:
        text += " Start the sign-in again."
        return self._web.message(request, "This sign-in cannot go on", text, 400, kind="error")


def _wrong(registration: Registration, parameters: dict[str, str]) -> tuple[str, str] | None:
    """What the application did wrong: OAuth's error and a sentence."""
    if parameters.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if CODE_GRANT not in registration.grants:
        return "unauthorized_client", "The client is not registered for authorization_code"
    if parameters.get("code_challenge_method") != "S256":
        return "invalid_request", "code_challenge_method must be S256"
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", parameters.get("code_challenge", "")):
        return "invalid_request", "code_challenge must be the base64url SHA-256 of a verifier"
    if not set(_scopes(parameters)) <= set(registration.scopes):
        return "invalid_scope", "A scope was asked for that the client is not registered for"
    return None


def _scopes(parameters: dict[str, str]) -> tuple[str, ...]:
    """``scopes`` as the AWS CLI sends it, or RFC 6749's ``scope``; separated by spaces or plus signs."""
    text = parameters.get("scopes") or parameters.get("scope") or ""
    return tuple(scope for scope in re.split(r"[ +]", text) if scope)


def _matches(uri: str, registered: str) -> bool:
    """Scheme, host and path; on loopback the port does not count (RFC 8252 7.3)."""
    try:
        asked, known = urlsplit(uri), urlsplit(registered)
        same_port = asked.port == known.port or asked.hostname in _LOOPBACK
    except ValueError:
        return False
    same_place = (asked.scheme, asked.hostname, asked.path.rstrip("/"), asked.query) == (
        known.scheme, known.hostname, known.path.rstrip("/"), known.query,
    )  # fmt: skip
    return same_place and same_port and not asked.fragment and not asked.username and not asked.password


def _back(redirect_uri: str, state: str, **parameters: str) -> Response:
    parts = urlsplit(redirect_uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()]
    if state:
        query.append(("state", state))
    return redirect(urlunsplit(parts._replace(query=urlencode(query))), status=302)


def _subject(parameters: dict[str, str]) -> str:
    return "authorize " + urlencode([(name, parameters.get(name, "")) for name in _PARAMETERS])


def wishes(scopes: tuple[str, ...]) -> list[str]:
    """What the client asks for, in words."""
    if not scopes or scopes == (ACCOUNT_SCOPE,):
        return ["See the AWS accounts and roles that you are assigned", "Get credentials for them on your behalf"]
    words = [wish for scope in scopes if scope == ACCOUNT_SCOPE for wish in wishes((scope,))]
    return words + [f"Use an application of AWS on your behalf ({scope})" for scope in scopes if scope != ACCOUNT_SCOPE]
