"""Reads the address that a person pastes during a sign-in: hidden, and without waiting for it.

The callback of the sign-in may come first, so nothing here blocks: `read` is called every fraction of a second on the
thread that signs in. Ctrl-C ends the sign-in as ever.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any, Protocol

from sso_magic.common.secret import Secret

LONGEST = 65_536  # bytes without an end of line after which the input is dropped


class AddressInput(Protocol):
    """One place where an address can be pasted."""

    def ask(self, words: str) -> bool:
        """Ask for a line; return False if none can be read here."""

    def read(self) -> Secret | None:
        """Return the line that has been entered, or None; return at once."""

    def close(self) -> None:
        """End the reading, and drop what has been entered and not read."""


class CellInput:
    """A password field of the front end, below the cell.

    Args:
        kernel: The running kernel of ipykernel.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._asked = False

    def ask(self, words: str) -> bool:
        """Ask for a line; return False if the front end or this thread cannot."""
        # The socket is the main thread's.
        if not self._kernel._allow_stdin or threading.current_thread() is not threading.main_thread():  # noqa: SLF001
            return False
        type(self._kernel).getpass(_Sending(self._kernel), words)
        self._asked = True
        return True

    def read(self) -> Secret | None:
        """Return the line that has been entered, or None."""
        if not self._asked:
            return None
        import zmq

        try:
            _, reply = self._kernel.session.recv(self._kernel.stdin_socket, mode=zmq.NOBLOCK)
        except ValueError:  # a message that the session does not accept
            return None
        if reply is None:
            return None
        self._asked = False
        value = reply.get("content", {}).get("value", "")
        return Secret(value if isinstance(value, str) and value != "\x04" else "")

    def close(self) -> None:
        """End the reading; the front end takes its field away when the cell has ended."""
        self._asked = False


class _Sending:
    """A kernel whose `getpass` sends the request and does not wait for the reply."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    def _input_request(self, prompt: str, ident: Any, parent: Any, password: bool = False) -> str:  # noqa: FBT001, FBT002
        """Do what ipykernel's method of this name does, up to the wait."""
        import zmq

        socket = self._kernel.stdin_socket
        with contextlib.suppress(zmq.Again):  # replies to earlier requests
            while True:
                socket.recv_multipart(zmq.NOBLOCK)
        content = {"prompt": prompt, "password": password}
        self._kernel.session.send(socket, "input_request", content, parent, ident=ident)
        return ""


class TerminalInput:
    """Lines of the terminal, without echo.

    The terminal is in a mode without lines of its own: in that mode macOS takes no line over 1,024 bytes.
    """

    def __init__(self) -> None:
        self._restore: Any = None
        self._line = bytearray()
        self._fd = -1

    def ask(self, words: str) -> bool:  # noqa: ARG002 - the countdown's line has the words
        """Begin to read; return False if standard input is no terminal."""
        if self._restore is not None:
            return True
        try:
            self._fd = sys.stdin.fileno()
            if not os.isatty(self._fd):
                return False
            self._restore = _without_echo(self._fd)
        except (AttributeError, ValueError, OSError):  # closed, replaced, or refused
            return False
        return True

    def read(self) -> Secret | None:
        """Return the line that has been entered, or None."""
        if self._restore is None:
            return None
        for byte in _available(self._fd):
            if byte in b"\r\n":
                line, self._line = Secret(self._line.decode("utf-8", "replace")), bytearray()
                return line
            if byte in b"\x08\x7f":
                del self._line[-1:]
            elif byte == 0x15:  # Ctrl-U
                self._line.clear()
            elif byte >= 0x20:
                self._line.append(byte)
        if len(self._line) > LONGEST:
            self._line.clear()
        return None

    def close(self) -> None:
        """Put the terminal's mode back, and drop what has been entered and not read: it may hold a code."""
        if self._restore is not None:
            self._line.clear()
            self._restore()
            self._restore = None  # last: after an interrupt, a second call puts the mode back


if sys.platform == "win32":
    import msvcrt

    def _without_echo(fd: int) -> Any:  # noqa: ARG001 - as on other systems
        return _drop_keys  # `getwch` does not echo

    def _available(fd: int) -> bytes:  # noqa: ARG001
        entered = bytearray()
        while msvcrt.kbhit():
            key = msvcrt.getwch()
            if key == "\x03":
                raise KeyboardInterrupt
            if key in "\x00\xe0":  # a function key: its code follows
                msvcrt.getwch()
                continue
            entered += key.encode("utf-8", "replace")
            if key in "\r\n":
                break
        return bytes(entered)

    def _drop_keys() -> None:
        while msvcrt.kbhit():
            msvcrt.getwch()

else:
    import select
    import termios

    def _without_echo(fd: int) -> Any:
        try:
            before = termios.tcgetattr(fd)
            mode = [*before[:6], list(before[6])]
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            termios.tcsetattr(fd, termios.TCSANOW, mode)
        except termios.error as error:
            raise OSError(*error.args) from None

        def restore() -> None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(fd, termios.TCSAFLUSH, before)

        return restore

    def _available(fd: int) -> bytes:
        """Return what has been entered, up to the first end of line."""
        entered = bytearray()
        while select.select([fd], [], [], 0)[0]:
            byte = os.read(fd, 1)
            entered += byte
            if not byte or byte in b"\r\n":
                break
        return bytes(entered)
