"""What the panel says of sessions, roles, lists and errors. Everything that comes from outside is escaped here."""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING

from sso_magic.client.errors import ServiceException
from sso_magic.common.text import is_linkable, printable
from sso_magic.common.times import span, until
from sso_magic.errors import (
    DeserializationError,
    SignInCancelled,
    SignInDenied,
    SignInExpired,
    SignInRequired,
    SSOMagicError,
    TransportError,
)
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.inventory import FetchState, InventorySnapshot, Role
    from sso_magic.kernel.kernel_role import Use
    from sso_magic.signin.tokens import Token

# What to do next in the panel, where the error's own text names a magic.
_NEXT_STEP = {
    SignInRequired: "Not signed in, or the sign-in has ended. Press Sign in.",
    SignInDenied: "The sign-in was denied on its page. Press Sign in to start again.",
    SignInExpired: "The code ran out before it was approved. Press Sign in to get a new one.",
    SignInCancelled: "Sign-in canceled.",
}


def of_error(error: BaseException, again: str) -> str:
    """What went wrong and what to do, in a sentence or two.

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


def escaped(text: str) -> str:
    """The text as HTML."""
    return f"<span>{escape(text)}</span>"


def using(label: str, holders: str | None) -> str:
    """Return what is said when a role comes into use, with what still uses another one."""
    rest = f" {holders}" if holders else ""
    return f"Using {label}. New cells run as this role.{rest}"


def status(text: str, *, is_error: bool) -> str:
    """The status line; a screen reader is told of an error at once."""
    if not text:
        return ""
    kind = "error" if is_error else "note"
    return f'<div class="sso-status sso-{kind}" role="{"alert" if is_error else "status"}">{escape(text)}</div>'


def sign_in_state(token: Token | None, *, is_waiting: bool, warning: str | None) -> str:
    """Until when one is signed in, in words."""
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
    """The role in use, in words."""
    if use is None:
        return " ".join(["No role is in use.", *warnings])
    ends = use.credentials.expires_at
    left = (ends - datetime.now(timezone.utc)).total_seconds()
    renewed = "" if use.role.warning() else ", renews automatically"
    when = f"{until(ends)}{renewed}" if left > 0 else f"ended {span(-left)} ago"
    region = f" in {use.region}" if use.region else ""
    return " ".join([f"{printable(use.label)}{region}, {when}.", *warnings])


def in_use_html(use: Use | None, warnings: Sequence[str], *, is_production: bool) -> str:
    """The role in use with its mark: red for production."""
    notes = "".join(f'<div class="sso-warning">{escape(warning)}</div>' for warning in warnings)
    if use is None:
        return f'<div class="sso-none">No role is in use.</div>{notes}'
    text = in_use(use, ())
    label = printable(use.label)
    badge = '<span class="sso-badge">PRODUCTION</span> ' if is_production else ""
    return f"<div>In use: {badge}<b>{escape(label)}</b>{escape(text[len(label) :])}</div>{notes}"


def option(role: Role, *, is_favourite: bool, is_recent: bool, is_in_use: bool) -> str:
    """A line of the list."""
    columns = [printable(role.account_name)] if role.account_name else []
    line = " · ".join([*columns, printable(role.role_name), role.account_id])
    marks = ", ".join(mark for mark, holds in (("recent", is_recent), ("in use", is_in_use)) if holds)
    return f"{'★ ' if is_favourite else ''}{line}{f' ({marks})' if marks else ''}"


def selection_html(role: Role | None, *, is_production: bool) -> str:
    """What Use would use."""
    if role is None:
        return '<span class="sso-none">Choose a role in the list.</span>'
    badge = '<span class="sso-badge">PRODUCTION</span> ' if is_production else ""
    account = printable(role.account.label)
    digits = f" ({escape(role.account_id)})" if role.account_name else ""
    return f"{badge}<b>{escape(account)}</b>{digits} / <b>{escape(printable(role.role_name))}</b>"


def console_html(url: str | None) -> str:
    """The link into the console, as a button."""
    if url is None or not is_linkable(url):
        return '<span class="sso-link sso-off" role="link" aria-disabled="true">Console</span>'
    return (
        f'<a class="sso-link" href="{escape(url, quote=True)}" target="_blank" rel="noopener noreferrer" '
        'title="Opens the AWS console in a new tab">Console</a>'
    )


def list_state(
    snapshot: InventorySnapshot | None, words: str, hits: int, limit: int, progress: FetchState | None
) -> str:
    """What the list holds, how old it is, and how far a refresh is.

    Args:
        snapshot: What is known; None if nothing is.
        words: What is searched for.
        hits: What was found, ``limit + 1`` at most.
        limit: How many are listed at most.
        progress: How far a refresh is; None if none is under way.
    """
    parts = [_held(snapshot, words, hits, limit)] if snapshot is not None else []
    if progress is not None:
        parts.append(_progress(progress))
    elif snapshot is None:
        parts.append("The accounts are not known yet: sign in, or press Refresh.")
    elif snapshot.fetched_at is not None:
        parts.append(f"{_age(snapshot.fetched_at)}.")
    if snapshot is not None and snapshot.errors:
        first = next(iter(snapshot.errors.values()))
        parts.append(
            f"{_counted(len(snapshot.errors), 'account')} failed: {_sentence(first)} Press Refresh to try again."
        )
    return " ".join(parts)


def _held(snapshot: InventorySnapshot, words: str, hits: int, limit: int) -> str:
    roles = sum(map(len, snapshot.roles.values()))
    total = f"{_counted(roles, 'role')} in {_counted(len(snapshot.accounts), 'account')}"
    if words and not hits:
        return f"Nothing fits “{printable(words)}” among {total}."
    if words:
        many = f"The {limit} best hits are listed; type more to narrow down."
        return many if hits > limit else f"{_counted(hits, 'hit')} among {total}."
    if not roles and snapshot.complete:
        return "No role is assigned to you. Contact your AWS administrator."
    return f"{total}; the first {limit} are listed, type to find others." if hits > limit else f"{total}."


def _progress(state: FetchState) -> str:
    known = f"{state.accounts_known:,}{'' if state.all_listed else ' or more'}"
    left = f", {span(state.seconds_left)} left" if state.seconds_left is not None else ""
    return f"Loading: {state.accounts_done:,} of {known} accounts{left}." if state.accounts_known else "Loading…"


def _age(moment: datetime) -> str:
    seconds = (datetime.now(timezone.utc) - moment).total_seconds()
    return "Just refreshed" if seconds < 60 else f"{span(seconds)} old"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
