"""The portal: ListAccounts, ListAccountRoles, GetRoleCredentials, Logout (PROTOCOL.md 1, 13)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from typing import TYPE_CHECKING

from sso_magic.local.state import ACCOUNT_SCOPE
from sso_magic.local.throttle import Throttling
from sso_magic.local.wire import Request, Response, answer, encode, portal_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local.clock import Clock
    from sso_magic.local.keys import Minted
    from sso_magic.local.knobs import Knobs
    from sso_magic.local.organization import Organization
    from sso_magic.local.state import SignInSession, State

BEARER_HEADER = "x-amz-sso_bearer_token"
_MAX_RESULT = 100


class Portal:
    """The four operations, each a function from a request to an answer.

    Args:
        mint: Makes role credentials: (account, role, user, expiry in seconds since the epoch) -> keys.
    """

    def __init__(
        self,
        knobs: Knobs,
        clock: Clock,
        state: State,
        organization: Callable[[], Organization],
        mint: Callable[[str, str, str, float], Minted],
    ) -> None:
        self._knobs = knobs
        self._clock = clock
        self._state = state
        self._organization = organization
        self._mint = mint
        self._throttling = Throttling()
        self._pages: dict[tuple[str, str, int, int], bytes] = {}
        self._pages_of: tuple[int, int] | None = None

    def clear(self) -> None:
        """Fills every session's bucket again."""
        self._throttling.clear()

    def list_accounts(self, request: Request) -> Response:
        """The accounts in which the user has a role."""
        user = self._admit(request, "GET").user
        organization = self._organization()

        def entries() -> list[dict[str, str | None]]:
            return [
                {"accountId": account.id, "accountName": account.name, "emailAddress": account.email}
                for account in organization.accounts_of(user)
            ]

        return self._page(request, user, "", "accountList", entries)

    def list_account_roles(self, request: Request) -> Response:
        """The user's roles in one account; 403 if there are none (PROTOCOL.md 13.3)."""
        user = self._admit(request, "GET").user
        account_id = _required(request, "account_id")
        roles = self._organization().roles_of(user, account_id)
        if not roles:
            raise portal_error("ForbiddenException", "No access")

        def entries() -> list[dict[str, str | None]]:
            return [{"roleName": role, "accountId": account_id} for role in roles]

        return self._page(request, user, account_id, "roleList", entries)

    def get_role_credentials(self, request: Request) -> Response:
        """Keys for one role in one account, until `role_lifetime` from now."""
        user = self._admit(request, "GET").user
        role = _required(request, "role_name")
        account_id = _required(request, "account_id")
        if role not in self._organization().roles_of(user, account_id):
            raise portal_error("ForbiddenException", "No access")
        keys = self._mint(account_id, role, user, self._role_expiry())
        return answer(
            {
                "roleCredentials": {
                    "accessKeyId": keys.access_key_id,
                    "secretAccessKey": keys.secret_access_key,
                    "sessionToken": keys.session_token,
                    "expiration": int(keys.expires_at * 1000),
                }
            }
        )

    def logout(self, request: Request) -> Response:
        """Ends the sign-in session; role credentials already handed out live on (PROTOCOL.md 11.2)."""
        self._state.end(self._admit(request, "POST"))
        return Response()

    def _admit(self, request: Request, method: str) -> SignInSession:
        """The checks before every operation, in the order of PROTOCOL.md 13.2."""
        if request.method != method:
            raise portal_error("MethodNotAllowedException", f"{request.method} is not allowed here")
        token = self._state.access_tokens.get(request.headers.get(BEARER_HEADER, ""))
        now = self._clock.now()
        if token is None or token.revoked or now >= token.expires_at or not self._state.is_valid(token.session):
            raise portal_error("UnauthorizedException", "Session token not found or invalid")
        session = token.session
        if not self._throttling.allows(session.id, self._knobs.throttle):
            raise portal_error("TooManyRequestsException", "HTTP 429 Unknown Code")
        if session.scopes and ACCOUNT_SCOPE not in session.scopes:
            raise portal_error("ForbiddenException", "No access")
        return session

    def _role_expiry(self) -> float:
        """Whole seconds, as the live service answers; with a lifetime that has a fraction, to the millisecond."""
        lifetime = self._knobs.role_lifetime
        expires_at = self._clock.now() + lifetime
        return math.ceil(expires_at) if lifetime == int(lifetime) else math.floor(expires_at * 1000) / 1000

    def _page(
        self,
        request: Request,
        user: str,
        account_id: str,
        member: str,
        entries: Callable[[], list[dict[str, str | None]]],
    ) -> Response:
        """One page of the list; what was made once is kept until the organization changes."""
        size = self._size(request)
        start = self._start(request, user, account_id)
        organization = self._organization()
        if self._pages_of != organization.state:
            self._pages.clear()
            self._pages_of = organization.state
        body = self._pages.get((user, account_id, start, size))
        if body is None:
            everything = entries()
            end = start + size
            token = self._token(user, account_id, end) if end < len(everything) else None
            body = encode({"nextToken": token, member: [_without_missing(entry) for entry in everything[start:end]]})
            self._pages[user, account_id, start, size] = body
        return Response(body=body)

    def _size(self, request: Request) -> int:
        text = request.query.get("max_result", "")
        if not text:
            return self._knobs.page_size
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MAX_RESULT):
            raise portal_error(
                "InvalidRequestException", "ResultSize parameter must be within the valid limits of: 1-100"
            )
        return int(text)

    def _token(self, user: str, account_id: str, start: int) -> str:
        """Where the next page starts, sealed for this user and list.

        It has every character that a query must encode, so that a client that forgets one is found out.
        """
        place = base64.b64encode(str(start).encode()).decode()
        seal = hmac.digest(self._state.key, f"{user}\n{account_id}\n{place}".encode(), hashlib.sha256)
        return f"+/{place}=&{base64.b64encode(seal).decode()}"

    def _start(self, request: Request, user: str, account_id: str) -> int:
        given = request.query.get("next_token", "")
        if not given:
            return 0
        place = given.removeprefix("+/").partition("=&")[0]
        try:
            start = int(base64.b64decode(place, validate=True))
        except ValueError:
            start = -1
        if start < 0 or not hmac.compare_digest(given.encode(), self._token(user, account_id, start).encode()):
            raise portal_error("InvalidRequestException", "Invalid next token")
        return start


def _required(request: Request, name: str) -> str:
    value = request.query.get(name, "")
    if not value:
        raise portal_error("InvalidRequestException", f"{name} must not be empty")
    return value


def _without_missing(entry: dict[str, str | None]) -> dict[str, str]:
    """An account's name and e-mail address are absent, not null, where there are none (PROTOCOL.md 1.3)."""
    return {name: value for name, value in entry.items() if value is not None}
