"""Rows for programs, while they come in."""

from __future__ import annotations

import threading

import pytest

from sso_magic.errors import InventoryError, SignInRequired


def test_rows_come_before_the_fetch_has_ended(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(10))
    go = threading.Event()

    def trouble(asked, number):
        if number > 6:
            assert go.wait(20)

    portal.trouble = trouble
    rows = inventory_of(portal).iter_rows()
    first = [next(rows) for _ in range(10)]
    assert len({row.account_id for row in first}) == 5
    go.set()
    assert len(first + list(rows)) == 20


def test_every_row_comes_once(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(300))
    rows = list(inventory_of(portal).iter_rows())
    assert len(rows) == len(set(rows)) == 600


def test_the_cache_is_filled_when_the_rows_have_come(fake_portal, inventory_of, organization):
    inventory = inventory_of(fake_portal(organization(10)))
    list(inventory.iter_rows())
    assert inventory.cached().complete


def test_what_is_cached_and_young_comes_without_a_call(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(10))
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.calls.clear()
    assert len(list(inventory.iter_rows())) == 20
    assert portal.calls == []
    assert len(list(inventory.iter_rows(refresh=True))) == 20
    assert len(portal.calls) == 11


def test_what_a_canceled_fetch_had_comes_first(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(100))
    reached, go = threading.Event(), threading.Event()

    def trouble(asked, number):
        if number > 20:
            reached.set()
            go.wait(20)

    portal.trouble = trouble
    cancel = threading.Event()
    threading.Thread(target=lambda: (reached.wait(20), cancel.set())).start()
    inventory = inventory_of(portal)
    had = set(inventory.fetch(cancel=cancel).roles)
    go.set()
    rows = list(inventory.iter_rows())
    assert {row.account_id for row in rows[: 2 * len(had)]} == had
    assert len(rows) == 200


def test_leaving_the_loop_ends_the_fetch(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(2000))
    inventory = inventory_of(portal)
    for _ in inventory.iter_rows():
        break
    for thread in threading.enumerate():
        if thread.name.startswith("sso-inventory"):
            thread.join(5)
    assert not inventory.is_refreshing
    assert portal.asked() < 2000


def test_an_account_that_fails_has_no_rows_and_no_error_here(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(5))

    def trouble(asked, number):
        if asked == "000000000002":
            raise refusal(403)

    portal.trouble = trouble
    inventory = inventory_of(portal)
    assert len(list(inventory.iter_rows())) == 8
    assert list(inventory.cached().errors) == ["000000000002"]


def test_a_failed_fetch_raises_after_what_came(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(4))
    portal.page = 2

    def trouble(asked, number):
        if asked == "accounts" and number > 1:
            raise refusal(400, "Invalid next token", "InvalidRequestException")

    portal.trouble = trouble
    with pytest.raises(InventoryError, match="could not be listed after 2 of them"):
        list(inventory_of(portal).iter_rows())


def test_without_a_token_it_raises_at_the_first_row(fake_portal, inventory_of, organization):
    def no_token():
        raise SignInRequired("Not signed in to corp. Run %sso_login corp")

    with pytest.raises(SignInRequired):
        next(inventory_of(fake_portal(organization(1)), access_token=no_token).iter_rows())
