"""The inventory as ``%sso_inventory`` shows it: a DataFrame with a line under it that says how true it is.

pandas is imported at the top: this module is imported when a table is about to be shown.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from sso_magic.display import TEXT
from sso_magic.inventory import search_frame
from sso_magic.signin.tokens import utc_now
from sso_magic.times import span

if TYPE_CHECKING:
    from sso_magic.inventory import Inventory, InventorySnapshot

SHOWN_ERRORS = 3  # accounts named in the line; `attrs["errors"]` has all


class InventoryTable(pd.DataFrame):
    """A DataFrame with a line under it where it is shown; what is made of it is a plain DataFrame."""

    _metadata = ["note"]  # noqa: RUF012 - pandas' name for what is no column
    note: str

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self.note}"

    def _repr_html_(self) -> str:
        table: str = super()._repr_html_() or ""  # type: ignore[misc]
        return f'{table}<div style="{TEXT};opacity:.85;margin-top:4px">{escape(self.note)}</div>'


def table(directory: Inventory, snapshot: InventorySnapshot, words: str) -> InventoryTable:
    """The rows in which all the words stand, with the line."""
    shown: InventoryTable = InventoryTable(search_frame(snapshot, words))
    shown.attrs = snapshot.attrs
    shown.note = note(directory, snapshot)
    return shown


def note(directory: Inventory, snapshot: InventorySnapshot) -> str:
    """How old it is, what failed, and what changed since the time before."""
    roles = sum(len(names) for names in snapshot.roles.values())
    sentences = [f"{len(snapshot.accounts):,} accounts, {roles:,} roles, {_age(directory, snapshot)}."]
    if not snapshot.complete:
        sentences.append("Not all of it: the fetch was not finished. %sso_inventory --refresh goes on.")
    if snapshot.errors:
        named = [f"{account_id} ({error})" for account_id, error in list(snapshot.errors.items())[:SHOWN_ERRORS]]
        rest = len(snapshot.errors) - len(named)
        more = f" and {rest:,} more in .attrs['errors']" if rest else ""
        sentences.append(f"Failed: {', '.join(named)}{more}.")
    counts = directory.changes()["change"].value_counts()
    changed = [f"{counts[kind]:,} {kind}" for kind in ("added", "removed") if kind in counts]
    if changed:
        sentences.append(f"Since the time before: {', '.join(changed)} (center.inventory_changes()).")
    if directory.refresh_error is not None:
        sentences.append(f"The refresh failed: {directory.refresh_error}")
    if directory.warning:
        sentences.append(directory.warning)
    return " ".join(sentences)


def _age(directory: Inventory, snapshot: InventorySnapshot) -> str:
    seconds = (utc_now() - snapshot.fetched_at).total_seconds() if snapshot.fetched_at else 0.0
    refreshing = ", being refreshed" if directory.is_refreshing else ""
    return f"fetched {f'{span(seconds)} ago' if seconds >= 1 else 'now'}{refreshing}"
