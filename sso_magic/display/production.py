"""Which accounts are production, by ``SSOMagics.production``, and how that is marked."""

from __future__ import annotations

import re

from sso_magic.errors import UsageError

_FINDS_NOTHING = "(?!)"
MARK = "PRODUCTION "  # before a line of text
BADGE = (
    '<span style="background:#b3261e;color:#ffffff;font-weight:600;padding:1px 7px;border-radius:3px;'
    'margin-right:8px">PRODUCTION</span> '
)


def marks(pattern: str, account_name: str | None, account_id: str) -> bool:
    """Return True if the pattern finds the account's name or ID.

    Raises:
        UsageError: It is no regular expression.
    """
    compiled = check_pattern(pattern)
    return bool(compiled.search(account_name or "") or compiled.search(account_id))


def check_pattern(pattern: str, trait: str = "SSOMagics.production", example: str = "(?i)prod") -> re.Pattern[str]:
    """Return the pattern that a trait is set to, compiled; an empty one finds nothing.

    Raises:
        UsageError: It is no regular expression.
    """
    try:
        return re.compile(_FINDS_NOTHING if pattern == "" else pattern)
    except (re.error, RecursionError, OverflowError, TypeError) as error:
        raise UsageError(
            f"{trait} is not a regular expression ({error}). Correct it: %config {trait} = '{example}'"
        ) from None
