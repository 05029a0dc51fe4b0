"""What a panel and a table of roles have in common: a widget, whether somebody sees it, and the use of a role.

Messages of a browser come on the main thread or on others, possibly at the same time: each is handled under one lock,
which is held for a short time, and what takes time goes to a thread. A change by a magic, another panel or another
kernel is shown at the next beat, and at once where a notifier reports it.
"""

from __future__ import annotations

import functools
import logging
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sso_magic.common import file_lock, locks
from sso_magic.common.defaults import PRODUCTION
from sso_magic.common.text import printable
from sso_magic.display.production import marks
from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import kept, parts, presence, words
from sso_magic.widgets.kept import RoleKey
from sso_magic.widgets.listing import Listing, role_in_use
from sso_magic.widgets.said import Facts, Said
from sso_magic.widgets.view import View
from sso_magic.widgets.work import Cells, Pulse, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import InventorySnapshot
    from sso_magic.widgets.sessions import Magics
    from sso_magic.widgets.view import PanelWidget

_BEAT = 5.0  # seconds between two signs of life; the browser counts the kernel as gone after four times as long
_log = logging.getLogger(__name__)
Action = tuple["Callable[[dict[str, Any]], None]", str]  # what is done, and the button to press if it fails


class RoleWidget(ABC):
    """A widget that lists roles, of which one can be used.

    Args:
        center: The session whose roles are listed; None if there is none yet.
        magics: The loaded magics, whose settings and session it shares.
        snapshot: The roles; by default those that the session knows at each moment.
    """

    def __init__(
        self, center: IdentityCenter | None, magics: Magics | None, snapshot: InventorySnapshot | None = None
    ) -> None:
        self._magics = magics
        self._lock = locks.RLock()
        self._center = center
        self._jobs = 0  # jobs that have ended
        self._confirming: RoleKey | None = None  # Use was pressed once for this administrator's role in production
        self._look_failed = ""
        self._beat_at = float("-inf")
        self._is_closed = False
        self._subscriptions: list[Callable[[], None]] = []
        self.pages = presence.Pages()
        self._view = View(self._received)
        self._listing = Listing(self._view, self._pattern, snapshot)
        self._said = Said(self._view, self._facts)
        self._work = Work("sso-panel-work")
        self._cells = Cells(self._work.wait)
        self._pulse = Pulse(self._beat)

    @property
    def widget(self) -> PanelWidget:
        """The widget, for other layouts or outside a cell. It is made when it is first needed."""
        is_new = not self._view.has_widget
        widget = self._view.widget
        if is_new:
            self._view.put(panel=widget.model_id)
            self.pages = presence.Pages()  # those of the widget before have left
            presence.register(self)
        return widget

    def close(self) -> None:
        """Take it off the screen and end its threads. The sign-in and the role in use stay."""
        if not self._is_closed:
            self._is_closed = True
            self._end()

    def _end(self) -> None:
        self._cells.unwatch()
        presence.forget(self)
        self.free()

    def free(self) -> None:
        """Free the widget and end what updates it; displayed again, it has a new one."""
        with self._lock:
            self._rest()
            self._view.close()

    def _mime(self) -> dict[str, Any]:
        _ = self.widget
        return self._view.mime()

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
            if not (self.pages.is_watched or self._is_busy):
                self._rest()

    @property
    def _is_busy(self) -> bool:
        """True while something is under way that is to be shown when it ends."""
        return self._work.is_busy

    def _send_beat(self) -> None:
        self._beat_at = time.monotonic()
        self._view.send(kind="beat")

    def _greet(self, content: dict[str, Any]) -> None:
        """Send a page that has loaded the widget what no trait holds."""
        self.look()
        self._listing.send_all(str(content.get("page")))
        self._send_beat()

    # ---- what a person does ----

    def _received(self, content: dict[str, Any]) -> None:
        """Handle a message of a browser."""
        do = content.get("do")
        if do in {"hello", "alive", "bye"}:
            self.pages.hear(str(content.get("page")), is_leaving=do == "bye")
        if do == "bye":
            self._pulse.wake()
            return
        self._safely(self._wake, "Refresh")
        action = self._actions().get(do)
        if action is not None and not self._is_closed:
            self._safely(functools.partial(action[0], content), action[1])

    def _actions(self) -> dict[object, Action]:
        """Return what can be done, by the name that the browser gives it."""
        return {"hello": (self._greet, "Refresh"), "use": (self._use, "Use")}

    def _safely(self, action: Callable[[], None], again: str) -> None:
        """Run an action under the lock. Show its error as the status line: raised, it would be printed in some cell."""
        try:
            with self._lock:
                action()
        except Exception as error:  # noqa: BLE001
            self._say_error(error, again, "sign_in", "role")

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
            kept.learn_person(center.session.key, use.credentials)  # before the search, which would find its frames
            KERNEL.search_holders(lambda found: self._said.say_instead(text, words.using(label, found), "role"))

    # ---- what takes time ----

    def _do(self, job: Callable[[], None], again: str, meanwhile: str) -> None:
        """Run the job on the thread, after those that were added before it."""
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

    def _tell_magics(self, center: IdentityCenter) -> None:
        """Make this session the one that the magics used last."""
        if self._magics is not None:
            self._magics.remember(self._magics.center(center.session.label, center.session.sso_region))

    # ---- what is shown ----

    def look(self) -> None:
        """Show everything as it is now. Nothing here waits for the network."""
        try:
            with self._lock:
                self._show()
                self._said.look()
                failed, self._look_failed = self._look_failed, ""
            self._said.say_instead(failed, "")
        except Exception as error:  # noqa: BLE001 - the next beat may succeed
            self._say_error(error, "Refresh")
            self._look_failed = self._said.text

    @abstractmethod
    def _show(self) -> None:
        """Put into the view what is to be shown now."""

    def _facts(self) -> Facts:
        return Facts.now(self._center, self._listing, is_waiting=False, jobs=self._jobs)

    def _show_role(self) -> None:
        use = KERNEL.current
        if use is not None:
            kept.remember_use(use.session, RoleKey.of_use(use))
        self._view.put(**parts.of_role(use, self._center, self._pattern()))

    def _say_error(self, error: BaseException, again: str, *while_same: str) -> None:
        _log.debug("panel: %s", type(error).__name__, exc_info=not isinstance(error, SSOMagicError))
        self._said.say(self._error_text(error, again), *while_same, is_error=True)

    def _error_text(self, error: BaseException, again: str) -> str:
        return words.of_error(error, again)

    def _pattern(self) -> str:
        if self._magics is not None:
            return str(self._magics.production)
        return PRODUCTION
