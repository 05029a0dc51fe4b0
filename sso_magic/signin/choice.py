"""Which method a sign-in uses, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from sso_magic.errors import ConfigError
from sso_magic.signin.where import placement

if TYPE_CHECKING:
    from sso_magic.signin.sessions import Session

Method = Literal["auto", "browser", "device"]


class Choice(NamedTuple):
    """The method of a sign-in.

    Attributes:
        method: ``"browser"`` or ``"device"``.
        is_remote: True if the person's browser is on another machine than the kernel, or may be.
        reason: Why this method, as a sentence; empty if the caller named it.
    """

    method: Method
    is_remote: bool
    reason: str


def choose(session: Session, method: Method = "auto") -> Choice:
    """Return the method of a sign-in to the session.

    Args:
        session: The session.
        method: The method that the caller wants; ``"auto"``: the one that fits where the kernel runs.

    Raises:
        ConfigError: There is no such method.
    """
    if method not in ("auto", "browser", "device"):
        raise ConfigError(f"sign_in is {method!r}: it can be 'auto', 'browser' or 'device'.")
    is_remote, shown = placement()
    if method != "auto":
        return Choice(method, is_remote, "")
    if session.name is None and session.scopes is None:  # the AWS CLI does the same (PROTOCOL.md 11.1)
        return Choice("device", is_remote, "By a code, the only method for a profile without sso_session.")
    if is_remote:
        return Choice("device", is_remote, f"By a code, because the kernel runs elsewhere: {shown}.")
    return Choice("browser", is_remote, f"Through the browser, because the kernel runs on your machine: {shown}.")
