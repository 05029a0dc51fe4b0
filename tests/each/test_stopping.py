"""An interrupt returns what is there at once, and leaves no thread, whatever the tasks are doing."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time

import pytest

from sso_magic.each import stopping
from sso_magic.local import Throttle


def test_what_is_there_is_returned_and_the_rest_is_told(many, interrupt_when, each_threads_end):
    center = many(30)
    ids = [account.account_id for account in center.snapshot().accounts]
    done, waiting = [], []

    def ask(here):
        if here.account.id in ids[:5]:
            done.append(here.account.id)
            return {"n": 1}
        waiting.append(here.account.id)
        while True:
            time.sleep(0.01)

    interrupt_when(lambda: len(done) == 5 and len(waiting) == 8)
    frame = center.each(ask, "ReadOnly", workers=8, progress=False)
    errors = frame.attrs["errors"]
    each_threads_end()
    assert sorted(frame["account_id"]) == sorted(done)
    assert {record["error"] for record in errors} == {"Stopped"}
    told = {record["account_id"]: record["message"] for record in errors}
    assert set(told) == set(ids) - set(done)
    assert {account_id for account_id, text in told.items() if "had not finished" in text} == set(waiting)
    assert {account_id for account_id, text in told.items() if "had not begun" in text} == set(ids[13:])
    again = center.each(lambda here: {"n": 1}, "ReadOnly", accounts=errors, progress=False)
    assert set(again["account_id"]) == set(told)


def test_it_does_not_wait_for_what_cannot_be_stopped(many, interrupt_when):
    center = many(4)
    begun, release = threading.Semaphore(0), threading.Event()

    def ask(here):
        begun.release()
        release.wait()  # a wait in C, which no exception can end

    interrupt_when(lambda: begun.acquire(timeout=0.01))
    frame = center.each(ask, "ReadOnly", workers=4, progress=False)
    assert len(frame.attrs["errors"]) == 4
    assert not release.is_set()
    release.set()


def test_it_ends_while_many_wait_for_their_turn_to_ask_the_portal(
    many, signed_in, interrupt_when, each_threads_end, monkeypatch
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    center = many(12)
    center.snapshot()
    signed_in.throttle = Throttle(0.1, 1)
    interrupt_when(lambda: signed_in.requests.total("GetRoleCredentials", status=429) >= 6)
    frame = center.each(lambda here: 1, "ReadOnly", progress=False)
    assert {record["error"] for record in frame.attrs["errors"]} == {"Stopped"}
    each_threads_end()


def test_it_ends_while_the_portal_makes_everybody_wait(many, portal_gate, interrupt_when, each_threads_end):
    center = many(6)
    portal_gate.set()
    center.snapshot()
    portal_gate.clear()
    interrupt_when(lambda: any(thread.name.startswith("sso_magic each") for thread in threading.enumerate()))
    frame = center.each(lambda here: 1, "ReadOnly", progress=False)
    assert {record["error"] for record in frame.attrs["errors"]} == {"Stopped"}
    assert len(frame.attrs["errors"]) == 6
    portal_gate.set()
    each_threads_end()


def test_printed_lines_of_what_was_stopped_come_back(many, interrupt_when, capsys):
    center = many(1)
    printed = threading.Event()

    def ask(here):
        print("as far as this")
        printed.set()
        while True:
            time.sleep(0.01)

    interrupt_when(printed.is_set)
    center.each(ask, "ReadOnly", progress=False)
    assert capsys.readouterr().out == "team-000 | as far as this\n"


def test_a_call_is_ended_in_its_thread_and_the_thread_goes_on():
    results, begun = [], threading.Event()

    def wait() -> None:
        begun.set()
        while True:
            time.sleep(0.005)

    def thread() -> None:
        with pytest.raises(stopping.Stopped):
            stopping.stoppable("a", wait)
        results.append(stopping.stoppable("b", lambda: "went on"))

    runner = threading.Thread(target=thread)
    runner.start()
    begun.wait(10)
    stopping.stop(["a", "nobody"])
    runner.join(60)
    assert results == ["went on"]
    assert stopping._RUNNING == {}


def test_a_call_that_was_stopped_before_it_began_does_not_begin():
    stopping.stop(["early"])
    with pytest.raises(stopping.Stopped):
        stopping.stoppable("early", lambda: pytest.fail("it began"))
    stopping.stop(str(number) for number in range(20_000))
    assert len(stopping._REFUSED) == 10_000
    stopping._REFUSED.clear()


def test_nothing_is_raised_after_a_call_is_over():
    """Stops calls at the very moment at which they end, ten thousand times."""
    stop, failures = threading.Event(), []

    def stopper() -> None:
        while not stop.is_set():
            stopping.stop(["t"])

    def caller() -> None:
        for _ in range(10_000):
            with contextlib.suppress(stopping.Stopped):
                stopping.stoppable("t", lambda: None)
        try:
            for _ in range(1000):
                len("outside")
        except stopping.Stopped as error:
            failures.append(error)

    other = threading.Thread(target=stopper)
    other.start()
    runner = threading.Thread(target=caller)
    runner.start()
    runner.join()
    stop.set()
    other.join()
    assert failures == []


UNDER_A_PROFILER = """
import sys, threading
from sso_magic.each import stopping

def wait():
    threading.Timer(0.05, stopping.stop, [["stopped"]]).start()
    while True:
        pass

assert stopping.stoppable("ended", lambda: 1) == 1
try:
    stopping.stoppable("stopped", wait)
except stopping.Stopped:
    sys.setprofile(lambda *_: None)
    print((lambda: "went on")())
"""


def test_a_debugger_goes_on_after_it(clean_environment):
    """CPython 3.11 called no function any more under one, once an exception was announced and never came."""
    command = [sys.executable, "-c", UNDER_A_PROFILER]
    child = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (child.stdout, child.stderr) == ("went on\n", "")


UNDER_A_DEBUGGER = """
import sys, threading
from sso_magic.each import stopping

begun, release, ends = threading.Event(), threading.Event(), []

def wait():
    begun.set()
    release.wait()  # in C, where no exception is raised

def work():
    try:
        ends.append(stopping.stoppable("waiting", wait))
    except stopping.Stopped:
        ends.append("stopped")

thread = threading.Thread(target=work)
thread.start()
begun.wait()
sys.settrace(lambda *_: None)
stopping.stop(["waiting"])
print((lambda: "goes on")())
release.set()
thread.join()
print(*ends)
"""


def test_a_debugger_goes_on_while_what_is_to_be_stopped_is_in_c(clean_environment):
    """CPython 3.11 calls no function under one while an exception is on its way: nothing is stopped there."""
    command = [sys.executable, "-c", UNDER_A_DEBUGGER]
    child = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    end = "None" if sys.version_info[:2] == (3, 11) else "stopped"
    assert (child.stdout, child.stderr) == (f"goes on\n{end}\n", "")
