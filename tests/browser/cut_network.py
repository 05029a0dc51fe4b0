"""A network between browser and server that a test cuts."""

from __future__ import annotations

import contextlib
import socket
import threading


class CutNetwork:
    """Passes on what comes to a port of its own, until it is cut; nothing listens there then.

    Args:
        port: The server's port on loopback.

    Attributes:
        port: The port to connect to.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._serve()

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._end(self._listener)
        self._thread.join()
        for one in self._sockets:
            self._end(one)
        self._sockets.clear()

    def mend(self) -> None:
        """Pass on connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def _serve(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._server))
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        self._end(source)
        self._end(target)

    @staticmethod
    def _end(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
        one.close()
