"""Which session a panel is about: the list of them, and a start URL that none of them has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sso_magic.center.shared import known_sessions, shared_center
from sso_magic.errors import Ambiguous, ConfigError, SessionNotFound
from sso_magic.widgets.view import show

if TYPE_CHECKING:
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.magics.magics import SSOMagics
    from sso_magic.signin.sessions import Session
    from sso_magic.widgets.view import View

_LOOK_EVERY = 5  # seconds between two looks at the configuration
_OTHER = "Another start URL…"


class Sessions:
    """The picker of sessions. Whoever calls holds the panel's lock."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sessions: list[Session] = []
        self._looked_at = float("-inf")
        self._setting = False

    @property
    def is_picked_by_person(self) -> bool:
        """Whether what is picked is so by the person rather than by `show`."""
        return not self._setting and self._view.session.index is not None

    def picked(self) -> IdentityCenter | None:
        """The center that is picked; None: another start URL.

        Raises:
            ConfigError: The session lacks a setting by now.
        """
        index = self._view.session.index
        return _center_of(self._sessions[index]) if index < len(self._sessions) else None

    def typed(self) -> IdentityCenter:
        """The center of the start URL that was typed.

        Raises:
            ConfigError: None was typed, or nothing that can be one.
        """
        url, region = self._view.start_url.value.strip(), self._view.sso_region.value.strip()
        if not url:
            raise ConfigError("Fill in the start URL of your access portal: https://YOUR-PORTAL.awsapps.com/start")
        try:
            return shared_center(url, region=region or None)
        except SessionNotFound:
            raise
        except ConfigError as error:
            if region:
                raise
            raise ConfigError(
                f"The region of {url} is not known: fill in the region that your Identity Center is in."
            ) from error

    def look_again(self) -> None:
        """The configuration may be another: `show` looks at it."""
        self._looked_at = float("-inf")

    def show(self, center: IdentityCenter | None) -> None:
        """Lists the sessions there are, this one picked."""
        view = self._view
        if time.monotonic() - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = time.monotonic()
        known = {session.key: session for session in known_sessions()}
        if center is not None:
            known.setdefault(center.session.key, center.session)
        self._sessions = list(known.values())
        labels = [*(session.label for session in self._sessions), _OTHER]
        self._setting = True
        try:
            if labels != list(view.session.options):
                view.session.options = labels
            view.session.index = list(known).index(center.session.key) if center else len(labels) - 1
        finally:
            self._setting = False
        show(view.other_session, when=center is None)


def first_center(magics: SSOMagics | None, session: str | None, region: str | None) -> IdentityCenter | None:
    """The center named, else the one the magics used last, else the first there is.

    Raises:
        SessionNotFound: There is no session of this name.
        ConfigError: The session lacks a setting.
    """
    try:
        return magics.center(session, region) if magics is not None else shared_center(session, region=region)
    except (Ambiguous, SessionNotFound):
        if session is not None:
            raise
    known = known_sessions()
    return _center_of(known[0]) if known else None


def _center_of(session: Session) -> IdentityCenter:
    """The center that the magics would take for it: a session read from a token file lacks what they add."""
    return shared_center(session.label, region=session.region)
