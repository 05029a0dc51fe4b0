"""What is known so far, while it grows: a `Part`, and what it becomes, an `InventorySnapshot`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sso_magic.common.times import clock
from sso_magic.inventory.snapshot import InventorySnapshot, in_order, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pandas as pd

    from sso_magic.inventory.rows import Account


@dataclass(slots=True)
class Part:
    """Accounts and roles asked for since a moment; whole once every account was listed, and answered or failed.

    Attributes:
        started_at: When the oldest of it was asked for, UTC.
        accounts: By id, in the order they came, or, where `sorted_` says so, in the order they are shown.
        roles: Names of the roles by account id.
        errors: What went wrong, by account id.
        listed: Whether these are all the accounts there are.
        next_token: Where the list of accounts goes on.
    """

    started_at: datetime
    accounts: dict[str, Account] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    listed: bool = False
    next_token: str | None = None
    sorted_: bool = False

    @property
    def complete(self) -> bool:
        """Whether every account was listed, and answered or failed."""
        return self.listed and all(one in self.roles or one in self.errors for one in self.accounts)

    def copy(self) -> Part:
        """The same, that does not grow with this one."""
        return Part(
            self.started_at, dict(self.accounts), dict(self.roles), dict(self.errors), self.listed, self.next_token
        )

    def in_order(self) -> Part:
        """The same, its accounts in the order they are shown: what is sorted once need not be whenever it is read."""
        part = self.copy()
        part.accounts = {account.account_id: account for account in in_order(self.accounts.values())}
        part.sorted_ = True
        return part

    def snapshot(self) -> InventorySnapshot:
        """What a person sees of it."""
        return InventorySnapshot(
            accounts=tuple(self.accounts.values()) if self.sorted_ else in_order(self.accounts.values()),
            roles=dict(self.roles),
            errors=dict(self.errors),
            fetched_at=self.started_at,
            complete=self.complete,
        )

    def kept_words(self, until: datetime) -> str:
        """Return what an interrupted fetch has kept, and how to go on from there.

        Args:
            until: When it is too old for that.
        """
        so_far = "" if self.listed else " listed so far"
        return (
            f"The roles of {len(self.roles):,} of {len(self.accounts):,} accounts{so_far} are kept. Run it again "
            f"before {clock(until)} to go on from there."
        )


def laid_over(base: Part | None, newer: Part | None) -> Part | None:
    """What is known from both; where both know something, the newer one counts.

    Accounts that a newer, whole list of accounts does not have are gone.
    """
    if base is None or newer is None:
        return newer or base
    accounts = dict(newer.accounts) if newer.listed else {**base.accounts, **newer.accounts}
    roles = {**base.roles, **newer.roles}
    errors = {**{one: text for one, text in base.errors.items() if one not in newer.roles}, **newer.errors}
    return Part(
        started_at=min(base.started_at, newer.started_at),
        accounts=accounts,
        roles={one: names for one, names in roles.items() if one in accounts},
        errors={one: text for one, text in errors.items() if one in accounts},
        listed=base.listed or newer.listed,
    )


class Change(NamedTuple):
    """A role, or an account without one, that came or went between two whole fetches."""

    change: str  # "added" or "removed"
    account_id: str
    account_name: str | None
    role_name: str | None


def changes_between(before: Part, after: Part) -> list[Change]:
    """What was added and what was removed; nothing is said of accounts that failed in either."""
    return [*_beyond(before, after, "added"), *_beyond(after, before, "removed")]


def _beyond(less: Part, more: Part, change: str) -> Iterator[Change]:
    """What the second has and the first has not."""
    for account in in_order(more.accounts.values()):
        known = account.account_id in less.accounts
        if account.account_id in less.errors or account.account_id in more.errors:
            if not known:
                yield Change(change, account.account_id, account.account_name, None)
            continue
        names = more.roles.get(account.account_id, ())
        if not names and not known:
            yield Change(change, account.account_id, account.account_name, None)
        had = set(less.roles.get(account.account_id, ()))
        for name in names:
            if name not in had:
                yield Change(change, account.account_id, account.account_name, name)


def changes_frame(changes: Sequence[Change]) -> pd.DataFrame:
    """Changes as a table.

    Returns:
        DataFrame: change (``added`` or ``removed``), account_id, account_name, role_name (strings; the last two may be
        missing).
    """
    from itertools import chain

    from sso_magic.common.escaped_frame import frame_class

    columns = zip(*changes, strict=True) if changes else ((),) * len(Change._fields)
    frame: pd.DataFrame = frame_class(chain.from_iterable(changes))(
        dict(zip(Change._fields, map(strings, columns), strict=True))
    )
    return frame
