"""A fetch brings every account and every role, and nothing waits for what it need not wait for."""

from __future__ import annotations

import threading

import pytest

from sso_magic.local import Organization


def test_every_page_of_accounts_and_roles_comes(local, local_inventory):
    local.organization = Organization.generated(accounts=230, roles=120)
    snapshot = local_inventory().fetch()
    assert snapshot.complete
    assert {account.account_id for account in snapshot.accounts} == {
        account.id for account in local.organization.accounts
    }
    assert {len(names) for names in snapshot.roles.values()} == {120}
    assert local.requests.total("ListAccounts") == 3
    assert local.requests.total("ListAccountRoles") == 2 * 230


def test_pages_of_a_hundred_are_asked_for(local, local_inventory):
    local_inventory().fetch()
    asked = [record.query["max_result"] for record in local.requests]
    assert set(asked) == {"100"}


def test_tokens_of_pages_come_back_as_they_were_given(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(3))
    given = iter(["a+b/c==&d=e f", "%2B+/=&é"])
    pages = {None: "1", "a+b/c==&d=e f": "2", "%2B+/=&é": "3"}

    def list_accounts(*, access_token, max_results, next_token=None):
        number = pages[next_token]
        info = type("Info", (), {"account_id": f"{number:0>12}", "account_name": number, "email_address": None})
        return type("Output", (), {"account_list": (info,), "next_token": next(given, None)})

    portal.list_accounts = list_accounts
    assert [account.account_name for account in inventory_of(portal).fetch().accounts] == ["1", "2", "3"]


def test_roles_are_asked_for_while_accounts_are_still_being_listed(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(4))
    portal.page = 2
    roles_were_asked = threading.Event()

    def trouble(asked, number):
        if asked == "accounts" and portal.asked("accounts") == 2:
            assert roles_were_asked.wait(5)
        elif asked != "accounts":
            roles_were_asked.set()

    portal.trouble = trouble
    assert len(inventory_of(portal).fetch().roles) == 4


def test_calls_are_made_side_by_side_but_no_more_than_allowed(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(60))
    together = threading.Barrier(5)

    def trouble(asked, number):
        if asked != "accounts":
            together.wait(5)  # only ever passes when five are on their way

    portal.trouble = trouble
    inventory_of(portal, workers=5).fetch()
    assert portal.most_at_once == 5


def test_each_account_and_page_is_asked_for_once(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(250))
    inventory_of(portal).fetch()
    assert len(portal.calls) == len(set(portal.calls)) == 253


def test_names_and_addresses_that_are_left_out_are_missing(local, local_inventory):
    local.organization = Organization.tricky()
    nameless = [account for account in local_inventory().fetch().accounts if account.account_name is None]
    assert nameless
    assert nameless[0].label == nameless[0].account_id


def test_an_organization_without_accounts_is_an_empty_inventory_and_no_error(fake_portal, inventory_of):
    snapshot = inventory_of(fake_portal({})).fetch()
    assert snapshot.complete
    assert snapshot.accounts == ()
    assert list(snapshot.rows()) == []


def test_an_account_without_roles_is_there_without_rows(fake_portal, inventory_of):
    snapshot = inventory_of(fake_portal({"000000000001": ("empty", None, ())})).fetch()
    assert snapshot.complete
    assert snapshot.roles == {"000000000001": ()}
    assert list(snapshot.rows()) == []


def test_accounts_are_sorted_by_name_then_id_and_roles_by_name(fake_portal, inventory_of):
    portal = fake_portal(
        {
            "000000000003": (None, None, ["R"]),
            "000000000002": ("beta", None, ["Z", "A"]),
            "000000000001": ("Beta", None, ["R"]),
            "000000000004": ("alpha", None, ["R"]),
        }
    )
    snapshot = inventory_of(portal).fetch()
    assert [account.account_id[-1] for account in snapshot.accounts] == ["4", "1", "2", "3"]
    assert snapshot.roles["000000000002"] == ("A", "Z")


def test_a_role_listed_on_two_pages_is_one_role(fake_portal, inventory_of):
    portal = fake_portal({"000000000001": ("a", None, ["R", "S", "R"])})
    portal.page = 2
    assert inventory_of(portal).fetch().roles["000000000001"] == ("R", "S")


def test_fetching_does_not_start_a_thread_for_each_worker_it_may_have(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(3))
    seen: set[str] = set()
    portal.trouble = lambda asked, number: seen.add(threading.current_thread().name)
    inventory_of(portal, workers=64).fetch()
    assert len(seen) <= 3


@pytest.mark.parametrize("status", [429])
def test_refused_calls_are_made_again_until_they_are_answered(status, local, local_inventory):
    local.organization = Organization.generated(accounts=60, roles=1)
    local.throttle = (100, 10)
    snapshot = local_inventory().fetch()
    assert snapshot.complete
    assert not snapshot.errors
    assert local.requests.total("ListAccountRoles", status) > 0
    assert local.requests.total("ListAccountRoles", 200) == 60
