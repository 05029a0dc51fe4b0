"""A switch while threads of C code read the environment: no crash, and each child process has all of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sso_magic.common import c_environment, environment

# The threads call C's getenv without Python's lock, as threads of polars and DuckDB do.
READERS = """
import ctypes, os, threading
from sso_magic.common import environment

getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_void_p

def read():
    while True:
        getenv(b"SSO_MAGIC_NO_SUCH_VARIABLE")

for _ in range(2):
    threading.Thread(target=read, daemon=True).start()
os.environ.update({f"SSO_MAGIC_FILLER_{number}": "x" for number in range(60)})
kept = []
for number in range(10_000):
    environment.write(dict.fromkeys(environment.OWNED, "value"))
    kept = [*kept[-50:], bytes(700 + number % 900)]
    environment.write(dict.fromkeys(environment.OWNED))
print("alive")
"""


def in_child(name: str) -> str:
    """Return what a child process that inherits the environment finds there, or "absent"."""
    code = f"import os; print(os.environ.get({name!r}, 'absent'))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks its environment itself")
def test_threads_of_c_code_may_read_the_environment_during_a_switch():
    ended = subprocess.run([sys.executable, "-c", READERS], capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stdout) == (0, "alive\n"), ended.stderr


def test_a_child_process_has_each_variable_that_was_added_and_none_that_was_removed(monkeypatch):
    for name in ("AWS_ACCOUNT_ID", "AWS_SECURITY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    environment.write({"AWS_ACCOUNT_ID": "1"})
    assert in_child("AWS_ACCOUNT_ID") == "1"
    monkeypatch.setenv("SSO_MAGIC_SOMEBODY_ELSES", "2")  # the C library makes an array of its own for it
    environment.write({"AWS_ACCOUNT_ID": None, "AWS_SECURITY_TOKEN": "3"})
    assert [in_child(name) for name in ("AWS_ACCOUNT_ID", "AWS_SECURITY_TOKEN")] == ["absent", "3"]
    assert in_child("SSO_MAGIC_SOMEBODY_ELSES") == "2"
    environment.write({"AWS_SECURITY_TOKEN": None})


def test_room_that_got_no_value_is_taken_back(monkeypatch):
    monkeypatch.delenv("AWS_ACCOUNT_ID", raising=False)
    c_environment.make_room(["AWS_ACCOUNT_ID"])  # an interrupt came before the value
    environment.write({"AWS_ACCOUNT_ID": None})
    assert in_child("AWS_ACCOUNT_ID") == "absent"


def test_a_variable_that_another_thread_sets_meanwhile_stays(monkeypatch):
    variables = c_environment._find()
    if variables is None:
        return  # this C library needs no room: there is nothing to copy
    entries = variables._count()

    def set_one() -> None:
        os.environ["SSO_MAGIC_MEANWHILE"] = "set"

    original = variables._set_what_was_missed

    def missed() -> None:
        # Between copy and check: what the other thread set went to the array that is no longer the environment.
        variables._environ.value, own = before, variables._environ.value
        thread = threading.Thread(target=set_one)
        thread.start()
        thread.join()
        variables._environ.value = own
        original()

    before = variables._environ.value
    steps = iter([missed])
    monkeypatch.setattr(variables, "_set_what_was_missed", lambda: (next(steps, original))())  # noqa: PLW0108
    try:
        variables.add([b"SSO_MAGIC_ROOM"])
        assert in_child("SSO_MAGIC_MEANWHILE") == "set"
        assert variables._count() == entries + 2
    finally:
        os.environ.pop("SSO_MAGIC_MEANWHILE", None)
        os.unsetenv("SSO_MAGIC_ROOM")


def test_the_variables_of_the_tests_free_nothing(monkeypatch):
    variables = c_environment._variables()
    if variables is None:
        return  # this C library frees nothing that another thread may be reading
    for number in range(3):
        monkeypatch.setenv(f"SSO_MAGIC_OF_A_TEST_{number}", "set")
        assert variables._is_own()
        assert in_child(f"SSO_MAGIC_OF_A_TEST_{number}") == "set"
