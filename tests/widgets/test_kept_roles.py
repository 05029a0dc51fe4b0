"""Recent and favorite roles stay on top of the list, across kernels."""

from __future__ import annotations

import json

import pytest

from sso_magic import IdentityCenter
from sso_magic.widgets import kept
from sso_magic.widgets.kept import RoleKey


def test_roles_used_last_come_first_and_favorites_before_them(open_panel, ready):
    screen = open_panel()
    screen.use("web-shop-prod readonly")
    screen.use("ml-sandbox")
    screen.type("security readonly")
    screen.press("Favorite")
    assert screen.status == "Added to favorites: it stays on top of the list."
    screen.type("")
    assert screen.lines[:3] == [
        "★ security-audit · ReadOnly · 518204739966",
        "ml-sandbox · PowerUserAccess · 873320164592 (recent, in use)",
        "web-shop-prod · ReadOnly · 359172046885 (recent)",
    ]
    assert len(screen.lines) == len(set(screen.lines)) == 28


def test_another_kernel_sees_them(open_panel, ready):
    screen = open_panel()
    screen.type("ml-sandbox")
    screen.press("Favorite")
    assert open_panel().lines[0] == "★ ml-sandbox · PowerUserAccess · 873320164592"


def test_a_favorite_is_taken_back_by_the_same_button(open_panel, ready):
    screen = open_panel()
    screen.type("ml-sandbox")
    screen.press("Favorite")
    assert screen.lines[0].startswith("★ ")
    screen.press("Favorite")
    assert screen.status == "Removed from favorites."
    screen.type("")
    assert screen.lines[0].startswith("analytics")


def test_a_role_used_by_a_magic_becomes_a_recent_one(open_panel, ready, shell):
    screen = open_panel()
    shell.run_line_magic("sso_use", "ml-sandbox")
    screen.until(lambda: screen.lines[0] == "ml-sandbox · PowerUserAccess · 873320164592 (recent, in use)")


def test_a_favorite_that_is_no_longer_assigned_is_not_listed(open_panel, ready):
    kept.toggle_favorite("corp", RoleKey("873320164592", "NoLonger"))
    kept.toggle_favorite("corp", RoleKey("999999999999", "ReadOnly"))
    assert not any("★" in line for line in open_panel().lines)


def test_favorites_are_listed_before_anything_else_is_known(open_panel, center):
    kept.toggle_favorite("corp", RoleKey("873320164592", "PowerUserAccess"))
    assert open_panel().lines == ["★ PowerUserAccess · 873320164592"] or open_panel().lines == [
        "★ 873320164592 · PowerUserAccess"
    ]


def test_only_the_last_five_are_recent(clean_environment):
    for number in range(8):
        kept.remember_use("corp", RoleKey(f"{number:012}", "ReadOnly"))
    kept.remember_use("corp", RoleKey(f"{5:012}", "ReadOnly"))
    assert [int(key.account_id) for key in kept.load("corp").recent] == [5, 7, 6, 4, 3]


def test_sessions_do_not_share_them(clean_environment):
    kept.remember_use("corp", RoleKey("000000000001", "ReadOnly"))
    kept.remember_use("other", RoleKey("000000000002", "ReadOnly"))
    assert [key.account_id for key in kept.load("corp").recent] == ["000000000001"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2}', '{"version": 1, "sessions": {"corp": {"recent": [[1, 2], "x", ["a"]]}}}'],
)
def test_a_file_that_cannot_be_read_counts_as_none(clean_environment, content):
    path = clean_environment / ".aws" / "sso_magic" / "panel.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert kept.load("corp") == kept.Kept()
    kept.remember_use("corp", RoleKey("000000000001", "ReadOnly"))
    assert json.loads(path.read_text())["version"] == 1
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_is_said_for_a_favorite_and_costs_a_use_nothing(
    open_panel, ready, clean_environment
):
    (clean_environment / ".aws" / "sso_magic" / "panel.json").mkdir()
    screen = open_panel()
    screen.use("ml-sandbox")
    assert not screen.is_error
    screen.press("Favorite")
    assert screen.is_error
    assert "panel.json cannot be written" in screen.status


ONE, TWO = RoleKey("000000000001", "ReadOnly"), RoleKey("000000000002", "ReadOnly")


@pytest.fixture
def use_as(center, prompt):
    """Sign in as somebody; returns the credentials of a role that both people have."""
    users = [user.name for user in center.organization.users][:2]
    account = next(each for each in center.organization.accounts if each.name == "payments-dev")
    center.organization.assign(users[1], account.id, "ReadOnly")

    def run(number: int):
        center.auto_approve = users[number]
        corp = IdentityCenter("corp")
        corp.sign_in(force=True, method="device", prompt=prompt)
        return corp.role("payments-dev", "ReadOnly").credentials()

    return run


def test_another_person_has_favorites_of_their_own(center, use_as):
    kept.learn_person("corp", use_as(0))
    kept.toggle_favorite("corp", ONE)
    kept.remember_use("corp", ONE)
    assert kept.learn_person("corp", use_as(1)) is True
    assert kept.load("corp") == kept.Kept()
    kept.toggle_favorite("corp", TWO)
    assert kept.learn_person("corp", use_as(0)) is True
    assert kept.load("corp") == kept.Kept((ONE,), (ONE,))
    kept.learn_person("corp", use_as(1))
    assert kept.load("corp").favorites == (TWO,)


def test_a_sign_in_of_the_same_person_keeps_the_favorites(center, use_as, monkeypatch):
    kept.toggle_favorite("corp", ONE)  # before anybody was known, as by an earlier version
    credentials = use_as(0)
    assert kept.learn_person("corp", credentials) is False
    assert kept.learn_person("corp", use_as(0)) is False
    credentials = use_as(0)
    with monkeypatch.context() as patch:
        patch.setattr("sso_magic.kernel.person.name_of", lambda _: None)  # STS cannot be reached
        assert kept.learn_person("corp", credentials) is False
    assert kept.load("corp").favorites == (ONE,)
    kept.learn_person("corp", credentials)
    monkeypatch.setattr("sso_magic.kernel.person.name_of", lambda _: pytest.fail("STS is asked twice for a sign-in"))
    kept.learn_person("corp", credentials)
    kept.toggle_favorite("corp", TWO)
    assert kept.load("corp").favorites == (ONE, TWO)


def test_the_file_names_nobody(center, use_as, clean_environment):
    kept.learn_person("corp", use_as(0))
    text = (clean_environment / ".aws" / "sso_magic" / "panel.json").read_text()
    assert center.organization.users[0].name not in text


def test_the_panel_shows_another_persons_list_after_their_first_use(open_panel, use_as):
    use_as(0)
    screen = open_panel()
    screen.until(lambda: "refreshed" in screen.list_state)
    screen.use("payments-dev readonly")
    screen.press("Favorite")
    screen.type("")
    assert any("★" in line for line in screen.lines)
    use_as(1)
    screen.until(lambda: "refreshed" in screen.list_state)
    screen.use("payments-dev readonly")
    screen.type("")
    screen.until(lambda: not any("★" in line for line in screen.lines))
