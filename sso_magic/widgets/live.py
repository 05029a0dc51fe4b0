"""The link and the code of a sign-in on the screen, in no trait.

A trait is saved with the notebook's widget state, shows in reprs and is sent to every front end that asks. Link and
code go to the browser as a message of their own instead, and an empty message removes them. A page that is loaded again
meanwhile announces itself (`sso_magic.widgets.presence`) and gets the message again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.display import browser_card, device_card

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sso_magic.common.secret import Secret
    from sso_magic.signin.prompt import BrowserRequest, DeviceRequest
    from sso_magic.widgets.address_field import AddressField
    from sso_magic.widgets.view import View

_CANCEL = "Press Cancel to stop."


class Live:
    """A place on the screen for what must not be kept."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lock = locks.Lock()
        self._owner: object = None
        self._make: Callable[[], str] = str

    def show(self, owner: object, make: Callable[[], str]) -> None:
        """Show the HTML that this makes, in place of any other prompt's."""
        with self._lock:
            self._owner, self._make = owner, make
            self._view.send(kind="live", html=make())

    def repeat(self) -> None:
        """Send it again, made anew because its countdown has gone on: a page was loaded."""
        with self._lock:
            self._view.send(kind="live", html=self._make())

    def clear(self, owner: object) -> None:
        """Take it off the screen, unless it is another prompt's by now."""
        with self._lock:
            if self._owner is owner:
                self._owner, self._make = None, str
                self._view.send(kind="live", html="")


class PanelPrompt:
    """The sign-in prompt in a panel. Canceled, it shows nothing more, however late its sign-in ends."""

    def __init__(self, live: Live, field: AddressField, cancel: threading.Event) -> None:
        self._live = live
        self._field = field
        self._cancel = cancel

    def device(self, request: DeviceRequest) -> None:
        """Show link, code, QR code and countdown."""
        self._show(lambda: device_card(request, _CANCEL))

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Show the page's link, and the code beside it once there is one."""
        self._show(lambda: browser_card(request, device, _CANCEL, opened=opened))
        if request.is_remote and not self._cancel.is_set():
            self._field.ask(self)

    def pasted(self) -> Secret | None:
        """Return the address that was pasted into the panel's field."""
        return self._field.take(self)

    def wrong(self, line: str) -> None:
        """Show why the address is not the answer; the field stays."""
        self._field.refuse(self, line)

    def _show(self, make: Callable[[], str]) -> None:
        if not self._cancel.is_set():
            self._live.show(self, make)

    def close(self, line: str = "") -> None:  # noqa: ARG002 - the panel's own lines say it
        """Take the prompt and the address field off the screen."""
        self._field.end(self)
        self._live.clear(self)
