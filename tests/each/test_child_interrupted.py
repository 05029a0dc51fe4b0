"""One Ctrl-C at any place in a process of ``--on processes``: each answer is the one of its own account, or none.

The process ends then, and the notebook does the job again in another one. Here the process's code runs in this one.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import threading
from pathlib import Path

import interrupting
import pytest

import sso_magic
from sso_magic.each import output
from sso_magic.each.accounts import select
from sso_magic.each.places import child, remote
from sso_magic.each.places.processes import read, write
from sso_magic.each.work import FunctionWork, packed
from sso_magic.kernel.handover import Handover
from sso_magic.kernel.kernel_role import KERNEL

EACH = Path(sso_magic.__file__).parent / "each"
FILES = {str(EACH / name) for name in ("output.py", "task.py", "places/child.py", "places/remote.py")} | {
    str(EACH / "places" / "processes.py")
}


class Interrupt(interrupting.Interrupt):
    """An interrupt in one of FILES."""

    def counts(self, frame) -> bool:
        return frame.f_code.co_filename in FILES


class Answers(io.BytesIO):
    """What the process has sent: each piece arrives, as in a pipe that the notebook reads."""

    def outcomes(self) -> tuple[list, bool]:
        """Return the whole answers, and True if nothing came after them."""
        self.seek(0)
        found = []
        with contextlib.suppress(EOFError):
            while True:
                found.append(remote.received(read(self)))
        return found, self.read() == b""


def account_in_use(here):
    print(f"in {here.account.id}")
    return [here.account.id, os.environ["AWS_ACCESS_KEY_ID"]]


@pytest.fixture
def parcels(many):
    """Two jobs of different accounts, and the key of each."""
    center = many(2)
    made = []
    for job in select(center, "ReadOnly").jobs:
        keys = center.role(job.account.account_id, "ReadOnly").credentials()
        made.append(remote.Parcel(job.ticket, job.account, job.role_name, "eu-west-1", Source(keys), Handover(keys)))
    yield made
    KERNEL.forget()


class Source:
    """Gives the credentials again; pickled with the parcel."""

    def __init__(self, keys) -> None:
        self.handover = Handover(keys)

    def fetch(self, ticket):
        return self.handover.credentials


def questions(parcels) -> bytes:
    sent = io.BytesIO()
    for message in (pickle.dumps(sys.path), packed(FunctionWork(account_in_use)), *map(pickle.dumps, parcels)):
        write(sent, message)
    return sent.getvalue()


def wait_for_lock(lock, where: str) -> None:
    def take() -> None:
        with lock:
            pass

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), f"a lock is held: {where}"


def test_an_interrupt_at_every_place_of_the_process(parcels, monkeypatch):
    asked = questions(parcels)
    keys = [parcel.first.credentials.access_key_id.reveal() for parcel in parcels]
    before, path = dict(os.environ), list(sys.path)
    number, finished = 0, False
    while not finished:
        number += 1
        answers, raised = Answers(), False
        monkeypatch.setattr(child, "_streams", lambda answers=answers: (io.BytesIO(asked), answers))
        streams = sys.stdout, sys.stderr
        interrupt = Interrupt(number)
        try:
            sys.settrace(interrupt)
            child.main()
        except KeyboardInterrupt:
            raised = True
        finally:
            sys.settrace(None)
        where = f"{number}, {interrupt.where}"
        sys.path[:] = path
        assert KERNEL.current is None, where
        assert dict(os.environ) == before, where
        wait_for_lock(output._LOCK, where)
        assert (sys.stdout, sys.stderr) == streams, where
        assert getattr(output._COLLECTING, "text", None) is None, where
        outcomes, is_whole = answers.outcomes()
        assert raised or (is_whole and len(outcomes) == len(parcels)), where
        failed = [outcome.failure.error for outcome in outcomes if outcome.failure is not None]
        assert failed in ([], ["KeyboardInterrupt"]), where
        assert not (raised and failed), where
        for parcel, key, outcome in zip(parcels, keys, outcomes, strict=False):
            assert outcome.failure is not None or outcome.value == [parcel.account.account_id, key], where
            assert outcome.printed in ([f"in {parcel.account.account_id}"], [] if outcome.failure else None), where
        finished = not interrupt.where
    assert number > 100
