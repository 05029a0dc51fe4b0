"""The browser of the sign-in tests: a child process that does what a test says."""

from __future__ import annotations

import sys
import time

import pytest

from sso_magic.signin import choice, opener, where

OPENS = "import sys; sys.stdin.read()"
FAILS = "import sys; sys.stdin.read(); sys.exit(1)"
FETCHES = """
import pathlib, sys, urllib.request
with urllib.request.urlopen(sys.stdin.read(), timeout=60) as answer:
    pathlib.Path({path!r}).write_bytes(answer.read())
"""


@pytest.fixture
def kernel_is_here(monkeypatch):
    """The kernel runs on the person's own machine, wherever the tests run."""
    monkeypatch.setattr(choice, "placement", lambda: where.Placement(is_remote=False, reason="a test"))


@pytest.fixture
def kernel_is_remote(monkeypatch):
    """The kernel runs on another machine than the person's browser."""
    monkeypatch.setattr(choice, "placement", lambda: where.Placement(is_remote=True, reason="a hub (a test says so)"))


@pytest.fixture
def browser_runs(monkeypatch):
    """Sets the script that runs in place of the browser; the page's URL is on its standard input."""

    def run(script):
        monkeypatch.setattr(opener, "COMMAND", (sys.executable, "-I", "-S", "-c", script))

    return run


@pytest.fixture
def browser_opens(browser_runs):
    """A browser that opens and never answers."""
    browser_runs(OPENS)


@pytest.fixture
def browser_fails(browser_runs):
    """No browser can be opened."""
    browser_runs(FAILS)


@pytest.fixture
def fetching_browser(browser_runs, tmp_path):
    """Opens the page and follows its redirects; the path of the page that it ended on."""
    path = tmp_path / "page.html"
    browser_runs(FETCHES.format(path=str(path)))
    return path


def wait_for(condition) -> None:
    """Wait until the condition holds; the test's own timeout ends a wait in vain."""
    while not condition():
        time.sleep(0.02)
