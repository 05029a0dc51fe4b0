"""The sign-in prompt: in a cell of Jupyter or marimo, where it is replaced when it is over, and in a terminal.

What is live (a link, a code) is replaced at the end, so that a saved notebook has none of it.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks
from sso_magic.common.output import Shown, has_person, is_notebook, is_shown_by_marimo, shell, write
from sso_magic.display.address_input import CellInput, TerminalInput
from sso_magic.display.card import browser_card, device_card
from sso_magic.display.words import PASTE, STOP, WAITS, browser_text, device_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.common.secret import Secret
    from sso_magic.signin.prompt import BrowserRequest, DeviceRequest, Prompt


def ask_hidden() -> Callable[[str], str] | None:
    """Return what asks the person a question whose answer is not shown; None if nobody can be asked."""
    import getpass

    return getpass.getpass if has_person() else None


def prompt_here() -> Prompt:
    """Return the prompt for where this runs: the notebook's cell or the terminal."""
    if is_notebook():
        return NotebookPrompt()
    return MarimoPrompt() if is_shown_by_marimo() else TerminalPrompt()


def _without_frames(show: Callable[..., None]) -> Callable[..., None]:
    """Take the frames out of what it raises: their variables hold the link and the code, which Verbose would show."""

    @functools.wraps(show)
    def wrapped(self: Any, *arguments: Any, **options: Any) -> None:
        try:
            show(self, *arguments, **options)
        except BaseException as error:  # noqa: BLE001 - Ctrl-C above all; it goes on
            raise error.with_traceback(None)  # noqa: B904 - the same one

    return wrapped


class NotebookPrompt:
    """The sign-in prompt in a cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._input: CellInput | None = None

    @_without_frames
    def device(self, request: DeviceRequest) -> None:
        """Shows link, code, QR code and countdown."""
        self._show(Shown(device_text(request), device_card(request, WAITS)))

    @_without_frames
    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Shows the page's link, and the code beside it once there is one."""
        card = browser_card(request, device, WAITS, opened=opened)
        self._show(Shown(browser_text(request, opened, device), card))
        if request.is_remote:
            self._input = CellInput(shell().kernel)
            self._input.ask(PASTE)

    def pasted(self) -> Secret | None:
        """Return the address that was entered below the cell."""
        return self._input.read() if self._input is not None else None

    def wrong(self, line: str) -> None:
        """Ask for the address again."""
        if self._input is not None:
            self._input.ask(f"{line} {PASTE}")

    def _show(self, shown: Shown) -> None:
        from IPython.display import DisplayHandle

        if self._handle is None:
            self._handle = DisplayHandle()  # type: ignore[no-untyped-call]  # before it shows anything, for `close`
            self._handle.display(shown)
        else:
            self._handle.update(shown)

    def close(self, line: str) -> None:
        """Replace them by the line, or by nothing."""
        if self._input is not None:
            self._input.close()
        if line:
            self._show(Shown(line))
        elif self._handle is not None:
            self._handle.update(Shown("", ""))


class MarimoPrompt:
    """The sign-in prompt as the output of a marimo cell: an app shows nothing else of a cell that runs."""

    @_without_frames
    def device(self, request: DeviceRequest) -> None:
        """Show link, code, QR code and countdown."""
        self._show(device_card(request, STOP))

    @_without_frames
    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Show the page's link, and the code beside it once there is one."""
        self._show(browser_card(request, device, STOP, opened=opened))

    def _show(self, html: str) -> None:
        marimo = sys.modules["marimo"]
        marimo.output.replace(marimo.Html(html))

    def pasted(self) -> None:
        """Return no address: an app of marimo reads no standard input."""

    def wrong(self, line: str) -> None:
        """Show nothing."""

    def close(self, line: str) -> None:
        """Replace it by the line, or by nothing."""
        self._show(Shown(line).html if line else "")


class TerminalPrompt:
    """The sign-in prompt in a terminal, with a countdown in its last line."""

    def __init__(self) -> None:
        self._ended = locks.Event()
        self._deadline = 0.0
        self._thread: threading.Thread | None = None
        self._input = TerminalInput()
        self._waiting_for = "Waiting for approval"

    @_without_frames
    def device(self, request: DeviceRequest) -> None:
        """Print link and code, and count down where the output is a terminal."""
        write(f"\n{device_text(request)}" if request.renewed else device_text(request))
        self._count_down(request.expires_in)

    @_without_frames
    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Print the page's link; in later calls, the code."""
        if device is None:
            write(browser_text(request, opened, None))
            if request.is_remote and self._input.ask(PASTE):
                self._waiting_for = PASTE.rstrip(": ")
                if not sys.stdout.isatty():
                    write(PASTE)
            self._count_down(request.expires_in)
        else:
            write(f"\n{device_text(device)}")
            self._count_down(device.expires_in)

    def pasted(self) -> Secret | None:
        """Return the address that was entered in the terminal."""
        return self._input.read()

    def wrong(self, line: str) -> None:
        """Print the line; the next address is read already."""
        self._write_over(line)

    def _write_over(self, line: str) -> None:
        if self._thread is not None:
            sys.stdout.write("\r" + " " * 79 + "\r")
        if line:
            write(line)

    def _count_down(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        if self._thread is None and sys.stdout.isatty():
            self._thread = threading.Thread(target=self._tick, name="sso-magic-countdown", daemon=True)
            self._thread.start()

    def _tick(self) -> None:
        while not self._ended.wait(1):
            minutes, seconds = divmod(max(0, int(self._deadline - time.monotonic())), 60)
            sys.stdout.write(f"\r{self._waiting_for}, {minutes}:{seconds:02d} left ")
            sys.stdout.flush()

    def close(self, line: str) -> None:
        """End the countdown, and print the line in its place."""
        self._input.close()
        self._ended.set()
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):  # an interrupt has stopped its start
                self._thread.join()
        self._write_over(line)
