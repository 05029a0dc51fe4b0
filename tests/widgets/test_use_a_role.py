"""Finding a role, using it, its region, its console, releasing it."""

from __future__ import annotations

import os
import re
import sys
import threading
import types

import boto3

from sso_magic.local import Organization


def account_here() -> str:
    return boto3.client("sts", region_name="eu-west-1").get_caller_identity()["Account"]


def ids(center) -> dict[str, str]:
    return {account.name: account.id for account in center.organization.accounts}


def test_words_find_roles_and_choose_the_best_hit(open_panel, ready):
    screen = open_panel()
    screen.type("pay prod read")
    assert screen.lines == [
        "payments-prod · ReadOnly · 731659028443",
        "payments-prod-eu · ReadOnly · 731659031207",
    ]
    assert screen.chosen == screen.lines[0]
    assert screen.list_state.startswith("28 roles in 14 accounts.")


def test_nothing_is_chosen_before_the_person_has_typed_or_chosen(open_panel, ready):
    screen = open_panel()
    assert screen.chosen is None
    assert not screen.can_press("Use")
    screen.press_enter()
    screen.finish()
    assert screen.status == "Choose a role in the list first."
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_a_role_used_by_clicking_is_that_of_its_account(open_panel, ready):
    screen = open_panel()
    screen.use("payments-dev readonly")
    assert account_here() == ids(ready)["payments-dev"]
    screen.type("payments-prod")
    screen.choose("payments-prod-eu · DataScientist · 731659031207")
    screen.press("Use")
    screen.finish()
    assert account_here() == ids(ready)["payments-prod-eu"]
    assert screen.role.startswith("In use: PRODUCTION payments-prod-eu (731659031207) / DataScientist, until")
    assert "renews automatically" in screen.role
    assert screen.shown["is_production"]


def test_enter_in_the_search_field_uses_what_is_chosen(open_panel, ready):
    screen = open_panel()
    screen.type("ml-sandbox")
    screen.press_enter()
    screen.finish()
    assert account_here() == ids(ready)["ml-sandbox"]


def test_the_region_goes_with_the_role_and_is_left_alone_without_one(open_panel, ready, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    screen = open_panel()
    screen.use("ml-sandbox")
    assert os.environ["AWS_REGION"] == "us-west-2"
    screen.region = " eu-central-1 "
    screen.press("Use")
    screen.finish()
    assert os.environ["AWS_REGION"] == "eu-central-1"
    assert "in eu-central-1" in screen.role


def test_release_brings_back_what_was_there(open_panel, ready, clean_environment, monkeypatch):
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write("\n[profile mine]\nregion = us-west-2\n")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)
    screen = open_panel()
    assert not screen.can_press("Release")
    screen.use("ml-sandbox")
    assert "AWS_PROFILE" not in os.environ
    screen.press("Release")
    screen.finish()
    assert dict(os.environ) == before
    assert screen.role.startswith("No role is in use.")
    assert screen.status.startswith("Released ml-sandbox")


def test_what_would_win_over_the_role_is_said(open_panel, ready):
    screen = open_panel()
    screen.use("ml-sandbox")
    os.environ["AWS_PROFILE"] = "mine"
    screen.panel.look()
    assert "AWS_PROFILE" in screen.role
    del os.environ["AWS_PROFILE"]
    screen.panel.look()
    assert "AWS_PROFILE" not in screen.role


def test_a_role_that_cannot_be_renewed_says_why_and_until_when_it_lasts(open_panel, ready):
    ready.role_lifetime = 6  # renewed when four are left
    screen = open_panel()
    screen.use("ml-sandbox")
    ready.organization.withdraw("alex", ids(ready)["ml-sandbox"])
    screen.until(lambda: "is not renewed" in screen.role)
    said = re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)?( UTC)?|\d+ s\b", "_", screen.role)
    assert said == (
        "In use: ml-sandbox (873320164592) / PowerUserAccess, until _ (_)."
        "ml-sandbox (873320164592) / PowerUserAccess is not renewed; its credentials last until _. "
        "The role PowerUserAccess in ml-sandbox is refused (403, No access): it is not assigned to you, or was "
        "assigned a moment ago. %sso_roles 873320164592 lists what you have."
    )


def test_the_console_link_is_the_portals_own_and_has_no_secret(open_panel, ready):
    screen = open_panel()
    assert screen.console is None
    screen.type("ml-sandbox")
    query = f"account_id={ids(ready)['ml-sandbox']}&role_name=PowerUserAccess"
    assert screen.console == f"{ready.start_url}/#/console?{query}"


def test_production_follows_the_setting_of_the_magics(open_panel, ready, shell):
    screen = open_panel()
    screen.type("web-shop-prod readonly")
    assert screen.is_chosen_production
    shell.run_line_magic("config", "SSOMagics.production = 'sandbox'")
    screen.until(lambda: not screen.is_chosen_production)
    screen.type("ml-sandbox")
    assert screen.is_chosen_production


def test_a_production_setting_that_is_no_pattern_says_so(open_panel, ready, shell):
    screen = open_panel()
    shell.find_line_magic("sso_use").__self__._trait_values["production"] = "("  # as in a configuration file
    screen.until(lambda: screen.is_error)
    assert "SSOMagics.production is not a regular expression" in screen.status
    shell.run_line_magic("config", "SSOMagics.production = 'prod'")
    screen.until(lambda: screen.status == "")


def test_a_role_that_is_no_longer_assigned_says_so(open_panel, ready):
    screen = open_panel()
    ready.organization.withdraw("alex", ids(ready)["ml-sandbox"])
    screen.use("ml-sandbox")
    assert screen.is_error
    assert "PowerUserAccess in ml-sandbox" in screen.status
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_a_cell_run_after_use_was_pressed_waits_for_its_credentials(open_panel, ready, shell):
    ready.latency = 0.3
    screen = open_panel()
    screen.type("ml-sandbox")
    screen.press("Use")
    shell.run_cell("import os; account = os.environ['AWS_ACCOUNT_ID']")
    assert shell.user_ns["account"] == ids(ready)["ml-sandbox"]


def test_a_cell_that_runs_keeps_its_role_until_it_has_ended(open_panel, ready, shell):
    screen = open_panel()
    screen.use("ml-sandbox")
    screen.type("payments-dev readonly")
    shell.user_ns |= {"press": lambda: screen.press("Use"), "status": lambda: screen.status}
    shell.run_cell("press()\nimport os, time; time.sleep(0.3)\nseen = os.environ['AWS_ACCOUNT_ID'], status()")
    assert shell.user_ns["seen"] == (
        ids(ready)["ml-sandbox"],
        "As soon as the cell that runs has ended: payments-dev / ReadOnly…",
    )
    shell.run_cell("after = os.environ['AWS_ACCOUNT_ID']")
    assert shell.user_ns["after"] == ids(ready)["payments-dev"]


def test_a_cell_that_runs_keeps_its_role_when_release_is_pressed(open_panel, ready, shell):
    screen = open_panel()
    screen.use("ml-sandbox")
    shell.user_ns |= {"press": lambda: screen.press("Release")}
    shell.run_cell("press()\nimport os, time; time.sleep(0.3)\nseen = os.environ['AWS_ACCOUNT_ID']")
    assert shell.user_ns["seen"] == ids(ready)["ml-sandbox"]
    screen.finish()
    assert "AWS_ACCOUNT_ID" not in os.environ


def test_uses_happen_in_the_order_they_were_asked_for(open_panel, ready):
    ready.latency = 0.05
    screen = open_panel()
    for words in ("payments-prod-eu readonly", "payments-dev readonly", "ml-sandbox"):
        screen.type(words)
        screen.press("Use")
    screen.finish()
    assert os.environ["AWS_ACCOUNT_ID"] == ids(ready)["ml-sandbox"]


def test_somebody_without_a_role_is_told_whom_to_ask(open_panel, center):
    center.organization = Organization()
    center.organization.add_user("new")
    screen = open_panel()
    screen.press("Sign in")
    center.approve(center.wait_for_pending().user_code)
    screen.until(lambda: "Contact your AWS administrator." in screen.list_state)
    assert screen.lines == []


def test_what_still_holds_the_old_roles_key_is_named_when_the_search_has_found_it(open_panel, ready, monkeypatch):
    screen = open_panel()
    screen.use("payments-dev readonly")
    made_up = types.ModuleType("made_up")
    made_up.cached_key = os.environ["AWS_ACCESS_KEY_ID"]
    monkeypatch.setitem(sys.modules, "made_up", made_up)
    screen.use("payments-prod readonly")
    for search in [thread for thread in threading.enumerate() if thread.name == "sso_magic canary"]:
        search.join()
    assert screen.status == (
        f"Using payments-prod ({ids(ready)['payments-prod']}) / ReadOnly. New cells run as this role. "
        f"1 module variable (made_up.cached_key) still uses payments-dev ({ids(ready)['payments-dev']}) / ReadOnly."
    )


def test_a_block_in_another_thread_keeps_its_role_and_the_panel_shows_why(open_panel, ready):
    from sso_magic import IdentityCenter

    account = ids(ready)["data-lake"]
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with IdentityCenter("corp").role(account, "ReadOnly").use():
            inside.set()
            go_on.wait(60)

    thread = threading.Thread(target=hold, name="reading")
    screen = open_panel()
    screen.use("payments-dev readonly")
    thread.start()
    try:
        assert inside.wait(60)
        screen.type("ml-sandbox")
        for button in ("Use", "Release"):
            screen.press(button)
            screen.finish()
            assert screen.is_error
            assert re.fullmatch(
                r"data-lake \(\d{12}\) / ReadOnly is in use by a block in thread reading, and a kernel has one role at "
                r"a time\. Wait for its end, .*",
                screen.status,
            )
            assert account_here() == account
    finally:
        go_on.set()
        thread.join()
    assert account_here() == ids(ready)["payments-dev"]
