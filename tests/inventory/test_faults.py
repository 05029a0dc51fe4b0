"""What fails in passing is tried again; what keeps failing costs its account and not the run."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from sso_magic import errors
from sso_magic.client.errors import ServiceException
from sso_magic.local import Fault, Organization

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("*", every=7, status=500),
        Fault("*", every=7, kind="reset"),
        Fault("*", every=7, kind="truncate"),
        Fault("*", every=7, body="<html><body>Bad gateway</body></html>"),
        Fault("*", every=7, body="<html><body>Bad gateway</body></html>", status=502),
        Fault("*", every=7, kind="drop"),
        Fault("*", every=7, kind="bad-gzip"),
    ],
    ids=["a 500", "a reset", "a truncated body", "an HTML page", "an HTML page with a 502", "a drop", "bad gzip"],
)
def test_every_seventh_answer_failing_leaves_the_result_complete(fault, local, local_inventory):
    local.organization = Organization.generated(accounts=120, roles=2)
    local.faults.append(fault)
    snapshot = local_inventory().fetch()
    assert snapshot.complete
    assert not snapshot.errors
    assert len(list(snapshot.rows())) == 240


def test_all_these_faults_in_turn_leave_the_result_complete(local, local_inventory):
    local.organization = Organization.generated(accounts=120, roles=2)
    kinds = [{"status": 500}, {"kind": "reset"}, {"kind": "truncate"}, {"body": "<html></html>"}]
    local.faults = [Fault("*", every=28 - shift, **kind) for shift, kind in enumerate(kinds)]
    snapshot = local_inventory().fetch()
    assert snapshot.complete
    assert not snapshot.errors
    assert len(list(snapshot.rows())) == 240


def test_one_bad_account_keeps_its_error_and_the_rest_goes_on(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(20))
    bad = "000000000007"

    def trouble(asked, number):
        if asked == bad:
            raise refusal(403)

    portal.trouble = trouble
    snapshot = inventory_of(portal).fetch()
    assert snapshot.complete
    assert list(snapshot.errors) == [bad]
    assert "ForbiddenException: No access (HTTP 403)" in snapshot.errors[bad]
    assert len(snapshot.roles) == 19
    assert portal.asked(bad) == 1


def test_an_account_that_keeps_failing_in_passing_is_given_up_after_six_tries(
    fake_portal, inventory_of, organization, refusal
):
    portal = fake_portal(organization(3))

    def trouble(asked, number):
        if asked == "000000000002":
            raise refusal(500, "Internal error", "InternalServerException")

    portal.trouble = trouble
    snapshot = inventory_of(portal).fetch()
    assert list(snapshot.errors) == ["000000000002"]
    assert portal.asked("000000000002") == 6


def test_an_error_is_one_line_whatever_the_service_says(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(2))

    def trouble(asked, number):
        if asked == "000000000001":
            raise refusal(404, "no\x1b[31m such\nthing")

    portal.trouble = trouble
    (text,) = inventory_of(portal).fetch().errors.values()
    assert "\n" not in text
    assert "\x1b" not in text


def test_an_account_that_two_pages_list_is_asked_once_and_stands_there_once(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(4))
    portal.page = 2
    listed = portal.list_accounts

    def overlapping(**asked):
        page = listed(**asked)
        return (
            page
            if asked.get("next_token")
            else SimpleNamespace(
                account_list=(*page.account_list, *listed(**{**asked, "next_token": "2"}).account_list[:1]),
                next_token=page.next_token,
            )
        )

    portal.list_accounts = overlapping
    snapshot = inventory_of(portal).fetch()
    assert [account.account_id for account in snapshot.accounts] == [f"{number:012}" for number in range(1, 5)]
    assert portal.asked("000000000003") == 1


def test_every_account_failing_is_an_error_and_not_an_empty_table(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(3))

    def trouble(asked, number):
        if asked != "accounts":
            raise refusal(403)

    portal.trouble = trouble
    inventory = inventory_of(portal)
    with pytest.raises(errors.InventoryError) as caught:
        inventory.fetch()
    assert str(caught.value) == (
        "Not one of the 3 accounts could be asked for its roles: ForbiddenException: No access (HTTP 403). "
        "Run it again; %sso_doctor looks for the cause."
    )
    assert inventory.cached() is None or not inventory.cached().complete


def test_accounts_that_cannot_be_listed_are_an_error(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(3))

    def trouble(asked, number):
        raise errors.ConnectError("portal.example refused the connection.")

    portal.trouble = trouble
    with pytest.raises(errors.InventoryError) as caught:
        inventory_of(portal).fetch()
    assert str(caught.value) == (
        "The accounts could not be listed: portal.example refused the connection. Run it again."
    )
    assert isinstance(caught.value.__cause__, errors.ConnectError)


def test_a_list_of_accounts_that_breaks_off_is_an_error_and_what_came_is_kept(
    fake_portal, inventory_of, organization, refusal
):
    portal = fake_portal(organization(4))
    portal.page = 2

    def trouble(asked, number):
        if asked == "accounts" and number > 1:
            raise refusal(400, "Invalid next token", "InvalidRequestException")

    portal.trouble = trouble
    inventory = inventory_of(portal)
    with pytest.raises(errors.InventoryError, match="could not be listed after 2 of them, which are kept"):
        inventory.fetch()
    assert len(inventory.partial().accounts) == 2


@pytest.mark.parametrize("repeated_after", [1, 2])
def test_a_repeated_token_of_accounts_is_an_error(repeated_after, fake_portal, inventory_of, organization):
    portal = fake_portal(organization(2))
    tokens = iter(["one", "two", "one"][3 - repeated_after - 1 :] if repeated_after == 2 else ["one", "one"])

    def list_accounts(*, access_token, max_results, next_token=None):
        return type("Output", (), {"account_list": (), "next_token": next(tokens)})

    portal.list_accounts = list_accounts
    with pytest.raises(errors.InventoryError, match=r"the same page twice \(a repeated next_token\)"):
        inventory_of(portal).fetch()


def test_a_repeated_token_of_roles_is_the_accounts_error(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(2))
    answer = portal.list_account_roles

    def list_account_roles(*, account_id, **rest):
        if account_id == "000000000001":
            return type("Output", (), {"role_list": (), "next_token": "again"})
        return answer(account_id=account_id, **rest)

    portal.list_account_roles = list_account_roles
    snapshot = inventory_of(portal).fetch()
    assert "repeated next_token" in snapshot.errors["000000000001"]
    assert "000000000002" in snapshot.roles


def test_a_portal_that_falls_silent_ends_the_run_and_what_came_is_kept(
    fake_portal, inventory_of, organization, refusal, monkeypatch
):
    monkeypatch.setattr("sso_magic.inventory.fetch.SILENCE", 0.05)
    monkeypatch.setattr("sso_magic.inventory.fetch.TRIES", 10**6)
    portal = fake_portal(organization(30))

    def trouble(asked, number):
        if number > 10:
            raise errors.ConnectError("The network is unreachable.")

    portal.trouble = trouble
    inventory = inventory_of(portal)
    with pytest.raises(errors.InventoryError, match=r"not answered for 0 s: The network is unreachable\. What came"):
        inventory.fetch()
    assert inventory.partial().roles


def test_a_mistake_in_a_worker_reaches_who_waits(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(3))

    def trouble(asked, number):
        raise RuntimeError("a mistake")

    portal.trouble = trouble
    with pytest.raises(RuntimeError, match="a mistake"):
        inventory_of(portal).fetch()


def test_accounts_that_failed_are_asked_again_the_next_time(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(2))
    fails = [True]

    def trouble(asked, number):
        if asked == "000000000001" and fails[0]:
            raise refusal(403)

    portal.trouble = trouble
    inventory = inventory_of(portal)
    assert inventory.fetch().errors
    fails[0] = False
    assert not inventory.fetch().errors


def test_the_errors_of_accounts_hold_no_secret(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(1))

    def trouble(asked, number):
        if asked == "000000000001":
            raise ServiceException("refused")

    portal.trouble = trouble
    inventory = inventory_of(portal)
    with pytest.raises(errors.InventoryError) as caught:
        inventory.fetch()
    assert "planted" not in repr(caught.value)


@pytest.mark.parametrize("operation", ["ListAccounts", "ListAccountRoles"])
def test_a_throttle_that_asks_for_an_hour_ends_the_fetch_and_says_until_when(local, local_inventory, operation):
    local.faults.append(Fault(operation, status=429, retry_after="3600"))
    directory = local_inventory()
    with pytest.raises(errors.InventoryError) as caught:
        directory.fetch()
    assert re.fullmatch(
        r"The portal throttles, and asks to wait 60 min\. What came is kept; run it again after "
        r"(\d{4}-\d\d-\d\d )?\d\d:\d\d \S+\.",
        str(caught.value),
    )


def test_a_throttle_that_asks_for_a_moment_is_waited_for(local, local_inventory):
    local.faults.append(Fault("ListAccounts", status=429, retry_after="0.01", times=3))
    assert len(local_inventory().fetch().accounts) > 5
