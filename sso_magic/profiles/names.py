"""Names for profiles: by a template, of characters that every SDK reads, each of them once."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.inventory.rows import RoleAssignment

TEMPLATE = "{account_name}.{role_name}"
FIELDS = ("account_name", "account_id", "role_name", "session")

# Other characters than those that the JavaScript SDK reads in a profile's name (PROTOCOL.md 5.2), and hyphens
# beside them.
_OTHERS = re.compile(r"-*(?:[^A-Za-z0-9_\-@+.%:/]+-*)+")


def named(rows: Sequence[RoleAssignment], template: str, session: str) -> list[str]:
    """A name for each row. Rows that would share one get the account's id at its end, whatever their order.

    Args:
        rows: Accounts and roles.
        template: Text with ``{account_name}``, ``{account_id}``, ``{role_name}`` and ``{session}``; an account without
            a name goes by its id.
        session: The session's name.

    Raises:
        UsageError: The template names something else, or nothing that tells accounts and roles apart.
    """
    check_template(template)
    names = [_name(row, template, session) for row in rows]
    often = Counter(names)
    names = [
        f"{name}.{row.account_id}" if often[name] > 1 or name == "default" else name
        for name, row in zip(names, rows, strict=True)
    ]
    return _numbered(names)


def check_template(template: str) -> None:
    """Refuses a template that is not one.

    Raises:
        UsageError: It names something else, or nothing that tells accounts and roles apart.
    """
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(template)]
    except ValueError as error:
        raise UsageError(f"The template {template!r} cannot be read: {error}. {_EXAMPLE}") from None
    named_fields = [name for name, _, _ in fields if name is not None]
    unknown = [name for name in named_fields if name not in FIELDS]
    if unknown or any(spec or conversion for _, spec, conversion in fields):
        wrong = f"{{{unknown[0]}}}" if unknown else template
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise UsageError(f"The template cannot have {wrong}; it can have {known}. {_EXAMPLE}")
    if "role_name" not in named_fields or not {"account_name", "account_id"} & set(named_fields):
        raise UsageError(f"The template {template!r} gives several roles one name. {_EXAMPLE}")


_EXAMPLE = f"For example: {TEMPLATE}"


def _name(row: RoleAssignment, template: str, session: str) -> str:
    text = template.format(
        account_name=_plain(row.account_name or "") or row.account_id,
        account_id=row.account_id,
        role_name=_plain(row.role_name),
        session=_plain(session),
    )
    return _plain(text)


def _plain(text: str) -> str:
    """The text with only the characters that every SDK reads: accents go, anything else becomes a hyphen."""
    composed = unicodedata.normalize("NFKD", text)
    letters = "".join(character for character in composed if not unicodedata.combining(character))
    return _OTHERS.sub("-", letters).strip("-")


def _numbered(names: Sequence[str]) -> list[str]:
    """The same names, with a number where one still comes twice: two roles of an account may differ in a sign only."""
    used = set(names)
    given: set[str] = set()
    numbered = []
    for name in names:
        free, number = name, 1
        while free in given or (number > 1 and free in used):
            number += 1
            free = f"{name}-{number}"
        given.add(free)
        numbered.append(free)
    return numbered
