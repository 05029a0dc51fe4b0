"""Five minutes before a sign-in or a role ends that cannot be renewed, the panel says so, until it no longer holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from sso_magic.errors import ConnectError, RoleNotAssigned, SignInRequired
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session


@pytest.fixture
def look(open_panel, ready, shell):
    """A panel; what it says of ends at a moment."""
    shell.run_line_magic("sso_accounts", "")
    screen = open_panel()
    screen.panel._pulse.rest()  # a thread of its own would look at other moments

    def at(moment):
        with time_machine.travel(moment, tick=False):
            screen.panel.look()
            return screen.shown["ending"]

    at.screen = screen
    return at


def test_a_sign_in_is_said_from_five_minutes_before_its_end_until_it_has_ended(look):
    end = tokens.load(find_session("corp")).expires_at
    assert look(end - timedelta(minutes=6)) == []
    [said] = look(end - timedelta(minutes=4))
    assert said.startswith("The sign-in to corp ends at ")
    assert said.endswith(" and cannot be renewed. Run %sso_login corp --force")
    assert look(end - timedelta(minutes=2)) == [said], "a screen reader would say it again"
    assert look(end + timedelta(seconds=1)) == []


def test_it_goes_when_the_person_signs_in_anew_or_out(look, shell, ready):
    end = tokens.load(find_session("corp")).expires_at
    soon = end - timedelta(minutes=4)
    assert look(soon)
    tokens.delete(find_session("corp"))
    assert look(soon) == []


@pytest.mark.parametrize(
    "failure", [RoleNotAssigned("The role is refused. Ask for it."), SignInRequired("Not signed in. Sign in.")]
)
def test_a_role_that_is_not_renewed_is_said_in_one_place(look, shell, monkeypatch, failure):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    monkeypatch.setattr(KERNEL.current.role, "_failure", failure)
    end = KERNEL.current.credentials.local_expires_at
    tokens.delete(find_session("corp"))
    assert look(end - timedelta(minutes=4)) == []
    assert str(failure).partition(".")[0] in look.screen.role


def test_a_fault_that_may_pass_is_no_end(look, shell, monkeypatch):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    monkeypatch.setattr(KERNEL.current.role, "_failure", ConnectError("portal refused"))
    end = KERNEL.current.credentials.local_expires_at
    tokens.delete(find_session("corp"))
    assert look(end - timedelta(minutes=4)) == []
