"""An HTTP server on 127.0.0.1: the credential endpoint, the console link and the sign-in callback are three of them.

It accepts up to 128 connections that wait (with a backlog of 5, `socketserver`'s, 50 of 64 SDK readers that start
together are dropped), and answers each in a daemon thread. Nothing looks up a host name. The accepting thread sleeps
until a connection comes; it has no interval at which it wakes.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

HOST = "127.0.0.1"
BACKLOG = 128
CONNECTIONS = 128
"""Connections that are open at a time, each with a thread; others wait in the backlog."""
_IDLE = 2.0  # seconds without a request after which a connection is closed where others wait
_PAUSE = 0.1  # seconds to wait where the system has no descriptor or thread left


class LoopbackServer:
    """Listens on a port of 127.0.0.1 that the system chooses, from the moment that it is made until `stop`.

    Args:
        handler: The class that answers a connection's requests.
        name: The name of the accepting thread.

    Attributes:
        server_address: Host and port.
        server_port: The port.
        authority: Host and port as the header ``Host`` has them.

    Raises:
        OSError: There is no port to listen on.
    """

    def __init__(self, handler: type[LoopbackHandler], name: str) -> None:
        self._handler = handler
        self._idle_since: dict[socket.socket, float | None] = {}  # by open connection; None during a request
        self._stopping = False
        self._full = False
        self.socket = _listening_socket()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)  # noqa: FBT003 - the name of the parameter is `flag`
        self.server_address: tuple[str, int] = self.socket.getsockname()[:2]
        self.server_port = int(self.server_address[1])
        self.authority = f"{HOST}:{self.server_port}"
        self._thread = threading.Thread(target=self._accept_all, name=name, daemon=True)
        try:
            self._thread.start()
        except BaseException:  # an interrupt: the thread may run, and nobody could stop it later
            self._stopping = True
            self._wake()
            raise

    def stop(self) -> None:
        """Close the port and the connections that wait for a request; requests under way are answered."""
        self._stopping = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def close_after_fork(self) -> None:
        """Close the sockets in a forked child, which has no thread that accepts."""
        for sock in (self.socket, self._woken, self._waker, *self._idle_since):
            with contextlib.suppress(OSError):
                os.close(sock.detach())  # `close` waits for the files that a thread of the parent has made of it

    def waits(self, connection: socket.socket) -> None:
        """Note that a connection waits for a request."""
        self._idle_since[connection] = time.monotonic()

    def works(self, connection: socket.socket) -> None:
        """Note that a connection has sent a request."""
        self._idle_since[connection] = None

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is full, which wakes too, or closed
            self._waker.send(b".")

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector, self.socket, self._woken, self._waker:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self.socket, selectors.EVENT_READ)
            while not self._stopping:
                was_full, self._full = self._full, True  # before the count, so that a thread that ends now wakes this
                self._full = len(self._idle_since) >= CONNECTIONS
                if self._full and not was_full:
                    selector.unregister(self.socket)
                elif was_full and not self._full:
                    selector.register(self.socket, selectors.EVENT_READ)
                for key, _ in selector.select(self._close_idle(_IDLE) if self._full else None):
                    if key.fileobj is self._woken:
                        self._woken.recv(4096)
                    else:
                        self._accept()
            self._close_idle(0)

    def _close_idle(self, seconds: float) -> float | None:
        """Close what has been idle for so many seconds; seconds until more is, None if every connection works."""
        now = time.monotonic()
        waiting = [(since, connection) for connection, since in list(self._idle_since.items()) if since is not None]
        for since, connection in waiting:
            if now - since >= seconds:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)  # its thread reads the end, and closes it
        return min((max(since + seconds - now, _PAUSE) for since, _ in waiting), default=None)

    def _accept(self) -> None:
        try:
            connection, address = self.socket.accept()
        except BlockingIOError:  # the peer went away in the meantime
            return
        except OSError:  # no descriptor is left
            time.sleep(_PAUSE)
            return
        self.waits(connection)
        try:
            threading.Thread(
                target=self._answer, args=(connection, address), name=f"{self._thread.name} connection", daemon=True
            ).start()
        except RuntimeError:  # no thread is left, or the process ends
            self._close(connection)
            time.sleep(_PAUSE)

    def _answer(self, connection: socket.socket, address: Any) -> None:
        try:
            connection.setblocking(True)  # noqa: FBT003 - the name of the parameter is `flag`
            with contextlib.suppress(Exception):  # a peer that goes away; a traceback would show what was asked
                self._handler(connection, address, self)  # type: ignore[arg-type]  # it wants no more of a server
        finally:
            self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        connection.close()
        self._idle_since.pop(connection, None)
        if self._full:
            self._wake()


def _listening_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets another program listen on the same port without it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        sock.bind((HOST, 0))
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 - the name of the parameter is `flag`
    except BaseException:
        sock.close()
        raise
    return sock


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection; logs nothing, for paths and queries are secrets."""

    server: LoopbackServer  # type: ignore[assignment]  # it wants no more of a server
    server_version = "sso_magic"
    sys_version = ""
    timeout = 10  # seconds without a byte after which the connection is closed

    def handle_one_request(self) -> None:
        """Read and answer one request."""
        self.server.waits(self.connection)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Return whether a whole request was read that can be answered."""
        can_be_answered = super().parse_request()
        self.server.works(self.connection)
        return can_be_answered

    def is_addressed(self) -> bool:
        """Return whether the request names this server: a page of another site sends that site's name."""
        return self.headers.get_all("Host") == [self.server.authority]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is http.server's
        """Log nothing."""
