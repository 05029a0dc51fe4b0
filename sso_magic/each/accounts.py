"""Which accounts: those that the words select, or that are named, and in which the role is granted."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common import locks
from sso_magic.each.here import EachAccount
from sso_magic.errors import AccountNotFound, RoleNotFound, UsageError
from sso_magic.inventory import Account, find_role, nothing_contains
from sso_magic.inventory.search import search_accounts

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import InventorySnapshot

FEW = 10  # named accounts whose roles are asked for one by one where no inventory is at hand


@dataclass(slots=True, eq=False)
class Job:
    """One account in which the work is to be done.

    Attributes:
        account: The account.
        role_name: The role.
        label: What stands before the lines that it prints.
        ticket: What it is known by to whoever runs it; unguessable, for keys are given out for it.
        wake: Set when whoever waits for it has something to look at.
        stopped: Whether that is that it was stopped.
        asked: By whom its credentials were asked for meanwhile.
    """

    account: EachAccount
    role_name: str
    label: str
    ticket: str = field(default_factory=lambda: secrets.token_hex(16))
    wake: threading.Event = field(default_factory=locks.Event)
    stopped: bool = False
    asked: deque[str] = field(default_factory=deque)


class Selection(NamedTuple):
    """What the role and the words, or the named accounts, come to.

    Attributes:
        jobs: An account each, in the order of the inventory or in that of the named accounts.
        role_name: The role, by its whole name.
        without_role: How many accounts were left out because the role is not granted there.
        unknown: Accounts whose roles could not be listed, and why.
    """

    jobs: list[Job]
    role_name: str
    without_role: int = 0
    unknown: tuple[tuple[Account, str], ...] = ()

    def frame(self) -> pd.DataFrame:
        """The accounts, as ``--dry-run`` shows them.

        Returns:
            DataFrame: account_id, account_name, email_address, role_name (strings; name and email may be missing).
        """
        from sso_magic.inventory.snapshot import Role, rows_frame

        return rows_frame([Role(*_columns(job.account), job.role_name) for job in self.jobs])


def select(
    center: IdentityCenter, role: str, words: str | Sequence[str] = "", accounts: Any = None, *, progress: bool = False
) -> Selection:
    """Finds the accounts.

    Args:
        center: Whose accounts.
        role: The role's name, or a part that fits one role alone.
        words: Only accounts that have all these words in their id, name or email.
        accounts: Only these: ids or names, one or many, or a DataFrame with ``account_id``. None: all.
        progress: Whether to show how far the listing of accounts is, if they have to be listed.

    Raises:
        RoleNotFound: There is no such role in any of the accounts.
        AccountNotFound: A named account does not exist, or no account is left.
        UsageError: What names the accounts cannot be read.
    """
    named = None if accounts is None else _named(center, accounts)
    snapshot = _inventory(center, named, progress=progress)
    try:
        role_name = _role_name(snapshot, role)
    except RoleNotFound as error:
        from sso_magic.magics.suggestions import swapped_in_each

        raise swapped_in_each(error, center, role, words if isinstance(words, str) else " ".join(words)) from None
    chosen = snapshot.accounts if named is None else named
    if words:
        fitting = {account.account_id for account in search_accounts(chosen, words)}
        chosen = tuple(account for account in chosen if account.account_id in fitting)
    granted = [account for account in chosen if role_name in snapshot.roles.get(account.account_id, ())]
    unknown = tuple(
        (account, snapshot.errors[account.account_id]) for account in chosen if account.account_id in snapshot.errors
    )
    if not granted and not unknown and named != ():
        raise AccountNotFound(_none_left(role_name, words, snapshot.accounts, len(chosen)))
    return Selection(_jobs(granted, role_name), role_name, len(chosen) - len(granted) - len(unknown), unknown)


def _inventory(center: IdentityCenter, named: tuple[Account, ...] | None, *, progress: bool) -> InventorySnapshot:
    """Accounts and roles: those cached if they are young, else asked for."""
    from sso_magic.inventory import InventorySnapshot, TqdmProgress

    directory = center.directory
    cached = None if directory.is_stale else directory.cached()
    if cached is not None and _covers(cached, named):
        return cached
    if named is not None and len(named) <= FEW:
        roles = {account.account_id: directory.roles(account.account_id, max_age=directory.max_age)
                 for account in named}  # fmt: skip
        return InventorySnapshot(named, roles)
    return directory.fetch(progress=TqdmProgress(summary=False) if progress else None)


def _covers(snapshot: InventorySnapshot, named: tuple[Account, ...] | None) -> bool:
    return named is None or all(
        account.account_id in snapshot.roles or account.account_id in snapshot.errors for account in named
    )


def _role_name(snapshot: InventorySnapshot, role: str) -> str:
    names = sorted({name for names in snapshot.roles.values() for name in names})
    if not names and not snapshot.accounts:
        return role.strip()
    where = Account("", f"your {len(snapshot.accounts):,} account{'' if len(snapshot.accounts) == 1 else 's'}")
    return find_role(where, names, role)


def _none_left(role_name: str, words: str | Sequence[str], accounts: Sequence[Account], chosen: int) -> str:
    if not chosen and words:
        return nothing_contains(accounts, words)
    contain = "account that contains" if chosen == 1 else "accounts that contain"
    which = f"the {chosen:,} {contain} the words" if words else "any of these accounts"
    return f"{role_name} is not granted to you in {which}. %sso_roles lists your roles."


def _jobs(accounts: Iterable[Account], role_name: str) -> list[Job]:
    chosen = list(accounts)
    counts = Counter(account.label for account in chosen)
    return [
        Job(
            EachAccount(*_columns(account)),
            role_name,
            account.label if counts[account.label] == 1 else f"{account.label} ({account.account_id})",
        )
        for account in chosen
    ]


def _columns(account: Account) -> tuple[str, str | None, str | None]:
    return (account.account_id, account.account_name, account.email_address)


def _named(center: IdentityCenter, accounts: Any) -> tuple[Account, ...]:
    texts = list(_texts(accounts))
    if texts and center.directory.cached_accounts() is None:
        center.directory.accounts()  # 12 digits alone would be found without their name
    found = {account.account_id: account for account in map(center.find_account, texts)}
    return tuple(found.values())


def _texts(accounts: Any) -> Iterator[str]:
    """The ids or names in whatever holds them."""
    if isinstance(accounts, (str, int, Account)):
        accounts = [accounts]
    if hasattr(accounts, "columns"):
        if "account_id" not in accounts.columns:
            raise UsageError("The DataFrame that names the accounts has no column account_id.")
        accounts = accounts["account_id"]
    try:
        items = list(accounts)
    except TypeError:
        raise UsageError(
            f"Accounts are ids or names, or a DataFrame with account_id, not {type(accounts).__name__}."
        ) from None
    for item in items:
        if isinstance(item, Account):
            yield item.account_id
        elif isinstance(item, str):
            yield item
        elif isinstance(item, dict) and isinstance(item.get("account_id"), str):
            yield item["account_id"]  # a row of `attrs["errors"]`
        else:
            yield _digits(item)


def _digits(item: Any) -> str:
    """The id that a table without string types has made a number of."""
    try:
        return f"{int(item):012}"
    except (TypeError, ValueError):
        raise UsageError(f"{item!r} is neither the id nor the name of an account.") from None
