"""A sign-in under way in a panel: on a thread of its own, which can be canceled at any time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sso_magic.common import file_lock, locks
from sso_magic.widgets.live import PanelPrompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.signin.choice import Method
    from sso_magic.widgets.address_field import AddressField
    from sso_magic.widgets.live import Live


class Signing:
    """At most one sign-in at a time.

    Args:
        live: Where the prompt is shown.
        field: Where an address is pasted.
        tell: Called on the sign-in's thread with a line about what it waits for, such as a lock.
        ended: Called on the sign-in's thread when one that was not canceled has ended: with its center, and its error
            or None. It must not raise.
    """

    def __init__(
        self,
        live: Live,
        field: AddressField,
        tell: Callable[[str], None],
        ended: Callable[[IdentityCenter, BaseException | None], None],
    ) -> None:
        self._live = live
        self._field = field
        self._tell = tell
        self._ended = ended
        self._lock = locks.Lock()
        self._under_way: tuple[IdentityCenter, threading.Event, PanelPrompt] | None = None

    @property
    def center(self) -> IdentityCenter | None:
        """The center of the sign-in that is under way; None if there is none."""
        under_way = self._under_way
        return under_way[0] if under_way else None

    def start(self, center: IdentityCenter, method: Method) -> None:
        """Begin a sign-in, unless one is under way."""
        with self._lock:
            if self._under_way is not None and not self._under_way[1].is_set():
                return
            cancel = locks.Event()
            prompt = PanelPrompt(self._live, self._field, cancel)
            self._under_way = (center, cancel, prompt)
        threading.Thread(
            target=self._run, args=(center, method, cancel, prompt), name="sso-panel-sign-in", daemon=True
        ).start()

    def cancel(self) -> bool:
        """End the sign-in without a message; return True if one was under way."""
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
            with file_lock.telling(lambda line: None if cancel.is_set() else self._tell(line)):
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
