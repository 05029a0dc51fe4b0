"""The pages of the Identity Center: the access portal and the device page.

GET  /vanity                         redirects to a start URL of AWS's, as a company's own address does
GET  /start                          accounts and roles; ?q= filters; /start#/device and #/console lead on
POST /user                           picks who looks at the pages
POST /sessions/end                   signs an application out
GET  /device[?user_code=ABCD-EFGH]   asks for the code, or shows who asks for what
POST /device                         allow or deny
GET, POST /authorize                 see `authorize`
GET  /console, /federation           see `console`
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sso_magic.local.authorize import wishes
from sso_magic.local.web import redirect
from sso_magic.local.wire import TEXT, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local.authorize import Authorize
    from sso_magic.local.console import Console
    from sso_magic.local.directory import Account
    from sso_magic.local.oidc import Oidc
    from sso_magic.local.state import DeviceAuthorization, State
    from sso_magic.local.web import Web
    from sso_magic.local.wire import Request

_SHOWN = 50  # accounts on the portal; more are found by searching
_CODE_LENGTH = 8


class Pages:
    """Finds the page for a request, and makes the portal's and the device code's."""

    def __init__(
        self,
        web: Web,
        state: State,
        oidc: Oidc,
        authorize: Authorize,
        console: Console,
        start_url: Callable[[], str],
    ) -> None:
        self._web = web
        self._state = state
        self._oidc = oidc
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/"): lambda _: redirect("/start"),
            ("GET", "/start"): self._start,
            ("GET", "/vanity"): lambda _: redirect(start_url(), status=302),
            ("POST", "/user"): web.pick_user,
            ("POST", "/sessions/end"): self._end_session,
            ("GET", "/device"): self._device,
            ("POST", "/device"): self._decide,
            ("GET", "/authorize"): authorize.ask,
            ("POST", "/authorize"): authorize.decide,
            ("GET", "/console"): console.page,
            ("GET", "/federation"): console.federation,
        }

    def __call__(self, request: Request) -> Response:
        """The page, or a page that says that there is none."""
        static = self._web.static(request.path)
        if static is not None:
            return static
        if not self._web.organization().users:
            return Response(404, b"This organization has no users. Add one, as with add_user or CreateUser.", TEXT)
        path = request.path.rstrip("/") or "/"
        method = "GET" if request.method == "HEAD" else request.method
        page = self._routes.get((method, path))
        if page is not None:
            return page(request)
        if any(path == known for _, known in self._routes):
            return self._web.message(request, "Not possible here", f"{method} is not allowed.", 405, kind="error")
        return self._web.message(request, "Nothing here", "There is no page at this address.", 404, kind="error")

    # ---- the access portal ----

    def _start(self, request: Request) -> Response:
        user = self._web.user(request)
        organization = self._web.organization()
        accounts = organization.accounts_of(user.name)
        words = request.query.get("q", "").casefold().split()
        found = [account for account in accounts if _fits(account, organization.roles_of(user.name, account.id), words)]
        with self._state.lock:
            sessions = [
                {
                    "id": session.id,
                    "client": session.registration.name,
                    "since": _when(session.started_at),
                    "until": _when(session.ends_at),
                    "form": self._web.forms.issue(f"end {session.id}"),
                }
                for session in self._state.sessions.values()
                if session.user == user.name and self._state.is_valid(session)
            ][-20:]
        return self._web.page(
            "start.html",
            request,
            query=request.query.get("q", ""),
            accounts=[(account, organization.roles_of(user.name, account.id)) for account in found[:_SHOWN]],
            found=len(found),
            total=len(accounts),
            sessions=sessions,
        )

    def _end_session(self, request: Request) -> Response:
        form = request.form()
        number = form.get("session", "")
        if not self._web.forms.redeem(form.get("form", ""), f"end {number}"):
            return self._web.stale(request)
        session = self._state.sessions.get(int(number))
        if session is not None:
            self._state.end(session)
        return redirect("/start")

    # ---- the device code ----

    def _device(self, request: Request) -> Response:
        text = request.query.get("user_code", "")
        if not text:
            return self._ask_code(request)
        device, wrong = self._waiting(text)
        if device is None:
            return self._ask_code(request, wrong, text)
        now = self._web.clock.now()
        return self._web.page(
            "device.html",
            request,
            code=device.user_code,
            client=device.registration.name,
            wishes=wishes(device.registration.scopes),
            started=_when(device.started_at),
            ago=_duration(now - device.started_at),
            left=_duration(device.expires_at - now),
            form=self._web.forms.issue(f"device {device.user_code}"),
        )

    def _decide(self, request: Request) -> Response:
        form = request.form()
        code = normal(form.get("user_code", ""))
        device, wrong = self._waiting(code)
        if device is None:
            return self._ask_code(request, wrong, code)
        if not self._web.forms.redeem(form.get("form", ""), f"device {device.user_code}"):
            return self._web.stale(request)
        if form.get("decision") != "allow":
            self._oidc.deny(device)
            text = f"{device.registration.name} was not given access. You can close this page."
            return self._web.message(request, "Request denied", text, kind="error")
        self._oidc.approve(device, self._web.user(request).name)
        text = f"{device.registration.name} can go on now. You can close this page."
        return self._web.message(request, "Request approved", text, kind="success")

    def _ask_code(self, request: Request, wrong: str = "", code: str = "") -> Response:
        return self._web.page("code.html", request, 400 if wrong else 200, wrong=wrong, code=code)

    def _waiting(self, text: str) -> tuple[DeviceAuthorization | None, str]:
        """The sign-in that waits with this code, or why there is none."""
        code = normal(text)
        device = self._state.user_codes.get(code)
        if device is None:
            return None, "No sign-in waits with this code. Compare it with the one you were shown, letter by letter."
        if device.decision != "pending":
            done = "denied" if device.decision == "denied" else "approved"
            return None, f"The code {code} has already been {done}. Each code works once."
        if self._web.clock.now() >= device.expires_at:
            return None, f"The code {code} has expired. Start the sign-in again to get a new one."
        return device, ""


def normal(text: str) -> str:
    """The code as it was shown, however it was typed: case, spaces and the hyphen do not matter."""
    letters = re.sub(r"[^A-Z]", "", text.upper()[:40])
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == _CODE_LENGTH else letters


def _fits(account: Account, roles: tuple[str, ...], words: list[str]) -> bool:
    """Whether every word is somewhere in the account or its roles."""
    text = " ".join([account.id, account.name or "", account.email or "", *roles]).casefold()
    return all(word in text for word in words)


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%H:%M:%S UTC")


def _duration(seconds: float) -> str:
    """Roughly, in words."""
    whole = max(0, round(seconds))
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if whole >= size:
            number = round(whole / size)
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "less than a second"
