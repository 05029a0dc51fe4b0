"""How tasks in other processes of this machine get their role's credentials: they ask, through a local socket.

A Unix socket in a directory of its own (a loopback port on Windows), opened with a key that the tasks are given: 128
bits for the line, and 128 more, the ticket, for each task's own role. Credentials go over it when a task asks, so that
one that runs for hours has renewed ones without ever having the access token.

`multiprocessing.connection` does the handshake and frames the messages. Its `Listener` is not used: its `accept` waits
for one peer's handshake, and can be ended only by one more connection. Here each peer has a thread and a time limit of
its own, and a pair of sockets, made beforehand, wakes the thread that accepts.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sso_magic.errors import CredentialsError
from sso_magic.kernel.handover import answer, opened

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.renewal import RenewingRole

_BACKLOG = 128
_PEER_WITHIN = 10  # seconds for a peer's next message; a process that is stopped sends none
_LOOK = 1.0  # seconds between two looks at whether the socket's directory is still there
_PAUSE = 0.1  # seconds after a failed `accept`: descriptors may be short
_ENDS_WITHIN = 5  # seconds for the thread that accepts
_ANSWERS_WITHIN = 3  # seconds in which a task tries to connect again
_LONGEST_PATH = 100  # characters of a Unix socket's path: 103 on macOS, 107 on Linux


class Line:
    """The notebook's end: answers with the credentials of the role that belongs to a ticket.

    Raises:
        CredentialsError: No socket can be opened.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._roles: dict[str, RenewingRole] = {}
        self._closed = False
        with contextlib.ExitStack() as stack:
            try:
                self._directory = _directory()
                stack.callback(shutil.rmtree, self._directory, ignore_errors=True)
                self._wake, self._woken = socket.socketpair()
                stack.callback(self._wake.close)
                stack.callback(self._woken.close)
                self._socket = _listening(self._wanted_address())
                stack.callback(lambda: self._socket.close())  # noqa: PLW0108 - the socket of that moment
                selector = selectors.DefaultSelector()  # here and not in the thread, for it takes a descriptor
            except OSError as error:
                if not _has_temporary():
                    raise CredentialsError(
                        "No socket for tasks in other processes can be opened: no directory for temporary files can be "
                        "written. Set TMPDIR to a directory that you can write."
                    ) from None
                raise CredentialsError(
                    f"No socket for tasks in other processes can be opened ({error}). Close files, or raise the limit "
                    "of open files (ulimit -n)."
                ) from None
            self._address = self._socket.getsockname()
            self._thread = threading.Thread(
                target=self._serve, args=(selector,), name="sso_magic each line", daemon=True
            )
            self._thread.start()
            self._clean = stack.pop_all()

    @property
    def far_end(self) -> FarEnd:
        """The task's end."""
        return FarEnd(self._address, self._key)

    def open(self, ticket: str, role: RenewingRole) -> None:
        """Answer this ticket with this role's credentials from now on."""
        self._roles[ticket] = role

    def close_ticket(self, ticket: str) -> None:
        """Answer this ticket no more: its task is over."""
        self._roles.pop(ticket, None)

    def close(self) -> None:
        """End the line. Needs no connection and no descriptor, and waits for its thread for a limited time."""
        self._closed = True
        self._roles.clear()
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")
        self._thread.join(_ENDS_WITHIN)
        self._clean.close()

    def _serve(self, selector: selectors.BaseSelector) -> None:
        with selector:
            selector.register(self._woken, selectors.EVENT_READ)
            registered = self._socket
            selector.register(registered, selectors.EVENT_READ)
            while not self._closed:
                if any(key.fileobj is registered for key, _ in selector.select(_LOOK)) and not self._accept():
                    self._pause()
                if self._is_gone() and self._listen_again():
                    selector.unregister(registered)
                    registered.close()
                    registered = self._socket
                    selector.register(registered, selectors.EVENT_READ)

    def _accept(self) -> bool:
        """Accept one peer, and leave it to a thread; False if the system cannot give a descriptor or a thread now."""
        try:
            peer, _ = self._socket.accept()
        except BlockingIOError:
            return True  # the peer is gone again
        except OSError:
            return False
        with contextlib.ExitStack() as stack:
            stack.callback(peer.close)
            try:
                _limit(peer, _PEER_WITHIN)
                threading.Thread(
                    target=self._answer, args=(peer,), name="sso_magic each line answer", daemon=True
                ).start()
            except (OSError, RuntimeError):
                return False
            stack.pop_all()
        return True

    def _answer(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, AuthenticationError), Connection(peer.detach()) as connection:
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            role = self._roles.get(connection.recv_bytes(100).decode("ascii", "replace"))
            connection.send(answer(role))

    def _pause(self) -> None:
        """Wait a moment, unless the line is closed: `accept` would fail again at once."""
        deadline = time.monotonic() + _PAUSE
        while not self._closed and time.monotonic() < deadline:
            time.sleep(_PAUSE / 10)

    def _is_gone(self) -> bool:
        """Return True if the socket's file has been removed, as cleaners of the temporary directory do."""
        return isinstance(self._address, str) and not self._closed and not Path(self._address).exists()

    def _listen_again(self) -> bool:
        """Listen at the same address, which the tasks have."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket = _listening(self._address)
        except OSError:
            return False  # tried again at the next look
        return True

    def _wanted_address(self) -> Any:
        return ("127.0.0.1", 0) if sys.platform == "win32" else str(self._directory / "line")


def _has_temporary() -> bool:
    try:
        return os.access(tempfile.gettempdir(), os.W_OK | os.X_OK)
    except OSError:
        return False


def _directory() -> Path:
    """Make a directory for this user alone, with a path short enough for a Unix socket."""
    made = Path(tempfile.mkdtemp(prefix="sso_magic-"))
    if len(str(made)) + len("/line") <= _LONGEST_PATH or sys.platform == "win32":
        return made
    made.rmdir()
    return Path(tempfile.mkdtemp(prefix="sso_magic-", dir="/tmp"))


def _listening(address: Any) -> socket.socket:
    if sys.platform == "win32" or not isinstance(address, str):
        made = socket.socket(socket.AF_INET)
    else:
        made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(address)
        made.listen(_BACKLOG)
        made.settimeout(0)
    except BaseException:
        made.close()
        raise
    return made


def _limit(peer: socket.socket, seconds: int) -> None:
    """Limit the time for each of the peer's messages, in both directions: `Connection` has no limit of its own."""
    peer.settimeout(None)
    limit = struct.pack("L", seconds * 1000) if sys.platform == "win32" else struct.pack("ll", seconds, 0)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A task's end of the line."""

    address: Any
    key: bytes = field(repr=False)

    def fetch(self, ticket: str) -> Credentials:
        """Ask for the credentials of the ticket's role.

        Raises:
            SSOMagicError: The notebook cannot get them, or does not answer.
        """
        try:
            with self._connected() as connection:
                connection.send_bytes(ticket.encode())
                answered = connection.recv()  # pickled by the notebook, which this process works for
        except (OSError, EOFError) as error:
            raise CredentialsError(
                f"The notebook does not answer ({error}): its kernel is gone, or on another machine."
            ) from None
        return opened(answered)

    def _connected(self) -> Any:
        """Connect; for a moment again where nobody listens, as after the socket's file has been removed."""
        deadline = time.monotonic() + _ANSWERS_WITHIN
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                return Client(self.address, authkey=self.key)
            time.sleep(_LOOK / 5)
        return Client(self.address, authkey=self.key)
