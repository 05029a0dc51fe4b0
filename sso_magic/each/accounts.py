"""Which accounts a run is for: those that contain the words, or that are named, and that grant a role."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks
from sso_magic.each.here import EachAccount
from sso_magic.errors import AccountNotFound, RoleNotFound, UsageError
from sso_magic.inventory import Account, find_role, nothing_contains
from sso_magic.inventory.search import search_accounts

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from sso_magic.each.center import Center
    from sso_magic.each.task import Failure
    from sso_magic.inventory import InventorySnapshot

FEW = 10  # named accounts whose roles are asked for one by one where no inventory is at hand


@dataclass(slots=True, eq=False)
class Job:
    """One account, or one region of it, in which the work is to be done.

    Attributes:
        account: The account.
        role_name: The role.
        label: What its printed lines begin with.
        region: The region; None if the run has no list of regions.
        ticket: Its identifier in other processes; unguessable, because credentials are given out for it.
        wake: Set when the waiting thread has something to look at.
        stopped: True if `wake` was set because the job was stopped.
        asked: Addresses of the workers that wait for its credentials.
    """

    account: EachAccount
    role_name: str
    label: str
    region: str | None = None
    ticket: str = field(default_factory=lambda: secrets.token_hex(16))
    wake: threading.Event = field(default_factory=locks.Event)
    stopped: bool = False
    asked: deque[str] = field(default_factory=deque)

    @property
    def key(self) -> tuple[str, str | None]:
        """What identifies it among the jobs of a run, also in another kernel."""
        return (self.account.account_id, self.region)

    def in_region(self, region: str) -> Job:
        """Return a job in one region of the account."""
        return Job(self.account, self.role_name, f"{self.label} {region}", region)


@dataclass(frozen=True, slots=True)
class Selection:
    """The accounts that a role and words, or named accounts, select.

    Attributes:
        jobs: One for each account, or for each region of one, in the order of the inventory or of the named accounts.
        role_names: The roles in order of preference, by their whole names.
        without_role: How many accounts were left out because they grant none of the roles.
        unknown: Accounts whose roles could not be listed, and why.
        excluded: How many accounts were left out because they were excluded.
        unmatched: What no account contains, of what was to be excluded.
        not_granted: Of several roles those that no account grants, as they were typed.
        has_regions: Whether the jobs are in regions.
        not_enabled: How many regions were skipped because their account has not enabled them.
        without_regions: Jobs of accounts whose enabled regions could not be listed, and why.
    """

    jobs: list[Job]
    role_names: tuple[str, ...]
    without_role: int = 0
    unknown: tuple[tuple[Account, str], ...] = ()
    excluded: int = 0
    unmatched: tuple[str, ...] = ()
    not_granted: tuple[str, ...] = ()
    has_regions: bool = False
    not_enabled: int = 0
    without_regions: tuple[tuple[Job, Failure], ...] = ()

    @property
    def role_name(self) -> str:
        """The roles as a sentence names them."""
        return " or ".join(self.role_names)

    @property
    def accounts(self) -> int:
        """How many accounts the jobs are in."""
        return len({job.account.account_id for job in self.jobs})

    @property
    def regions(self) -> int:
        """How many different regions the jobs are in."""
        return len({job.region for job in self.jobs})

    def frame(self) -> pd.DataFrame:
        """Return the accounts, as ``--dry-run`` shows them.

        Returns:
            DataFrame: account_id, account_name, email_address, role_name, and region if the jobs are in regions
            (strings; name and email may be missing).
        """
        from sso_magic.inventory.rows import RoleAssignment
        from sso_magic.inventory.snapshot import rows_frame, strings

        frame = rows_frame([RoleAssignment(*_columns(job.account), job.role_name) for job in self.jobs])
        if self.has_regions:
            frame["region"] = strings(job.region for job in self.jobs)
        return frame

    def with_jobs(self, jobs: list[Job]) -> Selection:
        """Return the same selection with these jobs."""
        return replace(self, jobs=jobs)


def select(
    center: Center,
    role: str | Sequence[str],
    words: str | Sequence[str] = "",
    accounts: Any = None,
    *,
    exclude: str | Sequence[str] = (),
    progress: bool = False,
) -> Selection:
    """Find the accounts.

    Args:
        center: The Identity Center.
        role: The role's name, or a part that matches one role only. Several, in a list or with commas between them:
            each account's is the first that it grants.
        words: Only accounts that contain all of these words in their id, name or email.
        accounts: Only these: ids or names, one or many, or a DataFrame with ``account_id``. None: all.
        exclude: Leave out accounts that contain all words of this text, or of one of these texts.
        progress: Whether to show how far the listing of accounts is, if they have to be listed.

    Raises:
        RoleNotFound: No account grants such a role.
        AccountNotFound: A named account does not exist, or no account is left.
        UsageError: The value that names the accounts cannot be read.
    """
    named = None if accounts is None else _named(center, accounts)
    snapshot = _inventory(center, named, progress=progress)
    try:
        role_names, not_granted = _role_names(snapshot, role)
    except RoleNotFound as error:
        from sso_magic.inventory.suggestions import swapped_in_each

        text = words if isinstance(words, str) else " ".join(words)
        raise swapped_in_each(
            error, center.directory, role if isinstance(role, str) else ",".join(role), text
        ) from None
    chosen = tuple(snapshot.accounts if named is None else named)
    if words:
        chosen = _only(chosen, {account.account_id for account in search_accounts(chosen, words)})
    excluded, unmatched = _excluded(chosen, [exclude] if isinstance(exclude, str) else exclude)
    if excluded and len(excluded) == len(chosen):
        raise AccountNotFound(f"All {len(chosen):,} accounts are excluded. Exclude less, or select other accounts.")
    chosen = tuple(account for account in chosen if account.account_id not in excluded)
    granted = [(account, name) for account in chosen for name in _first(role_names, snapshot, account)]
    unknown = tuple(
        (account, snapshot.errors[account.account_id]) for account in chosen if account.account_id in snapshot.errors
    )
    if not granted and not unknown and named != ():
        raise AccountNotFound(_none_left(" or ".join(role_names), words, snapshot.accounts, len(chosen)))
    return Selection(
        _jobs(granted),
        role_names,
        len(chosen) - len(granted) - len(unknown),
        unknown,
        excluded=len(excluded),
        unmatched=unmatched,
        not_granted=not_granted,
    )


def _only(accounts: Iterable[Account], ids: set[str]) -> tuple[Account, ...]:
    return tuple(account for account in accounts if account.account_id in ids)


def _excluded(accounts: Sequence[Account], texts: Sequence[str]) -> tuple[set[str], tuple[str, ...]]:
    """Return the ids of the accounts that contain one of the texts, and the texts that no account contains."""
    found: set[str] = set()
    unmatched = []
    for text in filter(str.strip, texts):
        ids = {account.account_id for account in search_accounts(accounts, text)}
        found |= ids
        if not ids:
            unmatched.append(text)
    return found, tuple(unmatched)


def _first(role_names: Sequence[str], snapshot: InventorySnapshot, account: Account) -> list[str]:
    """Return the account's role: the first of these that it grants; an empty list if it grants none."""
    granted = snapshot.roles.get(account.account_id, ())
    return [name for name in role_names if name in granted][:1]


def _inventory(center: Center, named: tuple[Account, ...] | None, *, progress: bool) -> InventorySnapshot:
    """Return accounts and roles: those cached if they are recent, else from the portal."""
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


def _role_names(snapshot: InventorySnapshot, role: str | Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the roles by their whole names, and those of several that no account grants, as they were typed."""
    names = sorted({name for names in snapshot.roles.values() for name in names})
    if isinstance(role, str):
        whole = role in names  # a role's name may have a comma
        typed = [role] if whole else [part.strip() for part in role.split(",") if part.strip()] or [role]
    else:
        typed = list(role)
    if not names and not snapshot.accounts:
        return tuple(text.strip() for text in typed), ()
    where = Account("", f"your {len(snapshot.accounts):,} account{'' if len(snapshot.accounts) == 1 else 's'}")
    found: dict[str, None] = {}
    errors: dict[str, RoleNotFound] = {}
    for text in typed:
        try:
            found[find_role(where, names, text)] = None
        except RoleNotFound as error:  # noqa: PERF203 - a few names
            errors[text] = error
    if not found:
        raise next(iter(errors.values()), UsageError("No role is named."))
    return tuple(found), tuple(errors)


def _none_left(role_name: str, words: str | Sequence[str], accounts: Sequence[Account], chosen: int) -> str:
    if not chosen and words:
        return nothing_contains(accounts, words)
    contain = "account that contains" if chosen == 1 else "accounts that contain"
    which = f"the {chosen:,} {contain} the words" if words else "any of these accounts"
    return f"{role_name} is not granted to you in {which}. %sso_roles lists your roles."


def _jobs(granted: Sequence[tuple[Account, str]]) -> list[Job]:
    counts = Counter(account.label for account, _ in granted)
    return [
        Job(
            EachAccount(*_columns(account)),
            role_name,
            account.label if counts[account.label] == 1 else f"{account.label} ({account.account_id})",
        )
        for account, role_name in granted
    ]


def _columns(account: Account) -> tuple[str, str | None, str | None]:
    return (account.account_id, account.account_name, account.email_address)


def _named(center: Center, accounts: Any) -> tuple[Account, ...]:
    texts = list(_texts(accounts))
    if texts and center.directory.cached_accounts() is None:
        center.directory.accounts()  # 12 digits alone would be found without their name
    found = {account.account_id: account for account in map(center.find_account, texts)}
    return tuple(found.values())


def _texts(accounts: Any) -> Iterator[str]:
    """Yield the ids or names in a value of any of the types that may name accounts."""
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
    """Return the id that a table without string types has made a number of."""
    try:
        return f"{int(item):012}"
    except (TypeError, ValueError):
        raise UsageError(f"{item!r} is neither the id nor the name of an account.") from None
