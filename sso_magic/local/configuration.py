"""The sections of an ``~/.aws/config`` that leads to the local Identity Center."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sso_magic.local.state import ACCOUNT_SCOPE

if TYPE_CHECKING:
    from sso_magic.local.organization import Organization


def config_sections(
    organization: Organization, user: str | None, *, session_name: str, start_url: str, region: str, limit: int
) -> dict[str, str]:
    """Return the session's section, and profiles of a few roles: section name to its text.

    Args:
        organization: Accounts and assignments.
        user: The user whose roles the profiles have; None: the first.
        session_name: The ``[sso-session]``; the profiles' names start with it.
        start_url: The start URL.
        region: The region of the Identity Center, and of each profile.
        limit: How many profiles at most.
    """
    name = f"sso-session {session_name}"
    values = {"sso_start_url": start_url, "sso_region": region, "sso_registration_scopes": ACCOUNT_SCOPE}
    sections = {name: _section(name, values)}
    if not organization.users:
        return sections
    person = organization.user(user).name
    for account in organization.accounts_of(person)[:limit]:
        role = organization.roles_of(person, account.id)[0]
        name = f"profile {_word(session_name)}-{account.slug}-{_word(role)}"
        if name in sections:  # two accounts of one name
            name = f"profile {_word(session_name)}-{account.id}-{_word(role)}"
        values = {
            "sso_session": session_name,
            "sso_account_id": account.id,
            "sso_role_name": role,
            "region": region,
        }
        sections[name] = _section(name, values)
    return sections


def _word(text: str) -> str:
    """Return the text without what has a meaning in the name of a section."""
    return re.sub(r"[^\w.@+=,-]+", "-", text)


def _section(name: str, values: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in values.items()), ""])
