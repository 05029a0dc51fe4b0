"""What a panel shows, and the widget that shows it: one anywidget, whose ES module is ``panel.mjs``.

What is shown is one trait, so that a browser never has half of a change. The roles and what must not be saved with a
notebook (the link and code of a sign-in, a pasted address) go as messages of their own, in no trait.

The roles go to the browser once, in a compact form, and are searched there: each key press is answered without the
kernel, also while that is busy or far away (tests/benchmarks/panel measures it). A search in Python costs a round trip
for each key press, and what the person sees may then be older than what the kernel believes they see. Later changes are
sent as the accounts that differ. 50,000 roles in 16,667 accounts are 1.5 MB, compressed 0.25 MB.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Dict

from sso_magic.common import locks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"


class PanelWidget(anywidget.AnyWidget):
    """The panel in the browser; use `sso_magic.panel`, which fills it.

    Attributes:
        shown: All that is shown but roles and secrets; JSON.
    """

    _esm = _HERE / "panel.mjs"
    _css = _HERE / "panel.css"
    shown = Dict().tag(sync=True)


class View:
    """The state of a panel's screen. The widget is made when it is first needed, and again after `close`.

    Args:
        received: Called with each message of a browser.
    """

    def __init__(self, received: Callable[[dict[str, Any]], None]) -> None:
        self._received = received
        self._lock = locks.RLock()
        self._widget: PanelWidget | None = None
        self.shown: dict[str, Any] = {}

    @property
    def widget(self) -> PanelWidget:
        """The widget."""
        with self._lock:
            if self._widget is None:
                self._widget = PanelWidget(shown=self.shown)
                self._widget.on_msg(lambda _, content, __: self._received(content))
            return self._widget

    @property
    def has_widget(self) -> bool:
        """True if there is a widget, which holds memory in every browser that shows the notebook."""
        return self._widget is not None

    def put(self, **parts: Any) -> None:
        """Show these parts; a message goes out only if something differs."""
        with self._lock:
            shown = {**self.shown, **parts}
            if shown == self.shown:
                return
            self.shown = shown
            if self._widget is not None:
                self._widget.shown = shown

    def send(self, *, buffers: Sequence[bytes] = (), **content: Any) -> None:
        """Send a message that no trait keeps."""
        widget = self._widget
        if widget is not None and widget.comm is not None:
            widget.send(content, list(buffers))

    def mime(self) -> dict[str, Any]:
        """Return the widget as a MIME bundle holds it."""
        return {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}

    def close(self) -> None:
        """Take the widget off the screen and free it, here and in the browsers."""
        with self._lock:
            widget, self._widget = self._widget, None
        if widget is not None:
            layout = widget.layout
            widget.close()
            layout.close()
