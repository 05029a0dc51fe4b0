"""An organization as plain values, and the difference between two of them as edits to be carried out on a third.

The administrator's APIs change moto's copy of the organization. What they changed is sent as edits to the process that
has the organization, where it may have been changed by other means since.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sso_magic.local.directory import Account, Assignment, PermissionSet, User
from sso_magic.local.errors import LocalError

if TYPE_CHECKING:
    from sso_magic.local.organization import Organization

Edit = tuple[Any, ...]  # the name of a function below, and its arguments


@dataclass
class Snapshot:
    """What an organization and the administrator's APIs both have.

    Attributes:
        users: By name.
        groups: Members' names by the group's name.
        accounts: By id; without buckets.
        permission_sets: By name; those that are assigned and were never added have no policies.
        assignments: Who has which role where.
        ids: Identifiers by kind and names, as in `Organization.ids`.
    """

    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    permission_sets: dict[str, PermissionSet] = field(default_factory=dict)
    assignments: dict[Assignment, None] = field(default_factory=dict)  # in their order
    ids: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def of(cls, organization: Organization) -> Snapshot:
        """Return the organization's."""
        assignments = dict.fromkeys(organization.assignments)
        names = [one.name for one in organization.permission_sets] + [one.role for one in assignments]
        return cls(
            {user.name: user for user in organization.users},
            organization.groups,
            {one.id: Account(one.id, one.name, one.email) for one in organization.accounts},
            {name: organization.permission_set(name) for name in names},
            assignments,
            dict(organization.ids),
        )


def edits(before: Snapshot, after: Snapshot) -> list[Edit]:
    """Return what turns one into the other."""
    found: list[Edit] = [("withdraw", one) for one in before.assignments if one not in after.assignments]
    found += [("remove_account", one) for one in before.accounts if one not in after.accounts]
    found += [("remove_permission_set", one) for one in before.permission_sets if one not in after.permission_sets]
    found += [("remove_group", one) for one in before.groups if one not in after.groups]
    found += [("remove_user", one) for one in before.users if one not in after.users]
    found += [("put_user", one) for name, one in after.users.items() if before.users.get(name) != one]
    found += [
        ("put_group", name, members)
        for name, members in after.groups.items()
        if name not in before.groups or set(before.groups[name]) != set(members)
    ]
    found += [("put_account", one) for name, one in after.accounts.items() if before.accounts.get(name) != one]
    found += [
        ("put_permission_set", one)
        for name, one in after.permission_sets.items()
        if before.permission_sets.get(name) != one
    ]
    found += [("assign", one) for one in after.assignments if one not in before.assignments]
    new = {key: value for key, value in after.ids.items() if before.ids.get(key) != value}
    return found + ([("identify", new)] if found and new else [])


def carry_out(organization: Organization, changes: list[Edit]) -> None:
    """Carry edits out; one that no longer makes sense, since its user has gone meanwhile, is left out."""
    for name, *arguments in changes:
        with contextlib.suppress(LocalError):
            _CARRY_OUT[name](organization, *arguments)


def _put_user(organization: Organization, user: User) -> None:
    organization.add_user(user.name, user.display_name, user.email)


def _put_group(organization: Organization, name: str, members: tuple[str, ...]) -> None:
    organization.add_group(name, *members)


def _put_account(organization: Organization, account: Account) -> None:
    """Add an account without buckets, as a new one has none; one that is there keeps what it has."""
    known = organization.account(account.id)
    organization.add_account(account.id, account.name, account.email, known.buckets if known is not None else ())


def _put_permission_set(organization: Organization, one: PermissionSet) -> None:
    organization.add_permission_set(
        one.name, *one.managed_policies, description=one.description, inline_policy=one.inline_policy
    )


def _assign(organization: Organization, one: Assignment) -> None:
    assign = organization.assign if one.kind == "USER" else organization.assign_group
    assign(one.principal, one.account_id, one.role)


def _withdraw(organization: Organization, one: Assignment) -> None:
    withdraw = organization.withdraw if one.kind == "USER" else organization.withdraw_group
    withdraw(one.principal, one.account_id, one.role)


def _identify(organization: Organization, ids: dict[tuple[str, ...], str]) -> None:
    organization.ids.update(ids)


_CARRY_OUT: dict[str, Any] = {
    "put_user": _put_user,
    "put_group": _put_group,
    "put_account": _put_account,
    "put_permission_set": _put_permission_set,
    "assign": _assign,
    "withdraw": _withdraw,
    "identify": _identify,
    "remove_user": lambda organization, name: organization.remove_user(name),
    "remove_group": lambda organization, name: organization.remove_group(name),
    "remove_account": lambda organization, account_id: organization.remove_account(account_id),
    "remove_permission_set": lambda organization, name: organization.remove_permission_set(name),
}
