"""What a sign-in shows a person, and the protocol of what shows it: a notebook cell, a terminal, the panel, a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from sso_magic.common.secret import Secret
    from sso_magic.signin.sessions import Session


EXPIRES_IN = 600  # seconds, as the AWS CLI waits


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a person needs to approve a sign-in by device code, and what polls for it.

    Attributes:
        session: Who asks.
        user_code: What the person compares or types.
        verification_uri: Where it is typed.
        verification_uri_complete: The same with the code in it.
        expires_at: When the code ends, UTC.
        expires_in: Seconds it held when it was made.
        interval: Seconds between two polls.
        device_code: The poll's secret.
        renewed: True if it replaces a code that expired.
        reason: Why this method, as a sentence; may be empty.
    """

    session: Session
    user_code: str = field(repr=False)  # live for minutes: shown where a person looks, not left in a traceback
    verification_uri: str = field(repr=False)
    verification_uri_complete: str = field(repr=False)
    expires_at: datetime
    expires_in: int
    interval: float
    device_code: Secret
    renewed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BrowserRequest:
    """What a person needs to approve a sign-in in the browser.

    Attributes:
        session: The session to sign in to.
        url: The page to open; it is good for this one sign-in.
        callback: Where the page sends the browser after the approval, without the answer in its query.
        expires_in: Seconds until the wait ends.
        is_remote: True if the browser may be unable to reach ``callback``: then the person pastes the address that the
            browser ended on.
        reason: Why this method, as a sentence; may be empty.
    """

    session: Session
    url: str = field(repr=False)
    callback: str = ""
    expires_in: int = EXPIRES_IN
    is_remote: bool = False
    reason: str = ""


class Prompt(Protocol):
    """Shows one sign-in. Methods are called on the thread that signs in.

    A prompt may lack `pasted` and `wrong`: then a browser on another machine needs a forwarded port.
    """

    def device(self, request: DeviceRequest) -> None:
        """Show link and code, and that they expire; return at once. A code that expires is replaced by another call."""

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Show the page's link, and the code beside it once there is one; return at once. It may be called again.

        Args:
            request: The page. With ``is_remote``, show how to paste the address, and begin to read it.
            opened: True if the page is being opened in the browser of this machine; False if a person has to open it.
            device: The code that signs in as well, once it is offered.
        """

    def pasted(self) -> Secret | None:
        """Return the address that the person has entered since the last call; None if there is none. Never wait."""

    def wrong(self, line: str) -> None:
        """Show why the entered address is not the answer, and begin to read another one; return at once."""

    def close(self, line: str) -> None:
        """Replace all that was shown by this line, or remove it if the line is empty: an error follows then.

        It is called once, also after an error, and again only if an interrupt has stopped it.
        """
