"""What is known of an organization at one moment: accounts, the roles in them, and what could not be had.

An `InventorySnapshot` never changes, so that a cell, the panel and a refresh behind them can share one. Its tables have
string columns whatever is in them, also when they are empty; a name or an email that the portal left out is missing
(``pandas.NA``), not an empty string.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

from sso_magic.inventory.rows import Account, RoleAssignment, rows_of
from sso_magic.inventory.search_index import SearchIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pandas as pd


@dataclass(frozen=True)
class InventorySnapshot:
    """Accounts and roles, as far as they are known.

    Attributes:
        accounts: By name, then by id.
        roles: Names of the roles by account id; an account that is not in it has not been asked yet, or failed.
        errors: What went wrong, by account id.
        fetched_at: When the oldest of it was asked for, UTC; None where nothing was.
        complete: Whether every account was listed, and answered or failed.
    """

    accounts: tuple[Account, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    fetched_at: datetime | None = None
    complete: bool = False

    @property
    def attrs(self) -> dict[Any, Any]:
        """What goes with a table of it: ``errors`` (text by account id), ``fetched_at`` (text, ISO 8601, UTC; or None).

        Text, for pandas writes the attributes of a table into Parquet as JSON.
        """
        return {"errors": dict(self.errors), "fetched_at": self.fetched_at.isoformat() if self.fetched_at else None}

    def rows(self) -> Iterator[RoleAssignment]:
        """Every role in every account, in the order of the accounts."""
        for account in self.accounts:
            yield from rows_of(account, self.roles.get(account.account_id, ()))

    @cached_property
    def search_index(self) -> SearchIndex:
        """The texts that search looks at, made once."""
        return SearchIndex((account, self.roles.get(account.account_id, ())) for account in self.accounts)

    def frame(self) -> pd.DataFrame:
        """Accounts x roles.

        Returns:
            DataFrame: account_id, account_name, email_address, role_name (strings; name and email may be missing).
            Its ``attrs`` are those of this snapshot.
        """
        import numpy as np

        names = {name: index for index, name in enumerate(sorted({n for roles in self.roles.values() for n in roles}))}
        per_account = [self.roles.get(account.account_id, ()) for account in self.accounts]
        which = np.repeat(np.arange(len(self.accounts)), [len(roles) for roles in per_account])
        codes = np.fromiter((names[name] for roles in per_account for name in roles), dtype=np.intp, count=len(which))
        columns = {name: column.take(which) for name, column in self._account_columns().items()}
        columns["role_name"] = strings(names).take(codes)
        return self._table(columns)

    def accounts_frame(self) -> pd.DataFrame:
        """The accounts.

        Returns:
            DataFrame: account_id, account_name, email_address (strings; name and email may be missing), and ``attrs``
            as in `frame`.
        """
        return self._table(self._account_columns())

    def roles_frame(self, account: Account | str | None = None) -> pd.DataFrame:
        """The roles of one account, or of all.

        Args:
            account: An account or its id.

        Returns:
            DataFrame: account_id, account_name, role_name (strings; the name may be missing), and ``attrs`` as in
            `frame`.
        """
        if account is not None:
            account_id = account if isinstance(account, str) else account.account_id
            return self.only([account_id]).roles_frame()
        frame: pd.DataFrame = self.frame().drop(columns="email_address")
        return frame

    def only(self, account_ids: Iterable[str]) -> InventorySnapshot:
        """The part of it that is about these accounts."""
        wanted = set(account_ids)
        return InventorySnapshot(
            accounts=tuple(account for account in self.accounts if account.account_id in wanted),
            roles={account_id: roles for account_id, roles in self.roles.items() if account_id in wanted},
            errors={account_id: error for account_id, error in self.errors.items() if account_id in wanted},
            fetched_at=self.fetched_at,
            complete=self.complete,
        )

    def _account_columns(self) -> dict[str, pd.api.extensions.ExtensionArray]:
        return {
            "account_id": strings(account.account_id for account in self.accounts),
            "account_name": strings(account.account_name for account in self.accounts),
            "email_address": strings(account.email_address for account in self.accounts),
        }

    def _texts(self) -> Iterator[str | None]:
        for account in self.accounts:
            yield from (account.account_id, account.account_name, account.email_address)
        for names in {id(names): names for names in self.roles.values()}.values():
            yield from names

    def _table(self, columns: dict[str, pd.api.extensions.ExtensionArray]) -> pd.DataFrame:
        from sso_magic.common.escaped_frame import frame_class

        frame: pd.DataFrame = frame_class(self._texts())(columns)
        frame.attrs = self.attrs
        return frame


def accounts_of(ids: Sequence[str], names: Sequence[str | None], addresses: Sequence[str | None]) -> list[Account]:
    """Return the accounts whose attributes are in these columns, of one length.

    The columns are put in the slots of empty objects by functions in C: a frozen dataclass takes five times as long to
    make, which is half of the time in which 10,000 accounts are read.

    Raises:
        ValueError: The columns are of different lengths.
    """
    if not len(ids) == len(names) == len(addresses):
        raise ValueError("columns of different lengths")
    made = list(map(object.__new__, repeat(Account, len(ids))))
    for slot, column in (("account_id", ids), ("account_name", names), ("email_address", addresses)):
        deque(map(vars(Account)[slot].__set__, made, column), maxlen=0)
    return made


def rows_frame(rows: Sequence[RoleAssignment]) -> pd.DataFrame:
    """Rows as the table `InventorySnapshot.frame` gives, in their own order.

    Returns:
        DataFrame: account_id, account_name, email_address, role_name (strings; name and email may be missing).
    """
    from itertools import chain

    from sso_magic.common.escaped_frame import frame_class

    columns = zip(*rows, strict=True) if rows else ((),) * len(RoleAssignment._fields)
    frame: pd.DataFrame = frame_class(chain.from_iterable(rows))(
        dict(zip(RoleAssignment._fields, map(strings, columns), strict=True))
    )
    return frame


def in_order(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """By name (case ignored), those without one last, then by id."""
    return tuple(sorted(accounts, key=_order))


def _order(account: Account) -> tuple[bool, str, str]:
    name = account.account_name
    return (not name, name.casefold() if name else "", account.account_id)


def strings(values: Iterable[str | None]) -> pd.api.extensions.ExtensionArray:
    """A column of strings, of which some may be missing."""
    import pandas as pd

    return pd.array(list(values), dtype="string")
