"""The line to tasks in other processes: a silent peer, a directory that is cleaned away, descriptors that are short."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sso_magic import errors
from sso_magic.common.secret import Secret
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.each.places import socket as line_module
from sso_magic.each.places.socket import Line
from sso_magic.kernel.renewal import RenewingRole

unix_only = pytest.mark.skipif(sys.platform == "win32", reason="a Unix socket")


@pytest.fixture
def role():
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    keys = Credentials("111111111111", "dev", "ReadOnly", Secret("ASIA" + "A" * 16), Secret("s"), Secret("t"), soon)
    return RenewingRole(keys, lambda: keys)


@pytest.fixture(params=["the socket of this platform", "a port on loopback, as on Windows"])
def line(role, request, monkeypatch):
    if request.param_index:
        monkeypatch.setattr(Line, "_wanted_address", lambda _: ("127.0.0.1", 0))
    made = Line()
    made.open("ticket", role)
    yield made
    made.close()


@pytest.fixture
def unix_line(role):
    made = Line()
    made.open("ticket", role)
    yield made
    made.close()


def ends(call, seconds: float = 60) -> bool:
    """Whether the call returns: a bound on a hang, not on speed."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def silent_peer(line) -> socket.socket:
    """A peer that connects and says nothing, as a process that is stopped in its handshake."""
    address = line.far_end.address
    peer = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    peer.connect(address)
    peer.settimeout(20)
    assert peer.recv(1)  # the challenge: it was accepted
    return peer


def test_a_silent_peer_keeps_no_other_waiting_and_the_line_closes(line):
    peers = [silent_peer(line) for _ in range(3)]
    fetched = []
    assert ends(lambda: fetched.append(line.far_end.fetch("ticket")))
    assert fetched[0].account_id == "111111111111"
    assert ends(line.close)
    for peer in peers:
        peer.close()


def test_a_silent_peer_is_let_go_after_a_while(line, monkeypatch):
    monkeypatch.setattr(line_module, "_PEER_WITHIN", 1)
    peer = silent_peer(line)
    while peer.recv(1000):  # the rest of the challenge, and then the end
        pass
    peer.close()


@unix_only
@pytest.mark.parametrize("clean", [lambda path: path.unlink(), lambda path: shutil.rmtree(path.parent)])
def test_the_socket_is_there_again_after_the_temporary_directory_was_cleaned(unix_line, clean):
    clean(Path(unix_line.far_end.address))
    fetched = []
    assert ends(lambda: fetched.append(unix_line.far_end.fetch("ticket")))
    assert fetched
    assert Path(unix_line.far_end.address).parent.stat().st_mode & 0o777 == 0o700
    assert ends(unix_line.close)
    assert not Path(unix_line.far_end.address).parent.exists()


@unix_only
def test_the_line_closes_where_its_directory_cannot_come_back(unix_line):
    directory = Path(unix_line.far_end.address).parent
    shutil.rmtree(directory)
    directory.write_text("in the way")
    try:
        with pytest.raises(errors.CredentialsError, match=r"^The notebook does not answer \("):
            unix_line.far_end.fetch("ticket")
        assert ends(unix_line.close)
    finally:
        directory.unlink()


SHORT_OF_DESCRIPTORS = """
import os, resource, socket, sys, threading, time
from sso_magic.each.places.socket import Line
from sso_magic import errors

line = Line()
peer = socket.socket(socket.AF_UNIX)
hold = []
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    while True:
        hold.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
peer.connect(line.far_end.address)
before = time.process_time()
threading.Event().wait(1)  # the thread that accepts fails in this time, again and again
print("busy" if time.process_time() - before > 0.5 else "waits")
try:
    Line()
except errors.CredentialsError as error:
    print(error)
line.close()
print("closed")
"""


SHORT = (
    "No socket for tasks in other processes can be opened ([Errno 24] Too many open files). Close files, or raise the "
    "limit of open files (ulimit -n)."
)


def test_a_line_whose_thread_would_have_no_descriptor_is_not_opened(monkeypatch):
    def short() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(line_module.selectors, "DefaultSelector", short)
    with pytest.raises(errors.CredentialsError) as caught:
        Line()
    assert str(caught.value) == SHORT


@unix_only
def test_the_line_closes_where_no_descriptor_is_free():
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_DESCRIPTORS], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == [
        "waits",
        SHORT,
        "closed",
    ], done.stderr


def test_nothing_of_a_line_is_left(role):
    def descriptors():
        """Return the open descriptors; others than the line's may close meanwhile."""
        found = set()
        for path in Path("/proc/self/fd").glob("*"):
            with contextlib.suppress(OSError):  # closed since it was listed, as the list itself is
                found.add((path.name, str(path.readlink())))
        return found

    with contextlib.closing(Line()) as first:
        first.open("ticket", role)
        first.far_end.fetch("ticket")
    before = descriptors()
    for _ in range(50):
        made = Line()
        made.open("ticket", role)
        made.far_end.fetch("ticket")
        made.close()
    for thread in threading.enumerate():
        if thread.name == "sso_magic each line answer":
            thread.join()
    assert descriptors() - before == set()


@unix_only
def test_a_run_ends_while_a_process_of_it_is_stopped(many, monkeypatch, each_threads_end, tmp_path):
    """A process that a debugger has stopped after its work is killed when the run ends."""
    from sso_magic.each.places import processes

    monkeypatch.setattr(processes, "_ENDS_WITHIN", 1)
    dismiss = processes.Child.dismiss
    stopped = []

    def stop_and_dismiss(child):
        os.kill(child._process.pid, signal.SIGSTOP)
        stopped.append(child._process)
        dismiss(child)

    monkeypatch.setattr(processes.Child, "dismiss", stop_and_dismiss)
    frame = many(2).each(len_of_name, "ReadOnly", on="processes", progress=False)
    assert len(frame) == 2
    assert stopped
    assert all(process.returncode == -signal.SIGKILL for process in stopped)
    each_threads_end()


def len_of_name(here) -> int:
    return len(here.account.name)
