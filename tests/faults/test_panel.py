"""What is pressed in the panel under a fault: the status line says why and what to do, and nothing is left."""

from __future__ import annotations

import os

import pytest
from fault_bench import FAULTS

from sso_magic.common import cache
from sso_magic.kernel.kernel_role import KERNEL

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left")]

CHOICE = ["401", "403", "500", "reset", "stall", "HTML", "wrong types"]
GOES_WELL = [name for name, promise in FAULTS.items() if promise.error is None]


@pytest.fixture
def screen(open_panel, ready, impatient):
    impatient.auto_approve = True
    return open_panel()


def end(screen) -> None:
    """Waits until what was pressed is done, its threads too."""
    screen.finish()
    for name in ("sso-panel-refresh", "sso-panel-sign-in"):
        screen.until_threads_end(name)


@pytest.mark.parametrize("fault", CHOICE)
def test_use_says_what_to_press_and_uses_nothing(screen, strike, fault):
    environment = dict(os.environ)
    strike(FAULTS[fault].fault)
    screen.use("payments-prod readonly")
    assert screen.is_error
    if fault == "403":
        assert "it is not assigned to you" in screen.status
    else:
        assert screen.status.endswith(("Press Use to try again.", "Press Sign in."))
    assert screen.role == "No role is in use."
    assert KERNEL.current is None
    assert dict(os.environ) == environment
    assert screen.can_press("Use")


@pytest.mark.parametrize("fault", CHOICE)
def test_refresh_says_what_to_do_and_keeps_the_list(screen, strike, fault):
    lines = screen.lines
    strike(FAULTS[fault].fault)
    screen.press("Refresh")
    end(screen)
    screen.until(lambda: screen.is_error)
    assert screen.status.endswith(("Run it again.", "run it again later to go on.", "Press Sign in."))
    assert screen.lines == lines
    assert screen.can_press("Refresh")


@pytest.mark.parametrize("fault", CHOICE)
def test_sign_out_clears_this_machine_and_tells_if_the_session_lives(screen, strike, fault):
    strike(FAULTS[fault].fault)
    screen.press("Sign out")
    end(screen)
    if FAULTS[fault].ends:
        assert screen.status == "Signed out of corp."
    else:
        assert screen.status.startswith("Signed out of corp on this machine only")
        assert "Press Sign out" not in screen.status
    assert screen.sign_in == "Not signed in."
    assert screen.can_press("Sign in")
    assert list(cache.sso_directory().glob("*.json")) == []


@pytest.mark.parametrize("fault", CHOICE)
def test_sign_in_says_which_button_begins_again(open_panel, impatient, strike, fault):
    screen = open_panel()
    strike(FAULTS[fault].fault)
    screen.press("Sign in")
    end(screen)
    screen.until(lambda: screen.is_error)
    assert screen.status.endswith("Press Sign in to try again.")
    assert screen.sign_in == "Not signed in."
    assert screen.can_press("Sign in")


@pytest.mark.parametrize("fault", GOES_WELL)
def test_what_only_takes_longer_goes_well(screen, strike, fault):
    strike(FAULTS[fault].fault)
    screen.use("payments-prod readonly")
    assert screen.status.startswith("Using payments-prod (731659028443) / ReadOnly.")
    screen.press("Refresh")
    end(screen)
    screen.until(lambda: "Just refreshed" in screen.list_state)
    screen.press("Sign out")
    end(screen)
    assert screen.status == "Signed out of corp."


def test_an_inventory_that_cannot_be_kept_is_listed_and_says_which_directory_to_make_writable(screen):
    directory = cache.own_directory() / "inventory"
    [file] = directory.iterdir()
    file.unlink()
    file.mkdir()
    screen.press("Refresh")
    end(screen)
    screen.until(lambda: screen.status != "")
    assert screen.status.startswith(f"{file} cannot be written (")
    assert screen.status.endswith(
        f"). Nothing is lost in this kernel; make {directory} writable to keep it for the next one."
    )
    assert "Just refreshed" in screen.list_state


def test_a_favorite_that_cannot_be_kept_says_which_directory_to_make_writable(screen):
    (cache.own_directory() / "panel.json").mkdir(parents=True)
    screen.type("payments-prod")
    screen.press("Favorite")
    assert screen.is_error
    assert "panel.json cannot be written" in screen.status
