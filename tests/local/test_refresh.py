"""Refreshing: rotation, the grace for clients that race, and when it ends."""

from __future__ import annotations

import pytest


@pytest.fixture
def signed_in(local, wire, device):
    """A client and the tokens that it was given."""
    local.approve()
    return device[0], wire.poll(*device).json


def test_a_refresh_gives_a_new_access_token_and_a_refresh_token(local, wire, signed_in):
    client, tokens = signed_in
    answer = wire.refresh(client, tokens["refreshToken"])
    assert answer.status == 200
    assert answer.json["accessToken"] != tokens["accessToken"]
    assert answer.json["refreshToken"]
    assert answer.json["expiresIn"] == 3600
    assert wire.get("/assignment/accounts", answer.json["accessToken"]).status == 200


def test_the_old_access_token_lives_on_until_its_end(local, wire, signed_in):
    client, tokens = signed_in
    wire.refresh(client, tokens["refreshToken"])
    assert wire.get("/assignment/accounts", tokens["accessToken"]).status == 200


def test_refresh_tokens_rotate(wire, signed_in):
    client, tokens = signed_in
    second = wire.refresh(client, tokens["refreshToken"]).json["refreshToken"]
    third = wire.refresh(client, second).json["refreshToken"]
    assert len({tokens["refreshToken"], second, third}) == 3


def test_a_racing_client_gets_by_with_the_previous_token_and_the_same_successor(wire, signed_in):
    client, tokens = signed_in
    winner = wire.refresh(client, tokens["refreshToken"]).json
    loser = wire.refresh(client, tokens["refreshToken"])
    assert loser.status == 200
    assert loser.json["refreshToken"] == winner["refreshToken"]
    assert loser.json["accessToken"] != winner["accessToken"]


def test_the_grace_ends(local, wire, signed_in):
    local.refresh_grace = 10
    client, tokens = signed_in
    wire.refresh(client, tokens["refreshToken"])
    local.advance(10)
    answer = wire.refresh(client, tokens["refreshToken"])
    assert (answer.status, answer.error) == (400, "InvalidGrantException")
    assert answer.json == {"error": "invalid_grant", "error_description": "Invalid grant provided"}


def test_without_a_grace_a_refresh_token_works_once(local, wire, signed_in):
    local.refresh_grace = 0
    client, tokens = signed_in
    assert [wire.refresh(client, tokens["refreshToken"]).status for _ in range(2)] == [200, 400]


def test_the_token_before_the_previous_one_is_refused(wire, signed_in):
    client, tokens = signed_in
    second = wire.refresh(client, tokens["refreshToken"]).json["refreshToken"]
    wire.refresh(client, second)
    assert wire.refresh(client, tokens["refreshToken"]).status == 400


def test_without_rotation_the_refresh_token_stays(local, wire, signed_in):
    local.rotate_refresh_tokens = False
    client, tokens = signed_in
    for _ in range(3):
        assert wire.refresh(client, tokens["refreshToken"]).json["refreshToken"] == tokens["refreshToken"]


def test_refreshing_ends_with_the_session(local, wire, signed_in):
    client, tokens = signed_in
    local.advance(28801)
    assert wire.refresh(client, tokens["refreshToken"]).error == "InvalidGrantException"


def test_an_access_token_never_outlasts_its_session(local, wire, signed_in):
    client, tokens = signed_in
    local.advance(28800 - 60)
    answer = wire.refresh(client, tokens["refreshToken"]).json
    assert 50 < answer["expiresIn"] <= 60


def test_refreshing_ends_with_logout(wire, signed_in):
    client, tokens = signed_in
    wire.call("POST", "/logout", token=tokens["accessToken"])
    assert wire.refresh(client, tokens["refreshToken"]).error == "InvalidGrantException"


def test_refreshing_ends_when_the_session_is_ended(local, wire, signed_in):
    client, tokens = signed_in
    local.end_session()
    assert wire.refresh(client, tokens["refreshToken"]).error == "InvalidGrantException"
    assert wire.get("/assignment/accounts", tokens["accessToken"]).status == 401


def test_a_revoked_access_token_can_still_be_refreshed(local, wire, signed_in):
    client, tokens = signed_in
    local.revoke(tokens["accessToken"])
    assert wire.refresh(client, tokens["refreshToken"]).status == 200


def test_another_clients_refresh_token_is_refused(wire, signed_in):
    _, tokens = signed_in
    assert wire.refresh(wire.register(), tokens["refreshToken"]).error == "InvalidGrantException"


def test_an_expired_registration_cannot_refresh(local, wire, signed_in):
    local.session_lifetime = 10_000_000
    client, tokens = signed_in
    local.advance(7_776_001)
    assert wire.refresh(client, tokens["refreshToken"]).error == "InvalidClientException"


def test_an_access_token_is_no_refresh_token(wire, signed_in):
    client, tokens = signed_in
    assert wire.refresh(client, tokens["accessToken"]).error == "InvalidGrantException"


def test_scope_in_the_request_changes_nothing(wire, signed_in):
    client, tokens = signed_in
    fields = {"grantType": "refresh_token", "refreshToken": tokens["refreshToken"], "scope": ["other"]}
    assert wire.post("/token", **client, **fields).status == 200
