"""What a sign-in asks of whoever shows it: a notebook cell, a terminal, the panel, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sso_magic.signin.device import DeviceRequest


class Prompt(Protocol):
    """Shows one sign-in. Methods are called on the thread that signs in."""

    def device(self, request: DeviceRequest) -> None:
        """Show link and code, and that they run out; return at once."""

    def close(self, line: str) -> None:
        """Put this line in the place of all that was shown. It is called once, also after an error."""
