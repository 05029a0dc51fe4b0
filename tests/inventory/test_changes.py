"""What came and went between two whole fetches."""

from __future__ import annotations

import pytest


@pytest.fixture
def portal(fake_portal):
    return fake_portal(
        {
            "000000000001": ("one", None, ["Admin", "ReadOnly"]),
            "000000000002": ("two", None, ["Admin"]),
            "000000000003": (None, None, ["Admin"]),
        }
    )


def changes(inventory) -> list[tuple]:
    frame = inventory.changes()
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def test_the_first_fetch_changes_nothing(portal, inventory_of):
    inventory = inventory_of(portal)
    inventory.fetch()
    assert changes(inventory) == []


def test_roles_and_accounts_that_came_and_went_are_told(portal, inventory_of):
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.accounts["000000000001"] = ("one", None, ["Admin", "Billing"])
    del portal.accounts["000000000002"]
    portal.accounts["000000000004"] = ("four", None, ["ReadOnly"])
    inventory.fetch()
    assert changes(inventory) == [
        ("added", "000000000004", "four", "ReadOnly"),
        ("added", "000000000001", "one", "Billing"),
        ("removed", "000000000001", "one", "ReadOnly"),
        ("removed", "000000000002", "two", "Admin"),
    ]


def test_an_account_without_roles_that_came_is_a_row_without_a_role(portal, inventory_of):
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.accounts["000000000005"] = (None, None, [])
    inventory.fetch()
    assert changes(inventory) == [("added", "000000000005", None, None)]


def test_they_are_since_the_last_fetch_only(portal, inventory_of):
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.accounts["000000000002"] = ("two", None, [])
    inventory.fetch()
    inventory.fetch()
    assert changes(inventory) == []


def test_another_kernel_sees_them(portal, inventory_of):
    inventory = inventory_of(portal, key="corp")
    inventory.fetch()
    portal.accounts["000000000002"] = ("two", None, [])
    inventory.fetch()
    assert changes(inventory_of(portal, key="corp")) == [("removed", "000000000002", "two", "Admin")]


def test_an_account_that_failed_has_not_lost_its_roles(portal, inventory_of, refusal):
    inventory = inventory_of(portal)
    inventory.fetch()

    def trouble(asked, number):
        if asked == "000000000001":
            raise refusal(403)

    portal.trouble = trouble
    inventory.fetch()
    assert changes(inventory) == []
    portal.trouble = lambda asked, number: None
    inventory.fetch()
    assert changes(inventory) == []


def test_an_account_that_came_and_failed_is_told_without_its_roles(portal, inventory_of, refusal):
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.accounts["000000000004"] = ("four", None, ["ReadOnly"])

    def trouble(asked, number):
        if asked == "000000000004":
            raise refusal(403)

    portal.trouble = trouble
    inventory.fetch()
    assert changes(inventory) == [("added", "000000000004", "four", None)]


def test_the_table_has_its_columns_and_types_when_there_is_nothing(portal, inventory_of):
    frame = inventory_of(portal).changes()
    assert list(frame.columns) == ["change", "account_id", "account_name", "role_name"]
    assert {str(kind) for kind in frame.dtypes} == {"string"}
    assert frame.empty


@pytest.mark.parametrize("text", ["", "3", "[3]", '[["added"]]', '[["added", 1, null, null]]', "[" * 10**5])
def test_changes_that_cannot_be_read_are_none(text):
    from sso_magic.inventory.store import decode_changes

    assert decode_changes(text) == []
