"""The panel's field for the address that the browser ended on (`sso_magic.signin.pasted`).

A widget's value is part of the state that is saved with a notebook and sent to every front end. The field sends its
value once, when Enter is pressed or it loses the focus, and is emptied at once.
"""

from __future__ import annotations

from html import escape
from typing import Any

from ipywidgets import HTML, Box, Layout, Password
from traitlets import Unicode

from sso_magic.common import locks
from sso_magic.common.secret import Secret


class _Entry(Password):  # type: ignore[misc]
    """A password field whose value is not sent back to the front ends."""

    value = Unicode("").tag(sync=True, echo_update=False)


class AddressField:
    """A hidden text field that is on the screen only while a sign-in waits for an address."""

    def __init__(self) -> None:
        self._lock = locks.Lock()
        self._owner: object = None
        self._pasted: Secret | None = None
        self.entry = _Entry(
            description="Address",
            placeholder="http://127.0.0.1:…/oauth/callback?…",
            continuous_update=False,
            layout=Layout(width="auto"),
        )
        self.state = HTML()
        self.widget = Box([self.entry, self.state], layout=Layout(display="none", width="auto"))
        self.widget.add_class("sso-row")
        self.widget.add_class("sso-address")
        self.entry.observe(self._entered, "value")

    def ask(self, owner: object) -> None:
        """Show the field for this prompt."""
        with self._lock:
            self._owner, self._pasted = owner, None
        self.state.value = "Paste the address here, then press Enter."
        self.widget.layout.display = ""

    def take(self, owner: object) -> Secret | None:
        """Return the address that was pasted since the last call, or None."""
        with self._lock:
            if self._owner is not owner:
                return None
            found, self._pasted = self._pasted, None
            return found

    def refuse(self, owner: object, line: str) -> None:
        """Show why the address was not accepted."""
        if self._owner is owner:
            self.state.value = escape(line)

    def end(self, owner: object) -> None:
        """Take the field off the screen, unless it is another prompt's by now."""
        with self._lock:
            if self._owner is not owner:
                return
            self._owner, self._pasted = None, None
        self.widget.layout.display = "none"
        self.entry.value = self.state.value = ""

    def _entered(self, change: Any) -> None:
        entered = Secret(change["new"])
        if not entered:
            return
        self.entry.value = ""
        with self._lock:
            if self._owner is not None:
                self._pasted = entered
