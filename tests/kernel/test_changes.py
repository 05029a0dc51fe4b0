"""The thread that makes the kernel's changes: there is one, and `stop` ends it."""

from __future__ import annotations

import threading

import pytest

from sso_magic.kernel.changes import Changes


@pytest.fixture
def changes():
    made = Changes()
    yield made
    made.stop()


def workers(changes: Changes) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if getattr(thread, "_target", None) == changes._work]


def test_callers_on_many_threads_start_one_worker(changes, monkeypatch):
    started = threading.Event()
    start = threading.Thread.start

    def slow_start(thread: threading.Thread) -> None:
        if getattr(thread, "_target", None) == changes._work:
            started.wait(0.2)  # nobody sets it: the other callers arrive meanwhile
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    callers = [threading.Thread(target=changes.flush) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(workers(changes)) == 1


def test_stop_ends_although_an_interrupted_start_has_left_a_second_worker(changes):
    changes.flush()
    changes._thread = None  # interrupted between the start and this assignment
    changes.flush()
    stopping = threading.Thread(target=changes.stop, daemon=True)
    stopping.start()
    stopping.join(60)
    assert not stopping.is_alive()
    assert workers(changes) == []
