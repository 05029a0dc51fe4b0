"""A sign-in under way in a panel: on a thread of its own, to be cancelled at any time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.widgets.live import PanelPrompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.signin.choice import Method
    from sso_magic.widgets.view import View


class Signing:
    """At most one sign-in at a time.

    Args:
        view: Where the prompt is shown.
        ended: Is told, on the sign-in's thread, how one ended that was not cancelled: its center, and its error or
            None. It must not raise.
    """

    def __init__(self, view: View, ended: Callable[[IdentityCenter, BaseException | None], None]) -> None:
        self._view = view
        self._ended = ended
        self._lock = locks.Lock()
        self._under_way: tuple[IdentityCenter, threading.Event, PanelPrompt] | None = None

    @property
    def center(self) -> IdentityCenter | None:
        """Whom somebody is being signed in to."""
        under_way = self._under_way
        return under_way[0] if under_way else None

    def start(self, center: IdentityCenter, method: Method) -> None:
        """Begins, unless one is under way that waits for somebody still."""
        with self._lock:
            if self._under_way is not None and not self._under_way[1].is_set():
                return
            cancel = locks.Event()
            prompt = PanelPrompt(self._view.live, self._view.address, cancel)
            self._under_way = (center, cancel, prompt)
        threading.Thread(
            target=self._run, args=(center, method, cancel, prompt), name="sso-panel-sign-in", daemon=True
        ).start()

    def cancel(self) -> bool:
        """Ends it now, and tells nothing of it; whether one was under way."""
        with self._lock:
            under_way, self._under_way = self._under_way, None
        if under_way is None:
            return False
        _, cancel, prompt = under_way
        cancel.set()
        prompt.close()
        return True

    def _run(self, center: IdentityCenter, method: Method, cancel: threading.Event, prompt: PanelPrompt) -> None:
        error: BaseException | None = None
        try:
            center.sign_in(method=method, prompt=prompt, cancel=cancel)
        except BaseException as raised:  # noqa: BLE001 - a thread's error is lost unless it is handed on
            error = raised
        with self._lock:
            is_mine = self._under_way is not None and self._under_way[1] is cancel
            if is_mine:
                self._under_way = None
        prompt.close()
        if is_mine:
            self._ended(center, error)
