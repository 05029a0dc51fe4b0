"""The parts of what a panel shows, made from the state of the session, the kernel's role and the inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sso_magic.center.ending import endings
from sso_magic.common.text import printable
from sso_magic.display.production import marks
from sso_magic.kernel.competing import competing
from sso_magic.widgets import words
from sso_magic.widgets.listing import role_in_use

if TYPE_CHECKING:
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import FetchState, InventorySnapshot
    from sso_magic.kernel.use import Use


def of_sign_in(center: IdentityCenter | None, *, is_waiting: bool) -> dict[str, Any]:
    """Return until when the session is signed in, and which button fits.

    Args:
        center: The session's center; None if there is no session.
        is_waiting: True while a sign-in waits for approval.
    """
    is_in = center is not None and center.tokens.is_usable()
    return {
        "sign_in": words.sign_in_state(
            center.tokens.peek() if center else None,
            is_waiting=is_waiting,
            warning=center.tokens.warning if center else None,
        ),
        "sign_in_state": "waiting" if is_waiting else "in" if is_in else "out",
    }


def of_role(use: Use | None, center: IdentityCenter | None, pattern: str) -> dict[str, Any]:
    """Return the role in use, whether it is production, what wins over it, and what ends soon and cannot be renewed.

    Args:
        use: The role in use.
        center: The panel's session.
        pattern: The pattern of production accounts.
    """
    warnings = [*competing()]
    renewal = use.role.warning() if use is not None else None
    if renewal:
        warnings.append(renewal)
    key = role_in_use(center)
    account = use.credentials if use is not None else None
    return {
        "in_use": words.in_use_parts(use),
        "in_use_key": [key.account_id, printable(key.role_name)] if key else None,
        "is_production": account is not None and marks(pattern, account.account_name, account.account_id),
        "warnings": warnings,
        "ending": [ending.lasting for ending in endings() if not (ending.is_role and renewal)],
    }


def of_list(
    center: IdentityCenter | None, snapshot: InventorySnapshot | None, state: FetchState | None
) -> dict[str, Any]:
    """Return the sentences about the list, how far a refresh is, and where the console's links lead.

    Args:
        center: The panel's session.
        snapshot: What is known.
        state: How far a refresh is; None if none is under way.
    """
    return {
        "total": words.total(snapshot),
        "note": words.list_note(snapshot, state),
        "progress": [state.accounts_done, state.accounts_known] if state is not None else None,
        "console": words.console_template(center.session) if center else None,
    }
