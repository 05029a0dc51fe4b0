"""What people do at the Identity Center: approve and deny sign-ins, sign in and out, end sessions and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.local.errors import KnobError, NothingPending
from sso_magic.local.home import write_sign_in
from sso_magic.local.state import ACCOUNT_SCOPE, DEVICE_GRANT, REFRESH_GRANT, DeviceAuthorization, SignInSession

if TYPE_CHECKING:
    from pathlib import Path

    from sso_magic.local.clock import Clock
    from sso_magic.local.oidc import Oidc
    from sso_magic.local.organization import Organization
    from sso_magic.local.state import State


class People:
    """The part of `LocalIdentityCenter` that acts as its users and its administrator."""

    region: str
    clock: Clock
    state: State
    _oidc: Oidc
    _organization: Organization

    if TYPE_CHECKING:

        @property
        def start_url(self) -> str:
            """The start URL, of `LocalIdentityCenter`."""

        def _sections(self, session_name: str, start_url: str) -> dict[str, str]: ...

    # ---- what a person does ----

    def pending(self) -> list[DeviceAuthorization]:
        """The sign-ins that wait for somebody to approve them, oldest first."""
        return self.state.pending()

    def wait_for_pending(self, timeout: float = 10) -> DeviceAuthorization:
        """Waits until a sign-in waits for approval, and returns the oldest.

        Raises:
            NothingPending: none came within `timeout` seconds.
        """
        with self.state.changed:
            if not self.state.changed.wait_for(self.pending, timeout):
                raise NothingPending(f"No sign-in asked for approval within {timeout:g} seconds.")
            return self.pending()[0]

    def approve(self, user_code: str | None = None, user: str | None = None) -> DeviceAuthorization:
        """Allows a pending sign-in, as a person does on the device page.

        Args:
            user_code: Which one; None if only one is pending.
            user: Who signs in. Default: the organization's first user.

        Raises:
            NothingPending: none is, or not this one, or several are and none was named.
            NoSuchUser: the organization has no such user.
        """
        name = self._organization.user(user).name
        device = self._pending(user_code)
        self._oidc.approve(device, name)
        return device

    def deny(self, user_code: str | None = None) -> DeviceAuthorization:
        """Refuses a pending sign-in; see `approve`."""
        device = self._pending(user_code)
        self._oidc.deny(device)
        return device

    def _pending(self, user_code: str | None) -> DeviceAuthorization:
        waiting = self.pending()
        if user_code is not None:
            waiting = [device for device in waiting if device.user_code == user_code]
        if len(waiting) != 1:
            codes = ", ".join(device.user_code for device in self.pending()) or "none"
            wanted = f"{len(waiting)} sign-ins are pending" if user_code is None else f"{user_code} is not pending"
            raise NothingPending(f"{wanted}. Pending: {codes}.")
        return waiting[0]

    # ---- sessions and tokens ----

    def sign_in(
        self,
        user: str | None = None,
        *,
        refreshable: bool = True,
        session_name: str = "corp",
        home: Path | None = None,
    ) -> SignInSession:
        """Sign the user in without a client or a person, and leave a home directory that is signed in.

        Every SDK, the AWS CLI and `IdentityCenter` find the session in ``~/.aws/config`` and its token in
        ``~/.aws/sso/cache``, as after ``aws sso login``; `environment` points them here.

        Args:
            user: The user; default: the first.
            refreshable: Whether the session has a refresh token.
            session_name: The ``[sso-session]``, added to the configuration if it is not there.
            home: The home directory; default: the current user's.

        Raises:
            HomeInUse: That directory has a session of this name, or a token of it, for another portal.
        """
        session = self.start_session(user, refreshable=refreshable)
        write_sign_in(
            home,
            session_name=session_name,
            start_url=self.start_url,
            region=self.region,
            sections=self._sections(session_name, self.start_url),
            token=self.state.issue(session),
        )
        return session

    def start_session(self, user: str | None = None, *, refreshable: bool = True) -> SignInSession:
        """Sign the user (default: the first) in, and leave nothing on disk.

        Raises:
            NoSuchUser: The organization has no such user.
        """
        scopes = (ACCOUNT_SCOPE,) if refreshable else ()
        registration = self.state.register("a test", scopes, (DEVICE_GRANT, REFRESH_GRANT), ())
        return self.state.start_session(self._organization.user(user).name, registration, scopes)

    def access_token(self, user: str | None = None, *, session: SignInSession | None = None) -> str:
        """A valid access token: of the session given, else of a new one of this user (default: the first)."""
        return self.state.issue(session or self.start_session(user)).value

    def sessions(self) -> list[SignInSession]:
        """The sign-in sessions that live, oldest first."""
        with self.state.lock:
            return [session for session in self.state.sessions.values() if self.state.is_valid(session)]

    def session_of(self, access_token: str) -> SignInSession:
        """The session an access token belongs to.

        Raises:
            KnobError: it is no access token of this Identity Center.
        """
        token = self.state.access_tokens.get("".join(access_token))
        if token is None:
            raise KnobError("This Identity Center has not issued that access token.")
        return token.session

    def end_session(self, session: SignInSession | None = None) -> None:
        """Ends this sign-in session, or every one: access and refresh tokens are refused from now on."""
        for ended in self.sessions() if session is None else [session]:
            self.state.end(ended)

    def revoke(self, access_token: str | None = None) -> None:
        """Refuses this access token, or every one issued until now; their sessions can still be refreshed."""
        with self.state.lock:
            for value, token in self.state.access_tokens.items():
                if access_token is None or value == "".join(access_token):
                    token.revoked = True
