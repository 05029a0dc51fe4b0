"""The first rows of a list of accounts that takes long, shown while the rest of it is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sso_magic.display import Shown, is_notebook, table, write
from sso_magic.inventory.search import search_accounts

if TYPE_CHECKING:
    from sso_magic.inventory.progress import FetchState, Progress

ROWS = 20
DELAY = 0.5  # seconds before they are shown: a list that is complete sooner needs none
_COLUMNS = ("account_id", "account_name", "email_address")


class FirstRows:
    """Progress of a list of accounts: its first rows, and a bar. In a notebook they go when the list is complete.

    Args:
        words: Only accounts that contain all of these words.
        bar: Shows how far the list is.
    """

    def __init__(self, words: str, bar: Progress) -> None:
        self._words = words
        self._bar = bar
        self._is_shown = False
        self._handle: Any = None

    def update(self, state: FetchState) -> None:
        """Show the first rows, once there are some that contain the words."""
        if not self._is_shown and not state.all_listed and state.seconds >= DELAY:
            found = search_accounts(state.accounts, self._words)[:ROWS]
            if found:
                self._is_shown = True
                rows = [(one.account_id, one.account_name or "", one.email_address or "") for one in found]
                note = f"The first {len(rows)} of {len(state.accounts):,} accounts listed so far; more to come."
                self._show(rows, note)
        self._bar.update(state)

    def close(self, state: FetchState) -> None:
        """Remove what is shown: the complete list follows, or an error."""
        self._bar.close(state)
        if self._handle is not None:
            self._handle.update(Shown("", ""))

    def _show(self, rows: list[tuple[str, str, str]], note: str) -> None:
        text, html = table(_COLUMNS, rows)
        if not is_notebook():
            write(f"{text}\n{note}")
            return
        from IPython.display import display

        shown = Shown(f"{text}\n{note}", f"{html}{Shown(note).html}")
        self._handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
