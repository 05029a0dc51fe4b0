"""A token that the portal refuses is renewed once, for all workers; a person is asked by nobody here."""

from __future__ import annotations

import threading

import pytest

from sso_magic.common.secret import Secret
from sso_magic.errors import SignInRequired
from sso_magic.local import Organization


def test_one_renewal_serves_every_worker(local, local_inventory):
    local.organization = Organization.generated(accounts=100, roles=1)
    tokens = [Secret(local.access_token())]
    refused: list[Secret] = []

    def renew(token):
        refused.append(token)
        tokens.append(Secret(local.access_token()))
        return tokens[-1]

    inventory = local_inventory(access_token=lambda: tokens[0], reauthenticate=renew)
    inventory.accounts()
    local.revoke()
    snapshot = inventory.fetch()
    assert snapshot.complete
    assert not snapshot.errors
    assert refused == [tokens[0]]


def test_workers_refused_at_the_same_time_renew_once(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(8))
    all_are_there = threading.Barrier(8)
    renewals: list[Secret] = []

    def trouble(asked, number):
        if asked != "accounts" and portal.asked(asked) == 1:
            all_are_there.wait(5)
            raise refusal(401, "Session token not found or invalid", "UnauthorizedException")

    def renew(token):
        renewals.append(token)
        return Secret("aoa-renewed")

    portal.trouble = trouble
    snapshot = inventory_of(portal, reauthenticate=renew, workers=8).fetch()
    assert len(renewals) == 1
    assert not snapshot.errors
    assert portal.tokens.count("aoa-renewed") == 8


def test_a_renewal_that_needs_a_person_ends_the_fetch_with_sign_in_required(
    fake_portal, inventory_of, organization, refusal
):
    portal = fake_portal(organization(20))

    def trouble(asked, number):
        if number > 5:
            raise refusal(401, "Session token not found or invalid", "UnauthorizedException")

    def renew(token):
        raise SignInRequired("The sign-in to corp has ended. Run %sso_login corp")

    portal.trouble = trouble
    inventory = inventory_of(portal, reauthenticate=renew)
    with pytest.raises(SignInRequired, match="Run %sso_login corp"):
        inventory.fetch()
    assert inventory.partial().roles  # and what came before is kept


def test_a_renewed_token_that_is_refused_too_is_the_end(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(2))

    def trouble(asked, number):
        raise refusal(401, "Session token not found or invalid", "UnauthorizedException")

    portal.trouble = trouble
    renewals: list[Secret] = []

    def renew(token):
        renewals.append(token)
        return Secret(f"aoa-renewed-{len(renewals)}")

    with pytest.raises(SignInRequired) as caught:
        inventory_of(portal, reauthenticate=renew).fetch()
    assert str(caught.value) == "The portal refuses the access token. Sign in again: %sso_login --force"
    assert len(renewals) == 1


def test_a_token_may_end_twice_in_a_long_run(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(30))
    valid = ["aoa-planted-token"]
    lock = threading.Lock()

    def trouble(asked, number):
        with lock:
            if portal.tokens[number - 1] != valid[-1]:
                raise refusal(401, "Session token not found or invalid", "UnauthorizedException")
            if number in {10, 20}:
                valid.append(f"aoa-renewed-{number}")

    portal.trouble = trouble
    snapshot = inventory_of(portal, reauthenticate=lambda token: Secret(valid[-1]), workers=1).fetch()
    assert snapshot.complete
    assert not snapshot.errors


def test_not_being_signed_in_is_said_before_anything_is_asked(fake_portal, inventory_of, organization):
    def no_token():
        raise SignInRequired("Not signed in to corp. Run %sso_login corp")

    portal = fake_portal(organization(2))
    with pytest.raises(SignInRequired, match="Not signed in to corp"):
        inventory_of(portal, access_token=no_token).fetch()
    assert portal.calls == []
