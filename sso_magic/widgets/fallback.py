"""The panel where widgets cannot run: a terminal, a notebook that was opened again, an export. Text and HTML."""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any

from sso_magic.common.text import printable
from sso_magic.common.times import stamp
from sso_magic.display import table
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import words
from sso_magic.widgets.view import VIEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import RoleAssignment

SHOWN = 10  # roles
_HINT = "For a panel that works, run %sso_panel. Or use the magics:"
_MAGICS = (
    ("%sso_login", "sign in"),
    ("%sso_accounts WORDS", "find an account"),
    ("%sso_use ACCOUNT ROLE", "use a role"),
    ("%sso_use --off", "release it"),
)


def bundle(center: IdentityCenter | None, rows: Sequence[RoleAssignment]) -> dict[str, str]:
    """Return what is known now, with the time, as a MIME bundle of text and HTML."""
    lines = [
        f"The panel at {stamp(datetime.now(timezone.utc))}:",
        _sign_in(center),
        f"Role: {words.in_use(KERNEL.current, ())}",
    ]
    parts = [(line, f"<div>{escape(line)}</div>") for line in lines]
    listed = [(printable(role.account_name or ""), role.account_id, printable(role.role_name)) for role in rows[:SHOWN]]
    if listed:
        parts.append(table(("account", "digits", "role"), listed))
    parts += [(_HINT, f"<div>{escape(_HINT)}</div>"), table(("magic", "does"), _MAGICS)]
    return {"text/plain": "\n".join(text for text, _ in parts), "text/html": "".join(html for _, html in parts)}


def show(bundle: dict[str, str], mime: dict[str, Any] | None) -> None:
    """Display the text and the HTML, and the widget after them, which hides them while it lives.

    JupyterLab shows nothing but an error where a notebook is opened again and the widget is gone, whatever else the
    same output holds. So the fallback is an output of its own.

    Args:
        bundle: What `bundle` returns.
        mime: The widget as a MIME bundle holds it; None where widgets cannot run.
    """
    from IPython.display import display

    if mime is None:
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
        return
    saved = until_live(bundle["text/html"], mime["model_id"])
    display({**bundle, "text/html": saved}, raw=True)  # type: ignore[no-untyped-call]
    display({VIEW: mime, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]


def until_live(html: str, panel: str) -> str:
    """Return the HTML such that it is not seen while the panel's widget in the next output lives.

    The widget hides it by its class. A widget that is gone is shown by JupyterLab as an error, which is hidden here. It
    appears after a moment, so that it does not flash before a new panel; where style sheets are removed, at once.

    Args:
        html: What `bundle` returns.
        panel: The model id of the widget.
    """
    name = f"sso-saved-{panel}"
    css = (
        "@keyframes sso-saved { from { max-height: 0; } to { max-height: 0; } }"
        f".{name} {{ animation: sso-saved 1.5s; overflow: hidden; }}"
        f".jp-OutputArea-child:has(.{name}) + .jp-OutputArea-child:not(:has(.sso-panel)) {{ display: none; }}"
    )
    return f'<style>{css}</style><div class="{name}">{html}</div>'


def _sign_in(center: IdentityCenter | None) -> str:
    if center is None:
        return "Session: none is configured."
    state = words.sign_in_state(center.tokens.peek(), is_waiting=False, warning=None)
    return f"Session: {center.session.label}. {state}"
