"""`Waiting`: what ends a sign-in's wait for a person, other than the person's answer.

Several programs share one token file, and several prompts may wait for the same session: in notebooks, in a panel, in
a terminal. The first approval is enough for all of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from sso_magic.common import locks
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    import threading

    from sso_magic.signin.marks import Mark
    from sso_magic.signin.tokens import Token

LOOK_EVERY = 1.0  # seconds between two looks at the token file


class StoredTokens(Protocol):
    """A session's tokens; `sso_magic.signin.access_token.TokenProvider` is one."""

    def peek(self) -> Token | None:
        """Return the token that is stored; None if there is none."""

    def mark(self) -> Mark | None:
        """Return the mark of the current sign-in; None if nobody is signed in."""


class Waiting:
    """Ends when it is canceled or when a valid token has arrived; `is_set` and `wait` are those of an event.

    Args:
        tokens: The session's tokens.
        cancel: Ends the wait when set; None if nothing cancels it.
        newer: Only a token of another sign-in than the current one ends the wait; a refresh of the current token does
            not. False: any valid token does.
    """

    def __init__(self, tokens: StoredTokens, cancel: threading.Event | None = None, *, newer: bool = True) -> None:
        self._tokens = tokens
        self._cancel = cancel or locks.Event()
        before = tokens.mark() if newer else None
        self._before = before.id if before is not None else None
        self._look_at = time.monotonic() + LOOK_EVERY
        self.note: str | None = None
        """What a person who comes back to the prompt should know of how the sign-in went; a sentence, or None."""

    def is_set(self) -> bool:
        """Return True if the wait is over; looks at the token file once a second."""
        if self._cancel.is_set():
            return True
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK_EVERY
        return self.arrived() is not None

    def wait(self, seconds: float) -> bool:
        """Wait; return True as soon as the wait is over, False after that many seconds."""
        deadline = time.monotonic() + seconds
        while not self.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._cancel.wait(min(left, LOOK_EVERY))
        return True

    def arrived(self) -> Token | None:
        """Return the valid token that another prompt, kernel or program has stored during the wait; None if none."""
        token = self._tokens.peek()
        if token is None or token.seconds_left(utc_now()) <= 0:
            return None
        mark = self._tokens.mark()
        if self._before is not None and mark is not None and mark.id == self._before:
            return None
        return token
