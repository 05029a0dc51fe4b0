"""A position or a press that was meant for an older list uses nothing: never the wrong account."""

from __future__ import annotations

import os

LOOK = "The list has just changed. Look at what is chosen, then press Use or Enter again."


def shows_it(screen) -> None:
    """The browser has the newest list and says so."""
    seen = screen.view.seen
    seen._shown.set_state({"value": seen._sent.value})


def test_a_position_in_an_older_list_chooses_nothing(open_panel, ready):
    screen = open_panel()
    shows_it(screen)
    screen.type("pay")  # the browser has not got this list yet when its person chooses the 4th line of the old one
    screen.view.rows.set_state({"index": 3})
    assert screen.chosen == screen.lines[0]
    shows_it(screen)
    screen.view.rows.set_state({"index": 3})
    assert screen.chosen == screen.lines[3]


def test_a_position_beyond_the_end_of_the_new_list_chooses_nothing(open_panel, ready):
    screen = open_panel()
    shows_it(screen)
    screen.type("ml-sandbox")
    screen.view.rows.set_state({"index": 20})
    assert screen.chosen == screen.lines[0]
    assert not screen.is_error


def test_use_pressed_on_an_older_list_uses_nothing(open_panel, ready):
    screen = open_panel()
    shows_it(screen)
    screen.type("ml-sandbox")
    screen.press("Use")
    screen.finish()
    assert screen.status == LOOK
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    shows_it(screen)
    screen.press("Use")
    screen.finish()
    assert "AWS_ACCESS_KEY_ID" in os.environ


def test_enter_before_the_list_is_there_uses_none_of_several_hits(open_panel, ready):
    screen = open_panel()
    shows_it(screen)
    screen.type("payments-prod readonly")
    screen.press_enter()
    shows_it(screen)
    shows_it(screen)
    screen.finish()
    assert len(screen.lines) == 2
    assert screen.status == LOOK
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_enter_before_the_list_is_there_uses_the_only_hit_once_all_that_was_typed_has_come(open_panel, ready):
    screen = open_panel()
    shows_it(screen)
    screen.type("ml-sand")
    screen.press_enter()
    screen.finish()
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    shows_it(screen)
    screen.finish()
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    shows_it(screen)
    screen.finish()
    assert os.environ["AWS_ACCOUNT_ID"] == "873320164592"


def test_words_that_the_browser_held_back_count_for_enter(open_panel, ready):
    screen = open_panel()
    shows_it(screen)
    screen.type("payments-prod-eu datasci")
    screen.press_enter()
    shows_it(screen)
    screen.type("payments-prod-eu readonly")  # typed before Enter, sent when the browser heard of the list
    shows_it(screen)
    screen.finish()
    assert os.environ["AWS_ACCOUNT_ID"] == "731659031207"
    assert "ReadOnly" in screen.role


def test_words_that_find_the_same_rows_count_as_another_list(open_panel, ready):
    screen = open_panel()
    screen.type("ml-sand")
    shows_it(screen)
    screen.type("ml-sandbox")
    screen.press("Use")
    screen.finish()
    assert screen.status == LOOK


def test_a_look_that_finds_nothing_new_disturbs_nobody(open_panel, ready):
    screen = open_panel()
    screen.type("ml-sandbox")
    shows_it(screen)
    screen.panel.look()
    screen.press("Use")
    screen.finish()
    assert "AWS_ACCESS_KEY_ID" in os.environ


def test_a_browser_that_knows_no_links_can_use_roles(open_panel, ready):
    screen = open_panel()
    screen.use("ml-sandbox")
    assert "AWS_ACCESS_KEY_ID" in os.environ


def test_a_role_that_has_gone_does_not_turn_into_its_neighbour(open_panel, ready):
    screen = open_panel()
    screen.type("payments-prod")
    screen.choose("payments-prod · ReadOnly · 731659028443")
    ready.organization.withdraw("alex", "731659028443", "ReadOnly")
    screen.press("Refresh")
    screen.until(lambda: "27 roles" in screen.list_state)
    screen.until(lambda: screen.chosen is None)
    screen.panel.look()
    assert screen.chosen is None
    assert not screen.can_press("Use")


def test_a_list_that_was_empty_for_a_moment_chooses_nothing_by_itself(open_panel, ready, monkeypatch):
    screen = open_panel()
    screen.type("payments-prod")
    screen.choose("payments-prod · ReadOnly · 731659028443")
    with monkeypatch.context() as away:
        away.setattr(screen.panel._center.directory, "cached", lambda: None)
        screen.panel.look()
        assert screen.lines == []
    screen.panel.look()
    assert len(screen.lines) == 5
    assert screen.chosen is None


def test_what_is_chosen_stays_chosen_while_rows_come_in_before_it(open_panel, ready):
    screen = open_panel()
    screen.type("sandbox")
    assert screen.chosen == "ml-sandbox · PowerUserAccess · 873320164592"
    ready.organization.add_account("000000000001", "a-sandbox")
    ready.organization.assign("alex", "000000000001", "ReadOnly")
    screen.press("Refresh")
    screen.until(lambda: len(screen.lines) == 2)
    assert screen.chosen == "ml-sandbox · PowerUserAccess · 873320164592"
