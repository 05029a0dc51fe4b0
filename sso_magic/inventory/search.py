"""Search in the inventory: all words, in any column, best first.

``%sso_inventory``, ``%sso_use``, ``%%sso_each`` and the profiles search with it; the panel's search, by the same rules,
runs in the browser (widgets/panel.mjs). 50,000 rows take less than 20 ms: each account and each role name is looked at
once a word, not each row, and the texts that are looked at are made once a snapshot.
"""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING

from sso_magic.inventory.search_index import SearchIndex, fold
from sso_magic.inventory.snapshot import InventorySnapshot, rows_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from sso_magic.inventory.rows import Account, RoleAssignment


def search(
    where: InventorySnapshot | Sequence[RoleAssignment], words: str | Sequence[str], limit: int | None = None
) -> list[RoleAssignment]:
    """The rows in which every word stands, in any column, case ignored; rows that fit equally well keep their order.

    Args:
        where: A snapshot, or rows.
        words: Words; a text is split at its spaces. No word: every row.
        limit: How many rows at most.
    """
    needles = _needles(words)
    if not needles:
        return list(islice(where.rows() if isinstance(where, InventorySnapshot) else where, limit))
    index = where.search_index if isinstance(where, InventorySnapshot) else SearchIndex(_groups(where))
    return list(islice(index.ranked(needles), limit))


def search_frame(where: InventorySnapshot | Sequence[RoleAssignment], words: str | Sequence[str]) -> pd.DataFrame:
    """What `search` finds, as a table.

    Returns:
        DataFrame: account_id, account_name, email_address, role_name (strings; name and email may be missing). Of a
        snapshot, ``attrs`` are the snapshot's.
    """
    if isinstance(where, InventorySnapshot) and not _needles(words):
        return where.frame()  # a fifth of the time of the way over rows
    frame = rows_frame(search(where, words))
    if isinstance(where, InventorySnapshot):
        frame.attrs = where.attrs
    return frame


def search_accounts(accounts: Sequence[Account], words: str | Sequence[str]) -> list[Account]:
    """The accounts in which every word stands, in id, name or address, case ignored, best first; see `search`."""
    needles = _needles(words)
    if not needles:
        return list(accounts)
    nowhere = ("",)  # one row an account, with a role in which no word stands
    return [row.account for row in SearchIndex((account, nowhere) for account in accounts).ranked(needles)]


def _needles(words: str | Sequence[str]) -> list[str]:
    return [fold(word) for word in (words.split() if isinstance(words, str) else words) if word.strip()]


def _groups(rows: Iterable[RoleAssignment]) -> Iterator[tuple[Account, tuple[str, ...]]]:
    for account, group in groupby(rows, lambda row: row.account):
        yield account, tuple(row.role_name for row in group)
