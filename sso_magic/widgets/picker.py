"""`Panel`: what is shown, and what a click does beyond `RoleWidget`.

It calls `IdentityCenter` and the kernel's role, as the magics do, and keeps only what is on the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sso_magic.common.text import printable
from sso_magic.display import is_notebook
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import fallback, parts
from sso_magic.widgets.address_field import AddressField
from sso_magic.widgets.live import Live
from sso_magic.widgets.loading import Loading
from sso_magic.widgets.role_widget import RoleWidget
from sso_magic.widgets.said import Facts
from sso_magic.widgets.sessions import Sessions, first_center
from sso_magic.widgets.signing import Signing
from sso_magic.widgets.view import VIEW

if TYPE_CHECKING:
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.signin.choice import Method
    from sso_magic.widgets.role_widget import Action
    from sso_magic.widgets.sessions import Magics


class Panel(RoleWidget):
    """The picker: a widget where widgets run, text and HTML elsewhere.

    Args:
        session: An ``[sso-session]``, a profile, or a start URL; by default the one used last, else the first.
        sso_region: The region of the Identity Center, for a start URL that no file has.
        magics: The loaded magics, whose settings and session it shares.

    Raises:
        SessionNotFound: There is no such session.
        ConfigError: The session lacks a setting.
    """

    def __init__(
        self, session: str | None = None, *, sso_region: str | None = None, magics: Magics | None = None
    ) -> None:
        super().__init__(first_center(magics, session, sso_region), magics)
        self._was_in = False  # True if the session had a token at the last look
        self._live = Live(self._view)
        self._address = AddressField(self._view)
        self._sessions = Sessions(self._view)
        self._loading = Loading(lambda _: self._show_list_state(), self._loaded)
        self._signing = Signing(
            self._live, self._address, lambda line: self._said.say(line, "waiting"), self._signed_in
        )
        self._enter(self._center)

    # ---- what is shown where ----

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002
        self.look()
        widget = {} if self._is_closed else {VIEW: self._mime()}
        return {**self._fallback(), **widget}

    def _ipython_display_(self) -> None:
        self.look()
        can_live = not self._is_closed and is_notebook()
        fallback.show(self._fallback(), self._mime() if can_live else None)

    def _fallback(self) -> dict[str, str]:
        return fallback.bundle(self._center, self._listing.first(fallback.SHOWN))

    def __repr__(self) -> str:
        return f"Panel({self._center.session.label if self._center else None!r})"

    def _end(self) -> None:
        self._signing.cancel()
        self._loading.cancel()
        super()._end()

    @property
    def _is_busy(self) -> bool:
        return super()._is_busy or self._signing.center is not None

    def _greet(self, content: dict[str, Any]) -> None:
        super()._greet(content)
        self._live.repeat()

    # ---- what a person does ----

    def _actions(self) -> dict[object, Action]:
        return {
            **super()._actions(),
            "sign_in": (self._sign_in, "Sign in"),
            "cancel": (self._cancel, "Cancel"),
            "sign_out": (self._sign_out, "Sign out"),
            "release": (self._release, "Release"),
            "refresh": (self._refresh, "Refresh"),
            "favorite": (self._toggle_favorite, "Favorite"),
            "session": (self._pick, "Session"),
            "address": (lambda it: self._address.enter(it.get("text")), "Sign in"),
        }

    def _sign_in(self, content: dict[str, Any]) -> None:
        if self._center is None:
            self._enter(self._sessions.typed(content.get("start_url"), content.get("sso_region")))
        assert self._center is not None
        self._said.say("")
        self._signing.start(self._center, cast("Method", self._magics.sign_in if self._magics else "auto"))
        self.look()

    def _cancel(self, _: Any) -> None:
        if self._signing.cancel():
            self._said.say("Sign-in canceled.", "waiting", "sign_in")
        self.look()

    def _sign_out(self, _: Any) -> None:
        center = self._center
        if center is not None:
            self._signing.cancel()
            self._do(lambda: self._signed_out(center), "Sign out", "Signing out…")

    def _signed_out(self, center: IdentityCenter) -> None:
        was_in = center.sign_out()
        label = center.session.label
        self._said.say(f"Signed out of {label}." if was_in else f"{label} was not signed in.", "sign_in")

    def _pick(self, content: dict[str, Any]) -> None:
        self._signing.cancel()
        self._said.say("")
        self._enter(self._sessions.picked(content.get("label")))

    def _release(self, _: Any) -> None:
        self._do(self._released, "Release", "")

    def _released(self) -> None:
        self._cells.wait()
        released = KERNEL.release()
        self._said.say(f"Released {released.label}; the environment is what it was before." if released else "", "role")

    def _refresh(self, _: Any) -> None:
        if self._center is not None:
            self._said.say("")
            self._loading.start(self._center)
            self._show_list_state()

    def _toggle_favorite(self, content: dict[str, Any]) -> None:
        key = self._listing.key(content)
        if key is not None and self._center is not None:
            is_one = self._listing.toggle_favorite(key)
            text = "Added to favorites: it stays on top of the list." if is_one else "Removed from favorites."
            self._said.say(text, "favorites", about=(key.account_id, printable(key.role_name)))

    # ---- what takes time ----

    def _signed_in(self, center: IdentityCenter, error: BaseException | None) -> None:
        if error is not None:
            self.look()
            self._say_error(error, "Sign in", "sign_in", "waiting")
            return
        self._tell_magics(center)
        self._sessions.look_again()  # a start URL may be a session from now on
        self.look()
        self._said.say(f"Signed in to {center.session.label}.", "sign_in")

    def _loaded(self, center: IdentityCenter, error: BaseException | None) -> None:
        self.look()
        if error is not None:
            self._say_error(error, "Refresh", "fetched_at", "sign_in")
        elif center.directory.warning:
            self._said.say(center.directory.warning, "fetched_at")

    # ---- what is shown ----

    def _enter(self, center: IdentityCenter | None) -> None:
        """Show this session from now on."""
        self._center = center
        if self._pulse.is_running:
            self._rest()
            self._wake()
        self._was_in = False
        self._sessions.look_again()
        self._listing.center = center
        self.look()

    def _facts(self) -> Facts:
        return Facts.now(self._center, self._listing, is_waiting=self._signing.center is not None, jobs=self._jobs)

    def _show(self) -> None:
        self._sessions.show(self._center)
        self._show_sign_in()
        self._show_role()
        self._listing.fill()
        self._show_list_state()

    def _show_sign_in(self) -> None:
        center = self._center
        self._view.put(**parts.of_sign_in(center, is_waiting=self._signing.center is not None))
        is_in = center is not None and center.tokens.is_usable()
        if center is not None and is_in and not self._was_in and center.directory.is_stale:
            self._loading.start(center)
        self._was_in = is_in

    def _show_list_state(self) -> None:
        with self._lock:
            state = self._loading.state(self._center) if self._center else None
            self._view.put(**parts.of_list(self._center, self._listing.snapshot, state))
