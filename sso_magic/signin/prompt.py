"""What a sign-in asks of whoever shows it: a notebook cell, a terminal, the panel, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sso_magic.common.secret import Secret
    from sso_magic.signin.browser import BrowserRequest
    from sso_magic.signin.device import DeviceRequest


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
