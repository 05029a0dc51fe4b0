"""Policies, as IAM writes them: AWS's managed ones and inline ones, by their actions."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import Any

Statement = tuple[str, re.Pattern[str], bool]


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
def managed_statements(arn: str) -> list[Statement]:
    """Return the statements of one of AWS's managed policies; none if AWS has none of this name."""
    return _read(_document(arn))


@lru_cache(1000)  # a test suite may make up any number of them
def inline_statements(policy: str) -> list[Statement]:
    """Return the statements of an inline policy; an empty text has none."""
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
