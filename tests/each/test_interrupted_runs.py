"""One Ctrl-C at any place of a run leaves no process, socket, directory, thread, Dask topic or lock.

The interrupts come in the thread that runs the cell, as those of Python do.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import interrupting
import pytest

import sso_magic
from sso_magic.common.interrupts import complete
from sso_magic.each import output
from sso_magic.each import run as run_module
from sso_magic.each.accounts import select
from sso_magic.each.places import dask, processes, remote, socket
from sso_magic.each.run import run
from sso_magic.each.task import Outcome
from sso_magic.each.work import FunctionWork

PACKAGE = str(Path(sso_magic.__file__).parent)
FILES = tuple(
    str(Path(*name.split("/")))
    for name in (
        "each/run.py", "each/output.py", "each/site.py", "each/crew.py", "each/places/dask.py",
        "each/places/processes.py", "each/places/socket.py", "common/interrupts.py",
    )
)  # fmt: skip


class Interrupt(interrupting.Interrupt):
    """An interrupt in one of FILES."""

    def counts(self, frame) -> bool:
        name = frame.f_code.co_filename
        return name.startswith(PACKAGE) and name.endswith(FILES)


class Started:
    """What the runs have opened: lines and (made-up) children."""

    def __init__(self) -> None:
        self.lines: list[socket.Line] = []
        self.children: list[FakeChild] = []


class FakeChild:
    """The notebook's end of a process that answers each question."""

    def __init__(self, started: Started) -> None:
        self.is_over = False
        started.children.append(self)

    def ask(self, message: bytes) -> bytes:
        if self.is_over:
            raise EOFError
        return message

    def kill(self) -> int:
        self.is_over = True
        return -9

    def close(self) -> None:
        pass

    def dismiss(self) -> None:
        self.is_over = True

    def wait(self, seconds: float) -> None:
        self.is_over = True


@pytest.fixture
def started(monkeypatch):
    made = Started()

    class RecordedLine(socket.Line):
        def __init__(self) -> None:
            super().__init__()
            made.lines.append(self)

    monkeypatch.setattr(socket, "Line", RecordedLine)
    monkeypatch.setattr(processes, "Child", lambda blob: FakeChild(made))
    monkeypatch.setattr(remote, "received", lambda message: Outcome(value=1))
    return made


def wait_for_end(threads: set[threading.Thread], where: str) -> None:
    for thread in set(threading.enumerate()) - threads:
        thread.join(60)
        assert not thread.is_alive(), (thread.name, where)


class FakeClient:
    """A Dask client that runs nothing, and keeps the topics that are subscribed to."""

    def __init__(self) -> None:
        self.topics: set[str] = set()

    def run(self, function, *arguments, workers=None, on_error="raise"):
        return {"tcp://127.0.0.1:1": True}

    def nthreads(self):
        return {"tcp://127.0.0.1:1": 1}

    def get_executor(self, pure):
        return self

    def submit(self, function, *arguments, pure=None):
        return FakeFuture()

    def subscribe_topic(self, topic, handler):
        self.topics.add(topic)

    def unsubscribe_topic(self, topic):
        self.topics.remove(topic)  # as Dask, which raises where nobody is subscribed


class FakeFuture(Future):
    """A future that is done, with Dask's way to give its result up."""

    def __init__(self) -> None:
        super().__init__()
        self.set_result(b"")

    def release(self) -> None:
        pass


def walk(center, on, begin, check) -> None:
    """Run a function in two accounts, again and again, with an interrupt one place further on each time.

    Args:
        center: Where the accounts are.
        on: Where the function runs.
        begin: Called before each run.
        check: Called after each run with the place of its interrupt.
    """
    selection = select(center, "ReadOnly")
    for job in selection.jobs:
        center.role(job.account.account_id, "ReadOnly").credentials()  # cached: no request is interrupted
    work = FunctionWork(len)
    run(center, work, selection, on=on, progress=False)  # whatever is imported once
    streams = sys.stdout, sys.stderr
    before, number, finished = set(threading.enumerate()), 0, False
    while not finished:
        number += 1
        begin()
        for job in selection.jobs:
            job.stopped = False
            job.wake.clear()
        interrupt = Interrupt(number)
        try:
            sys.settrace(interrupt)
            run(center, work, selection, on=on, progress=False)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        where = f"{number}, {interrupt.where}"
        wait_for_end(before, where)
        check(where)
        assert (sys.stdout, sys.stderr) == streams, where
        assert output._LOCK.acquire(timeout=60), where
        output._LOCK.release()
        finished = not interrupt.where
    assert number > 100


def test_an_interrupt_at_every_place_of_a_run_in_processes(many, started):
    def begin() -> None:
        started.lines.clear()
        started.children.clear()

    def check(where: str) -> None:
        assert all(child.is_over for child in started.children), where
        for line in started.lines:
            assert not line._directory.exists(), where
            assert line._socket.fileno() == line._wake.fileno() == line._woken.fileno() == -1, where

    walk(many(2), "processes", begin, check)


def test_an_interrupt_at_every_place_of_a_run_on_a_dask_cluster(many, monkeypatch):
    client = FakeClient()
    monkeypatch.setattr(run_module, "_current_client", lambda: client)
    monkeypatch.setattr(dask, "check", lambda client: None)
    monkeypatch.setattr(dask, "warn_if_open", lambda client: None)
    monkeypatch.setattr(remote, "received", lambda message: Outcome(value=1))

    def check(where: str) -> None:
        assert client.topics == set(), where

    walk(many(2), "dask", lambda: None, check)


def test_a_call_that_is_completed_ends_in_spite_of_an_interrupt():
    number, begun = 0, []
    while True:
        number += 1
        begun.clear()
        ended = []

        def call(ended=ended):
            begun.append(True)
            time.sleep(0)
            ended.append(True)

        interrupt = Interrupt(number)
        try:
            sys.settrace(interrupt)
            complete(call)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert begun == ended, interrupt.where
        if not interrupt.where:
            break
    assert number > 5
    assert ended == [True]


def test_an_error_of_a_call_that_is_completed_is_raised():
    def fail() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        complete(fail)


def test_a_call_is_completed_where_no_thread_can_be_started(monkeypatch):
    def refuse(thread) -> None:
        raise RuntimeError("can't start new thread")

    called = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    complete(lambda: called.append(threading.current_thread()))
    assert called == [threading.current_thread()]
