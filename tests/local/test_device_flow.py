"""The device code, from the first request to the token, and every way in which it can end (RFC 8628)."""

from __future__ import annotations

import re

import pytest

from sso_magic.local.errors import NoSuchUser, NothingPending
from sso_magic.local.state import DEVICE_GRANT


def test_the_answer_says_code_page_time_and_interval(local, wire):
    answer = wire.start_device(wire.register(), local.start_url)
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", answer["userCode"])
    assert answer["verificationUri"] == f"{local.url}/start/#/device"
    assert answer["verificationUriComplete"] == f"{local.url}/start/#/device?user_code={answer['userCode']}"
    assert (answer["expiresIn"], answer["interval"]) == (600, 1)


@pytest.mark.parametrize(
    "start_url",
    ["http://localhost:{port}/start", "https://d-1234567890.awsapps.com/start", "https://corp.awsapps.com/start/#/"],
)
def test_start_urls_that_lead_here_are_accepted(local, wire, start_url):
    wire.start_device(wire.register(), start_url.format(port=local.url.rpartition(":")[2]))


@pytest.mark.parametrize("start_url", ["", "https://example.com/start", "http://127.0.0.1:1/start", None])
def test_any_other_start_url_is_refused(wire, start_url):
    answer = wire.post("/device_authorization", **wire.register(), startUrl=start_url)
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


@pytest.mark.parametrize("path", ["/device_authorization", "/token"])
@pytest.mark.parametrize("wrong", [{"clientId": "nobody"}, {"clientSecret": "guess"}, {"clientSecret": "ü"}])
def test_a_client_that_is_not_registered_is_401(local, wire, path, wrong):
    fields = {**wire.register(), "startUrl": local.start_url, "grantType": DEVICE_GRANT, "deviceCode": "x", **wrong}
    answer = wire.post(path, **fields)
    assert (answer.status, answer.error) == (401, "InvalidClientException")
    assert answer.json == {"error": "invalid_client", "error_description": "Invalid client provided"}


def test_pending_until_approved_then_a_token(local, wire, device):
    pending = wire.poll(*device)
    assert (pending.status, pending.error) == (400, "AuthorizationPendingException")
    assert pending.json == {
        "error": "authorization_pending",
        "error_description": "Authorization is still pending",
    }
    local.approve()
    answer = wire.poll(*device)
    assert answer.status == 200
    assert set(answer.json) == {"accessToken", "tokenType", "expiresIn", "refreshToken", "idToken"}
    assert answer.json["accessToken"].startswith("aoa")
    assert answer.json["refreshToken"].startswith("aor")
    assert (answer.json["tokenType"], answer.json["expiresIn"], answer.json["idToken"]) == ("Bearer", 3600, None)
    assert wire.get("/assignment/accounts", answer.json["accessToken"]).status == 200


def test_without_scopes_the_token_lasts_as_long_as_the_session_and_cannot_be_refreshed(local, wire):
    client = wire.register(scopes=None)
    device = wire.start_device(client, local.start_url)
    local.approve()
    answer = wire.poll(client, device).json
    assert (answer["expiresIn"], answer["refreshToken"]) == (28800, None)
    assert wire.get("/assignment/accounts", answer["accessToken"]).status == 200


def test_no_two_sign_ins_have_the_same_user_code(local, wire, monkeypatch):
    drawn = iter(["BCDF-GHJK", "BCDF-GHJK", "LMNP-QRST"])
    monkeypatch.setattr("sso_magic.local.state._user_code", lambda: next(drawn))
    client = wire.register()
    codes = [wire.start_device(client, local.start_url)["userCode"] for _ in range(2)]
    assert codes == ["BCDF-GHJK", "LMNP-QRST"]


def test_a_device_code_works_once(local, wire, device):
    local.approve()
    assert wire.poll(*device).status == 200
    again = wire.poll(*device)
    assert (again.status, again.error) == (400, "InvalidGrantException")


def test_denied_is_access_denied(local, wire, device):
    local.deny()
    answer = wire.poll(*device)
    assert (answer.status, answer.error, answer.json["error"]) == (400, "AccessDeniedException", "access_denied")


def test_an_expired_code_is_expired_even_if_approved(local, wire, device):
    local.approve()
    local.advance(601)
    answer = wire.poll(*device)
    assert (answer.status, answer.error, answer.json["error"]) == (400, "ExpiredTokenException", "expired_token")


def test_the_codes_lifetime_is_a_knob(local, wire):
    local.device_code_lifetime = 5
    assert wire.start_device(wire.register(), local.start_url)["expiresIn"] == 5


def test_another_clients_device_code_is_refused(wire, device):
    answer = wire.poll(wire.register(), device[1])
    assert (answer.status, answer.error) == (400, "InvalidGrantException")


def test_polling_too_soon_is_slow_down_and_adds_five_seconds(local, wire, device):
    assert wire.poll(*device).error == "AuthorizationPendingException"
    answer = wire.poll(*device)
    assert (answer.status, answer.error, answer.json["error"]) == (400, "SlowDownException", "slow_down")
    local.advance(5)
    assert wire.poll(*device).error == "SlowDownException"  # 6 seconds are asked for now, and 11 from here
    local.advance(11)
    assert wire.poll(*device).error == "AuthorizationPendingException"


def test_polling_at_the_interval_is_not_too_soon(local, wire, device):
    for _ in range(3):
        assert wire.poll(*device).error == "AuthorizationPendingException"
        local.advance(1)


def test_slow_down_can_be_asked_for(local, wire, device):
    local.slow_down = 2
    local.approve()
    assert [wire.poll(*device).status for _ in range(3)] == [400, 400, 200]


def test_the_interval_is_a_knob(local, wire):
    local.poll_interval = 0
    client = wire.register()
    device = wire.start_device(client, local.start_url)
    assert device["interval"] == 0
    assert {wire.poll(client, device).error for _ in range(3)} == {"AuthorizationPendingException"}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grantType": ""}, "InvalidRequestException"),
        ({"grantType": "password"}, "UnsupportedGrantTypeException"),
        ({"grantType": "authorization_code", "code": "x"}, "UnauthorizedClientException"),
        ({"grantType": DEVICE_GRANT}, "InvalidRequestException"),
        ({"grantType": DEVICE_GRANT, "deviceCode": "nonsense"}, "InvalidGrantException"),
    ],
)
def test_every_other_token_request_is_refused(wire, fields, error):
    answer = wire.post("/token", **wire.register(), **fields)
    assert (answer.status, answer.error) == (400, error)


def test_a_client_for_the_browser_only_gets_no_device_code(local, wire):
    client = wire.register(grantTypes=["authorization_code"], redirectUris=["http://127.0.0.1/"])
    answer = wire.post("/device_authorization", **client, startUrl=local.start_url)
    assert (answer.status, answer.error) == (400, "UnauthorizedClientException")


def test_create_token_with_iam_is_refused(wire):
    answer = wire.call("POST", "/token?aws_iam=t", body={"grantType": "x"})
    assert (answer.status, answer.error) == (400, "InvalidRequestException")
    assert answer.json["error_description"] == "CreateTokenWithIAM is not supported"


def test_a_sign_in_can_approve_itself(local, wire, device):
    local.auto_approve = "sam"
    client = wire.register()
    answer = wire.poll(client, wire.start_device(client, local.start_url)).json
    assert local.session_of(answer["accessToken"]).user == "sam"
    assert wire.poll(*device).error == "AuthorizationPendingException"  # it was there before the knob was turned


def test_a_sign_in_can_approve_itself_after_a_while(local, wire):
    local.auto_approve, local.auto_approve_after = True, 3
    client = wire.register()
    device = wire.start_device(client, local.start_url)
    assert wire.poll(client, device).error == "AuthorizationPendingException"
    local.advance(3)
    assert wire.poll(client, device).status == 200


def test_who_approves_is_who_signs_in(local, wire, device):
    local.approve(device[1]["userCode"], user="sam")
    token = wire.poll(*device).json["accessToken"]
    assert len(wire.get("/assignment/accounts", token).json["accountList"]) == 2


def test_pending_sign_ins_are_listed_until_decided(local, wire, device):
    client, first = device
    second = wire.start_device(client, local.start_url)
    assert [waiting.user_code for waiting in local.pending()] == [first["userCode"], second["userCode"]]
    local.deny(first["userCode"])
    assert local.wait_for_pending(0).user_code == second["userCode"]
    local.advance(601)
    assert local.pending() == []


def test_approving_is_never_a_guess(local, wire, device):
    wire.start_device(device[0], local.start_url)
    with pytest.raises(NothingPending, match=r"^2 sign-ins are pending. Pending: [A-Z]{4}-[A-Z]{4}, "):
        local.approve()
    with pytest.raises(NothingPending, match=r"^AAAA-AAAA is not pending. Pending: "):
        local.deny("AAAA-AAAA")


def test_nothing_pending_says_so(local):
    with pytest.raises(NothingPending, match=r"^0 sign-ins are pending. Pending: none.$"):
        local.approve()
    with pytest.raises(NothingPending, match=r"^No sign-in asked for approval within 0 seconds.$"):
        local.wait_for_pending(0)


def test_only_users_can_approve(local, device):
    with pytest.raises(NoSuchUser, match=r"^There is no user 'bob' in this organization. Users: alex, sam, robin.$"):
        local.approve(user="bob")
