"""The line under a panel's list: the last sentence, removed when it no longer holds.

A sentence is about something: the role in use, the sign-in, the list. `Facts` is all of that at one moment. Each
sentence names the facts that it depends on, and goes as soon as one of them differs from when it was said, no matter
who changed it: a magic, another panel, another kernel, renewal or its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common import locks
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets.kept import RoleKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.widgets.listing import Listing
    from sso_magic.widgets.view import View


class Facts(NamedTuple):
    """What sentences depend on.

    Attributes:
        session: The session that the panel is about.
        sign_in: True while its access token is valid or can be refreshed.
        waiting: True while a sign-in waits for approval.
        role: The role in use, its session and region; None if there is none.
        fetched_at: When the list was fetched.
        jobs: The jobs that have ended; a sentence about a job that is under way ends with it.
        favorites: The roles that are favorites.
    """

    session: str | None
    sign_in: bool
    waiting: bool
    role: tuple[Any, ...] | None
    fetched_at: datetime | None
    jobs: int
    favorites: tuple[Any, ...]

    @classmethod
    def now(cls, center: IdentityCenter | None, listing: Listing, *, is_waiting: bool, jobs: int) -> Facts:
        """Return the facts as they are now."""
        use, snapshot = KERNEL.current, listing.snapshot
        return cls(
            session=center.session.key if center else None,
            sign_in=center is not None and center.tokens.is_usable(),
            waiting=is_waiting,
            role=(use.session, *RoleKey.of_use(use), use.region) if use else None,
            fetched_at=snapshot.fetched_at if snapshot else None,
            jobs=jobs,
            favorites=listing.favorites,
        )


class Said:
    """The sentence that is shown.

    Args:
        view: Where it is shown.
        facts: Returns the facts as they are now.
    """

    def __init__(self, view: View, facts: Callable[[], Facts]) -> None:
        self._view = view
        self._facts = facts
        self._lock = locks.RLock()
        self._text = ""
        self._basis: dict[str, Any] = {}
        view.put(status={"text": "", "is_error": False, "about": None})

    @property
    def text(self) -> str:
        """The sentence; empty if there is none."""
        return self._text

    def say(self, text: str, *while_same: str, is_error: bool = False, about: tuple[str, str] | None = None) -> None:
        """Show a sentence in place of the last one.

        Args:
            text: The sentence; empty takes the last one away.
            while_same: The names of the facts that it depends on. The session always is one.
            is_error: Say it at once to a screen reader, and in red.
            about: The account id and role name that have to be chosen in the list for it to be shown.
        """
        with self._lock:
            facts = self._facts()
            self._text = text
            self._basis = {name: getattr(facts, name) for name in ("session", *while_same)}
            shown = [about[0], about[1]] if about else None
            self._view.put(status={"text": text, "is_error": is_error and bool(text), "about": shown})

    def say_instead(self, shown: str, text: str, *while_same: str) -> None:
        """Show a sentence in place of this one, if this one is still there."""
        with self._lock:
            if self._text == shown:
                self.say(text, *while_same)

    def look(self) -> None:
        """Take the sentence away if it no longer holds."""
        with self._lock:
            facts = self._facts()
            if self._text and any(getattr(facts, name) != value for name, value in self._basis.items()):
                self.say("")
