"""What is used is the role that a browser showed: never the wrong account."""

from __future__ import annotations

import os

import pytest


def test_a_role_is_used_by_its_name_whatever_the_list_is_by_now(open_panel, ready):
    screen = open_panel()
    screen.type("payments-prod-eu readonly")
    ready.organization.add_account("000000000001", "a-payments-prod-eu")
    ready.organization.assign("alex", "000000000001", "ReadOnly")
    screen.push("Refresh")
    screen.push("Use")
    screen.finish()
    assert os.environ["AWS_ACCOUNT_ID"] == "731659031207"
    assert "ReadOnly" in screen.role


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"account_id": "731659028443"},
        {"account_id": 731659028443, "role_name": "ReadOnly"},
        {"account_id": "payments-prod", "role_name": "ReadOnly"},
        {"account_id": None, "role_name": None},
        {"account_id": ["731659028443"], "role_name": {}},
    ],
)
def test_a_message_that_names_no_role_in_an_account_uses_nothing(open_panel, ready, content):
    screen = open_panel()
    for do in ("use", "favorite"):
        screen.send(do, **content)
        screen.finish()
    assert screen.status == "Choose a role in the list first."
    assert "AWS_ACCESS_KEY_ID" not in os.environ


@pytest.mark.parametrize("do", ["", "nothing", None, "_used", 7])
def test_a_message_that_asks_for_nothing_known_does_nothing(open_panel, ready, do, capsys):
    screen = open_panel()
    before = screen.shown
    screen.send(do)
    screen.panel.look()
    assert screen.shown == before
    assert capsys.readouterr() == ("", "")


def test_a_role_that_has_gone_says_so(open_panel, ready):
    screen = open_panel()
    screen.type("payments-prod")
    screen.choose("payments-prod · ReadOnly · 731659028443")
    ready.organization.withdraw("alex", "731659028443", "ReadOnly")
    screen.press("Refresh")
    screen.until(lambda: "27 roles" in screen.list_state)
    assert screen.chosen is None
    screen.push("Use")
    screen.finish()
    assert screen.is_error
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_an_administrators_role_in_production_asks_for_a_second_press(open_panel, ready):
    screen = open_panel()
    screen.type("payments-prod")
    ready.organization.assign("alex", "731659028443", "AdministratorAccess")
    screen.press("Refresh")
    screen.until(lambda: any("AdministratorAccess · 731659028443" in line for line in screen.lines))
    screen.choose("payments-prod · AdministratorAccess · 731659028443")
    screen.press("Use")
    screen.finish()
    asks = "payments-prod / AdministratorAccess is an administrator's role in production. Press Use or Enter again"
    assert screen.is_error
    assert screen.status == f"{asks} to use it."
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    screen.choose("payments-prod · ReadOnly · 731659028443")
    assert screen.status == ""  # it is not about that one
    screen.press("Use")
    screen.finish()
    assert "ReadOnly" in screen.role
    screen.choose("payments-prod · AdministratorAccess · 731659028443")
    screen.press("Use")
    screen.finish()
    assert screen.status.startswith(asks)
    screen.press("Use")
    screen.finish()
    assert "AdministratorAccess" in screen.role
    screen.press("Use")  # it is in use already
    screen.finish()
    assert screen.status.startswith("Using payments-prod")
