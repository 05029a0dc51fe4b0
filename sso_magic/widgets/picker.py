"""`Panel`: what is shown, and what a click does.

It calls `IdentityCenter` and the kernel's role, as the magics do; what it knows beyond them is what is on the screen.
Callbacks come on the main thread or on others, also at once: everything is done under one lock, short, and what takes
time goes to a thread. Whatever else happens, by a magic, another panel, another kernel, is seen at the next beat, and
at once where a notifier tells of it.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, cast

from sso_magic.common import locks
from sso_magic.common.text import printable
from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.magics.status import status
from sso_magic.widgets import fallback, kept, words
from sso_magic.widgets.kept import RoleKey
from sso_magic.widgets.listing import LIMIT, Listing
from sso_magic.widgets.loading import Loading
from sso_magic.widgets.sessions import Sessions, first_center
from sso_magic.widgets.signing import Signing
from sso_magic.widgets.view import View, show
from sso_magic.widgets.work import Cells, Pulse, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.magics.magics import SSOMagics
    from sso_magic.signin.choice import Method

_LOOK = "The list has just changed. Look at what is chosen, then press Use or Enter again."
_log = logging.getLogger(__name__)


class Panel:
    """The picker: a widget where widgets run, text and HTML elsewhere.

    Args:
        session: An ``[sso-session]``, a profile, or a start URL; by default the one used last, else the first.
        region: The region of the Identity Center, for a start URL that no file has.
        magics: The loaded magics, whose settings and session it shares.

    Raises:
        SessionNotFound: There is no such session.
        ConfigError: The session lacks a setting.
    """

    def __init__(
        self, session: str | None = None, *, region: str | None = None, magics: SSOMagics | None = None
    ) -> None:
        self._magics = magics
        self._lock = locks.RLock()
        self._pulse = Pulse(self._beat)
        self._unsubscribe: Callable[[], None] | None = None
        self._center: IdentityCenter | None = first_center(magics, session, region)
        self._was_in = False  # whether the session had a token when it was looked at last
        self._round_trips = 0  # to the browser, until Enter counts that was pressed too soon
        self._view = View()
        self._sessions = Sessions(self._view)
        self._signing = Signing(self._view, self._signed_in)
        self._loading = Loading(lambda _: self._show_list_state(), self._loaded)
        self._work = Work("sso-panel-work")
        self._cells = Cells()
        self._listing = Listing(self._view, self._is_production)
        self._connect()
        self._enter(self._center)
        self._unsubscribe_kernel = KERNEL.switched.subscribe(self._pulse.wake)
        self._hook(register=True)
        self._pulse.start()
        self._pulse.wake()

    # ---- what is shown where ----

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002
        text, html = fallback.bundle(self._center, self._listing.rows)
        bundle: dict[str, Any] = {"text/plain": text, "text/html": html}
        if self._view.box.comm is not None:
            bundle["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self._view.box.model_id,
            }
        return bundle

    def __repr__(self) -> str:
        return f"Panel({self._center.session.label if self._center else None!r})"

    @property
    def widget(self) -> Any:
        """The panel as a widget, to be put into a layout of one's own."""
        return self._view.box

    def close(self) -> None:
        """Takes it off the screen and ends its threads. What it signed in to and used stays."""
        if self._pulse.has_ended:
            return
        self._pulse.end()
        self._hook(register=False)
        self._cells.ended()
        self._unsubscribe_kernel()
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._signing.cancel()
        self._loading.cancel()
        with self._lock:
            self._view.close()

    # ---- what a person does ----

    def _connect(self) -> None:
        view = self._view
        for button, action in (
            (view.sign_in, self._sign_in),
            (view.cancel, self._cancel),
            (view.sign_out, self._sign_out),
            (view.release, self._release),
            (view.refresh, self._refresh),
            (view.use, self._use),
            (view.favourite, self._toggle_favourite),
        ):
            button.on_click(self._safely(action, button.description))
        view.session.observe(self._safely(self._pick, "Session"), "index")
        view.search.observe(self._safely(self._typed, "Search"), "value")
        view.search.on_msg(self._safely(self._entered, "Use"))
        view.seen.on_shown(self._safely(self._shown, "Use"))
        # What the change says, not the widget: a beat may have put its list there again before this has the lock.
        view.rows.observe(self._safely(lambda change: self._listing.moved(change.new), "Use"), "index")
        view.line.observe(self._safely(lambda change: self._listing.moved(change.new - 1), "Use"), "value")

    def _safely(self, action: Callable[..., None], again: str) -> Callable[..., None]:
        """A callback's error would be printed into whatever cell runs: it becomes the status line instead."""

        @functools.wraps(action)
        def run(*arguments: Any) -> None:
            try:
                with self._lock:
                    action(*arguments)
            except Exception as error:  # noqa: BLE001
                self._say_error(error, again)

        return run

    def _sign_in(self, _: Any) -> None:
        if self._center is None:
            self._enter(self._sessions.typed())
        assert self._center is not None
        self._say("")
        self._signing.start(self._center, cast("Method", self._magics.sign_in if self._magics else "auto"))
        self.look()

    def _cancel(self, _: Any) -> None:
        if self._signing.cancel():
            self._say("Sign-in canceled.")
        self.look()

    def _sign_out(self, _: Any) -> None:
        center = self._center
        if center is not None:
            self._signing.cancel()
            self._do(lambda: self._signed_out(center), "Sign out", "Signing out…")

    def _signed_out(self, center: IdentityCenter) -> None:
        was_in = center.sign_out()
        label = center.session.label
        self._say(f"Signed out of {label}." if was_in else f"{label} was not signed in.")

    def _pick(self, _: Any) -> None:
        if self._sessions.is_picked_by_person:
            self._signing.cancel()
            self._say("")
            self._enter(self._sessions.picked())

    def _typed(self, _: Any) -> None:
        self._listing.typed()
        self._show_list_state()

    def _entered(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") != "submit":
            return
        if self._view.seen.is_current:
            self._use(None)
        else:
            self._round_trips = 2

    def _shown(self, _: Any) -> None:
        """Enter was pressed before the list was there: now it is.

        The browser may hold words back until it hears that those before were taken. After a second round trip all that
        was typed before Enter has come, and the only hit for it is no guess.
        """
        if not self._round_trips or not self._view.seen.is_current:
            return
        self._round_trips -= 1
        if self._round_trips:
            self._view.seen.renew()
        elif self._listing.hits == 1:
            self._use(None)
        else:
            self._say(_LOOK)

    def _use(self, _: Any) -> None:
        role, center = self._listing.role, self._center
        if not self._view.seen.is_current:
            self._say(_LOOK)
        elif role is None or center is None:
            self._say("Choose a role in the list first.")
        else:
            region = self._view.region.value.strip() or None
            key = RoleKey(role.account_id, role.role_name)
            label = printable(f"{role.account.label} / {role.role_name}")
            after = "As soon as the cell that runs has ended: " if self._cells.is_running else "Getting credentials of "
            self._do(lambda: self._used(center, key, region), "Use", f"{after}{label}…")

    def _used(self, center: IdentityCenter, key: RoleKey, region: str | None) -> None:
        self._cells.wait()
        layer = center.use(key.account_id, key.role_name, region=region)
        self._tell_magics(center)
        use = layer.use
        self._say(words.using(use.label, layer.holders) if use else "")
        if use is not None:
            label, shown = use.label, self._view.status.value
            kept.learn_person(center.session.key, use.credentials)  # first: the search would find its frames
            KERNEL.search_holders(lambda found: self._say_instead(shown, words.using(label, found)))

    def _release(self, _: Any) -> None:
        self._do(self._released, "Release", "")

    def _released(self) -> None:
        self._cells.wait()
        released = KERNEL.release()
        self._say(f"Released {released.label}; the environment is what it was before." if released else "")

    def _refresh(self, _: Any) -> None:
        if self._center is not None:
            self._say("")
            self._loading.start(self._center)
            self._show_list_state()

    def _toggle_favourite(self, _: Any) -> None:
        is_one = self._listing.toggle_favourite()
        if is_one is not None:
            self._say("It stays on top of the list." if is_one else "It is no favourite any more.")

    # ---- what takes time ----

    def _do(self, job: Callable[[], None], again: str, meanwhile: str) -> None:
        """Does it after what was asked for before it."""
        if meanwhile:
            self._say(meanwhile)

        def run() -> None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - a thread's error is lost unless it is shown
                self._say_error(error, again)
            self.look()

        self._work.add(run)

    def _before_cell(self, *_: object) -> None:
        """A cell run after Use was pressed runs under that role, also while its credentials are on their way."""
        self._work.wait()
        self._cells.began()

    def _after_cell(self, *_: object) -> None:
        self._cells.ended()

    def _hook(self, *, register: bool) -> None:
        from sso_magic.display import shell

        running = shell()
        if running is not None:
            change = running.events.register if register else running.events.unregister
            change("pre_run_cell", self._before_cell)
            change("post_run_cell", self._after_cell)

    def _signed_in(self, center: IdentityCenter, error: BaseException | None) -> None:
        if error is not None:
            self.look()
            self._say_error(error, "Sign in")
            return
        self._tell_magics(center)
        self._sessions.look_again()  # a start URL may be a session from now on
        self.look()
        self._say(f"Signed in to {center.session.label}.")

    def _tell_magics(self, center: IdentityCenter) -> None:
        """The magics mean the session used last: this one."""
        if self._magics is not None:
            self._magics.remember(self._magics.center(center.session.label, center.session.region))

    def _loaded(self, center: IdentityCenter, error: BaseException | None) -> None:
        if error is not None:
            self._say_error(error, "Refresh")
        elif center.directory.warning:
            self._say(center.directory.warning)
        self.look()

    # ---- what is shown ----

    def look(self) -> None:
        """Shows everything as it is now. Nothing here waits for the network."""
        try:
            with self._lock:
                self._sessions.show(self._center)
                self._show_sign_in()
                self._show_role()
                self._listing.fill()
                self._show_list_state()
        except Exception as error:  # noqa: BLE001 - the next beat may do better
            self._say_error(error, "Refresh")

    def _beat(self) -> None:
        self.look()
        self._view.live.repeat()
        self._listing.warm_up()

    def _enter(self, center: IdentityCenter | None) -> None:
        """Shows this session from now on."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._center = center
        self._listing.enter(center)
        self._unsubscribe = center.changed.subscribe(self._pulse.wake) if center else None
        self._was_in = False
        self._sessions.look_again()
        self.look()

    def _show_sign_in(self) -> None:
        view, center = self._view, self._center
        is_waiting = self._signing.center is not None
        token = center.tokens.peek() if center else None
        warning = center.tokens.warning if center else None
        view.sign_in_state.value = words.escaped(words.sign_in_state(token, is_waiting=is_waiting, warning=warning))
        is_in = center is not None and center.tokens.is_usable()
        show(view.sign_in, when=not is_waiting and not is_in)
        show(view.cancel, when=is_waiting)
        show(view.sign_out, when=is_in and not is_waiting)
        if center is not None and is_in and not self._was_in and center.directory.is_stale:
            self._loading.start(center)
        self._was_in = is_in

    def _show_role(self) -> None:
        use = KERNEL.current
        if use is not None:
            kept.remember_use(use.session, RoleKey.of_use(use))
        warnings = [*status().competing]
        if use is not None and (renewal := use.role.warning()):
            warnings.append(renewal)
        marked = use is not None and self._is_production(use.credentials.account_name, use.credentials.account_id)
        view = self._view
        view.in_use.value = words.in_use_html(use, warnings, is_production=marked)
        view.release.disabled = use is None
        for name, holds in (("sso-on", use is not None and not marked), ("sso-production", marked)):
            (view.use_box.add_class if holds else view.use_box.remove_class)(name)

    def _show_list_state(self) -> None:
        with self._lock:
            view, listing, center = self._view, self._listing, self._center
            state = self._loading.state(center) if center else None
            view.list_state.value = words.escaped(
                words.list_state(listing.snapshot, listing.words, listing.hits, LIMIT, state)
            )
            view.refresh.disabled = center is None or state is not None
            show(view.progress, when=state is not None)
            if state is not None:
                view.progress.max = max(1, state.accounts_known)
                view.progress.value = state.accounts_done

    def _say(self, text: str) -> None:
        self._view.status.value = words.status(text, is_error=False)

    def _say_instead(self, shown: str, text: str) -> None:
        if self._view.status.value == shown:  # nothing newer has been said
            self._say(text)

    def _say_error(self, error: BaseException, again: str) -> None:
        _log.debug("panel: %s", type(error).__name__, exc_info=not isinstance(error, SSOMagicError))
        self._view.status.value = words.status(words.of_error(error, again), is_error=True)

    # ---- settings ----

    def _is_production(self, account_name: str | None, account_id: str) -> bool:
        if self._magics is None:
            from sso_magic.magics.magics import SSOMagics

            pattern = SSOMagics.production.default_value
        else:
            pattern = self._magics.production
        from sso_magic.magics.use import marks

        return marks(pattern, account_name, account_id)
