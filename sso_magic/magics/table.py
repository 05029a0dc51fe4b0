"""The inventory as ``%sso_inventory`` shows it: a DataFrame with a line under it that says how true it is.

pandas is imported at the top: this module is imported when a table is about to be shown.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from sso_magic.common.text import printable
from sso_magic.common.times import span, stamp
from sso_magic.display import TEXT, has_person, is_notebook, shell
from sso_magic.errors import UsageError
from sso_magic.inventory import nothing_contains, search_frame
from sso_magic.inventory.search_index import fold
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import Inventory, InventorySnapshot
    from sso_magic.profiles.planned import Plan
    from sso_magic.widgets.role_table import RoleTable
    from sso_magic.widgets.sessions import Magics

LISTED = 50  # rows above which a notebook shows a list to search
SHOWN_ERRORS = 3  # accounts named in the line; `attrs["errors"]` has all
NO_ACCOUNT = "No account is assigned to you. Contact your AWS administrator."
NO_ROLE = "No role is assigned to you. Contact your AWS administrator."


class NotedTable(pd.DataFrame):
    """A DataFrame with a line under it where it is shown; what is made of it is a plain DataFrame.

    Attributes:
        note: The line; an empty table is shown by its line alone.
        shown_as: The class that the rows are shown as, `pandas.DataFrame` or `EscapedFrame`.
    """

    _metadata = ["note", "shown_as"]  # noqa: RUF012 - pandas' name for what is no column
    note: str
    shown_as: type[pd.DataFrame]

    @property
    def _constructor(self) -> Any:
        return self.shown_as

    def __repr__(self) -> str:
        return self.note if self.empty else f"{self.shown_as(self)!r}\n{self.note}"

    def _repr_html_(self) -> str:
        table: str = "" if self.empty else self.shown_as(self)._repr_html_() or ""
        return f'{table}<div style="{TEXT};opacity:.85;margin-top:4px">{escape(self.note)}</div>'


class ListedTable(NotedTable):
    """A table with a line under it that the cell which made it shows as a list to search, sort and use roles from.

    Another cell, a terminal, a run without a person and a saved notebook show it as pandas does.
    """

    # No metadata of pandas, which would be pickled.
    make_list: Callable[[], RoleTable] | None = None
    cell: int | None = None  # which cell has made it

    def _ipython_display_(self) -> None:
        """Display the list.

        Raises:
            NotImplementedError: It is to be shown as pandas does; IPython takes the other methods then.
        """
        if self.make_list is None or self.cell != getattr(shell(), "execution_count", None):
            raise NotImplementedError
        self.make_list().display({"text/plain": repr(self), "text/html": self._repr_html_()})


_Noted = TypeVar("_Noted", bound=NotedTable)


def noted(frame: pd.DataFrame, note: str, kind: type[_Noted] = NotedTable) -> _Noted:  # type: ignore[assignment]
    """Return the table with a line under it."""
    table = kind(frame)
    table.attrs = frame.attrs
    table.note, table.shown_as = printable(note), type(frame)
    return table


def asked_table(center: IdentityCenter, args: argparse.Namespace, magics: Magics) -> pd.DataFrame:
    """Return the table that the line of ``%sso_inventory`` asks for.

    Raises:
        UsageError: The line asks for two of them.
    """
    from sso_magic.inventory import TqdmProgress

    words = " ".join(args.words)
    if args.accounts_only and args.changes:
        raise UsageError("Type --accounts-only or --changes, not both.")
    if args.accounts_only:
        return accounts_table(center.directory, words, refresh=args.refresh)
    snapshot = center.snapshot(refresh=args.refresh, progress=TqdmProgress())
    if args.changes:
        return changes_table(center.directory, words)
    return inventory_table(center, snapshot, words, magics)


def inventory_table(
    center: IdentityCenter, snapshot: InventorySnapshot, words: str, magics: Magics | None
) -> pd.DataFrame:
    """Return the rows that contain all the words, with a line; without any, the line names what is near."""
    found = search_frame(snapshot, words)
    if found.empty and words.split() and snapshot.accounts:
        return noted(found, no_row_contains(snapshot, words))
    line = note(center.directory, snapshot)
    if len(found) <= LISTED or not (is_notebook() and has_person()):
        return noted(found, line)
    listed = noted(found, line, ListedTable)
    listed.make_list = lambda: _role_table(center, snapshot, words, line, magics)
    listed.cell = shell().execution_count
    return listed


def _role_table(
    center: IdentityCenter, snapshot: InventorySnapshot, words: str, note: str, magics: Magics | None
) -> RoleTable:
    from sso_magic.widgets.role_table import RoleTable

    return RoleTable(center, snapshot, words, note, magics)


def no_row_contains(snapshot: InventorySnapshot, words: str | Sequence[str]) -> str:
    """Return the line for a search that found no row: what was looked for, and the accounts and roles that are near."""
    roles = {name for names in snapshot.roles.values() for name in names}
    return nothing_contains(snapshot.accounts, words, roles)


def roles_table(center: IdentityCenter, account: str | None) -> pd.DataFrame:
    """Return the roles in one account or in all; without any, a line says so.

    Raises:
        AccountNotFound: No account contains the text.
        Ambiguous: Several accounts contain it.
    """
    if account is None:
        found = center.roles()
        return noted(found, NO_ROLE) if found.empty else found
    one = center.find_account(account)
    found = center.directory.roles_frame(one)
    name = f"{one.account_name} ({one.account_id})" if one.account_name else one.account_id
    return noted(found, f"You have no role in {name}. %sso_accounts lists your accounts.") if found.empty else found


def profiles_table(planned: Plan) -> pd.DataFrame:
    """Return the profiles that a plan changes; without any, a line says why."""
    frame = planned.frame()
    if not frame.empty:
        return frame
    return noted(frame, "No profile changes." if planned.unchanged else NO_ROLE)


def accounts_table(directory: Inventory, words: str, *, refresh: bool = False) -> pd.DataFrame:
    """Return the accounts that contain all the words; without any, a line names what is near.

    While a long list is fetched, its first rows and a bar are shown.
    """
    from sso_magic.inventory import TqdmProgress
    from sso_magic.magics.first_rows import FirstRows

    progress = FirstRows(words, TqdmProgress(summary=False, delay=1.0))  # seconds; most lists are there sooner
    found = directory.accounts_frame(words, max_age=0 if refresh else None, progress=progress)
    if not found.empty:
        return found
    accounts = directory.cached_accounts() or ()
    return noted(found, nothing_contains(accounts, words) if words.split() and accounts else NO_ACCOUNT)


def changes_table(directory: Inventory, words: str) -> pd.DataFrame:
    """Return what the last whole fetch found added and removed, only the rows that contain all the words."""
    frame = directory.changes()
    needles = [fold(word) for word in words.split()]
    texts = [fold("\n".join(map(str, row))) for row in frame.fillna("").itertuples(index=False)]
    contain = pd.Series([all(needle in text for needle in needles) for text in texts], dtype=bool)
    found = frame[contain].reset_index(drop=True)
    if found.empty:
        what = f"Nothing that contains {words}" if needles else "Nothing"
        return noted(found, f"{what} has changed between the last two fetches. %sso_inventory --refresh fetches again.")
    return noted(found, f"{_counted(found)} since the time before.")


def _counted(changes: pd.DataFrame) -> str:
    """How many rows of each kind: ``2 added, 1 removed``; empty if there are none."""
    counts = changes["change"].value_counts()
    return ", ".join(f"{counts[kind]:,} {kind}" for kind in ("added", "removed") if kind in counts)


def note(directory: Inventory, snapshot: InventorySnapshot) -> str:
    """How old it is, what failed, and what changed since the time before."""
    roles = sum(len(names) for names in snapshot.roles.values())
    sentences = [f"{len(snapshot.accounts):,} accounts, {roles:,} roles, {_age(directory, snapshot)}."]
    if snapshot.complete and not snapshot.errors and not roles:
        sentences.append(NO_ROLE)
    if not snapshot.complete:
        sentences.append("Not all of it: the fetch was not finished. %sso_inventory --refresh goes on.")
    if snapshot.errors:
        named = [f"{account_id} ({error})" for account_id, error in list(snapshot.errors.items())[:SHOWN_ERRORS]]
        rest = len(snapshot.errors) - len(named)
        more = f" and {rest:,} more in .attrs['errors']" if rest else ""
        sentences.append(f"Failed: {', '.join(named)}{more}.")
    if changed := _counted(directory.changes()):
        sentences.append(f"Since the time before: {changed} (%sso_inventory --changes).")
    if directory.refresh_error is not None:
        sentences.append(f"The refresh failed: {directory.refresh_error}")
    if directory.warning:
        sentences.append(directory.warning)
    return " ".join(sentences)


def _age(directory: Inventory, snapshot: InventorySnapshot) -> str:
    """When it was fetched, absolute and relative: a saved notebook is read on another day."""
    fetched_at = snapshot.fetched_at or utc_now()
    seconds = (utc_now() - fetched_at).total_seconds()
    refreshing = ", being refreshed" if directory.is_refreshing else ""
    return f"fetched {stamp(fetched_at)} ({f'{span(seconds)} ago' if seconds >= 1 else 'now'}){refreshing}"
