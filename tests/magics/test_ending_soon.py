"""Five minutes before a sign-in or a role ends that cannot be renewed, the next cell says so, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import time_machine

from sso_magic.center.ending import EndingSoon
from sso_magic.common.secret import Secret
from sso_magic.errors import ConnectError, RoleNotAssigned
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.magics import use
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session


@pytest.fixture
def cell(shell, signed_in, capsys, monkeypatch):
    """Runs a cell; what is shown before its own output."""
    monkeypatch.setattr(use, "_ENDING_SOON", EndingSoon())
    shell.run_line_magic("sso_accounts", "")

    def run():
        capsys.readouterr()
        assert shell.run_cell("None").success
        return capsys.readouterr().out.strip()

    return run


def end_of_sign_in() -> datetime:
    return tokens.load(find_session("corp")).expires_at


def test_a_sign_in_that_ends_soon_is_said_once_with_what_to_do(cell):
    end = end_of_sign_in()
    with time_machine.travel(end - timedelta(minutes=6), tick=False):
        assert cell() == ""
    with time_machine.travel(end - timedelta(minutes=4), tick=False):
        said = cell()
        assert said.startswith("The sign-in to corp ends at ")
        assert said.endswith(" (4 min) and cannot be renewed. Run %sso_login corp --force")
        assert cell() == ""


def test_the_command_that_is_named_signs_in_anew(cell, shell, person):
    end = end_of_sign_in()
    with time_machine.travel(end - timedelta(minutes=4), tick=True):
        assert "Run %sso_login corp --force" in cell()
        person.approves()
        shell.run_line_magic("sso_login", "corp --force --device")
        assert end_of_sign_in() > end
        assert cell() == ""


def test_a_sign_in_that_renews_is_not_worth_a_word(cell):
    session = find_session("corp")
    later = datetime.now(timezone.utc) + timedelta(days=30)
    parts = {"refresh_token": Secret("aorplanted"), "client_id": "id", "client_secret": Secret("planted")}
    tokens.save(session, replace(tokens.load(session), registration_expires_at=later, **parts))
    with time_machine.travel(end_of_sign_in() - timedelta(minutes=4), tick=False):
        assert cell() == ""


@pytest.mark.parametrize(
    ("failure", "is_said"),
    [(RoleNotAssigned("The role is refused. Ask for it."), True), (ConnectError("portal refused"), False)],
)
def test_a_role_that_cannot_be_renewed_is_said_once(shell, signed_in, monkeypatch, failure, is_said):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    monkeypatch.setattr(KERNEL.current.role, "_failure", failure)
    keys = KERNEL.current.credentials
    tokens.delete(find_session("corp"))
    cells = EndingSoon()
    with time_machine.travel(keys.local_expires_at - timedelta(minutes=6), tick=False):
        assert cells.news() == []
    with time_machine.travel(keys.local_expires_at - timedelta(minutes=4), tick=False):
        said = cells.news()
        assert cells.news() == []
        assert EndingSoon().news(role_is_said=True) == []
    assert len(said) == is_said
    for line in said:
        assert line.startswith("payments-dev (")
        assert line.endswith(" (4 min) and cannot be renewed. The role is refused. Ask for it.")


def test_a_configuration_that_cannot_be_read_stops_no_cell(cell, shell, clean_environment):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    (clean_environment / ".aws" / "config").write_text("[sso-session corp\n")
    cell()
