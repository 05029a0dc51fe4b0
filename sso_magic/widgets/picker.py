"""`Panel`: what is shown, and what a click does.

It calls `IdentityCenter` and the kernel's role, as the magics do; what it knows beyond them is what is on the screen.
Messages come on the main thread or on others, also at once: everything is done under one lock, short, and what takes
time goes to a thread. Every other change, by a magic, another panel or another kernel, is shown at the next beat, and
at once where a notifier reports it.
"""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Any, cast

from sso_magic.common import file_lock, locks
from sso_magic.common.defaults import PRODUCTION
from sso_magic.common.text import printable
from sso_magic.display import is_notebook
from sso_magic.display.production import marks
from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import fallback, kept, parts, presence, words
from sso_magic.widgets.address_field import AddressField
from sso_magic.widgets.kept import RoleKey
from sso_magic.widgets.listing import Listing, role_in_use
from sso_magic.widgets.live import Live
from sso_magic.widgets.loading import Loading
from sso_magic.widgets.said import Facts, Said
from sso_magic.widgets.sessions import Sessions, first_center
from sso_magic.widgets.signing import Signing
from sso_magic.widgets.view import VIEW, View
from sso_magic.widgets.work import Cells, Pulse, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.signin.choice import Method
    from sso_magic.widgets.sessions import Magics
    from sso_magic.widgets.view import PanelWidget

_BEAT = 5.0  # seconds between two signs of life; the browser waits for four
_log = logging.getLogger(__name__)


class Panel:
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
        self._magics = magics
        self._lock = locks.RLock()
        self._center: IdentityCenter | None = first_center(magics, session, sso_region)
        self._was_in = False  # True if the session had a token at the last look
        self._jobs = 0  # jobs that have ended
        self._confirming: RoleKey | None = None  # Use was pressed once for this administrator's role in production
        self._look_failed = ""
        self._beat_at = float("-inf")
        self._is_closed = False
        self._subscriptions: list[Callable[[], None]] = []
        self.pages = presence.Pages()
        self._view = View(self._received)
        self._live = Live(self._view)
        self._address = AddressField(self._view)
        self._sessions = Sessions(self._view)
        self._loading = Loading(lambda _: self._show_list_state(), self._loaded)
        self._listing = Listing(self._view, self._pattern)
        self._signing = Signing(
            self._live, self._address, lambda line: self._said.say(line, "waiting"), self._signed_in
        )
        self._said = Said(self._view, self._facts)
        self._work = Work("sso-panel-work")
        self._cells = Cells(self._work.wait)
        self._pulse = Pulse(self._beat)
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

    def _mime(self) -> dict[str, Any]:
        _ = self.widget
        return self._view.mime()

    def __repr__(self) -> str:
        return f"Panel({self._center.session.label if self._center else None!r})"

    @property
    def widget(self) -> PanelWidget:
        """The panel as a widget, for a layout of one's own or outside a cell. It is made when it is first needed."""
        is_new = not self._view.has_widget
        widget = self._view.widget
        if is_new:
            self._view.put(panel=widget.model_id)
            self.pages = presence.Pages()  # those of the widget before have left
            presence.register(self)
        return widget

    def close(self) -> None:
        """Take it off the screen and end its threads. What it signed in to and used stays."""
        if self._is_closed:
            return
        self._is_closed = True
        self._cells.unwatch()
        self._signing.cancel()
        self._loading.cancel()
        presence.forget(self)
        self.free()

    def free(self) -> None:
        """Free the widget and end what updates it; displayed again, the panel has a new one."""
        with self._lock:
            self._rest()
            self._view.close()

    # ---- whether somebody sees it ----

    def _wake(self) -> None:
        if self._is_closed or self._pulse.is_running:
            return
        self._subscriptions = [KERNEL.switched.subscribe(self._pulse.wake)]
        if self._center is not None:
            self._subscriptions.append(self._center.changed.subscribe(self._pulse.wake))
        self._cells.watch()
        self._pulse.start()

    def _rest(self) -> None:
        if not self._pulse.is_running:
            return
        self._pulse.rest()
        while self._subscriptions:
            self._subscriptions.pop()()
        self._cells.unwatch()

    def _beat(self) -> None:
        self.look()
        if time.monotonic() - self._beat_at >= _BEAT:
            self._send_beat()
        presence.sweep()
        with self._lock:
            is_needed = self.pages.is_watched or self._work.is_busy or self._signing.center is not None
            if not is_needed:
                self._rest()

    def _send_beat(self) -> None:
        self._beat_at = time.monotonic()
        self._view.send(kind="beat")

    def _greet(self, content: dict[str, Any]) -> None:
        """A page has loaded the panel: it gets what no trait holds."""
        self.look()
        self._listing.send_all(str(content.get("page")))
        self._live.repeat()
        self._send_beat()

    # ---- what a person does ----

    def _received(self, content: dict[str, Any]) -> None:
        """Do what a browser says."""
        do = content.get("do")
        if do in {"hello", "alive", "bye"}:
            self.pages.hear(str(content.get("page")), is_leaving=do == "bye")
        if do == "bye":
            self._pulse.wake()
            return
        self._safely(self._wake, "Refresh")
        actions: dict[object, tuple[Callable[[dict[str, Any]], None], str]] = {
            "hello": (self._greet, "Refresh"),
            "sign_in": (self._sign_in, "Sign in"),
            "cancel": (self._cancel, "Cancel"),
            "sign_out": (self._sign_out, "Sign out"),
            "release": (self._release, "Release"),
            "refresh": (self._refresh, "Refresh"),
            "use": (self._use, "Use"),
            "favorite": (self._toggle_favorite, "Favorite"),
            "session": (self._pick, "Session"),
            "address": (lambda it: self._address.enter(it.get("text")), "Sign in"),
        }
        action = actions.get(do)
        if action is not None and not self._is_closed:
            self._safely(functools.partial(action[0], content), action[1])

    def _safely(self, action: Callable[[], None], again: str) -> None:
        """Run it under the lock. Its error would be printed into the cell that runs: it becomes the status line."""
        try:
            with self._lock:
                action()
        except Exception as error:  # noqa: BLE001
            self._say_error(error, again, "sign_in", "role")

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

    def _use(self, content: dict[str, Any]) -> None:
        key, center = self._listing.key(content), self._center
        confirming, self._confirming = self._confirming, None
        if key is None or center is None:
            self._said.say("Choose a role in the list first.", "jobs")
            return
        name = self._listing.account_name(key.account_id)
        label = f"{name or key.account_id} / {printable(key.role_name)}"
        is_marked = words.is_administrator(key.role_name) and marks(self._pattern(), name, key.account_id)
        if is_marked and confirming != key and role_in_use(center) != key:
            self._confirming = key
            text = f"{label} is an administrator's role in production. Press Use or Enter again to use it."
            self._said.say(text, "role", "jobs", is_error=True, about=(key.account_id, printable(key.role_name)))
            return
        region = str(content.get("region") or "").strip() or None
        after = "As soon as the cell that runs has ended: " if self._cells.is_running else "Getting credentials of "
        self._do(lambda: self._used(center, key, region), "Use", f"{after}{label}…")

    def _used(self, center: IdentityCenter, key: RoleKey, region: str | None) -> None:
        self._cells.wait()
        layer = center.role(key.account_id, key.role_name).use(region=region)
        self._tell_magics(center)
        use = layer.use
        text = words.using(use.label, layer.holders) if use else ""
        self._said.say(text, "role")
        if use is not None:
            label = use.label
            kept.learn_person(center.session.key, use.credentials)  # first: the search would find its frames
            KERNEL.search_holders(lambda found: self._said.say_instead(text, words.using(label, found), "role"))

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

    def _do(self, job: Callable[[], None], again: str, meanwhile: str) -> None:
        """Do it after what was asked for before it."""
        if meanwhile:
            self._said.say(meanwhile, "jobs")

        def run() -> None:
            try:
                with file_lock.telling(lambda line: self._said.say(line, "jobs")):
                    job()
            except BaseException as error:  # noqa: BLE001 - a thread's error is lost unless it is shown
                self._say_error(error, again, "role", "sign_in")
            self._jobs += 1
            self.look()

        self._work.add(run)

    def _signed_in(self, center: IdentityCenter, error: BaseException | None) -> None:
        if error is not None:
            self.look()
            self._say_error(error, "Sign in", "sign_in", "waiting")
            return
        self._tell_magics(center)
        self._sessions.look_again()  # a start URL may be a session from now on
        self.look()
        self._said.say(f"Signed in to {center.session.label}.", "sign_in")

    def _tell_magics(self, center: IdentityCenter) -> None:
        """Make this session the one that the magics used last."""
        if self._magics is not None:
            self._magics.remember(self._magics.center(center.session.label, center.session.sso_region))

    def _loaded(self, center: IdentityCenter, error: BaseException | None) -> None:
        self.look()
        if error is not None:
            self._say_error(error, "Refresh", "fetched_at", "sign_in")
        elif center.directory.warning:
            self._said.say(center.directory.warning, "fetched_at")

    # ---- what is shown ----

    def look(self) -> None:
        """Show everything as it is now. Nothing here waits for the network."""
        try:
            with self._lock:
                self._sessions.show(self._center)
                self._show_sign_in()
                self._show_role()
                self._listing.fill()
                self._show_list_state()
                self._said.look()
                failed, self._look_failed = self._look_failed, ""
            self._said.say_instead(failed, "")
        except Exception as error:  # noqa: BLE001 - the next beat may do better
            self._say_error(error, "Refresh")
            self._look_failed = self._said.text

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

    def _show_sign_in(self) -> None:
        center = self._center
        self._view.put(**parts.of_sign_in(center, is_waiting=self._signing.center is not None))
        is_in = center is not None and center.tokens.is_usable()
        if center is not None and is_in and not self._was_in and center.directory.is_stale:
            self._loading.start(center)
        self._was_in = is_in

    def _show_role(self) -> None:
        use = KERNEL.current
        if use is not None:
            kept.remember_use(use.session, RoleKey.of_use(use))
        self._view.put(**parts.of_role(use, self._center, self._pattern()))

    def _show_list_state(self) -> None:
        with self._lock:
            state = self._loading.state(self._center) if self._center else None
            self._view.put(**parts.of_list(self._center, self._listing.snapshot, state))

    def _say_error(self, error: BaseException, again: str, *while_same: str) -> None:
        _log.debug("panel: %s", type(error).__name__, exc_info=not isinstance(error, SSOMagicError))
        self._said.say(words.of_error(error, again), *while_same, is_error=True)

    # ---- settings ----

    def _pattern(self) -> str:
        if self._magics is not None:
            return str(self._magics.production)
        return PRODUCTION
