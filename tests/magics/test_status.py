"""%sso_status: production is marked, times are true in a saved notebook too, and what renews is said."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from sso_magic.common.secret import Secret
from sso_magic.display import TEXT
from sso_magic.errors import RoleNotAssigned
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session

if TYPE_CHECKING:
    from sso_magic.magics.status import Status


@pytest.fixture
def status(shell, signed_in):
    """The magic's status."""
    return lambda: shell.run_line_magic("sso_status", "")


def one_line(status: Status) -> str:
    return " ".join(repr(status).split())


@pytest.fixture
def renewable(signed_in):
    """Makes the sign-in one that renews."""

    def make():
        session = find_session("corp")
        known = tokens.load(session)
        later = datetime.now(timezone.utc) + timedelta(days=30)
        parts = {"refresh_token": Secret("aorplanted"), "client_id": "id", "client_secret": Secret("planted")}
        tokens.save(session, replace(known, registration_expires_at=later, **parts))

    return make


@pytest.mark.parametrize(("account", "marked"), [("payments-prod", True), ("payments-dev", False)])
def test_production_is_marked_in_text_and_in_html(shell, status, account, marked):
    shell.run_line_magic("sso_use", f"{account} ReadOnly")
    found = status()
    assert ("PRODUCTION In use: " in repr(found)) is marked
    assert (">PRODUCTION</span>" in found._repr_mimebundle_()["text/html"]) is marked
    assert found.is_production is marked


def test_the_text_has_at_most_80_columns_but_for_a_url(shell, status, monkeypatch):
    shell.run_line_magic("sso_use", "payments-prod-eu DataScientist --region eu-west-1")
    monkeypatch.setenv("AWS_PROFILE", "a-profile-of-another-team-with-a-long-name")
    lines = repr(status()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "del os.environ['AWS_PROFILE']" in repr(status()), "the command is in one line"


def test_all_of_it_has_the_font_of_the_table(shell, status):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    assert status()._repr_mimebundle_()["text/html"].startswith(f'<div style="{TEXT}">')


def test_it_says_of_which_day_and_time_it_is(status):
    found = status()
    first = repr(found).splitlines()[0]
    assert re.fullmatch(r"Status of \d{4}-\d\d-\d\d \d\d:\d\d \S+", first)
    assert f"{found.at.astimezone():%Y-%m-%d %H:%M}" in first
    assert first in found._repr_mimebundle_()["text/html"]


def test_a_role_names_what_renews_it(shell, status, renewable, monkeypatch):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    said = one_line(status())
    assert re.search(r"renews automatically while the sign-in to corp lasts, until \d\d:\d\d \S+ \(60 min\)$", said)
    renewable()
    said = one_line(status())
    assert said.endswith(", renews automatically with the sign-in to corp")
    assert re.search(r"corp: signed in until \d\d:\d\d \S+ \(60 min\), renews automatically http", said)
    tokens.delete(find_session("corp"))
    assert one_line(status()).endswith(", cannot be renewed. Run %sso_login corp")
    monkeypatch.setattr(KERNEL.current.role, "_failure", RoleNotAssigned("The role is refused. Ask for it."))
    assert one_line(status()).endswith(", not renewed. The role is refused. Ask for it.")
