"""The browser of the sign-in tests, a child process that does what a test says, and AWS's own clients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sso_magic.signin import choice, opener, where

if TYPE_CHECKING:
    from collections.abc import Callable

OPENS = "import sys; sys.stdin.read()"
FAILS = "import sys; sys.stdin.read(); sys.exit(1)"
FETCHES = """
import pathlib, sys, urllib.request
with urllib.request.urlopen(sys.stdin.read(), timeout=60) as answer:
    pathlib.Path({path!r}).write_bytes(answer.read())
"""
NODE_PACKAGES = Path(__file__).parents[1] / "node" / "node_modules"


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


def missing(what: str) -> None:
    """Skips where a developer has not installed it; fails in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed, and in CI every real client is")
    pytest.skip(f"{what} is not installed")


@pytest.fixture
def aws_cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the AWS CLI that SSO_MAGIC_AWS_CLI names; it pins its own botocore and so lives in an environment apart."""
    program = os.environ.get("SSO_MAGIC_AWS_CLI") or str(Path(__file__).parents[2] / ".venv-awscli" / "bin" / "aws")
    if not Path(program).exists():
        missing("the AWS CLI (SSO_MAGIC_AWS_CLI)")

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def run_node() -> Callable[[str], Any]:
    """Runs a script in Node with the packages of tests/node; what it printed, read as JSON."""
    node = shutil.which("node")
    if node is None or not NODE_PACKAGES.exists():
        missing("Node with the packages of tests/node")

    def run(script: str) -> Any:
        environment = os.environ | {"NODE_PATH": str(NODE_PACKAGES)}
        done = subprocess.run(
            [node, "-e", script], capture_output=True, text=True, check=False, env=environment, cwd=NODE_PACKAGES.parent
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
