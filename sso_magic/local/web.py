"""What every page shares: templates, headers, who looks at it, and the token that protects a form."""

from __future__ import annotations

import hmac
import secrets
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sso_magic.local import locks
from sso_magic.local.errors import NoSuchUser
from sso_magic.local.wire import HTML, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

    from sso_magic.local.clock import Clock
    from sso_magic.local.directory import User
    from sso_magic.local.organization import Organization

_HERE = Path(__file__).parent
_COOKIE = "local_identity_center_user"
_FORM_LIFETIME = 3600.0  # seconds
_FORMS_KEPT = 10_000
_STATIC = {
    "/static/local.css": ("local.css", "text/css; charset=utf-8"),
    "/static/start.js": ("start.js", "text/javascript; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}


class Forms:
    """Tokens that make a form usable once, for one thing, within an hour: a page elsewhere cannot post it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = locks.Lock()
        self._issued: dict[str, tuple[str, float]] = {}

    def issue(self, subject: str) -> str:
        """A token for one use of the form about `subject`."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._issued[token] = (subject, self._clock.now() + _FORM_LIFETIME)
            while len(self._issued) > _FORMS_KEPT:
                del self._issued[next(iter(self._issued))]
        return token

    def redeem(self, token: str, subject: str) -> bool:
        """Whether the token was issued for `subject` and not used yet; it is used now."""
        with self._lock:
            its_subject, until = self._issued.pop(token, ("", 0.0))
        return self._clock.now() < until and hmac.compare_digest(its_subject.encode(), subject.encode())

    def clear(self) -> None:
        """Makes every form that is open useless."""
        with self._lock:
            self._issued.clear()


class Web:
    """Renders pages. No page loads anything from elsewhere, runs inline script, or can be framed."""

    def __init__(self, clock: Clock, organization: Callable[[], Organization], region: str) -> None:
        self.clock = clock
        self.organization = organization
        self.region = region
        self.forms = Forms(clock)

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        return Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(
        self, template: str, request: Request, status: int = 200, *, posts_to: str = "", **values: Any
    ) -> Response:
        """A page for who asks. `posts_to` is another origin that the answer to its form may redirect to."""
        user = self.user(request)
        body = self._templates.get_template(template).render(
            user=user,
            users=self.organization().users,
            here=_here(request),
            user_form=self.forms.issue("user"),
            region=self.region,
            **values,
        )
        return Response(status, body.encode(), HTML, _page_headers(posts_to))

    def message(self, request: Request, title: str, text: str, status: int = 200, *, kind: str = "info") -> Response:
        """A page that says one thing. `kind` is ``info``, ``success`` or ``error``."""
        return self.page("message.html", request, status, title=title, text=text, kind=kind)

    def user(self, request: Request) -> User:
        """Who looks at the page: the user picked in this browser, else the first."""
        try:
            morsel = SimpleCookie(request.headers.get("Cookie", "")).get(_COOKIE)
            return self.organization().user(unquote(morsel.value) if morsel else None)
        except (CookieError, NoSuchUser):
            return self.organization().user()

    def pick_user(self, request: Request) -> Response:
        """Posted by the picker in the page's head."""
        form = request.form()
        if not self.forms.redeem(form.get("form", ""), "user"):
            return self.stale(request)
        try:
            user = self.organization().user(form.get("user", ""))
        except NoSuchUser:
            return self.message(request, "No such user", "This organization has no such user.", 400, kind="error")
        cookie = f"{_COOKIE}={quote(user.name, safe='')}; Path=/; HttpOnly; SameSite=Lax"
        return redirect(_local(form.get("next", "")), [("Set-Cookie", cookie)])

    def stale(self, request: Request) -> Response:
        """The answer to a form that was used already, is too old, or was not made here."""
        text = "This form was used before or is too old. Go back, load the page again, and repeat what you did."
        return self.message(request, "Please try again", text, 403, kind="error")

    def static(self, path: str) -> Response | None:
        """A file of the pages, if there is one at this path."""
        found = _STATIC.get(path)
        if found is None:
            return None
        name, content_type = found
        return Response(200, (_HERE / "static" / name).read_bytes(), content_type, _page_headers(""))


def redirect(location: str, headers: list[tuple[str, str]] | None = None, status: int = 303) -> Response:
    """Sends the browser on; 303 (see other) is what answers a posted form."""
    return Response(status, b"", HTML, [("Location", location), ("Cache-Control", "no-store"), *(headers or [])])


def _here(request: Request) -> str:
    """The page's own path with what identifies it, to come back to after picking a user."""
    if request.method != "GET":
        return "/start"
    from urllib.parse import urlencode

    return request.path + ("?" + urlencode(request.query) if request.query else "")


def _local(path: str) -> str:
    """The path, if it is one of this server's."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/start"


def _page_headers(posts_to: str) -> list[tuple[str, str]]:
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action 'self' {posts_to}".rstrip()
        + "; base-uri 'none'; frame-ancestors 'none'"
    )
    return [
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ]
