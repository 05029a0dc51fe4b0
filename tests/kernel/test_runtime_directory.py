"""The files for child processes end with the process, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import filelock
import pytest

from sso_magic.common import runtime_directory
from sso_magic.common.runtime_directory import RuntimeDirectory, sweep
from sso_magic.errors import ConfigError
from sso_magic.kernel.config_copies import ConfigCopies

PROGRAM = """
import sys
from sso_magic.common.runtime_directory import RuntimeDirectory
directory = RuntimeDirectory()
(directory.path / "copy").write_text("a key")
print(directory.path, flush=True)
{then}
"""


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch):
    """The place for the directories of this test and of the processes it starts."""
    place = tmp_path / "run"
    place.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    yield place
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))


@contextlib.contextmanager
def process(then: str):
    """A process that has made a directory; and the directory."""
    code = PROGRAM.format(then=then)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        try:
            yield one, Path(one.stdout.readline().strip())
        finally:
            one.kill()


WAITS = "sys.stdin.read()"


def test_it_is_in_the_runtime_directory_and_its_owners_only(base):
    directory = RuntimeDirectory()
    assert directory.path.parent == base
    if os.name == "posix":
        assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    directory.remove()
    assert list(base.iterdir()) == []


def test_without_a_runtime_directory_it_is_among_the_temporary_files(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    directory = RuntimeDirectory()
    assert directory.path.parent == Path(tempfile.gettempdir())
    directory.remove()


def test_where_none_can_be_made_the_error_names_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"\(.*none: No such file or directory\)\. Set TMPDIR to a directory that"):
        RuntimeDirectory()


def test_a_process_that_ends_removes_it():
    with process("") as (one, path):
        one.wait()
        assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM: terminating is killing there")
def test_a_process_that_is_terminated_removes_it_and_ends_by_the_signal():
    with process(WAITS) as (one, path):
        assert path.exists()
        one.terminate()
        assert one.wait() == -signal.SIGTERM
        assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM")
def test_a_handler_of_the_programs_own_stays(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    own = lambda *_: None  # noqa: E731
    signal.signal(signal.SIGTERM, own)
    try:
        RuntimeDirectory().remove()
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_a_killed_process_left_is_removed_at_the_next_start_and_what_is_in_use_stays():
    with process(WAITS) as (killed, left), process(WAITS) as (_, used):
        killed.kill()
        killed.wait()
        assert (left / "copy").exists()
        RuntimeDirectory().remove()
        assert not left.exists()
        assert (used / "copy").exists()


def test_directories_of_other_programs_stay(base):
    other = base / "sso_magic-other"
    other.mkdir()
    sweep()
    assert other.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
@pytest.mark.parametrize("end", ["sys.exit()", "os.kill(os.getpid(), signal.SIGTERM)", "sweep(); os._exit(0)"])
def test_a_forked_child_neither_removes_it_nor_gives_up_its_lock(end):
    then = f"""
import os, signal
from sso_magic.common.runtime_directory import sweep
child = os.fork()
if child == 0:
    del directory
    {end}
os.waitpid(child, 0)
print("child has ended", flush=True)
sys.stdin.read()
"""
    with process(then) as (one, path):
        assert one.stdout.readline() == "child has ended\n"
        sweep()
        assert (path / "copy").exists()


def test_the_copies_of_the_aws_files_are_there_and_go_with_the_kernel(base):
    copies = ConfigCopies()
    variables = copies.variables({}, serve=True)
    assert all(base in Path(path).parents for path in variables.values())
    copies.close()
    assert list(base.iterdir()) == []


class SweptMeanwhile:
    """A lock that another process holds, which removes directories of processes that have ended."""

    def acquire(self, timeout):
        raise filelock.Timeout("in_use.lock")


def test_where_another_process_sweeps_a_new_directory_another_one_is_made(base, monkeypatch):
    real = runtime_directory._lock
    locks = iter([SweptMeanwhile()])
    monkeypatch.setattr(runtime_directory, "_lock", lambda path: next(locks, None) or real(path))
    directory = RuntimeDirectory()
    assert directory.path.parent == base
    directory.remove()


def test_where_each_new_directory_is_locked_by_others_it_says_so(base, monkeypatch):
    monkeypatch.setattr(runtime_directory, "_lock", lambda path: SweptMeanwhile())
    with pytest.raises(ConfigError, match=r"other processes lock each directory that is made there\)\. Set TMPDIR to"):
        RuntimeDirectory()
