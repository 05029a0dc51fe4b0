"""The accounts alone, the roles of one account alone: few calls, and the cache learns from both."""

from __future__ import annotations

import threading

import pytest

from sso_magic import errors
from sso_magic.inventory import Account


def test_the_accounts_alone_need_a_call_for_each_hundred(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(250))
    inventory = inventory_of(portal)
    assert len(inventory.accounts()) == 250
    assert [asked for asked, _ in portal.calls] == ["accounts"] * 3
    assert len(inventory.cached_accounts()) == 250
    assert not inventory.cached().complete


def test_the_roles_of_one_account_need_one_call(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(3, roles=["ReadOnly", "Admin"]))
    inventory = inventory_of(portal)
    assert inventory.cached_roles("000000000002") is None
    assert inventory.roles("000000000002") == ("Admin", "ReadOnly")
    assert portal.calls == [("000000000002", None)]
    assert inventory.cached_roles("000000000002") == ("Admin", "ReadOnly")
    assert inventory.cached_accounts() is None  # one account is no list of accounts


def test_what_was_asked_singly_is_laid_over_the_last_whole_fetch(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(3))
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.accounts["000000000002"] = ("team-2", None, ["Deploy"])
    portal.accounts["000000000004"] = ("team-4", None, ["Admin"])
    del portal.accounts["000000000001"]
    assert inventory.roles("000000000002") == ("Deploy",)
    assert inventory.cached_roles("000000000002") == ("Deploy",)
    assert len(inventory.cached().accounts) == 3
    assert [account.account_name for account in inventory.accounts()] == ["team-2", "team-3", "team-4"]
    snapshot = inventory.cached()
    assert [account.account_name for account in snapshot.accounts] == ["team-2", "team-3", "team-4"]
    assert "000000000001" not in snapshot.roles
    assert not snapshot.complete  # the roles of team-4 are not known


def test_a_whole_fetch_replaces_what_was_asked_singly_before(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(2))
    inventory = inventory_of(portal)
    inventory.roles("000000000001")
    portal.accounts["000000000001"] = ("team-1", None, ["Deploy"])
    inventory.fetch()
    assert inventory.cached_roles("000000000001") == ("Deploy",)


def test_what_was_asked_singly_does_not_spare_a_refresh_its_calls(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(2))
    inventory = inventory_of(portal)
    inventory.accounts()
    inventory.roles("000000000001")
    portal.calls.clear()
    inventory.fetch()
    assert sorted(asked for asked, _ in portal.calls) == ["000000000001", "000000000002", "accounts"]


def test_what_is_young_enough_is_not_asked_again(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(2))
    inventory = inventory_of(portal)
    inventory.fetch()
    portal.calls.clear()
    inventory.accounts(max_age=60)
    inventory.roles("000000000001", max_age=60)
    assert portal.calls == []
    inventory.accounts()
    inventory.roles("000000000001")
    assert len(portal.calls) == 2


def test_a_canceled_list_of_accounts_is_returned_and_not_kept(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(4))
    portal.page = 2
    cancel, go = threading.Event(), threading.Event()

    def trouble(asked, number):
        if number == 2:
            cancel.set()
            assert go.wait(20)

    portal.trouble = trouble
    inventory = inventory_of(portal)
    found = inventory.accounts(cancel=cancel)
    go.set()
    assert [account.account_id for account in found] == ["000000000001", "000000000002"]
    assert inventory.cached() is None


@pytest.mark.parametrize("ask", [lambda one: one.accounts(), lambda one: one.roles("000000000001")])
@pytest.mark.usefixtures("quick")
def test_what_fails_is_raised_as_it_is(ask, fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(1))

    def trouble(asked, number):
        raise errors.ConnectError("portal.example refused the connection.")

    portal.trouble = trouble
    inventory = inventory_of(portal)
    with pytest.raises(errors.ConnectError, match=r"portal\.example refused the connection"):
        ask(inventory)
    assert inventory.cached() is None


def test_the_accounts_are_a_table(fake_portal, inventory_of):
    portal = fake_portal(
        {"000000000002": ("beta", "b@example.com", ["R"]), "000000000001": (None, None, ["R"])},
    )
    inventory = inventory_of(portal)
    frame = inventory.accounts_frame()
    assert frame["account_id"].tolist() == ["000000000002", "000000000001"]
    assert frame.attrs["errors"] == {}
    assert frame.attrs["fetched_at"] is not None
    assert inventory.accounts_frame("BETA b@example")["account_id"].tolist() == ["000000000002"]
    assert portal.asked("accounts") == 1
    inventory.accounts_frame(max_age=0)
    assert portal.asked("accounts") == 2


def test_the_roles_of_an_account_are_a_table(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(1))
    frame = inventory_of(portal).roles_frame(Account("000000000001", "team-1"))
    assert frame.to_dict("records") == [
        {"account_id": "000000000001", "account_name": "team-1", "role_name": "Admin"},
        {"account_id": "000000000001", "account_name": "team-1", "role_name": "ReadOnly"},
    ]


def test_importing_the_inventory_imports_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, sso_magic.inventory, sso_magic.profiles.plan;"
        "print({'pandas', 'numpy', 'requests', 'tqdm', 'filelock', 'urllib3'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
