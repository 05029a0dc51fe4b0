"""`Account` and `RoleAssignment`: the rows of the inventory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sso_magic.common.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account that the person signed in may reach.

    Attributes:
        account_id: 12 digits, as text: leading zeros count.
        account_name: Its name; None where the portal gives none.
        email_address: Its owner's address; None where the portal gives none.
    """

    account_id: str
    account_name: str | None = None
    email_address: str | None = None

    @property
    def label(self) -> str:
        """The word a person knows it by: its name, else its 12 digits."""
        return printable(self.account_name) if self.account_name else self.account_id


class RoleAssignment(NamedTuple):
    """A row of the inventory: a role (a permission set's name) in an account."""

    account_id: str
    account_name: str | None
    email_address: str | None
    role_name: str

    @property
    def account(self) -> Account:
        """The account it is in."""
        return Account(self.account_id, self.account_name, self.email_address)


def rows_of(account: Account, role_names: Iterable[str]) -> list[RoleAssignment]:
    """The rows of one account."""
    account_id, account_name, email_address = account.account_id, account.account_name, account.email_address
    make = tuple.__new__  # half the time of calling RoleAssignment, where there are 50,000
    return [make(RoleAssignment, (account_id, account_name, email_address, name)) for name in role_names]
