"""The first rows of a list of accounts that takes long are shown while the rest of it is fetched."""

from __future__ import annotations

import threading

import pytest

from sso_magic.inventory import FetchState
from sso_magic.magics import first_rows
from sso_magic.magics.first_rows import FirstRows
from sso_magic.magics.table import accounts_table


class NoBar:
    """A bar that is not looked at."""

    def update(self, state):
        pass

    close = update


@pytest.fixture
def shown(monkeypatch):
    """What is printed, and an event that is set when something is."""
    printed, event = [], threading.Event()
    monkeypatch.setattr(first_rows, "write", lambda text: printed.append(text) or event.set())
    return printed, event


def test_they_are_shown_while_the_second_page_is_on_its_way(shown, fake_portal, inventory_of, organization):
    printed, event = shown
    portal = fake_portal(organization(250))
    portal.trouble = lambda _, number: None if number == 1 else event.wait(60)  # no page before they are shown
    table = accounts_table(inventory_of(portal), "")
    assert event.is_set()
    assert len(table) == 250
    assert portal.asked() == portal.asked("accounts") == 3
    [text] = printed
    lines = text.splitlines()
    assert lines[0].split() == ["account_id", "account_name", "email_address"]
    assert lines[1].split() == ["000000000001", "team-1", "team-1@example.com"]
    assert len(lines) == 1 + first_rows.ROWS + 1
    assert lines[-1] == "The first 20 of 100 accounts listed so far; more to come."


def test_only_those_are_shown_that_contain_the_words(shown, fake_portal, inventory_of, organization):
    printed, event = shown
    portal = fake_portal(organization(150))
    portal.trouble = lambda _, number: None if number == 1 else event.wait(60)
    table = accounts_table(inventory_of(portal), "team-77")
    assert table["account_name"].tolist() == ["team-77"]
    assert len(printed[0].splitlines()) == 3
    assert "team-77@example.com" in printed[0]


@pytest.mark.parametrize(
    "state",
    [
        FetchState(accounts_known=2, all_listed=True, seconds=9.0, accounts=("any",)),
        FetchState(accounts_known=0, seconds=9.0),
        FetchState(accounts_known=2, seconds=0.1, accounts=("any",)),
    ],
    ids=["a list that is complete", "a list that has not begun", "a list that is soon complete"],
)
def test_nothing_is_shown_of(state, shown):
    FirstRows("", NoBar()).update(state)
    assert shown[0] == []


def test_a_notebook_shows_them_until_the_list_is_complete(shell, monkeypatch):
    updates = []

    class Handle:
        def update(self, shown):
            updates.append(shown.text)

    displayed = []
    monkeypatch.setattr(first_rows, "is_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda shown, display_id: displayed.append(shown) or Handle())
    from sso_magic.inventory import Account

    rows = FirstRows("", NoBar())
    state = FetchState(accounts_known=1, seconds=1.0, accounts=(Account("000000000001", "<b>\x1b[31m", None),))
    rows.update(state)
    rows.update(state)
    rows.close(state)
    [shown] = displayed
    assert "\x1b" not in shown.text + shown.html
    assert "<b>" not in shown.html
    assert updates == [""]
