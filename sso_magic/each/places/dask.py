"""A Dask cluster: the work goes there once, each account as a task of its own.

A task's parcel holds no keys. When the work first touches them, and again before they end, its worker says so by an
event, and the notebook answers that worker alone. What was rejected: keys in the parcel, which stay in the scheduler's
memory with the task and are old when the task is done again after its worker died; and a `distributed.Variable` for
each task, which keeps them in the scheduler as well, needs a client of its own on every worker, and has to be renewed
here whether or not a task asks. Measured on two processes: 3 to 11 ms for an answer, 2 to 13 ms by a Variable.
"""

from __future__ import annotations

import contextlib
import importlib
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import distributed

from sso_magic.common import locks
from sso_magic.dask_cluster.clients import check, warn_if_open
from sso_magic.each import stopping
from sso_magic.each.places import remote
from sso_magic.each.places.venues import WORKERS, result_of
from sso_magic.each.task import STOPPED, Outcome
from sso_magic.errors import CredentialsError, UsageError
from sso_magic.kernel.handover import Handover, Refusal, answer, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.each.accounts import Job
    from sso_magic.kernel.renewal import RenewingRole

MOST = 256  # jobs at a time by default: each waits on a thread here
ANSWERED_WITHIN = 60  # seconds


class Cluster:
    """The cluster of one `distributed.Client`.

    Args:
        client: Connected, not asynchronous.
        blob: The work.
        region: For the work done; None: as boto3 finds one there.
    """

    def __init__(self, client: Any, blob: bytes, region: str | None) -> None:
        check(client)
        warn_if_open(client)
        _check_package(client)
        self.workers = min(MOST, max(WORKERS, 2 * sum(client.nthreads().values())))
        self._client = client
        self._work = blob
        self._region = region
        self._jobs: dict[str, Job] = {}
        self._topic = f"sso_magic-{secrets.token_hex(8)}"
        self._blob: Any = None  # on the cluster

    def open(self) -> None:
        """Send the work, and listen to what its tasks ask. `close` ends it, also where an interrupt came in between."""
        self._executor = self._client.get_executor(pure=False)
        # A task, not scattered data: should the worker that holds it die, the scheduler has it made again.
        self._blob = self._client.submit(_same, self._work, pure=False)
        self._client.subscribe_topic(self._topic, self._on_asked)

    def run(self, job: Job, role: RenewingRole) -> Outcome:
        """Send the job there, and answer its questions while it runs."""
        self._jobs[job.ticket] = job
        region = job.region or self._region
        parcel = remote.Parcel(job.ticket, job.account, job.role_name, region, Asking(self._topic))
        try:
            future = self._executor.submit(remote.run, self._blob, parcel)
            future.add_done_callback(lambda _: job.wake.set())
            while not future.done() and not job.stopped:
                job.wake.wait()
                job.wake.clear()
                while job.asked:
                    self._answer(job, role, job.asked.popleft())
            if not future.done():
                future.cancel()
                return Outcome(failure=STOPPED)
            return result_of(future, remote.received)
        finally:
            self._jobs.pop(job.ticket, None)

    def stop(self, jobs: Sequence[Job]) -> None:
        """Raise `Stopped` in what runs there; do not wait for it."""
        tickets = [job.ticket for job in jobs]
        if tickets:
            threading.Thread(
                target=self._quietly, args=(stopping.stop, tickets), name="sso_magic each stop", daemon=True
            ).start()

    def close(self) -> None:
        """Release the work; the client is the caller's, and stays open."""
        with contextlib.suppress(Exception):  # a client that is closed meanwhile, or was not subscribed, holds nothing
            self._client.unsubscribe_topic(self._topic)
        if self._blob is not None:
            self._blob.release()

    def _on_asked(self, event: tuple[float, dict[str, str]]) -> None:
        """Note that a worker asks for a task's credentials; called on the client's event loop, which must not wait."""
        _, question = event
        job = self._jobs.get(question["ticket"])
        if job is not None:
            job.asked.append(question["worker"])
            job.wake.set()

    def _answer(self, job: Job, role: RenewingRole, worker: str) -> None:
        self._quietly(deliver, job.ticket, answer(role), workers=[worker])

    def _quietly(self, function: Any, *arguments: Any, workers: list[str] | None = None) -> None:
        """Call a function on workers. One that is gone needs no answer: its task is done again elsewhere."""
        with contextlib.suppress(Exception):
            self._client.run(function, *arguments, workers=workers, on_error="ignore")


def _check_package(client: Any) -> None:
    """Check that the workers have this package: one that lacks it cannot read its tasks, which would never end.

    Raises:
        UsageError: A worker lacks it.
    """
    # A lambda is sent whole: a function of this package could not be read there either.
    found = client.run(lambda: bool(importlib.import_module("sso_magic.each.places.remote")), on_error="return")
    lacking = sorted(worker for worker, there in found.items() if isinstance(there, ImportError))
    if lacking:
        where = ", ".join(lacking[:3])
        raise UsageError(f"Workers of the Dask cluster lack sso-magic ({where}): install it there, as in this kernel.")


def _same(blob: bytes) -> bytes:
    return blob


# ---- on a worker ----

_WAITING: dict[str, list[_Box]] = {}
_LOCK = locks.Lock()


class _Box:
    """Where a waiting thread finds the credentials."""

    def __init__(self) -> None:
        self.filled = locks.Event()
        self.content: Handover | Refusal | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How a task on a worker gets its credentials.

    Attributes:
        topic: The topic that the notebook listens to.
    """

    topic: str

    def fetch(self, ticket: str) -> Credentials:
        """Ask for them by an event, and wait until they are delivered here."""
        worker = _worker()
        box = _Box()
        with _LOCK:
            _WAITING.setdefault(ticket, []).append(box)
        try:
            worker.log_event(self.topic, {"ticket": ticket, "worker": worker.address})
            box.filled.wait(ANSWERED_WITHIN)
        finally:
            with _LOCK:
                _WAITING[ticket].remove(box)
                if not _WAITING[ticket]:
                    del _WAITING[ticket]
        if box.content is None:
            raise CredentialsError(
                f"The notebook sent no credentials within {ANSWERED_WITHIN} s: its kernel is busy or gone. Run it "
                "again when the kernel has time."
            )
        return opened(box.content)


def deliver(ticket: str, content: Handover | Refusal) -> None:
    """Give the credentials, or the refusal, to all threads of this worker that wait for this ticket's."""
    with _LOCK:
        for box in _WAITING.get(ticket, ()):
            box.content = content
            box.filled.set()


def _worker() -> Any:
    """Return the worker that this runs on: of the task, or, on a thread that a task has made, of the process."""
    try:
        return distributed.get_worker()
    except ValueError:
        # No public way leads there from a thread that a task has made.
        for worker in list(distributed.Worker._instances):  # noqa: SLF001
            if worker.status.name == "running":
                return worker
        raise CredentialsError(
            "Its credentials come to the workers of a Dask cluster only, and this is none: use them in the task itself."
        ) from None
