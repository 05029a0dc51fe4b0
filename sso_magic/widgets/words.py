"""The panel's sentences about sessions, roles, lists and errors, in text without control characters."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sso_magic.client.errors import ServiceException
from sso_magic.common.text import is_linkable, printable
from sso_magic.common.times import span, until
from sso_magic.errors import (
    DeserializationError,
    SignInCanceled,
    SignInDenied,
    SignInExpired,
    SignInRequired,
    SSOMagicError,
    TransportError,
)
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.inventory import FetchState, InventorySnapshot
    from sso_magic.kernel.kernel_role import Use
    from sso_magic.signin.sessions import Session
    from sso_magic.signin.tokens import Token

# What to do next in the panel, where the error's own text names a magic.
_NEXT_STEP = {
    SignInRequired: "Not signed in, or the sign-in has ended. Press Sign in.",
    SignInDenied: "The sign-in was denied on its page. Press Sign in to start again.",
    SignInExpired: "The code ran out before it was approved. Press Sign in to get a new one.",
    SignInCanceled: "Sign-in canceled.",
}


def of_error(error: BaseException, again: str) -> str:
    """Return what went wrong and what to do, in a sentence or two.

    Args:
        error: What was raised.
        again: The button to press once more.
    """
    for kind, text in _NEXT_STEP.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, (TransportError, DeserializationError, ServiceException)):
        return f"{_sentence(error)} Press {again} to try again."
    if isinstance(error, SSOMagicError):
        return _sentence(error)
    # Not the text: what an unexpected error holds may be a secret.
    return (
        f"Internal error ({type(error).__name__}). Nothing was changed; press {again} to try again, or use the magics."
    )


def _sentence(error: object) -> str:
    text = printable(str(error)).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def using(label: str, holders: str | None) -> str:
    """Return the sentence for a role that comes into use, with what still uses another one."""
    rest = f" {holders}" if holders else ""
    return f"Using {label}. New cells run as this role.{rest}"


def sign_in_state(token: Token | None, *, is_waiting: bool, warning: str | None) -> str:
    """Return until when the person is signed in, in words."""
    if is_waiting:
        return "Waiting for your approval."
    if token is None:
        return "Not signed in."
    now = utc_now()
    renewable = token.can_refresh(now)
    if token.seconds_left(now) > 0:
        rest = "renews automatically" if renewable else "sign in again after that"
        text = f"Signed in {until(token.expires_at)}, {rest}."
    else:
        text = "Signed in; renews at its next use." if renewable else "The sign-in has ended."
    return f"{text} {warning}" if warning else text


def in_use(use: Use | None, warnings: Sequence[str]) -> str:
    """Return the role in use, in words."""
    if use is None:
        return " ".join(["No role is in use.", *warnings])
    ends = use.credentials.expires_at
    left = (ends - datetime.now(timezone.utc)).total_seconds()
    renewed = "" if use.role.warning() else ", renews automatically"
    when = f"{until(ends)}{renewed}" if left > 0 else f"ended {span(-left)} ago"
    region = f" in {use.region}" if use.region else ""
    return " ".join([f"{printable(use.label)}{region}, {when}.", *warnings])


def in_use_parts(use: Use | None) -> list[str] | None:
    """Return the role in use in two parts: its name, and the rest of the sentence; None if there is none."""
    if use is None:
        return None
    label = printable(use.label)
    return [label, in_use(use, ())[len(label) :]]


def is_administrator(role_name: str) -> bool:
    """Return True if the name of the role says that it administers."""
    return "admin" in role_name.casefold()


def console_template(session: Session) -> str | None:
    """Return the link into the console with ``ACCOUNT_ID`` and ``ROLE_NAME`` to be filled in; None if it is no link."""
    url = session.console_link("ACCOUNT_ID", "ROLE_NAME")
    return url if is_linkable(url) else None


def total(snapshot: InventorySnapshot | None) -> str | None:
    """Return how much the list holds, such as ``28 roles in 14 accounts``; None if nothing is known."""
    if snapshot is None:
        return None
    roles = sum(map(len, snapshot.roles.values()))
    return f"{_counted(roles, 'role')} in {_counted(len(snapshot.accounts), 'account')}"


def list_note(snapshot: InventorySnapshot | None, progress: FetchState | None) -> str:
    """Return how old the list is, how far a refresh is, and what failed.

    Args:
        snapshot: What is known; None if nothing is.
        progress: How far a refresh is; None if none is under way.
    """
    parts = []
    if progress is not None:
        parts.append(_progress(progress, is_first=snapshot is None or not snapshot.complete))
    elif snapshot is None:
        parts.append("The accounts are not known yet: sign in, or press Refresh.")
    elif snapshot.complete and not any(snapshot.roles.values()):
        parts.append("No role is assigned to you. Contact your AWS administrator.")
    elif snapshot.fetched_at is not None:
        parts.append(f"{_age(snapshot.fetched_at)}.")
    if snapshot is not None and snapshot.errors:
        first = next(iter(snapshot.errors.values()))
        parts.append(
            f"{_counted(len(snapshot.errors), 'account')} failed: {_sentence(first)} Press Refresh to try again."
        )
    return " ".join(parts)


def _progress(state: FetchState, *, is_first: bool) -> str:
    begin = "Still loading" if is_first else "Refreshing"
    if not state.accounts_known:
        return f"{begin}."
    known = f"{state.accounts_known:,}{'' if state.all_listed else ' or more'}"
    left = f", {span(state.seconds_left)} left" if state.seconds_left is not None else ""
    return f"{begin}, {state.accounts_done:,} of {known} accounts{left}."


def _age(moment: datetime) -> str:
    seconds = (datetime.now(timezone.utc) - moment).total_seconds()
    return "Just refreshed" if seconds < 60 else f"{span(seconds)} old"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
