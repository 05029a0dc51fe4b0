"""The panel where widgets cannot run: a terminal, a notebook that was opened again, an export. Text and HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sso_magic.common.text import printable
from sso_magic.display import table
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import Role

_SHOWN = 10  # roles
_HINT = "This is what the panel showed; it needs a running kernel. Run %sso_panel again, or use the magics:"
_MAGICS = (
    ("%sso_login", "sign in"),
    ("%sso_accounts WORDS", "find an account"),
    ("%sso_use ACCOUNT ROLE", "use a role"),
    ("%sso_use --off", "release it"),
)


def bundle(center: IdentityCenter | None, rows: Sequence[Role]) -> tuple[str, str]:
    """What is known, as text and as HTML."""
    lines = [_sign_in(center), f"Role: {words.in_use(KERNEL.current, ())}"]
    parts = [(line, f"<div>{escape(line)}</div>") for line in lines]
    listed = [
        (printable(role.account_name or ""), role.account_id, printable(role.role_name)) for role in rows[:_SHOWN]
    ]
    if listed:
        parts.append(table(("account", "digits", "role"), listed))
    parts += [(_HINT, f"<div>{escape(_HINT)}</div>"), table(("magic", "does"), _MAGICS)]
    return "\n".join(text for text, _ in parts), "".join(html for _, html in parts)


def _sign_in(center: IdentityCenter | None) -> str:
    if center is None:
        return "Session: none is configured."
    state = words.sign_in_state(center.tokens.peek(), is_waiting=False, warning=None)
    return f"Session: {center.session.label}. {state}"
