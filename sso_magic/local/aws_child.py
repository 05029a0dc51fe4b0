"""The process that moto runs in, started by `aws_process`."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from typing import Any, BinaryIO

from sso_magic.local.authority import RemoteAuthority
from sso_magic.local.aws_setup import Setup, make
from sso_magic.local.channel import Channel


class Child:
    """Answers what the Identity Center's process asks."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self.channel = Channel(reader, writer, self._answer)
        self._accounts: Any = None

    def serve(self) -> None:
        """Answer until the other process ends."""
        self.channel.serve()

    def _answer(self, name: str, *arguments: Any) -> Any:
        if name == "start":
            self._start(*arguments)
        elif name == "reset":
            self._accounts.reset()
        elif name == "export":
            return self._accounts.export(*arguments)
        return None

    def _start(self, shared: int | bytes, setup: Setup) -> None:
        sock = _open(shared)
        try:
            self._accounts, server = make(setup, sock, RemoteAuthority(self.channel))
        except BaseException:
            sock.close()  # refuses clients that would wait for ever
            raise
        threading.Thread(target=server.serve_forever, name="sso_magic local AWS", daemon=True).start()


def main() -> None:
    """Serve until standard input ends, which is when the process that started this one does."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what moto prints is not for the channel
    if sys.platform != "win32":
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    Child(reader, writer).serve()


def _watch(parent: int) -> None:
    """End with the parent also where a process that it forked keeps the pipe open."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def _open(shared: int | bytes) -> socket.socket:
    if sys.platform == "win32":
        assert isinstance(shared, bytes)
        return socket.fromshare(shared)
    assert isinstance(shared, int)
    return socket.socket(fileno=shared)
