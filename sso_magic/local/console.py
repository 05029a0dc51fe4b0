"""Where the AWS console would open: the portal's shortcut and the federation endpoint (PROTOCOL.md 12)."""

from __future__ import annotations

import hmac
import json
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from sso_magic.local.wire import Request, Response, answer

if TYPE_CHECKING:
    from sso_magic.local.clock import Clock
    from sso_magic.local.keys import Minted
    from sso_magic.local.web import Web

_SIGNIN_TOKEN_LIFETIME = 900.0  # seconds
_DURATIONS = range(900, 43201)  # seconds a console session may be asked to last


class Console:
    """Pages that stand in for the console, which is not on this machine.

    Args:
        keys: Every key that was minted, by its id.
    """

    def __init__(self, web: Web, clock: Clock, keys: dict[str, Minted]) -> None:
        self._web = web
        self._clock = clock
        self._keys = keys
        self._tokens: dict[str, tuple[Minted, float]] = {}

    def clear(self) -> None:
        """Forgets every sign-in token."""
        self._tokens.clear()

    def page(self, request: Request) -> Response:
        """``<start URL>/#/console`` leads here: an account and a role, or the account's roles to choose from."""
        user = self._web.user(request)
        organization = self._web.organization()
        account = organization.account(request.query.get("account_id", ""))
        role = request.query.get("role_name", "")
        roles = organization.roles_of(user.name, account.id) if account is not None else ()
        if account is None or not roles or (role and role not in roles):
            text = f"{user.display_name} is not assigned this role or account. Choose one in the access portal."
            return self._web.message(request, "No access", text, 403, kind="error")
        destination = _console_url(request.query.get("destination", ""))
        if not role:
            links = [
                (
                    name,
                    "/console?" + urlencode({"account_id": account.id, "role_name": name, "destination": destination}),
                )
                for name in roles
            ]
            return self._web.page("roles.html", request, account=account, links=links)
        return self._web.page("console.html", request, account=account, role=role, destination=destination)

    def federation(self, request: Request) -> Response:
        """``Action=getSigninToken`` for keys, ``Action=login`` for the token (PROTOCOL.md 12.1)."""
        action = request.query.get("Action", "")
        if action == "getSigninToken":
            return self._signin_token(request)
        if action == "login":
            return self._login(request)
        return self._bad(request)

    def _signin_token(self, request: Request) -> Response:
        keys = self._keys_of(request.query.get("Session", ""))
        duration = request.query.get("SessionDuration")
        if keys is None:
            return self._bad(request)
        chained = "/aws-reserved/" not in keys.role_arn  # a chained role's session cannot be given a duration
        if duration is not None and (chained or not duration.isdigit() or int(duration) not in _DURATIONS):
            return self._bad(request)
        token = secrets.token_urlsafe(96)
        self._tokens[token] = (keys, self._clock.now() + _SIGNIN_TOKEN_LIFETIME)
        return answer({"SigninToken": token})

    def _login(self, request: Request) -> Response:
        keys, until = self._tokens.get(request.query.get("SigninToken", ""), (None, 0.0))
        destination = _console_url(request.query.get("Destination", ""))
        if keys is None or self._clock.now() >= until or not destination:
            return self._bad(request)
        account = self._web.organization().account(keys.account_id)
        name = account.name if account is not None and account.name else keys.account_id
        role = keys.role_arn.rsplit("/", 1)[-1]
        text = f"The AWS console would open here for {keys.session_name}, as {role} in {name} ({keys.account_id})."
        return self._web.message(request, "Signed in to the console", f"{text} It would show {destination}")

    def _keys_of(self, text: str) -> Minted | None:
        try:
            session = json.loads(text)
            parts = [session[name] for name in ("sessionId", "sessionKey", "sessionToken")]
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        keys = self._keys.get(parts[0]) if all(isinstance(part, str) for part in parts) else None
        if keys is None or self._clock.now() >= keys.expires_at:
            return None
        fits = hmac.compare_digest(
            f"{keys.secret_access_key} {keys.session_token}".encode(), " ".join(parts[1:]).encode()
        )
        return keys if fits else None

    def _bad(self, request: Request) -> Response:
        text = "The request could not be understood, or the credentials or the token in it are not valid any more."
        return self._web.message(request, "Not possible", text, 400, kind="error")


def _console_url(text: str) -> str:
    """The destination, if it is a page of AWS's console."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return ""
    known = host.endswith((".console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"))
    return text if parts.scheme == "https" and (known or host == "console.aws.amazon.com") else ""
