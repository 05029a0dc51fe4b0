"""What a process of `Processes` runs: one job after another, each with its own account's role in the environment."""

from __future__ import annotations

import functools
import os
import pickle
import sys
from typing import TYPE_CHECKING

from sso_magic.each.here import Here
from sso_magic.each.output import run_routed
from sso_magic.each.places import remote
from sso_magic.each.places.processes import read, write
from sso_magic.each.task import Outcome, failure_of, perform
from sso_magic.each.work import unpacked

if TYPE_CHECKING:
    from typing import IO


def main() -> None:
    """Do one job after another from the standard input, until it ends."""
    questions, answers = _streams()
    try:
        sys.path[:] = pickle.loads(read(questions))  # noqa: S301 - from the notebook that started this process
        blob = read(questions)
        while True:
            parcel: remote.Parcel = pickle.loads(read(questions))  # noqa: S301 - the same
            write(answers, remote.sent(_done(blob, parcel)))
    except (EOFError, OSError):
        pass  # the notebook needs nothing more, or is gone


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Return the two ends of the pipe, which the work neither reads nor prints to from now on."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, answers


def _done(blob: bytes, parcel: remote.Parcel) -> Outcome:
    """Do the work with the parcel's role in use, as by ``%sso_use``; leave nothing of it for the next job."""
    from sso_magic.kernel.kernel_role import KERNEL, Use

    try:
        work = unpacked(blob)
        fetch = functools.partial(parcel.source.fetch, parcel.ticket)
        use = Use(parcel.role().latest, parcel.region, parcel.ticket, fetch)
        with KERNEL.use(use):
            here = Here(parcel.account, parcel.role_name, lambda: use.role, parcel.region)
            here.take_role()  # its keys are in the environment, and so may be in what the work prints
            return run_routed(lambda: perform(work, here, parcel.ticket))
    except Exception as error:  # noqa: BLE001 - what cannot be unpacked here is reported there
        return Outcome(failure=failure_of(error))
