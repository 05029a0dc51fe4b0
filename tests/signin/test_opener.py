"""Opening the sign-in page never blocks the sign-in and prints nothing into the cell."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from sso_magic import IdentityCenter
from sso_magic.signin import flow, opener

pytestmark = pytest.mark.usefixtures("kernel_is_here")

URL = "http://127.0.0.1:9/authorize?state=planted-state"


@pytest.fixture
def browser_command(monkeypatch, tmp_path):
    """Sets BROWSER to a shell script, as a person does."""

    def install(text):
        path = tmp_path / "browser.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("BROWSER", str(path))
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    return install


def wait_for(condition):
    while not condition():
        time.sleep(0.02)


def test_the_prompt_is_shown_before_a_browser_command_that_does_not_return(
    center, prompt, browser_command, tmp_path, person, monkeypatch, capfd
):
    fifo = tmp_path / "until the test ends"
    browser_command(f"echo noise; echo noise >&2; echo started > '{fifo}.started'; while [ -e '{fifo}' ]; do :; done")
    fifo.touch()
    shown_before_the_command = []
    original = prompt.browser

    def browser(request, *, opened, device):
        shown_before_the_command.append(not (tmp_path / f"{fifo.name}.started").exists())
        original(request, opened=opened, device=device)

    prompt.browser = browser
    monkeypatch.setattr(flow, "FALLBACK_AFTER", 0.2)
    person.approves()
    try:
        IdentityCenter("corp").sign_in(method="browser", prompt=prompt)
        assert shown_before_the_command[0]
        assert prompt.browsers[0][1] is True
        wait_for((tmp_path / f"{fifo.name}.started").exists)
    finally:
        fifo.unlink()
    wait_for(lambda: "sso-magic-browser" not in [thread.name for thread in threading.enumerate()])
    assert "noise" not in "".join(capfd.readouterr())


def test_the_command_gets_the_page_and_no_key_of_a_role(browser_command, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "planted-token")
    browser_command(f"echo \"$1\" > '{tmp_path}/url'; env > '{tmp_path}/env'; touch '{tmp_path}/done'")
    opening = opener.Opening(URL)
    wait_for((tmp_path / "done").exists)
    assert (tmp_path / "url").read_text() == f"{URL}\n"
    assert "planted-token" not in (tmp_path / "env").read_text()
    assert not opening.failed.is_set()


@pytest.mark.parametrize(
    "command",
    [
        ("/nonexistent/python",),
        (sys.executable, "-c", "raise SystemExit(1)"),
        (sys.executable, "-c", "import os; os.close(0); raise SystemExit(3)"),
    ],
)
def test_a_browser_that_cannot_be_opened_is_reported(monkeypatch, command):
    monkeypatch.setattr(opener, "COMMAND", command)
    assert opener.Opening(URL).failed.wait(60)
