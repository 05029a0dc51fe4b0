"""`Directory`, the organization behind the portal: accounts, users, and who is assigned which role where."""

from __future__ import annotations

import itertools
import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sso_magic.local.errors import KnobError, NoSuchUser
from sso_magic.local.policies import is_policy

if TYPE_CHECKING:
    from typing_extensions import Self

_serials = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """An AWS account: 12 digits, and a name and e-mail address that may be missing."""

    id: str
    name: str | None = None
    email: str | None = None
    buckets: tuple[str, ...] | None = None  # empty ones; None: those of the sample, with something in them

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{12}", self.id):
            raise KnobError(f"An account's id is 12 digits, as text, not {self.id!r}.")

    @property
    def slug(self) -> str:
        """Return the account's name with the characters that a bucket's name allows; its ID if none is left."""
        ascii_name = unicodedata.normalize("NFKD", self.name or "").encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40] or self.id


@dataclass(frozen=True)
class User:
    """A person who signs in. There are no passwords: this is a toy on loopback."""

    name: str
    display_name: str
    email: str


@dataclass(frozen=True)
class PermissionSet:
    """A role that can be assigned, and its policies: ARNs of managed ones, and the text of an inline one."""

    name: str
    managed_policies: tuple[str, ...] = ()
    description: str = ""
    inline_policy: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w+=,.@-]{1,32}", self.name, re.ASCII):
            raise KnobError(f"A permission set's name is 1 to 32 letters, digits and +=,.@-_, not {self.name!r}.")
        if self.inline_policy and not is_policy(self.inline_policy):
            raise KnobError(f"The inline policy of {self.name} is not a valid policy document.")


@dataclass(frozen=True)
class Assignment:
    """A role that a user or the members of a group have in an account."""

    kind: Literal["USER", "GROUP"]
    principal: str
    account_id: str
    role: str


class Directory:
    """Accounts, users and assignments. All of it can be changed while the portal serves it.

    `version` grows with every change: it tells the portal when what it made of the old state is stale. `ids` has the
    identifiers that the administrator's APIs gave to what was created through them; see `identifier`.
    """

    def __init__(self) -> None:
        self.version = 0
        self._serial = next(_serials)
        self._accounts: dict[str, Account] = {}
        self._users: dict[str, User] = {}
        self._assignments: dict[str, dict[str, tuple[str, ...]]] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        self._group_assignments: dict[str, dict[str, tuple[str, ...]]] = {}
        self._permission_sets: dict[str, PermissionSet] = {}
        self.ids: dict[tuple[str, ...], str] = {}

    def copy(self) -> Self:
        """One that can be changed without changing this one."""
        other = type(self)()
        vars(other).update(
            _accounts=dict(self._accounts),
            _users=dict(self._users),
            _assignments={user: dict(assigned) for user, assigned in list(self._assignments.items())},
            _groups=dict(self._groups),
            _group_assignments={group: dict(assigned) for group, assigned in list(self._group_assignments.items())},
            _permission_sets=dict(self._permission_sets),
            ids=dict(self.ids),
        )
        return other

    @property
    def state(self) -> tuple[int, int]:
        """What is another one after every change, and in every other organization of this process."""
        return self._serial, self.version

    @property
    def accounts(self) -> list[Account]:
        """Every account, in the order in which they were added."""
        return list(self._accounts.values())

    @property
    def users(self) -> list[User]:
        """Every user; the first is the default one."""
        return list(self._users.values())

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Every group with the names of its members."""
        return dict(self._groups)

    @property
    def management_account(self) -> Account | None:
        """The account whose roles administer the organization: the first."""
        return next(iter(self._accounts.values()), None)

    @property
    def assignments(self) -> list[Assignment]:
        """Every assignment, each role on its own, those of users before those of groups."""
        kinds: list[tuple[Literal["USER", "GROUP"], dict[str, dict[str, tuple[str, ...]]]]] = [
            ("USER", self._assignments),
            ("GROUP", self._group_assignments),
        ]
        return [
            Assignment(kind, principal, account_id, role)
            for kind, assignments in kinds
            for principal, assigned in list(assignments.items())
            for account_id, roles in list(assigned.items())
            for role in roles
        ]

    def identifier(self, kind: str, *names: str) -> str:
        """Return the identifier of a thing in the administrator's APIs.

        It is the one that the API gave, else one that is the same for the same names in every organization.
        """
        known = self.ids.get((kind, *names))
        return known or str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("sso-magic", kind, *names))))

    @property
    def permission_sets(self) -> list[PermissionSet]:
        """Every permission set that was added; an assigned role need not be one of them."""
        return list(self._permission_sets.values())

    def permission_set(self, name: str) -> PermissionSet:
        """Return the permission set of this name, one without policies if it was not added."""
        return self._permission_sets.get(name) or PermissionSet(name)

    def account(self, account_id: str) -> Account | None:
        """The account of this id, if there is one."""
        return self._accounts.get(account_id)

    def user(self, name: str | None = None) -> User:
        """The user of this name; the first one, if no name is given.

        Raises:
            NoSuchUser: the organization has no such user; the message lists those it has.
        """
        if name is None and self._users:
            return next(iter(self._users.values()))
        if name is None or name not in self._users:
            raise NoSuchUser(f"There is no user {name!r} in this organization. Users: {', '.join(self._users)}.")
        return self._users[name]

    def add_user(self, name: str, display_name: str | None = None, email: str | None = None) -> User:
        """Adds a user who is assigned nothing yet."""
        user = User(name, display_name or name.title(), f"{name}@example.com" if email is None else email)
        self._users = {**self._users, name: user}
        self.version += 1
        return user

    def remove_user(self, name: str) -> None:
        """Remove the user, also from every group, and withdraw their assignments.

        Raises:
            NoSuchUser: The organization has no such user.
        """
        self.user(name)
        self._users = {other: user for other, user in self._users.items() if other != name}
        self._groups = {
            group: tuple(member for member in members if member != name) for group, members in self._groups.items()
        }
        self._assignments.pop(name, None)
        self._forget("user", name)

    def add_group(self, name: str, *members: str) -> None:
        """Add a group of these users, or replace its members.

        Raises:
            NoSuchUser: The organization has no such user.
        """
        for member in members:
            self.user(member)
        self._groups[name] = tuple(dict.fromkeys(members))
        self.version += 1

    def remove_group(self, name: str) -> None:
        """Remove the group, and withdraw what its members had by it."""
        self._groups.pop(name, None)
        self._group_assignments.pop(name, None)
        self._forget("group", name)

    def remove_permission_set(self, name: str) -> None:
        """Remove the permission set. Where it is assigned, it is one without policies from now on."""
        self._permission_sets.pop(name, None)
        self._forget("permission set", name)

    def add_permission_set(
        self, name: str, *managed_policies: str, description: str = "", inline_policy: str = ""
    ) -> PermissionSet:
        """Add a permission set, or replace its policies."""
        added = self._permission_sets[name] = PermissionSet(name, managed_policies, description, inline_policy)
        self.version += 1
        return added

    def add_account(
        self,
        account_id: str,
        name: str | None = None,
        email: str | None = None,
        buckets: tuple[str, ...] | None = None,
    ) -> Account:
        """Adds an account that nobody is assigned yet, or replaces what is known of it."""
        account = self._accounts[account_id] = Account(account_id, name, email, buckets)
        self.version += 1
        return account

    def remove_account(self, account_id: str) -> None:
        """Closes the account and withdraws every assignment in it."""
        self._accounts.pop(account_id, None)
        for assigned in (*self._assignments.values(), *self._group_assignments.values()):
            assigned.pop(account_id, None)
        self.version += 1

    def assign(self, user: str, account_id: str, *roles: str) -> None:
        """Assigns the user these roles in the account, beside those they have."""
        self.user(user)
        self._assign(self._assignments.setdefault(user, {}), account_id, roles)

    def assign_group(self, group: str, account_id: str, *roles: str) -> None:
        """Assigns the members of the group, also later ones, these roles in the account.

        Raises:
            KnobError: The organization has no such group or account.
        """
        if group not in self._groups:
            raise KnobError(f"There is no group {group!r} in this organization. Call add_group first.")
        self._assign(self._group_assignments.setdefault(group, {}), account_id, roles)

    def _assign(self, assigned: dict[str, tuple[str, ...]], account_id: str, roles: tuple[str, ...]) -> None:
        if account_id not in self._accounts:
            raise KnobError(f"There is no account {account_id} in this organization: add_account first.")
        assigned[account_id] = tuple(dict.fromkeys([*assigned.get(account_id, ()), *roles]))
        self.version += 1

    def withdraw(self, user: str, account_id: str, *roles: str) -> None:
        """Withdraws these roles, or all of the user's roles in the account if none is named."""
        self._withdraw(self._assignments.get(user, {}), account_id, roles)

    def withdraw_group(self, group: str, account_id: str, *roles: str) -> None:
        """Withdraw these roles of a group's members, or all that the group has in the account if none is named."""
        self._withdraw(self._group_assignments.get(group, {}), account_id, roles)

    def _withdraw(self, assigned: dict[str, tuple[str, ...]], account_id: str, roles: tuple[str, ...]) -> None:
        left = tuple(role for role in assigned.get(account_id, ()) if roles and role not in roles)
        if left:
            assigned[account_id] = left
        else:
            assigned.pop(account_id, None)
        self.version += 1

    def _forget(self, kind: str, name: str) -> None:
        """Forget the identifiers of what was removed and of its memberships."""
        place = {"group": 1, "user": 2}.get(kind)  # in the key of a membership
        self.ids = {
            key: value
            for key, value in self.ids.items()
            if key != (kind, name) and not (place and key[0] == "membership" and key[place] == name)
        }
        self.version += 1

    def accounts_of(self, user: str) -> list[Account]:
        """The accounts in which the user has a role, in the organization's order."""
        assigned = self._assigned(user)
        return [account for account in list(self._accounts.values()) if any(account.id in one for one in assigned)]

    def roles_of(self, user: str, account_id: str) -> tuple[str, ...]:
        """The user's roles in the account: permission sets' names, the user's own before those of groups."""
        return tuple(dict.fromkeys(role for one in self._assigned(user) for role in one.get(account_id, ())))

    def _assigned(self, user: str) -> list[dict[str, tuple[str, ...]]]:
        """Return what is assigned to the user and to the user's groups."""
        groups = [group for group, members in list(self._groups.items()) if user in members]
        found = [self._assignments.get(user), *(self._group_assignments.get(group) for group in groups)]
        return [one for one in found if one]
