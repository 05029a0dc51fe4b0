"""What a panel asks the portal for, and what it does not."""

from __future__ import annotations

import threading

from jupyter_in_browser import plant_inventory, plant_token

from sso_magic.local import Organization


def test_opening_and_searching_with_a_fresh_cache_sends_nothing(open_panel, ready):
    screen = open_panel()
    for words in ("p", "pa", "pay", ""):
        screen.type(words)
    screen.panel.look()
    assert len(screen.lines) == 28
    screen.until_threads_end("sso-panel-refresh")
    assert ready.requests.total() == 0


def test_refresh_pressed_twice_asks_once(open_panel, ready, portal_gate):
    screen = open_panel()
    for _ in range(2):
        screen.push("Refresh")  # the second was on its way before the button was off
    assert [thread.name for thread in threading.enumerate()].count("sso-panel-refresh") == 1
    portal_gate.set()
    screen.until_threads_end("sso-panel-refresh")
    assert ready.requests.total("ListAccounts") == 1
    assert screen.can_press("Refresh")


def test_an_old_inventory_is_there_at_once_and_refreshed_behind(open_panel, center, clean_environment, portal_gate):
    plant_token(clean_environment, center)
    plant_inventory(clean_environment, center, age=2 * 3600)
    center.organization.add_account("000000000001", "brand-new")
    center.organization.assign("alex", "000000000001", "ReadOnly")
    screen = open_panel()
    assert len(screen.lines) == 28
    portal_gate.set()
    screen.until(lambda: len(screen.lines) == 29)
    assert "15 accounts" in screen.list_state


def test_an_old_inventory_stays_as_it_is_for_somebody_who_is_not_signed_in(open_panel, center, clean_environment):
    plant_inventory(clean_environment, center, age=2 * 3600)
    screen = open_panel()
    assert len(screen.lines) == 28
    assert "2 h 00 min old" in screen.list_state
    assert center.requests.total() == 0
    screen.press("Refresh")
    screen.until(lambda: screen.is_error)
    assert screen.status == "Not signed in, or the sign-in has ended. Press Sign in."


def test_the_list_fills_while_it_loads_and_says_how_far_it_is(open_panel, center, clean_environment):
    center.organization = Organization.generated(400)
    center.latency = 0.1
    plant_token(clean_environment, center)
    screen = open_panel()
    assert "Still loading" in screen.list_state
    assert not screen.can_press("Refresh")
    screen.until(lambda: screen.lines != [] and "Still loading, " in screen.list_state)
    assert screen.shown["progress"][1] > 1
    screen.until(lambda: "1,200 roles in 400 accounts" in screen.list_state and "refreshed" in screen.list_state)
    assert len(screen.lines) == 1_200
    assert screen.shown["progress"] is None


def test_ten_thousand_accounts_are_sent_once_and_compressed(open_panel, center, clean_environment, sent):
    plant_token(clean_environment, center)
    plant_inventory(clean_environment, center, Organization.generated(10_000))
    screen = open_panel()
    assert "30,000 roles in 10,000 accounts" in screen.list_state
    assert len(screen.lines) == 30_000
    roles = [message for message in sent if (message["data"].get("content") or {}).get("kind") == "roles"]
    assert 0 < sum(len(buffer) for message in roles for buffer in message["buffers"]) < 400_000 * len(roles)
    sent.clear()
    screen.panel.look()
    screen.type("prod")
    assert [message for message in sent if "roles" in str(message)] == []
    assert center.requests.total() == 0


def test_accounts_that_fail_are_counted_and_the_rest_is_listed(open_panel, center, clean_environment):
    from sso_magic.local import Fault

    center.faults.append(Fault("ListAccountRoles", times=1, status=400))
    plant_token(clean_environment, center)
    screen = open_panel()
    screen.until(lambda: "1 account failed" in screen.list_state)
    assert "Press Refresh to try again." in screen.list_state
    screen.until(lambda: len(screen.lines) > 20)  # the others come after


def test_the_inventory_that_a_magic_fetches_is_seen(open_panel, center, clean_environment, shell):
    screen = open_panel()
    assert screen.lines == []
    plant_token(clean_environment, center)
    shell.run_line_magic("sso_inventory", "")
    screen.until(lambda: len(screen.lines) == 28)
