"""Control over HTTP: what `LocalIdentityCenter` offers in Python, for tests in other languages.

Every path is below ``/control`` and takes and returns JSON. ``/control/health`` and ``/control/ready`` are open; every
other path requires the header ``Authorization: Bearer TOKEN`` with `LocalIdentityCenter.control_token`.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from sso_magic.local.errors import LocalError, NoSuchUser, NothingPending
from sso_magic.local.faults import Fault, Faults
from sso_magic.local.home import token_content
from sso_magic.local.knobs import knobs
from sso_magic.local.origin import is_form
from sso_magic.local.throttle import Throttle
from sso_magic.local.wire import JSON, Request, Response, encode

if TYPE_CHECKING:
    from collections.abc import Callable, KeysView

    from sso_magic.local.center_state import CenterState
    from sso_magic.local.state import DeviceAuthorization, SignInSession

    Action = Callable[[dict[str, Any]], Any]

_OPEN = {"/control/health", "/control/ready"}
_READS = {"HEAD": "GET"}


class Problem(Exception):
    """Ends an action with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The paths, each with an action for each method: a function from the JSON body to the JSON answer."""

    def __init__(self, center: CenterState) -> None:
        self._center = center
        self._actions: dict[str, dict[str, Action]] = {
            "/control/health": {"GET": lambda _: {"status": "ok"}},
            "/control/ready": {"GET": self._ready},
            "/control/sign-ins": {"GET": lambda _: [_device(device) for device in center.pending()]},
            "/control/sign-ins/approve": {"POST": self._approve},
            "/control/sign-ins/deny": {"POST": self._deny},
            "/control/sessions": {
                "GET": lambda _: [_session(session) for session in center.sessions()],
                "POST": self._start_session,
                "DELETE": self._end_sessions,
            },
            "/control/users": {"GET": self._users, "POST": self._add_user},
            "/control/accounts": {"GET": self._accounts, "POST": self._add_account, "DELETE": self._remove_account},
            "/control/assignments": {"GET": self._assignments, "POST": self._assign, "DELETE": self._withdraw},
            "/control/knobs": {"GET": self._knobs, "PATCH": self._set_knobs},
            "/control/faults": {"GET": self._faults, "PUT": self._set_faults},
            "/control/clock": {"GET": self._clock, "POST": self._advance},
            "/control/requests": {"GET": self._requests, "DELETE": self._clear_requests},
            "/control/reset": {"POST": self._reset},
        }

    @property
    def paths(self) -> KeysView[str]:
        """Every path."""
        return self._actions.keys()

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        try:
            return _answer(200, self._act(request))
        except Problem as problem:
            return _answer(problem.status, {"message": str(problem)})
        except (NothingPending, NoSuchUser) as error:
            return _answer(404, {"message": str(error)})
        except LocalError as error:
            return _answer(400, {"message": str(error)})

    def _act(self, request: Request) -> Any:
        methods = self._actions[request.path]
        if request.path not in _OPEN:
            self._check_token(request)
        action = methods.get(_READS.get(request.method, request.method))
        if action is None:
            raise Problem(405, f"{request.method} is not allowed here. Use {' or '.join(methods)}.")
        return action(dict(request.query) | _fields(request))

    def _check_token(self, request: Request) -> None:
        kind, _, token = (request.headers.get("Authorization") or "").partition(" ")
        expected = self._center.control_token.encode()
        if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("utf-8", "replace"), expected):
            raise Problem(
                401, "The control token is missing or wrong. Send Authorization: Bearer TOKEN, as --json prints it."
            )

    # ---- is it there ----

    def _ready(self, _: dict[str, Any]) -> dict[str, Any]:
        self._center.check_aws()
        if not self._center.is_ready:
            raise Problem(503, "The AWS accounts are starting.")
        return {"status": "ready"}

    # ---- sign-ins and sessions ----

    def _approve(self, fields: dict[str, Any]) -> dict[str, Any]:
        device = self._center.approve(_text(fields, "user_code"), _text(fields, "user"))
        return _device(device)

    def _deny(self, fields: dict[str, Any]) -> dict[str, Any]:
        return _device(self._center.deny(_text(fields, "user_code")))

    def _start_session(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Sign a user in; the answer has the content of a file of ``~/.aws/sso/cache``."""
        center = self._center
        session = center.start_session(_text(fields, "user"), refreshable=_flag(fields, "refreshable", default=True))
        content = token_content(session, center.state.issue(session), center.start_url, center.region)
        return {**_session(session), "token": content}

    def _end_sessions(self, fields: dict[str, Any]) -> dict[str, Any]:
        wanted = fields.get("id")
        sessions = [one for one in self._center.sessions() if wanted is None or str(one.id) == str(wanted)]
        if wanted is not None and not sessions:
            raise Problem(404, f"There is no session {wanted}.")
        for session in sessions:
            self._center.end_session(session)
        return {"ended": [session.id for session in sessions]}

    # ---- the organization ----

    def _users(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return [dataclasses.asdict(user) for user in self._center.organization.users]

    def _add_user(self, fields: dict[str, Any]) -> dict[str, Any]:
        user = self._center.organization.add_user(
            _required(fields, "name"), _text(fields, "display_name"), _text(fields, "email")
        )
        return dataclasses.asdict(user)

    def _accounts(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return [dataclasses.asdict(account) for account in self._center.organization.accounts]

    def _add_account(self, fields: dict[str, Any]) -> dict[str, Any]:
        account = self._center.organization.add_account(
            _required(fields, "id"), _text(fields, "name"), _text(fields, "email")
        )
        return dataclasses.asdict(account)

    def _remove_account(self, fields: dict[str, Any]) -> dict[str, Any]:
        account_id = _required(fields, "id")
        if self._center.organization.account(account_id) is None:
            raise Problem(404, f"There is no account {account_id}.")
        self._center.organization.remove_account(account_id)
        return {"removed": account_id}

    def _assignments(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        organization = self._center.organization
        return [
            {
                "user": user.name,
                "account": account.id,
                "roles": list(organization.roles_of(user.name, account.id)),
            }
            for user in organization.users
            for account in organization.accounts_of(user.name)
        ]

    def _assign(self, fields: dict[str, Any]) -> dict[str, Any]:
        user, account, roles = _required(fields, "user"), _required(fields, "account"), _texts(fields, "roles")
        if not roles:
            raise Problem(400, "roles is empty: name one or more.")
        self._center.organization.assign(user, account, *roles)
        return self._assigned(user, account)

    def _withdraw(self, fields: dict[str, Any]) -> dict[str, Any]:
        user, account = _required(fields, "user"), _required(fields, "account")
        self._center.organization.user(user)
        self._center.organization.withdraw(user, account, *_texts(fields, "roles"))
        return self._assigned(user, account)

    def _assigned(self, user: str, account: str) -> dict[str, Any]:
        return {"user": user, "account": account, "roles": list(self._center.organization.roles_of(user, account))}

    # ---- knobs, faults, clock, log ----

    def _knobs(self, _: dict[str, Any]) -> dict[str, Any]:
        return {knob.name: _plain(getattr(self._center, knob.name)) for knob in knobs()}

    def _set_knobs(self, fields: dict[str, Any]) -> dict[str, Any]:
        self._center.set_knobs(fields)
        return self._knobs({})

    def _faults(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"faults": [dataclasses.asdict(fault) for fault in self._center.faults]}

    def _set_faults(self, fields: dict[str, Any]) -> dict[str, Any]:
        rules = fields.get("faults")
        if not isinstance(rules, list) or not all(isinstance(rule, (str, dict)) for rule in rules):
            raise Problem(400, 'faults: a list of rules is expected, such as ["ListAccounts times=2 status=500"].')
        self._center.faults = Faults([rule if isinstance(rule, str) else _fault(rule) for rule in rules])
        return self._faults({})

    def _clock(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"now": self._center.clock.now(), "offset": self._center.clock_offset}

    def _advance(self, fields: dict[str, Any]) -> dict[str, Any]:
        seconds = fields.get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise Problem(400, "advance: a number of seconds is expected.")
        self._center.advance(seconds)
        return self._clock({})

    def _requests(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        ahead = time.time() - time.monotonic()
        return [
            {**dataclasses.asdict(record), "at": record.at + ahead} for record in list(self._center.requests)
        ]  # seconds since the epoch: another process's monotonic clock is no use

    def _clear_requests(self, _: dict[str, Any]) -> dict[str, Any]:
        self._center.requests.clear()
        return {}

    def _reset(self, _: dict[str, Any]) -> dict[str, Any]:
        self._center.reset()
        return {}


def _answer(status: int, value: Any) -> Response:
    return Response(status, encode(value), JSON)


def _fields(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    if is_form(request.headers):
        raise Problem(415, "The body is a form. Send JSON, as application/json.")
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Problem(400, "The body is not a JSON object.")
    return value


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Problem(400, f"{name}: text is expected, not {value!r}.")
    return value or None


def _required(fields: dict[str, Any], name: str) -> str:
    value = _text(fields, name)
    if value is None:
        raise Problem(400, f"{name} is missing.")
    return value


def _texts(fields: dict[str, Any], name: str) -> list[str]:
    value = fields.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise Problem(400, f"{name}: a list of names is expected, not {value!r}.")
    return value


def _flag(fields: dict[str, Any], name: str, *, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise Problem(400, f"{name}: true or false is expected, not {value!r}.")
    return value


def _fault(fields: dict[str, Any]) -> Fault:
    """Read a rule written as an object by the checks of the written form."""
    import shlex

    words = [str(fields.get("on", "*"))]
    for name, value in fields.items():
        if name not in {"on", "hits"} and value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            words.append(f"{name}={text}")
    return Fault.parse(shlex.join(words))


def _plain(value: Any) -> Any:
    return f"{value.rate:g}:{value.burst:g}" if isinstance(value, Throttle) else value


def _device(device: DeviceAuthorization) -> dict[str, Any]:
    return {
        "user_code": device.user_code,
        "client": device.registration.name,
        "started_at": device.started_at,
        "expires_at": device.expires_at,
        "decision": device.decision,
        "user": device.user or None,
    }


def _session(session: SignInSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "user": session.user,
        "client": session.registration.name,
        "started_at": session.started_at,
        "ends_at": session.ends_at,
        "refreshable": session.refreshable,
    }
