"""Calls to all workers of a Dask cluster that one worker cannot hold up, and the names of what is put there."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ANSWER_WITHIN = 5  # seconds that the workers' answers to a call are waited for


class Calls:
    """Calls in threads of their own: Dask returns from one when the last worker has answered.

    A worker does not answer while something blocks its event loop. All the others have what was sent by then.
    """

    def __init__(self) -> None:
        self._late: list[Future[None]] = []

    def make(self, calls: Iterable[Callable[[], object]]) -> None:
        """Make the calls at the same time, and wait for the answers for a few seconds.

        Raises:
            Exception: The error that a worker answered in that time.
        """
        answered, late = wait([_started(call) for call in calls], ANSWER_WITHIN)
        self._late += late
        for call in answered:
            call.result()

    def are_late(self) -> bool:
        """Return True if a call was not answered in time; `late_failure` takes those out that are answered."""
        return bool(self._late)

    def late_failure(self) -> BaseException | None:
        """Return the error of a call that was answered later than it was waited for; None if there is none. Once."""
        answered = [call for call in self._late if call.done()]
        self._late = [call for call in self._late if call not in answered]
        return next((error for call in answered if (error := call.exception()) is not None), None)


def _started(call: Callable[[], object]) -> Future[None]:
    future: Future[None] = Future()

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is the answer
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, name="sso_magic dask call", daemon=True).start()
    return future


class Owner(NamedTuple):
    """Whose a plugin is."""

    client: str
    account_id: str
    role_name: str


def plugin_name(token: str, client: str, account_id: str, role_name: str) -> str:
    """Return the name for a plugin made now; neither ids nor role names contain the separator."""
    return f"sso_magic-{token}|{client}|{account_id}|{role_name}-{time.time_ns()}"


def owner(name: str) -> Owner | None:
    """Return whose the plugin of this name is; None if it is none of this package."""
    token, *rest = name.rpartition("-")[0].split("|")
    return Owner(*rest) if token.startswith("sso_magic-") and len(rest) == len(Owner._fields) else None


def time_of(name: str) -> int:
    """Return when the plugin of this name was made, in nanoseconds."""
    return int(name.rpartition("-")[2])
