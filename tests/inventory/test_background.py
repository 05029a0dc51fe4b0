"""A refresh behind: one at a time, nothing on the display, and nobody waits for it who does not ask."""

from __future__ import annotations

import threading

import pytest

from sso_magic.errors import SignInRequired


@pytest.fixture
def held(fake_portal, organization):
    """A portal that answers nothing before `go` is set."""
    portal = fake_portal(organization(5))
    portal.go = threading.Event()

    def trouble(asked, number):
        assert portal.go.wait(20)

    portal.trouble = trouble
    yield portal
    portal.go.set()


def ended(inventory) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("sso-inventory"):
            thread.join(60)
    if inventory._background is not None:
        inventory._background.join(60)  # one that is about to end is in no list any more, and alive
    assert not inventory.is_refreshing


def test_it_does_not_wait_and_fills_the_cache(held, inventory_of, capfd):
    inventory = inventory_of(held)
    inventory.refresh_in_background()
    assert inventory.is_refreshing
    assert inventory.cached() is None
    held.go.set()
    ended(inventory)
    assert inventory.cached().complete
    assert inventory.refresh_error is None
    assert capfd.readouterr() == ("", "")


def test_there_is_one_at_a_time(held, inventory_of):
    inventory = inventory_of(held)
    for _ in range(5):
        inventory.refresh_in_background()
    refreshing = [one for one in threading.enumerate() if one.name == "sso-inventory-refresh"]
    held.go.set()
    ended(inventory)
    assert len(refreshing) == 1
    assert held.asked("accounts") == 1


def test_who_waits_meanwhile_waits_for_that_one(held, inventory_of):
    inventory = inventory_of(held)
    inventory.refresh_in_background()
    got: list = []
    waiting = [threading.Thread(target=lambda: got.append(inventory.fetch())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    held.go.set()
    for thread in waiting:
        thread.join(5)
    ended(inventory)
    assert [snapshot.complete for snapshot in got] == [True] * 3
    assert held.asked("accounts") == 1


def test_why_it_failed_is_kept_for_who_asks_next(fake_portal, inventory_of, organization):
    signed_in = [False]

    def token():
        if not signed_in[0]:
            raise SignInRequired("Not signed in to corp. Run %sso_login corp")
        return "aoa"

    inventory = inventory_of(fake_portal(organization(1)), access_token=token)
    inventory.refresh_in_background()
    ended(inventory)
    assert isinstance(inventory.refresh_error, SignInRequired)
    assert inventory.cached() is None


def test_an_error_is_forgotten_when_the_next_refresh_succeeds(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(1))

    def trouble(asked, number):
        if number == 1:
            raise refusal(400)

    portal.trouble = trouble
    inventory = inventory_of(portal)
    inventory.refresh_in_background()
    ended(inventory)
    assert inventory.refresh_error is not None
    inventory.refresh_in_background()
    ended(inventory)
    assert inventory.refresh_error is None


def test_signing_out_ends_it_and_it_leaves_no_file(held, inventory_of):
    inventory = inventory_of(held, key="corp")
    inventory.refresh_in_background()
    while held.asked() == 0:
        pass
    inventory.forget()
    held.go.set()
    ended(inventory)
    assert inventory.cached() is None
    assert inventory_of(held, key="corp").cached() is None


def test_the_cache_stays_usable_meanwhile(held, inventory_of):
    held.go.set()
    inventory = inventory_of(held)
    inventory.fetch()
    held.go.clear()
    inventory.refresh_in_background()
    assert inventory.cached().complete
    held.go.set()
    ended(inventory)
