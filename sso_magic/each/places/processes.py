"""Processes, one job at a time each, whose whole environment is that of the job's role.

Not `ProcessPoolExecutor`: its processes inherit the notebook's keys, or by fork its memory with the access token; one
that dies takes the others' work with it; none can be ended. Here a process begins without any AWS credentials, gets
those of the job's role, and uses them as ``%sso_use`` does, so that pandas, s3fs and every other library that reads the
environment uses the job's role too. If one dies, its job is done again by another.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING

from sso_magic.common import locks
from sso_magic.common.environment import COMPETING_VARIABLES, ENDPOINT_COMPETING_VARIABLES, KEY_VARIABLES
from sso_magic.common.process_groups import kill_group, own_group
from sso_magic.config.files import usable_config
from sso_magic.each.places import remote
from sso_magic.each.task import STOPPED, Failure, Outcome
from sso_magic.errors import ConfigError
from sso_magic.kernel.handover import Handover
from sso_magic.kernel.libraries.boto_session import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sso_magic.each.accounts import Job
    from sso_magic.each.places.socket import Line
    from sso_magic.kernel.renewal import RenewingRole

TRIES = 3  # of a job whose process dies: the first death may have another cause
_ENDS_WITHIN = 5  # seconds, for all processes together, after their input was closed
_DIES_WITHIN = 5  # seconds, for a process that has been killed: the system may be busy with what it did


class Processes:
    """A process for each job at a time; kept and used again.

    Args:
        blob: The work.
        region: For the work done; None: as boto3 finds one.
        line: By which the processes ask for credentials.
    """

    workers = max(2, os.cpu_count() or 1)

    def __init__(self, blob: bytes, region: str | None, line: Line) -> None:
        self._blob = blob
        self._region = region
        self._line = line
        self._lock = locks.Lock()
        self._idle: list[Child] = []
        self._busy: dict[str, Child] = {}
        self._stopped = self._closed = False

    def run(self, job: Job, role: RenewingRole) -> Outcome:
        """Do the job in a process; in another one if that dies."""
        self._line.open(job.ticket, role)
        try:
            for _ in range(TRIES):
                outcome, status = self._try(job, role)
                if outcome is not None:
                    return outcome
            return Outcome(failure=Failure("ProcessDied", f"Its process died {TRIES} times ({_told(status)})."))
        finally:
            self._line.close_ticket(job.ticket)

    def stop(self, jobs: Sequence[Job]) -> None:
        """Kill the processes of these jobs."""
        with self._lock:
            self._stopped = True
            children = [self._busy[job.ticket] for job in jobs if job.ticket in self._busy]
        for child in children:
            child.kill()

    def close(self) -> None:
        """End the processes, in a limited time; kill those that are not done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy.values())
        for child in busy:
            child.kill()
        for child in idle:
            child.dismiss()
        deadline = time.monotonic() + _ENDS_WITHIN
        for child in idle:
            child.wait(max(0.0, deadline - time.monotonic()))

    def _try(self, job: Job, role: RenewingRole) -> tuple[Outcome | None, int | None]:
        """Do the job once; return its outcome and None, or None and the exit status if the process died."""
        child = self._child(job)
        if child is None:
            return Outcome(failure=STOPPED), None
        first = Handover(role.get())
        region = job.region or self._region
        parcel = remote.Parcel(job.ticket, job.account, job.role_name, region, self._line.far_end, first)
        try:
            outcome = remote.received(child.ask(pickle.dumps(parcel)))
        except (OSError, EOFError):
            with self._lock:
                self._busy.pop(job.ticket, None)
                stopped = self._stopped or self._closed
            status = child.kill()
            child.close()
            return (Outcome(failure=STOPPED) if stopped else None), status
        with self._lock:
            self._busy.pop(job.ticket, None)
            if not self._closed:
                self._idle.append(child)
        if self._closed:
            child.kill()
            child.close()
        return outcome, None

    def _child(self, job: Job) -> Child | None:
        with self._lock:
            if self._stopped or self._closed:
                return None
            child = self._idle.pop() if self._idle else Child(self._blob)
            self._busy[job.ticket] = child
            return child


class Child:
    """The notebook's end of one process: it is asked one thing after another, through its standard streams.

    Args:
        blob: The work it is for.
    """

    def __init__(self, blob: bytes) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from sso_magic.each.places.child import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=patient(without_credentials(dict(os.environ))),
            **own_group(),
        )
        self._begin = [pickle.dumps(sys.path), blob]

    def ask(self, message: bytes) -> bytes:
        """Send a message and wait for the answer.

        Raises:
            OSError, EOFError: The process has died.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        while self._begin:
            write(stdin, self._begin.pop(0))
        write(stdin, message)
        return read(stdout)

    def kill(self) -> int | None:
        """End it at once, with what it has started.

        Its streams stay open: another thread may be reading its answer, and gets an end of file now.

        Returns:
            Its exit status; None if the system does not let it end.
        """
        if self._process.poll() is None:
            with contextlib.suppress(OSError):  # it has ended in this moment
                kill_group(self._process)
        return self._ended(_DIES_WITHIN)

    def close(self) -> None:
        """Close its streams; only for the thread that reads from it."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()

    def dismiss(self) -> None:
        """Close its input, so that it ends."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended; kill it if it has not by then."""
        if self._ended(seconds) is None:
            self.kill()
        self.close()

    def _ended(self, seconds: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None


def patient(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with the retries of tasks, as far as neither it nor the configuration file sets them."""
    configured: Mapping[str, object] = {}
    with contextlib.suppress(ConfigError):  # the first use of the file says what is wrong
        configured = usable_config().profile()
    for name, (variable, value) in PATIENCE.items():
        if name not in configured:
            environment.setdefault(variable, str(value))
    return environment


def without_credentials(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment without anything that gives credentials: keys, profiles, endpoints, web identities."""
    names = {*KEY_VARIABLES, *COMPETING_VARIABLES, *ENDPOINT_COMPETING_VARIABLES}
    return {name: value for name, value in environment.items() if name not in names}


def _told(status: int | None) -> str:
    if status is None:
        return "killed, but not ended"
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"


def write(stream: IO[bytes], message: bytes) -> None:
    """Send a message. Pickle marks its end, so that nothing else has to."""
    pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def read(stream: IO[bytes]) -> bytes:
    """Receive a message.

    Raises:
        EOFError: The other end is gone.
    """
    try:
        message: bytes = pickle.load(stream)  # noqa: S301 - the other end is this package's, on this machine
    except pickle.UnpicklingError:
        raise EOFError("The other end went away in the middle of a message.") from None
    return message
