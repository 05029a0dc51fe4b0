"""Questions and answers between two processes over a pair of pipes, each question from any thread."""

from __future__ import annotations

import itertools
import pickle
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, BinaryIO

from sso_magic.local import locks
from sso_magic.local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Callable


class ChannelClosed(LocalError, ConnectionError):
    """The other process has ended."""


class Channel:
    """One end.

    The pipes belong to a process and the child that it started itself, so pickles in them are as trusted as the code.

    Args:
        reader: Where messages come from.
        writer: Where messages go.
        answer: Called with a question's name and arguments; returns the answer. It runs in the thread of `serve`, which
            it must not make wait for an answer of the other end.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO, answer: Callable[..., Any]) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._lock = locks.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[Any]] = {}
        self._closed = False

    def ask(self, name: str, *arguments: Any) -> Future[Any]:
        """Send a question and return the future of its answer.

        The future raises `ChannelClosed` if the other process ends first, and `LocalError` if it failed.
        """
        future: Future[Any] = Future()
        number = next(self._numbers)
        with self._lock:
            if self._closed:
                future.set_exception(ChannelClosed("The other process has ended."))
                return future
            self._waiting[number] = future
        self._send(("ask", number, name, arguments))
        return future

    def serve(self) -> None:
        """Answer and receive answers until the other process ends or closes its end."""
        try:
            while True:
                self._take(*pickle.load(self._reader))  # noqa: S301 - see the class
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            pass
        finally:
            self._close()

    def _take(self, kind: str, number: int, *rest: Any) -> None:
        """Handle one message; its own function, so that no key in a message outlives it while the next is awaited."""
        if kind == "ask":
            self._reply(number, *rest)
        else:
            self._receive(kind, number, *rest)

    def _reply(self, number: int, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            message = ("answer", number, self._answer(name, *arguments))
        except Exception as error:  # noqa: BLE001 - the caller gets the error
            message = ("error", number, f"{type(error).__name__}: {error}")
        self._send(message)

    def _receive(self, kind: str, number: int, value: Any) -> None:
        with self._lock:
            future = self._waiting.pop(number)
        if kind == "answer":
            future.set_result(value)
        else:
            future.set_exception(LocalError(value))

    def _send(self, message: tuple[Any, ...]) -> None:
        data = pickle.dumps(message)
        with self._lock:
            try:
                self._writer.write(data)
                self._writer.flush()
            except (OSError, ValueError):
                pass  # `serve` finds the same at its end, and tells everybody who waits

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            waiting, self._waiting = list(self._waiting.values()), {}
        for future in waiting:
            future.set_exception(ChannelClosed("The other process has ended."))
