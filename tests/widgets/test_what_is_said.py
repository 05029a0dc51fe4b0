"""The panel's messages are true at every moment: each is removed when it no longer holds."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

from ipywidgets.widgets import widget

from sso_magic.widgets import presence


def number_of_widgets() -> int:
    """How many widgets this process keeps; ipywidgets 7 keeps them at the class."""
    return len(widget._instances if hasattr(widget, "_instances") else widget.Widget.widgets)


HOLD = """
import sys
from sso_magic.common import cache
with cache.lock("corp"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_role_that_a_magic_uses_takes_the_panels_sentence_away(open_panel, ready, shell):
    screen = open_panel()
    screen.use("payments-dev readonly")
    assert screen.status.startswith("Using payments-dev")
    shell.run_line_magic("sso_use", "ml-sandbox")
    screen.until(lambda: screen.status == "")
    assert screen.role.startswith("In use: ml-sandbox")


def test_a_role_that_another_panel_uses_takes_the_sentence_away(open_panel, ready):
    one, other = open_panel(), open_panel()
    one.use("payments-dev readonly")
    other.use("ml-sandbox")
    one.until(lambda: one.status == "")
    assert other.status.startswith("Using ml-sandbox")
    other.press("Release")
    other.finish()
    assert other.status.startswith("Released ml-sandbox")
    one.use("payments-dev readonly")
    other.until(lambda: other.status == "")


def test_a_sign_out_elsewhere_takes_the_sentence_of_the_sign_in_away(open_panel, center, shell):
    screen = open_panel()
    screen.sign_in_at(center)
    screen.until(lambda: screen.status == "Signed in to corp.")
    shell.run_line_magic("sso_logout", "")
    screen.until(lambda: screen.status == "" and screen.sign_in == "Not signed in.")


def test_an_error_goes_with_its_cause(open_panel, center, clean_environment):
    from jupyter_in_browser import plant_inventory, plant_token

    plant_inventory(clean_environment, center)
    screen = open_panel()
    screen.use("ml-sandbox")
    assert screen.is_error
    assert screen.status == "Not signed in, or the sign-in has ended. Press Sign in."
    plant_token(clean_environment, center)
    screen.until(lambda: screen.status == "")


def test_what_was_said_of_a_favorite_goes_when_it_is_none(open_panel, ready):
    screen, other = open_panel(), open_panel()
    for one in (screen, other):
        one.type("ml-sandbox")
    screen.press("Favorite")
    assert screen.status.startswith("Added to favorites")
    other.press("Favorite")
    screen.until(lambda: screen.status == "")


@contextlib.contextmanager
def stopped():
    """A process that holds the lock of the session and is stopped."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_sign_in_says_which_process_it_waits_for(open_panel, center, capsys):
    screen = open_panel()
    center.auto_approve = True
    said = []
    say = screen.panel._said.say
    screen.panel._said.say = lambda text, *more, **settings: (said.append(text), say(text, *more, **settings))
    with stopped() as process:
        screen.press("Sign in")
        screen.until(lambda: screen.status == "Signed in to corp.")
    text = f"Process {process.pid} is stopped and does not release the sign-in to corp."
    assert len([line for line in said if line.startswith(text)]) == 1
    assert str(process.pid) not in "".join(capsys.readouterr())


def test_panels_that_were_replaced_end_their_threads_and_free_their_widgets(open_panel, ready, monkeypatch):
    monkeypatch.setattr(presence, "GRACE", 0)
    before = number_of_widgets()
    last = None
    for _ in range(20):
        if last is not None:
            last.send("bye")
        last = open_panel()
    last.until_threads_end("sso-panel-pulse", left=1)
    last.until(lambda: number_of_widgets() <= before + 2)
    assert sum(thread.name == "sso-panel-pulse" for thread in threading.enumerate()) == 1
    last.use("ml-sandbox")
    assert last.role.startswith("In use: ml-sandbox")


def test_a_panel_that_no_browser_has_shown_has_no_thread(shell, ready):
    before = number_of_widgets()
    panels = [shell.run_line_magic("sso_panel", "") for _ in range(presence.UNSEEN + 10)]
    for panel in panels:
        assert "text/html" in panel._repr_mimebundle_()
    assert not any(thread.name == "sso-panel-pulse" for thread in threading.enumerate())
    assert number_of_widgets() <= before + 2 * presence.UNSEEN
    for panel in panels:
        panel.close()


def test_a_panel_that_was_freed_can_be_shown_again(open_panel, ready, monkeypatch):
    from panel_screen import Screen

    monkeypatch.setattr(presence, "GRACE", 0)
    screen = open_panel()
    screen.send("bye")
    presence.sweep()
    assert not screen.panel._view.has_widget
    again = Screen(screen.panel)
    again.use("ml-sandbox")
    assert again.role.startswith("In use: ml-sandbox")
