"""What a role may do, if roles are to restrict: the policies of its permission set, by their actions.

A statement that is for certain resources, or holds under conditions, grants nothing and denies nothing here.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sso_magic.local.actions import action_of

if TYPE_CHECKING:
    from sso_magic.local.authority import Caller

Statement = tuple[str, re.Pattern[str], bool]

_ALWAYS = {"sts:GetCallerIdentity"}  # AWS asks no policy for it
_RESERVED = re.compile(r".*/AWSReservedSSO_(.+)_[0-9a-f]{16}")


def denied(environ: dict[str, Any], service: str, caller: Caller) -> str | None:
    """Return the action that the caller's role does not allow; None if the request may go on.

    A role that was assumed on top of another has no permission set, and is not restricted.
    """
    assert caller.keys is not None
    match = _RESERVED.fullmatch(caller.keys.role_arn)
    if match is None:
        return None
    action = action_of(environ, service)
    if action in _ALWAYS:
        return None
    permission_set = caller.organization.permission_set(match[1])
    statements = [one for arn in permission_set.managed_policies for one in _statements(arn)]
    statements += _inline_statements(permission_set.inline_policy)
    effects = {effect for effect, pattern, is_for in statements if bool(pattern.fullmatch(action)) is is_for}
    return None if effects == {"Allow"} else action


def is_policy(text: str) -> bool:
    """Return True for a policy document: a JSON object with statements of an effect and actions."""
    try:
        statements = _list(json.loads(text)["Statement"])
        return all(
            one["Effect"] in {"Allow", "Deny"}
            and all(isinstance(action, str) for action in _list(one["Action" if "Action" in one else "NotAction"]))
            for one in statements
        )
    except (LookupError, TypeError, ValueError, RecursionError):
        return False


@cache
def _statements(arn: str) -> list[Statement]:
    return _read(_document(arn))


@lru_cache(1000)  # a test suite may make up any number of them
def _inline_statements(policy: str) -> list[Statement]:
    return _read(json.loads(policy)) if policy else []


def _read(document: dict[str, Any]) -> list[Statement]:
    """Return effect and actions of each statement; True if it is for these actions, False if for all but these."""
    found = []
    for statement in _list(document.get("Statement", [])):
        if "Condition" in statement or "*" not in _list(statement.get("Resource", "*")):
            continue
        is_match = "Action" in statement
        actions = _list(statement["Action" if is_match else "NotAction"])
        pattern = re.compile("|".join(_glob(action) for action in actions), re.IGNORECASE)
        found.append((statement["Effect"], pattern, is_match))
    return found


def _document(arn: str) -> dict[str, Any]:
    """Return the document of one of AWS's managed policies; an empty one if AWS has none of this name."""
    for name, policy in managed_policies().items():
        if arn == f"arn:aws:iam::aws:policy{policy['Path']}{name}":
            document: dict[str, Any] = policy["Document"]
            return document
    return {}


@cache
def managed_policies() -> dict[str, dict[str, Any]]:
    """Return AWS's managed policies by name, as moto has them, with ``Path`` and ``Document``."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    parsed: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    return parsed


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _glob(action: str) -> str:
    return re.escape(action).replace(r"\*", ".*").replace(r"\?", ".")
