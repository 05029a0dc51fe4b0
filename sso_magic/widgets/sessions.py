"""Which session a panel is about: the list of them, and a start URL that none of them has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.center.shared import known_sessions, shared_center
from sso_magic.errors import Ambiguous, ConfigError, SessionNotFound

if TYPE_CHECKING:
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.signin.sessions import Session
    from sso_magic.widgets.view import View

_LOOK_EVERY = 5  # seconds between two looks at the configuration
OTHER = "Another start URL…"


class Magics(Protocol):
    """What a panel needs of the magics; `sso_magic.magics.magics.SSOMagics` has it.

    Attributes:
        sign_in: How a person signs in, the setting ``SSOMagics.sign_in``.
        production: The setting ``SSOMagics.production``.
    """

    sign_in: Any
    production: Any

    def center(self, session: str | Session | None = None, sso_region: str | None = None) -> IdentityCenter:
        """Return the Identity Center that is named, else the one that lines without a name use."""

    def remember(self, center: IdentityCenter) -> None:
        """Use this Identity Center for lines that name no session."""


class Sessions:
    """The picker of sessions. The caller holds the panel's lock."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sessions: list[Session] = []
        self._looked_at = float("-inf")

    def picked(self, label: object) -> IdentityCenter | None:
        """Return the center of the session with this label; None if another start URL is to be typed.

        Raises:
            ConfigError: The session lacks a setting by now.
        """
        found = next((session for session in self._sessions if session.label == label), None)
        return _center_of(found) if found is not None else None

    def typed(self, start_url: object, sso_region: object) -> IdentityCenter:
        """Return the center of the start URL that was typed.

        Raises:
            ConfigError: None was typed, or nothing that can be one.
        """
        url, region = str(start_url or "").strip(), str(sso_region or "").strip()
        if not url:
            raise ConfigError("Fill in the start URL of your access portal: https://YOUR-PORTAL.awsapps.com/start")
        try:
            return shared_center(url, sso_region=region or None)
        except SessionNotFound:
            raise
        except ConfigError as error:
            if region:
                raise
            raise ConfigError(
                f"The region of {url} is not known: fill in the region that your Identity Center is in."
            ) from error

    def look_again(self) -> None:
        """Let `show` read the configuration again."""
        self._looked_at = float("-inf")

    def show(self, center: IdentityCenter | None) -> None:
        """List the sessions there are, with this one picked."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = time.monotonic()
        known = {session.key: session for session in known_sessions()}
        if center is not None:
            known.setdefault(center.session.key, center.session)
        self._sessions = list(known.values())
        self._view.put(
            sessions=[*(session.label for session in self._sessions), OTHER],
            session=center.session.label if center is not None else OTHER,
            is_other=center is None,
        )


def first_center(magics: Magics | None, session: str | None, sso_region: str | None) -> IdentityCenter | None:
    """Return the center named, else the one the magics used last, else the first there is.

    Raises:
        SessionNotFound: There is no session of this name.
        ConfigError: The session lacks a setting.
    """
    try:
        return (
            magics.center(session, sso_region) if magics is not None else shared_center(session, sso_region=sso_region)
        )
    except (Ambiguous, SessionNotFound):
        if session is not None:
            raise
    known = known_sessions()
    return _center_of(known[0]) if known else None


def _center_of(session: Session) -> IdentityCenter:
    """Return the center that the magics take for it: a session read from a token file lacks what they add."""
    return shared_center(session.label, sso_region=session.sso_region)
