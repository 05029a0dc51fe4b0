"""`SearchIndex`: the texts of an inventory's rows, and the ranking of the rows that contain all words."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from sso_magic.inventory.rows import RoleAssignment, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sso_magic.inventory.rows import Account

# How well a word matches: it is a name, an ID or a role; it is the beginning of one, the beginning of a word in one, or
# inside one; or it is in the address. Rows rank by the sum over the words.
WHOLE, BEGINNING, WORD, INSIDE, ADDRESS, NOWHERE = range(6)


_EDGE = "\n"  # around each column's text


def fold(text: str) -> str:
    """The text as it is compared: composed, without case."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).casefold()


class SearchIndex:
    """The texts of an inventory's rows, each once: of the accounts with their addresses, of the role names.

    Args:
        groups: Accounts with the names of their roles, in the order of the rows.
    """

    def __init__(self, groups: Iterable[tuple[Account, tuple[str, ...]]]) -> None:
        self._groups = list(groups)
        self._rows: list[list[RoleAssignment] | None] = [None] * len(self._groups)
        accounts = [account for account, _ in self._groups]
        self._texts = [_text(account.account_name or "", account.account_id) for account in accounts]
        self._addresses = [fold(account.email_address or "") for account in accounts]
        # Most accounts have the same few roles, in one and the same tuple.
        combinations = {id(names): names for _, names in self._groups}
        self._names = list(dict.fromkeys(name for names in combinations.values() for name in names))
        self._texts_of_names = [_text(name) for name in self._names]

    def ranked(self, needles: Sequence[str]) -> Iterator[RoleAssignment]:
        """The rows in which every folded word stands, best first."""
        in_accounts = [self._fits_accounts(needle) for needle in needles]
        in_names = [_fits(self._texts_of_names, needle) for needle in needles]
        # A word that no role's name contains must be in the account's texts: most accounts are out at once.
        needed = [
            fits for fits, names in zip(in_accounts, in_names, strict=True) if min(names, default=NOWHERE) == NOWHERE
        ]
        candidates: Iterable[int] = range(len(self._groups))
        for fits_of in needed:
            candidates = [number for number in candidates if fits_of[number] != NOWHERE]
        of_name = dict(zip(self._names, zip(*in_names, strict=True), strict=True))
        fits = list(zip(*in_accounts, strict=True))
        found = self._by_total(candidates, fits, of_name)
        for total in sorted(found):
            for number, fitting in found[total]:
                rows = self._rows_of(number)
                yield from rows if len(fitting) == len(rows) else [rows[place] for place in fitting]

    def _fits_accounts(self, needle: str) -> list[int]:
        fits = _fits(self._texts, needle)
        for number in [number for number, address in enumerate(self._addresses) if needle in address]:
            fits[number] = min(fits[number], ADDRESS)
        return fits

    def _by_total(
        self, candidates: Iterable[int], fits: Sequence[tuple[int, ...]], of_name: Mapping[str, Sequence[int]]
    ) -> dict[int, list[tuple[int, list[int]]]]:
        """By how well the words fit: accounts, and which of their rows."""
        totals = {one: _totals(one, of_name) for one in set(fits)}  # by the fits of an account: of each role's name
        places: dict[tuple[int, ...], dict[int, dict[int, list[int]]]] = {one: {} for one in totals}
        found: dict[int, list[tuple[int, list[int]]]] = {}
        for number in candidates:
            fits_here, names = fits[number], self._groups[number][1]
            by_total = places[fits_here].get(id(names))
            if by_total is None:
                by_total = places[fits_here][id(names)] = _places(names, totals[fits_here])
            for total, fitting in by_total.items():
                found.setdefault(total, []).append((number, fitting))
        return found

    def _rows_of(self, number: int) -> list[RoleAssignment]:
        """The rows of an account, made when they are first found."""
        rows = self._rows[number]
        if rows is None:
            rows = self._rows[number] = rows_of(*self._groups[number])
        return rows


def _text(*columns: str) -> str:
    return fold(f"{_EDGE}{_EDGE.join(columns)}{_EDGE}")


def _fits(texts: Sequence[str], needle: str) -> list[int]:
    """How well the word fits each of the texts."""
    fits = [NOWHERE] * len(texts)
    whole, beginning = f"{_EDGE}{needle}{_EDGE}", f"{_EDGE}{needle}"
    for number in [number for number, text in enumerate(texts) if needle in text]:
        text = texts[number]
        if beginning in text:
            fits[number] = WHOLE if whole in text else BEGINNING
        else:
            fits[number] = WORD if _begins_word(needle, text) else INSIDE
    return fits


def _begins_word(needle: str, text: str) -> bool:
    """Return True if the text contains it after a character that is no letter or digit; faster than a pattern."""
    place = text.find(needle)
    while place > 0:
        if not text[place - 1].isalnum():
            return True
        place = text.find(needle, place + 1)
    return False


def _totals(of_account: Sequence[int], of_name: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """How well the words fit a row of an account, by the role's name; without those in which one stands nowhere."""
    best = {name: [min(pair) for pair in zip(of_account, fits, strict=True)] for name, fits in of_name.items()}
    return {name: sum(fits) for name, fits in best.items() if NOWHERE not in fits}


def _places(names: Sequence[str], total_of: Mapping[str, int]) -> dict[int, list[int]]:
    """The places of the names that have a total, by it."""
    by_total: dict[int, list[int]] = {}
    for place, name in enumerate(names):
        if name in total_of:
            by_total.setdefault(total_of[name], []).append(place)
    return by_total
