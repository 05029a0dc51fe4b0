"""HTML on the screen that is in no trait: the link and the code of a sign-in.

A trait is saved with the notebook's widget state, shows in reprs and is sent to every front end that asks. What is live
goes to the browser as a message of its own instead, and an empty one takes it away. A page that is loaded again
meanwhile does not get it back: its sign-in is cancelled and started anew.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ipywidgets import HTML, Layout

from sso_magic.display import browser_card, device_card

if TYPE_CHECKING:
    from sso_magic.signin.browser import BrowserRequest
    from sso_magic.signin.device import DeviceRequest

_CANCEL = "Press Cancel to stop."


class Live:
    """A place on the screen for what must not be kept."""

    def __init__(self) -> None:
        self.widget = HTML(layout=Layout(display="none"))
        self._lock = threading.Lock()
        self._owner: object = None

    def show(self, owner: object, html: str) -> None:
        """Puts it on the screen, in place of anybody else's."""
        with self._lock:
            self._owner = owner
            self.widget.layout.display = ""
            self._send(html)

    def clear(self, owner: object) -> None:
        """Takes it off the screen, unless what is there is somebody else's by now."""
        with self._lock:
            if self._owner is owner:
                self._owner = None
                self._send("")
                self.widget.layout.display = "none"

    def _send(self, html: str) -> None:
        comm = self.widget.comm
        if comm is not None:  # closed
            comm.send(data={"method": "update", "state": {"value": html}, "buffer_paths": []})


class PanelPrompt:
    """The sign-in prompt in a panel. Cancelled, it shows nothing more, however late its sign-in ends."""

    def __init__(self, live: Live, cancel: threading.Event) -> None:
        self._live = live
        self._cancel = cancel

    def device(self, request: DeviceRequest) -> None:
        """Shows link, code, QR code and countdown."""
        self._show(device_card(request, _CANCEL))

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Shows the page's link, and the code beside it once there is one."""
        self._show(browser_card(request, device, _CANCEL, opened=opened))

    def _show(self, html: str) -> None:
        if not self._cancel.is_set():
            self._live.show(self, html)

    def close(self, line: str = "") -> None:  # noqa: ARG002 - the panel's own lines say it
        """Takes them away."""
        self._live.clear(self)
