"""Where the console would open: the portal's shortcut, and the federation endpoint with keys that were minted here."""

from __future__ import annotations

import json

import pytest

ACCOUNT = "731659028443"
DESTINATION = "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"


@pytest.fixture
def keys(local, wire):
    answer = wire.get("/federation/credentials", local.access_token(), role_name="ReadOnly", account_id=ACCOUNT)
    return answer.json["roleCredentials"]


@pytest.fixture
def signin_token(wire, keys):
    def signin_token(more=None, **changes):
        session = {
            "sessionId": keys["accessKeyId"],
            "sessionKey": keys["secretAccessKey"],
            "sessionToken": keys["sessionToken"],
            **changes,
        }
        return wire.get("/federation", Action="getSigninToken", Session=json.dumps(session), **(more or {}))

    return signin_token


def test_keys_are_exchanged_for_a_token_and_the_token_opens_the_console(wire, signin_token):
    answer = signin_token()
    assert answer.status == 200
    page = wire.get("/federation", Action="login", Destination=DESTINATION, SigninToken=answer.json["SigninToken"])
    assert page.status == 200
    assert "for alex, as AWSReservedSSO_ReadOnly_" in page.text
    assert "in payments-prod (731659028443)" in page.text
    assert DESTINATION in page.text


def test_a_duration_may_be_asked_for_within_limits(signin_token):
    assert signin_token({"SessionDuration": "43200"}).status == 200
    assert signin_token({"SessionDuration": "43201"}).status == 400
    assert signin_token({"SessionDuration": "899"}).status == 400
    assert signin_token({"SessionDuration": "long"}).status == 400


@pytest.mark.parametrize(
    "wrong", [{"sessionId": "ASIAX"}, {"sessionKey": "x"}, {"sessionToken": "x"}, {"sessionId": 1}]
)
def test_keys_that_do_not_fit_are_refused(signin_token, wrong):
    assert signin_token(**wrong).status == 400


def test_expired_keys_are_refused(local, signin_token):
    local.advance(3602)
    assert signin_token().status == 400


@pytest.mark.parametrize("session", ["", "x", "[]", "{}", "[" * 5000])
def test_a_session_that_cannot_be_read_is_refused(wire, session):
    assert wire.get("/federation", Action="getSigninToken", Session=session).status == 400


def test_a_sign_in_token_lasts_15_minutes(local, wire, signin_token):
    token = signin_token().json["SigninToken"]
    local.advance(901)
    assert wire.get("/federation", Action="login", Destination=DESTINATION, SigninToken=token).status == 400


@pytest.mark.parametrize("destination", ["", "https://evil.example/", "http://console.aws.amazon.com/", "https://[::1"])
def test_only_the_console_is_a_destination(wire, signin_token, destination):
    token = signin_token().json["SigninToken"]
    assert wire.get("/federation", Action="login", Destination=destination, SigninToken=token).status == 400


def test_anything_else_is_refused(wire):
    assert wire.get("/federation").status == 400
    assert wire.get("/federation", Action="login", Destination=DESTINATION, SigninToken="guess").status == 400


def test_secrets_of_the_endpoint_are_not_in_the_log(local, keys, signin_token):
    token = signin_token().json["SigninToken"]
    assert keys["secretAccessKey"] not in repr(local.requests)
    assert token not in repr(local.requests)


def test_the_shortcut_shows_the_role_and_how_to_use_it(wire):
    page = wire.get("/console", account_id=ACCOUNT, role_name="ReadOnly", destination=DESTINATION)
    assert page.status == 200
    assert "%sso_use 731659028443 ReadOnly" in page.text
    assert "[profile payments-prod-ReadOnly]" in page.text
    assert DESTINATION in page.text


def test_the_shortcut_without_a_role_lets_the_person_choose(wire):
    page = wire.get("/console", account_id=ACCOUNT)
    assert page.status == 200
    assert page.text.count("/console?account_id=731659028443&amp;role_name=") == 3


@pytest.mark.parametrize(
    "query", [{}, {"account_id": "1"}, {"account_id": ACCOUNT, "role_name": "Nonsense"}, {"account_id": "<b>"}]
)
def test_the_shortcut_to_what_is_not_assigned_is_refused(wire, query):
    page = wire.get("/console", **query)
    assert (page.status, "Alex Taylor is not assigned this role or account." in page.text) == (403, True)


def test_a_destination_elsewhere_is_left_out(wire):
    page = wire.get("/console", account_id=ACCOUNT, role_name="ReadOnly", destination="https://evil.example/")
    assert "evil.example" not in page.text.split("</header>")[1]
