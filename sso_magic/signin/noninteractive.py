"""A sign-in in a run without a person: possible only where the service approves without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sso_magic.common.times import clock, until
from sso_magic.errors import ParamValidationError, SignInRequired
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from sso_magic.signin.prompt import BrowserRequest, DeviceRequest
    from sso_magic.signin.sessions import Session
    from sso_magic.signin.tokens import Token


class NoPerson:
    """A prompt that shows nothing, and ends the sign-in when a person would have to approve it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def device(self, request: DeviceRequest) -> NoReturn:  # noqa: ARG002 - as in `Prompt`
        """Raise, because nobody can approve the code.

        Raises:
            SignInRequired: Always.
        """
        raise sign_in_first(self._session)

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> NoReturn:  # noqa: ARG002
        """Raise, because nobody can approve the page.

        Raises:
            SignInRequired: Always.
        """
        raise sign_in_first(self._session)

    def pasted(self) -> None:
        """Return no address: nobody enters one."""

    def wrong(self, line: str) -> None:
        """Show nothing."""

    def close(self, line: str) -> None:
        """Show nothing."""


def sign_in_first(session: Session, token: Token | None = None, *, is_forced: bool = False) -> SignInRequired:
    """Return the error for a run without a person, which names how to sign in beforehand.

    Args:
        session: The session.
        token: The token that is stored, and has ended or ends too soon.
        is_forced: A new sign-in is asked for, however long the token lasts.
    """
    stands = f"Not signed in to {session.label}"
    if is_forced:
        stands = f"A new sign-in to {session.label} needs a person"
    elif token is not None and token.rejected is None:
        is_valid = token.expires_at > utc_now()
        stands = f"The sign-in to {session.label} " + (
            f"lasts {until(token.expires_at)} only" if is_valid else f"ended at {clock(token.expires_at)}"
        )
    arguments = session.label if session.name is not None else f"{session.label} --sso-region {session.sso_region}"
    return SignInRequired(
        f"{stands}, and this run is not interactive. Run sso-magic login {arguments} in a "
        "terminal first, or sign in from a notebook."
    )


def check_prompt(prompt: object) -> None:
    """Check that an object can be used as a `Prompt`, before anything is asked of the service.

    Raises:
        ParamValidationError: It lacks a method.
    """
    missing = [name for name in ("device", "browser", "close") if not callable(getattr(prompt, name, None))]
    if missing:
        raise ParamValidationError(
            f"prompt is {type(prompt).__name__!r} without the method {', '.join(missing)}. "
            "sso_magic.signin.prompt.Prompt describes what it needs."
        )
