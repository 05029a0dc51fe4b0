"""Ctrl-C ends a sign-in with one line and leaves nothing: no thread, no open port, no link or code in the output.

Python raises KeyboardInterrupt between any two steps of the main thread, so a second Ctrl-C may come at each step of
what the first one started. Every such step is tried here.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import sso_magic
from sso_magic import IdentityCenter, display
from sso_magic.errors import SignInCanceled

PACKAGE = str(Path(sso_magic.__file__).parent)
CANCELED = "SignInCanceled: Sign-in canceled. Run %sso_login to start again."
UNCOUNTED = (
    "locks.py",  # callbacks of weakref, from which nothing can be raised
    "redaction.py",  # a step for each secret ever made
)
THREADS = {"sso-magic-countdown", "sso_magic sign-in callback"}


class SecondInterrupt:
    """A trace function that raises KeyboardInterrupt at the event with this number in files of the package."""

    def __init__(self, number: int) -> None:
        self.left = number

    def start(self) -> None:
        """Trace the calling thread from here on, also in the frames that are running."""
        sys.settrace(self)
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.startswith(PACKAGE):
                frame.f_trace = self
            frame = frame.f_back

    def __call__(self, frame, event, argument):
        name = frame.f_code.co_filename
        if not name.startswith(PACKAGE) or name.endswith(UNCOUNTED):
            return None
        self.left -= 1
        if self.left == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return self


@pytest.fixture
def interrupt(monkeypatch):
    """Raises KeyboardInterrupt once, when the sign-in waits for the person, and starts a trace function then."""
    real = threading.Event.wait
    then = []

    def wait(event, timeout=None):
        waits = sys._getframe(1).f_globals.get("__name__", "").startswith("sso_magic.signin")
        if then and waits and threading.current_thread() is threading.main_thread():
            then.pop().start()
            raise KeyboardInterrupt
        return real(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", wait)
    return then.append


@pytest.fixture
def corp(center, monkeypatch):
    """A person sits at a terminal."""
    monkeypatch.setattr(display, "has_person", lambda: True)
    return IdentityCenter("corp")


class Screen:
    """What a notebook's front end shows: the last content of each display."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, str]] = {}

    def publish(self, data, metadata=None, source="", *, transient=None, update=False, **other) -> None:
        key = (transient or {}).get("display_id", f"plain {len(self.shown)}")
        self.shown[key] = data


def interrupt_twice(corp, interrupt, method, check) -> int:
    """Sign in with a second interrupt at each step after the first one; return how many steps there are."""
    number = 0
    while True:
        number += 1
        second = SecondInterrupt(number)
        interrupt(second)
        try:
            with pytest.raises(KeyboardInterrupt):
                corp.sign_in(force=True, method=method, open_browser=False)
        finally:
            sys.settrace(None)
        for thread in threading.enumerate():
            if thread.name in THREADS:
                thread.join(60)
                assert not thread.is_alive(), f"step {number}: {thread.name}"
        check(f"step {number}")
        if second.left > 0:
            return number


class Terminal(io.StringIO):
    """A terminal, so that the countdown runs."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("method", ["--device", "--browser --no-open"])
def test_one_interrupt_is_one_line(shell, center, interrupt, method):
    interrupt(SecondInterrupt(0))
    with contextlib.redirect_stdout(Terminal()) as terminal:
        result = shell.run_cell(f"%sso_login {method}")
    sys.settrace(None)
    assert isinstance(result.error_in_exec, SignInCanceled)
    after = terminal.getvalue().rpartition("Interrupt to cancel.")[2].rpartition("\r")[2]
    assert after.strip() == CANCELED


@pytest.mark.parametrize("method", ["device", "browser"])
def test_a_second_interrupt_leaves_nothing_in_a_terminal(corp, interrupt, method):
    with contextlib.redirect_stdout(Terminal()):
        assert interrupt_twice(corp, interrupt, method, lambda where: None) > 20


@pytest.mark.parametrize("method", ["device", "browser"])
def test_a_second_interrupt_leaves_no_link_and_no_code_in_a_notebook(corp, shell, interrupt, monkeypatch, method):
    screen = Screen()
    monkeypatch.setattr(shell, "kernel", SimpleNamespace(_allow_stdin=False), raising=False)
    monkeypatch.setattr(shell.display_pub, "publish", screen.publish)

    def check(where):
        assert "http" not in str(screen.shown), where

    assert interrupt_twice(corp, interrupt, method, check) > 20
    assert screen.shown
