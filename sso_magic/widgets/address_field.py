"""The panel's field for the address that the browser ended on (`sso_magic.signin.pasted`).

The browser sends it as a message of its own and empties the field: a trait would be saved with the notebook and sent to
every front end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.common.secret import Secret

if TYPE_CHECKING:
    from sso_magic.widgets.view import View


class AddressField:
    """A hidden text field that is on the screen only while a sign-in waits for an address."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lock = locks.Lock()
        self._owner: object = None
        self._pasted: Secret | None = None

    def ask(self, owner: object) -> None:
        """Show the field for this prompt."""
        with self._lock:
            self._owner, self._pasted = owner, None
        self._view.put(address="Paste the address here, then press Enter.")

    def enter(self, text: object) -> None:
        """Keep what was pasted until the prompt takes it."""
        with self._lock:
            if self._owner is not None and isinstance(text, str) and text:
                self._pasted = Secret(text)

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
            self._view.put(address=line)

    def end(self, owner: object) -> None:
        """Take the field off the screen, unless it is another prompt's by now."""
        with self._lock:
            if self._owner is not owner:
                return
            self._owner, self._pasted = None, None
        self._view.put(address=None)
