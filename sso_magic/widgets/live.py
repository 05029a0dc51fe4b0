"""HTML on the screen that is in no trait: the link and the code of a sign-in.

A trait is saved with the notebook's widget state, shows in reprs and is sent to every front end that asks. What is live
goes to the browser as a message of its own instead, and an empty one takes it away. A page that is loaded again
meanwhile asks for the widgets' state, in which it is not, and gets the message some times more: when it begins to
listen nobody knows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Layout

from sso_magic.common import locks
from sso_magic.display import browser_card, device_card

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sso_magic.common.secret import Secret
    from sso_magic.signin.browser import BrowserRequest
    from sso_magic.signin.device import DeviceRequest
    from sso_magic.widgets.address_field import AddressField

_CANCEL = "Press Cancel to stop."
_LISTENS_WITHIN = 20.0  # seconds from when a page asks for the state


class _Place(HTML):  # type: ignore[misc]
    """HTML that tells when all its state is asked for."""

    def __init__(self, asked: Callable[[], None]) -> None:
        self._asked = asked
        super().__init__(layout=Layout(display="none"))

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:  # noqa: FBT001, FBT002 - ipywidgets'
        if key is None:
            self._asked()
        return super().get_state(key, drop_defaults)


class Live:
    """A place on the screen for what must not be kept."""

    def __init__(self) -> None:
        self._lock = locks.Lock()
        self._owner: object = None
        self._make: Callable[[], str] = str
        self._html = ""
        self.widget = _Place(self._asked)
        self._asked_at = self._made_at = -_LISTENS_WITHIN  # a widget that is made asks too

    def show(self, owner: object, make: Callable[[], str]) -> None:
        """Puts what this makes on the screen, in place of anybody else's."""
        with self._lock:
            self._owner, self._make = owner, make
            self._html = make()
            self.widget.layout.display = ""
            self._send(self._html)

    def repeat(self) -> None:
        """Sends it again if a page was loaded a moment ago. What a page has already is no change to it."""
        with self._lock:
            asked_at = self._asked_at
            if self._owner is None or time.monotonic() - asked_at > _LISTENS_WITHIN:
                return
            if self._made_at < asked_at:
                self._html, self._made_at = self._make(), time.monotonic()  # its countdown has gone on
            self._send(self._html)

    def _asked(self) -> None:
        self._asked_at = time.monotonic()

    def clear(self, owner: object) -> None:
        """Takes it off the screen, unless what is there is somebody else's by now."""
        with self._lock:
            if self._owner is owner:
                self._owner, self._make, self._html = None, str, ""
                self._send("")
                self.widget.layout.display = "none"

    def _send(self, html: str) -> None:
        comm = self.widget.comm
        if comm is not None:  # closed
            comm.send(data={"method": "update", "state": {"value": html}, "buffer_paths": []})


class PanelPrompt:
    """The sign-in prompt in a panel. Cancelled, it shows nothing more, however late its sign-in ends."""

    def __init__(self, live: Live, field: AddressField, cancel: threading.Event) -> None:
        self._live = live
        self._field = field
        self._cancel = cancel

    def device(self, request: DeviceRequest) -> None:
        """Shows link, code, QR code and countdown."""
        self._show(lambda: device_card(request, _CANCEL))

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Shows the page's link, and the code beside it once there is one."""
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
        """Takes them away."""
        self._field.end(self)
        self._live.clear(self)
