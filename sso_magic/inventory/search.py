"""Search in the inventory: all words, in any column, best first.

The same search stands behind ``%sso_inventory``, ``%sso_use``, completion and the panel, so it runs while a person
types: 50,000 rows within 20 ms. Each account and each role name is looked at once a word, not each row, and the texts
that are looked at are made once a snapshot.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby, islice
from typing import TYPE_CHECKING

from sso_magic.inventory.snapshot import InventorySnapshot, Role, rows_frame, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from sso_magic.inventory.snapshot import Account

# How well a word fits: it is a name, an id or a role; it begins one, begins a word in one, stands in one; or it stands
# in the address. Rows rank by the sum over the words.
WHOLE, BEGINNING, WORD, INSIDE, ADDRESS, NOWHERE = range(6)
_EDGE = "\n"  # around each column's text


def search(
    where: InventorySnapshot | Sequence[Role], words: str | Sequence[str], limit: int | None = None
) -> list[Role]:
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


def search_frame(where: InventorySnapshot | Sequence[Role], words: str | Sequence[str]) -> pd.DataFrame:
    """What `search` finds, as a table.

    Returns:
        DataFrame: account_id, account_name, email_address, role_name (strings; name and email may be missing). Of a
        snapshot, ``attrs`` has its ``errors`` and ``fetched_at``.
    """
    frame = rows_frame(search(where, words))
    if isinstance(where, InventorySnapshot):
        frame.attrs["errors"] = dict(where.errors)
        frame.attrs["fetched_at"] = where.fetched_at
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


def fold(text: str) -> str:
    """The text as it is compared: composed, without case."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).casefold()


class SearchIndex:
    """The texts of an inventory's rows, each once: of the accounts, of their addresses, of the role names.

    Args:
        groups: Accounts with the names of their roles, in the order of the rows.
    """

    def __init__(self, groups: Iterable[tuple[Account, tuple[str, ...]]]) -> None:
        self._groups = list(groups)
        self._rows: list[list[Role] | None] = [None] * len(self._groups)
        self._accounts = [
            f"{_EDGE}{fold(account.account_name or '')}{_EDGE}{account.account_id}{_EDGE}"
            for account, _ in self._groups
        ]
        self._addresses = [fold(account.email_address or "") for account, _ in self._groups]
        # Most accounts have the same few roles: each combination is numbered once.
        self._names = list(dict.fromkeys(name for names in {names for _, names in self._groups} for name in names))
        self._texts = [_between_edges(name) for name in self._names]

    def ranked(self, needles: Sequence[str]) -> Iterator[Role]:
        """The rows in which every folded word stands, best first."""
        in_accounts = zip(*(self._fits_account(needle) for needle in needles), strict=True)
        in_roles = dict(
            zip(self._names, zip(*(_fits(self._texts, word) for word in needles), strict=True), strict=True)
        )
        by_total: dict[tuple[tuple[int, ...], tuple[str, ...]], dict[int, list[int]]] = {}
        found: dict[int, list[tuple[int, list[int]]]] = {}  # by total: accounts, and which of their rows
        for number, (fits, (_, names)) in enumerate(zip(in_accounts, self._groups, strict=True)):
            key = (fits, names)
            places = by_total.get(key)
            if places is None:
                places = by_total[key] = _by_total(fits, names, in_roles)
            for total, fitting in places.items():
                found.setdefault(total, []).append((number, fitting))
        for total in sorted(found):
            for number, fitting in found[total]:
                rows = self._rows_of(number)
                yield from rows if len(fitting) == len(rows) else [rows[place] for place in fitting]

    def _rows_of(self, number: int) -> list[Role]:
        """The rows of an account, made when they are first found."""
        rows = self._rows[number]
        if rows is None:
            rows = self._rows[number] = rows_of(*self._groups[number])
        return rows

    def _fits_account(self, needle: str) -> list[int]:
        fits = _fits(self._accounts, needle)
        for number, address in enumerate(self._addresses):
            if needle in address and fits[number] == NOWHERE:
                fits[number] = ADDRESS
        return fits


def _between_edges(*columns: str) -> str:
    return f"{_EDGE}{fold(_EDGE.join(columns))}{_EDGE}"


def _fits(texts: Sequence[str], needle: str) -> list[int]:
    """How well the word fits each of the texts."""
    fits = [NOWHERE] * len(texts)
    whole, beginning = f"{_EDGE}{needle}{_EDGE}", f"{_EDGE}{needle}"
    begins_word = re.compile(rf"(?<![^\W_]){re.escape(needle)}").search
    for number in [number for number, text in enumerate(texts) if needle in text]:
        text = texts[number]
        if beginning in text:
            fits[number] = WHOLE if whole in text else BEGINNING
        else:
            fits[number] = WORD if begins_word(text) else INSIDE
    return fits


def _by_total(fits: Sequence[int], names: Sequence[str], in_roles: Mapping[str, Sequence[int]]) -> dict[int, list[int]]:
    """The places of the roles in which, or in whose account, every word stands, by how well the words fit."""
    by_total: dict[int, list[int]] = {}
    for place, name in enumerate(names):
        best = [min(pair) for pair in zip(fits, in_roles[name], strict=True)]
        if NOWHERE not in best:
            by_total.setdefault(sum(best), []).append(place)
    return by_total


def _groups(rows: Iterable[Role]) -> Iterator[tuple[Account, tuple[str, ...]]]:
    for account, group in groupby(rows, lambda row: row.account):
        yield account, tuple(row.role_name for row in group)
