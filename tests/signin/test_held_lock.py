"""Another process that holds the lock of a session costs neither a silent wait nor a long one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache, file_lock

HOLD = """
import sys
from sso_magic.common import cache
with cache.lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


CONTINUED = "Continued without waiting; end that process if it hangs."


@contextlib.contextmanager
def holding(key):
    """A process that holds the lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@contextlib.contextmanager
def stopped(key):
    with holding(key) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        yield process


@pytest.fixture(autouse=True)
def no_memory_of_holders():
    file_lock._passed.clear()
    yield
    file_lock._passed.clear()


def test_a_busy_holder_is_named_after_a_second_and_waited_for(center, shell, capsys):
    center.auto_approve = True
    with holding("corp") as process:
        said = threading.Event()
        real = file_lock._tell

        def tell(line):
            real(line)
            said.set()
            process.stdin.close()  # which lets go of the lock

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(file_lock, "_tell", tell)
            shell.run_line_magic("sso_login", "--device")
        assert said.is_set()
        lines = capsys.readouterr().out.splitlines()
    assert f"Process {process.pid} is using the sign-in to corp. Waiting at most 20 s for it." in lines
    assert lines[-1].startswith("Signed in to corp until ")
    assert not any("Continued" in line for line in lines)


def test_a_short_wait_is_not_said(center, monkeypatch, capsys):
    monkeypatch.setattr(file_lock, "SAY_AFTER", 60)
    with holding("corp") as process:
        threading.Timer(0.2, process.stdin.close).start()
        with cache.lock("corp"):
            pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["--device", "--device --force"])
def test_a_stopped_holder_is_named_once_and_not_waited_for(center, shell, capsys, line, monkeypatch):
    monkeypatch.setattr(file_lock, "HELD_TOO_LONG", float("inf"))
    center.auto_approve = True
    with stopped("corp") as process:
        shell.run_line_magic("sso_login", line)
        text = f"Process {process.pid} is stopped and does not release the sign-in to corp. {CONTINUED}"
        printed = capsys.readouterr().out
        assert printed.count(text) == 1
        assert printed.splitlines()[-1].startswith("Signed in to corp until ")
        assert IdentityCenter("corp").tokens.is_valid()
        shell.run_line_magic("sso_login", "--device --force")
        shell.run_line_magic("sso_logout", "")
        assert str(process.pid) not in capsys.readouterr().out


def test_a_holder_that_is_only_slow_is_waited_for_no_longer_than_a_bound(center, monkeypatch, capsys):
    monkeypatch.setattr(file_lock, "HELD_TOO_LONG", 2)
    with holding("corp") as process, cache.lock("corp", name="the sign-in to corp"):
        pass
    printed = capsys.readouterr().err.splitlines()
    assert printed == [
        f"Process {process.pid} is using the sign-in to corp. Waiting at most 2 s for it.",
        f"Process {process.pid} does not release the sign-in to corp. {CONTINUED}",
    ]


def test_a_holder_on_another_host_is_named_with_it(center, monkeypatch, capsys):
    monkeypatch.setattr(file_lock, "HELD_TOO_LONG", 0)
    with holding("corp") as process:
        monkeypatch.setattr("socket.gethostname", lambda: "another")
        [note] = (cache.own_directory() / "holders").glob("*.json")
        host = cache.read(note)["host"]
        with cache.lock("corp", name="the sign-in to corp"):
            pass
    assert f"Process {process.pid} on {host} does not release the sign-in to corp." in capsys.readouterr().err


def test_the_notebook_of_a_holder_is_named(center, monkeypatch, capsys):
    monkeypatch.setattr(file_lock, "HELD_TOO_LONG", 0)
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ana/work/monthly report.ipynb")
    with holding("corp") as process, cache.lock("corp", name="the sign-in to corp"):
        pass
    assert f"Process {process.pid} (monthly report.ipynb) does not release" in capsys.readouterr().err


def test_holders_that_follow_one_another_are_waited_for(center, monkeypatch):
    monkeypatch.setattr(file_lock, "SAY_AFTER", 0)
    numbers = iter(range(100))
    busy = [True] * 20

    def lock_is_free(lock):
        return not busy or not busy.pop()

    monkeypatch.setattr(file_lock, "_try", lock_is_free)
    monkeypatch.setattr(file_lock, "HELD_TOO_LONG", 0.5)
    monkeypatch.setattr(file_lock, "_read", lambda _: file_lock.Holder(1, "another", str(next(numbers))))

    class Lock:
        lock_file = "x"

    assert file_lock._wait(Lock, None, 60, "x")


def test_an_interrupt_ends_the_wait_and_nothing_is_held(center, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    with holding("corp"):
        monkeypatch.setattr(file_lock, "_tell", interrupt)
        with pytest.raises(KeyboardInterrupt), cache.lock("corp"):
            pass
    with cache.lock("corp"):
        assert len(list((cache.own_directory() / "holders").iterdir())) == 1
    assert list((cache.own_directory() / "holders").iterdir()) == []


def test_a_thread_of_this_kernel_that_refreshes_is_named(center, shell, capsys):
    provider = IdentityCenter("corp").tokens
    provider._lock.acquire()
    real = file_lock._tell

    def tell(line):
        real(line)
        provider._lock.release()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_lock, "_tell", tell)
        provider.sign_out()
    assert capsys.readouterr().out == "Another thread of this process is using the sign-in to corp. Waiting for it.\n"


def test_a_background_thread_waits_without_a_word(center, monkeypatch, capsys):
    monkeypatch.setattr(file_lock, "HELD_TOO_LONG", 0)
    with holding("corp"):

        def wait():
            with cache.lock("corp"):
                pass

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert capsys.readouterr() == ("", "")
