"""moto in a process of its own: how it is started, told to forget, and ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from sso_magic.local.channel import Channel
from sso_magic.local.errors import LocalError

if TYPE_CHECKING:
    import socket

    from sso_magic.local.authority import LocalAuthority
    from sso_magic.local.aws_setup import Setup

_ENDS_WITHIN = 10  # seconds
# The path of imports is this process's; nothing is imported from the current directory before it is set.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from sso_magic.local.aws_child import main; main()"


class Process:
    """The child process, and the channel to it.

    It ends when its standard input does, which the operating system closes whatever ends this process.
    """

    def __init__(self, sock: socket.socket, authority: LocalAuthority, setup: Setup) -> None:
        self._sock = sock
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [sys.executable, "-c", _PROGRAM, *(path for path in sys.path if isinstance(path, str))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                **_apart(sock),
            )
        except (OSError, ValueError) as error:  # ValueError: sys.executable is empty, as where Python is embedded
            message = f"The process of the AWS accounts cannot be started ({error}). Use aws='in-process'."
            raise LocalError(message) from None
        self._output, self._input = cast("BinaryIO", self._process.stdout), cast("BinaryIO", self._process.stdin)
        self._channel = Channel(self._output, self._input, authority.answer)
        self._thread = threading.Thread(target=self._serve, name="sso_magic local AWS", daemon=True)
        self._thread.start()
        self.ready: Future[None] = Future()
        shared = _shared(sock, self._process.pid)
        self._channel.ask("start", shared, setup).add_done_callback(self._started)

    def stop(self) -> None:
        """End the process and wait for it."""
        if not self.ready.done():
            self._process.kill()  # it may be importing, which takes its time and can be interrupted by nothing else
        self._input.close()
        try:
            self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._sock.close()

    def export(self, known: int) -> tuple[int, dict[str, Any]] | None:
        """Return the buckets; see `Accounts.export`."""
        exported: tuple[int, dict[str, Any]] | None = self._channel.ask("export", known).result()
        return exported

    def reset(self) -> None:
        """Forget every bucket and role."""
        self._channel.ask("reset").result()

    def _started(self, answer: Future[None]) -> None:
        self._sock.close()  # the child has its own; this one would keep the port open when the child has ended
        error = answer.exception()
        if error is None:
            self.ready.set_result(None)
        else:
            self.ready.set_exception(error)

    def _serve(self) -> None:
        self._channel.serve()
        self._output.close()


def _environment() -> dict[str, str]:
    """Return the environment without AWS's variables: their keys and endpoints are not meant for moto."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _apart(sock: socket.socket) -> dict[str, Any]:
    """Return how to start it: with the socket, and out of reach of the terminal's Ctrl-C."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"pass_fds": (sock.fileno(),), "start_new_session": True}


def _shared(sock: socket.socket, pid: int) -> int | bytes:
    """Return the socket as the other process can open it."""
    if sys.platform == "win32":
        return sock.share(pid)
    return sock.fileno()
