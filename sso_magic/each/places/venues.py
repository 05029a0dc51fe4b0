"""Where the work is done: on the crew's own threads, by an executor, in processes, on a cluster.

A venue does one job at a time for each of the crew's threads, and ends what it does when it is stopped.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.each import stopping
from sso_magic.each.here import Here
from sso_magic.each.places import remote
from sso_magic.each.task import STOPPED, Outcome, failure_of, perform_as_role
from sso_magic.kernel.handover import Handover
from sso_magic.kernel.kernel_role import KERNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sso_magic.each.accounts import Job
    from sso_magic.each.places.socket import Line
    from sso_magic.each.work import Work
    from sso_magic.kernel.renewal import RenewingRole

WORKERS = 16  # jobs at a time: most of a job's time is spent waiting for AWS


class Venue(Protocol):
    """Where jobs are done."""

    workers: int  # how many at a time by default

    def run(self, job: Job, role: RenewingRole) -> Outcome:
        """Do the job with the role's credentials, and wait for its end."""

    def stop(self, jobs: Sequence[Job]) -> None:
        """End these jobs, as far as they have begun; do not wait for them."""

    def close(self) -> None:
        """Release what the venue holds: no more jobs come."""


class Threads:
    """The crew's own threads."""

    workers = WORKERS

    def __init__(self, work: Work, region: str | None) -> None:
        KERNEL.separate_tasks()
        self._work = work
        self._region = region

    def run(self, job: Job, role: RenewingRole) -> Outcome:
        """Do the job on the calling thread."""
        return perform_as_role(self._work, here(job, role, self._region), job.ticket)

    def stop(self, jobs: Sequence[Job]) -> None:
        """Raise `Stopped` in what runs."""
        stopping.stop(job.ticket for job in jobs)

    def close(self) -> None:
        """Let the notebook find none of the tasks' clients."""
        KERNEL.separate_tasks()


class ThreadPool:
    """A `ThreadPoolExecutor` of the caller's."""

    workers = WORKERS

    def __init__(self, executor: Executor, work: Work, region: str | None) -> None:
        KERNEL.separate_tasks()
        self._executor = executor
        self._work = work
        self._region = region

    def run(self, job: Job, role: RenewingRole) -> Outcome:
        """Do the job on a thread of the pool."""
        future = self._executor.submit(perform_as_role, self._work, here(job, role, self._region), job.ticket)
        return waited_for(future, job, lambda outcome: outcome)

    def stop(self, jobs: Sequence[Job]) -> None:
        """Raise `Stopped` in what runs."""
        stopping.stop(job.ticket for job in jobs)

    def close(self) -> None:
        """Let the notebook find none of the tasks' clients; the pool is the caller's."""
        KERNEL.separate_tasks()


class Pool:
    """Any other executor: a pool of processes, on this machine or elsewhere.

    A task has its role's credentials with it, and asks for new ones over a local socket. On another machine it gets
    no answer, and has the first ones only, which last 15 minutes at least as a rule.
    """

    workers = WORKERS

    def __init__(self, executor: Executor, blob: bytes, region: str | None, line: Line) -> None:
        self._executor = executor
        self._blob = blob
        self._region = region
        self._line = line

    def run(self, job: Job, role: RenewingRole) -> Outcome:
        """Send the job to the executor."""
        self._line.open(job.ticket, role)
        try:
            region, first = job.region or self._region, Handover(role.get())
            parcel = remote.Parcel(job.ticket, job.account, job.role_name, region, self._line.far_end, first)
            return waited_for(self._executor.submit(remote.run, self._blob, parcel), job, remote.received)
        finally:
            self._line.close_ticket(job.ticket)

    def stop(self, jobs: Sequence[Job]) -> None:
        """Do nothing: the caller cancels what has not begun, and no executor can end the rest."""

    def close(self) -> None:
        """Do nothing: the executor is the caller's."""


def here(job: Job, role: RenewingRole, region: str | None) -> Here:
    """Return the job's account, for work in this process."""
    return Here(job.account, job.role_name, lambda: role, job.region or region)


def waited_for(future: Future[Any], job: Job, read: Callable[[Any], Outcome]) -> Outcome:
    """Return the outcome of a future, or of the job if it is stopped before."""
    future.add_done_callback(lambda _: job.wake.set())
    job.wake.wait()
    if not future.done():
        future.cancel()
        return Outcome(failure=STOPPED)
    return result_of(future, read)


def result_of(future: Future[Any], read: Callable[[Any], Outcome]) -> Outcome:
    """Return the outcome in a future that is done, or why its task has none."""
    try:
        return read(future.result())
    except CancelledError:
        return Outcome(failure=STOPPED)
    except Exception as error:  # noqa: BLE001 - a pool whose process died, a worker that cannot import the package
        return Outcome(failure=failure_of(error))


def pool_of(
    executor: Executor, work: Work, blob: Callable[[], bytes], region: str | None, open_line: Callable[[], Line]
) -> Venue:
    """Return the venue of an executor that the caller has made."""
    shares_memory = isinstance(executor, ThreadPoolExecutor) and type(executor).__name__ != "InterpreterPoolExecutor"
    return ThreadPool(executor, work, region) if shares_memory else Pool(executor, blob(), region, open_line())
