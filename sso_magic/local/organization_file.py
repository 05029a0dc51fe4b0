"""An organization from a file, TOML or JSON.

    [[users]]            name, display_name, email
    [[groups]]           name, members (users' names)
    [[accounts]]         id (12 digits, as text), name, email, buckets (names; without them: two with sample content)
    [[permission_sets]]  name, managed_policies (ARNs, or names of AWS's own), description
    [[assignments]]      user or group; account or accounts (ids or names); permission_set or permission_sets

Of these, a user's, a group's and a permission set's name and an account's id are required. The first user is the
default one. A permission set that is assigned need not be described.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from sso_magic.local.errors import LocalError, OrganizationFileError

if TYPE_CHECKING:
    from pathlib import Path

    from sso_magic.local.directory import Directory

D = TypeVar("D", bound="Directory")
_KEYS = {
    "users": {"name", "display_name", "email"},
    "groups": {"name", "members"},
    "accounts": {"id", "name", "email", "buckets"},
    "permission_sets": {"name", "managed_policies", "description"},
    "assignments": {"user", "group", "account", "accounts", "permission_set", "permission_sets"},
}
_LISTS = {"members", "buckets", "managed_policies", "accounts", "permission_sets"}
_REQUIRED = {"users": "name", "groups": "name", "accounts": "id", "permission_sets": "name"}


def read_organization(path: Path, organization: D) -> D:
    """Fill an empty organization with what a file describes.

    Raises:
        OrganizationFileError: The file cannot be read, or its content makes no sense; the message names the place.
    """
    try:
        document = _parse(path)
    except OSError as error:
        raise OrganizationFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise OrganizationFileError(f"{path} is not valid {_format(path)}: {error}.") from None
    try:
        return fill(organization, document)
    except OrganizationFileError as error:
        raise OrganizationFileError(f"{path}: {error}") from None


def fill(organization: D, document: Any) -> D:
    """Fill an empty organization with what a parsed document describes.

    Raises:
        OrganizationFileError: It makes no sense; the message names the place.
    """
    _check_keys("the file", document, set(_KEYS))
    entries = {kind: _entries(kind, document.get(kind, [])) for kind in _KEYS}
    if not entries["users"]:
        raise OrganizationFileError("users: at least one is required.")
    _unique("users", "name", entries["users"])
    for place, user in entries["users"]:
        _try(place, organization.add_user, user["name"], user.get("display_name"), user.get("email"))
    _unique("groups", "name", entries["groups"])
    for place, group in entries["groups"]:
        _try(f"{place}.members", organization.add_group, group["name"], *group.get("members", []))
    _add_accounts(organization, entries["accounts"])
    _unique("permission_sets", "name", entries["permission_sets"])
    for place, one in entries["permission_sets"]:
        policies = [_policy_arn(policy) for policy in one.get("managed_policies", [])]
        _try(place, organization.add_permission_set, one["name"], *policies, description=one.get("description", ""))
    for place, assignment in entries["assignments"]:
        _assign(organization, place, assignment)
    return organization


def _parse(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if _format(path) == "JSON":
        return json.loads(text)
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _format(path: Path) -> str:
    return "JSON" if path.suffix.lower() == ".json" else "TOML"


def _entries(kind: str, value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return each entry with its place, as in ``accounts[2]``, its members checked."""
    if not isinstance(value, list):
        raise OrganizationFileError(f"{kind}: a list is expected, not {_shown(value)}.")
    found = []
    for index, entry in enumerate(value):
        place = f"{kind}[{index}]"
        _check_keys(place, entry, _KEYS[kind])
        for name, member in entry.items():
            _check_member(f"{place}.{name}", member, is_list=name in _LISTS)
        required = _REQUIRED.get(kind)
        if required is not None and required not in entry:
            raise OrganizationFileError(f"{place}: {required} is missing.")
        found.append((place, entry))
    return found


def _check_keys(place: str, value: Any, known: set[str]) -> None:
    if not isinstance(value, dict):
        raise OrganizationFileError(f"{place}: a table of {', '.join(sorted(known))} is expected, not {_shown(value)}.")
    for name in value:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}."
            raise OrganizationFileError(f"{place}: {name} is unknown. {hint}")


def _check_member(place: str, value: Any, *, is_list: bool) -> None:
    items = value if is_list else [value]
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        expected = "a list of texts" if is_list else "text in quotation marks"
        raise OrganizationFileError(f"{place}: {expected} is expected, not {_shown(value)}.")


def _unique(kind: str, key: str, entries: list[tuple[str, dict[str, Any]]]) -> None:
    seen: dict[str, str] = {}
    for place, entry in entries:
        first = seen.setdefault(entry[key], place)
        if first != place:
            raise OrganizationFileError(f"{place}: {kind} has {key} {entry[key]!r} twice, first in {first}.")


def _add_accounts(organization: Directory, entries: list[tuple[str, dict[str, Any]]]) -> None:
    _unique("accounts", "id", entries)
    owners: dict[str, str] = {}
    for place, account in entries:
        buckets = account.get("buckets")
        for bucket in buckets or ():
            if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
                raise OrganizationFileError(
                    f"{place}.buckets: {bucket!r} is no bucket's name. Use 3 to 63 of a-z, 0-9, hyphen and dot."
                )
            if bucket in owners:
                raise OrganizationFileError(f"{place}.buckets: {bucket!r} is in {owners[bucket]} already.")
            owners[bucket] = place
        _try(
            f"{place}.id",
            organization.add_account,
            account["id"],
            account.get("name"),
            account.get("email"),
            tuple(buckets) if buckets is not None else None,
        )


def _assign(organization: Directory, place: str, assignment: dict[str, Any]) -> None:
    if ("user" in assignment) == ("group" in assignment):
        raise OrganizationFileError(f"{place}: either user or group is expected.")
    accounts = _one_or_more(place, assignment, "account")
    roles = _one_or_more(place, assignment, "permission_set")
    for role in roles:
        _try(place, organization.permission_set, role)
    for text in accounts:
        account_id = _account_id(organization, place, text)
        if "user" in assignment:
            _try(place, organization.assign, assignment["user"], account_id, *roles)
        else:
            _try(place, organization.assign_group, assignment["group"], account_id, *roles)


def _one_or_more(place: str, assignment: dict[str, Any], name: str) -> list[str]:
    if (name in assignment) == (f"{name}s" in assignment):
        raise OrganizationFileError(f"{place}: either {name} or {name}s is expected.")
    found: list[str] = [assignment[name]] if name in assignment else assignment[f"{name}s"]
    return found


def _account_id(organization: Directory, place: str, text: str) -> str:
    found = [account.id for account in organization.accounts if text in {account.id, account.name}]
    if text in found:
        return text
    if len(found) != 1:
        many = f"{len(found)} accounts are called {text!r}; name one by its id" if found else f"no account is {text!r}"
        raise OrganizationFileError(f"{place}: {many}.")
    return found[0]


def _policy_arn(text: str) -> str:
    return text if text.startswith("arn:") else f"arn:aws:iam::aws:policy/{text}"


def _try(place: str, call: Any, *arguments: Any, **more: Any) -> None:
    try:
        call(*arguments, **more)
    except LocalError as error:
        raise OrganizationFileError(f"{place}: {error}") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
