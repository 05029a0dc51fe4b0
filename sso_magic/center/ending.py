"""What ends soon and cannot be renewed: a sign-in, or the role in use. It is said once, five minutes before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sso_magic.center.shared import signed_in_here, token_of
from sso_magic.common.times import clock, span
from sso_magic.errors import CredentialsError, SignInError, SSOMagicError, reason
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin.sessions import sessions
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sso_magic.signin.sessions import Session

SOON = 300.0  # seconds


class Ending(NamedTuple):
    """An end that is near.

    Attributes:
        what: The session's key; for the role in use its label.
        at: When it ends, UTC.
        line: What ends and when, how long that is, and what to do.
        lasting: The same without how long that is, true as long as it is shown.
        is_role: Whether it is the role in use that ends.
    """

    what: str
    at: datetime
    line: str
    lasting: str
    is_role: bool


class EndingSoon:
    """Says before a cell each end that is near, once."""

    def __init__(self) -> None:
        self._said: set[tuple[str, datetime]] = set()

    def news(self, *, role_is_said: bool = False) -> list[str]:
        """Return a line for each end that is near and was not returned before. It never asks the network.

        Args:
            role_is_said: True if another line says already that the role in use is not renewed.
        """
        found = []
        for ending in endings():
            if (ending.what, ending.at) not in self._said:
                self._said.add((ending.what, ending.at))
                found += [] if ending.is_role and role_is_said else [ending.line]
        return found


def endings() -> Iterator[Ending]:
    """Yield what ends within five minutes and cannot be renewed."""
    now = utc_now()
    for session in _sessions_here():
        token = token_of(session)
        left = token.seconds_left(now) if token is not None else 0.0
        if token is not None and 0 < left <= SOON and not token.can_refresh(now):
            what, todo = f"The sign-in to {session.label}", f"Run {session.login_command} --force"
            yield Ending(session.key, token.expires_at, *_lines(what, token.expires_at, left, todo), is_role=False)
    use = KERNEL.current
    if use is None:
        return
    keys, failure = use.credentials, use.role.failure
    left = keys.seconds_left()
    # What else a renewal fails with, such as a network fault, may pass.
    if 0 < left <= SOON and isinstance(failure, (SignInError, CredentialsError)):
        lines = _lines(use.label, keys.local_expires_at, left, reason(failure))
        yield Ending(use.label, keys.expires_at, *lines, is_role=True)


def _lines(what: str, end: datetime, left: float, todo: str) -> tuple[str, str]:
    """Return the line with how long it is until the end, and the line without."""
    when = f"{what} ends at {clock(end, seconds=True)}"
    return f"{when} ({span(left)}) and cannot be renewed. {todo}", f"{when} and cannot be renewed. {todo}"


def _sessions_here() -> list[Session]:
    """Return the sessions that were signed in to in this process, and the one of the role in use."""
    found = signed_in_here()
    use = KERNEL.current
    if use is None or any(session.label == use.session for session in found):
        return found
    try:
        return [*found, *(session for session in sessions() if session.label == use.session)]
    except SSOMagicError:
        return found  # a file that cannot be read is reported where it is needed
