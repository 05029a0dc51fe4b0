"""RegisterClient: what is let in, what it is given, and each refusal."""

from __future__ import annotations

import base64

import pytest

VALID = {"clientName": "a client", "clientType": "public"}
CODE = {"grantTypes": ["authorization_code", "refresh_token"], "redirectUris": ["http://127.0.0.1/oauth/callback"]}


def test_a_client_gets_an_id_a_secret_and_90_days(wire):
    answer = wire.post("/client/register", **VALID)
    assert answer.status == 200
    assert answer.json["clientSecretExpiresAt"] - answer.json["clientIdIssuedAt"] == 7_776_000
    assert answer.json["authorizationEndpoint"] is None
    assert answer.json["tokenEndpoint"] is None


def test_the_id_ends_with_the_region_and_the_secret_looks_like_a_jwt(wire):
    answer = wire.post("/client/register", **VALID).json
    raw = base64.urlsafe_b64decode(answer["clientId"] + "=" * (-len(answer["clientId"]) % 4))
    assert raw.endswith(b"\x09eu-west-1")
    assert answer["clientSecret"].count(".") == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": ["sso:account:access", "codewhisperer:completions"]},
        {"scopes": []},
        CODE,
        {**CODE, "redirectUris": ["http://[::1]:8080/", "https://example.com/callback"]},
        {"entitledApplicationArn": "arn:aws:sso::1:application/x", "unknownMember": [1]},
    ],
)
def test_what_aws_lets_in_is_let_in(wire, fields):
    assert wire.post("/client/register", **VALID, **fields).status == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"clientName": ""}, "InvalidRequestException"),
        ({"clientName": 7}, "InvalidRequestException"),
        ({"clientType": None}, "InvalidRequestException"),
        ({"clientType": "confidential"}, "InvalidClientMetadataException"),
        ({"scopes": "sso:account:access"}, "InvalidRequestException"),
        ({"scopes": [1]}, "InvalidRequestException"),
        ({"scopes": ["two words"]}, "InvalidScopeException"),
        ({"scopes": ["sso:"]}, "InvalidScopeException"),
        ({"grantTypes": ["password"]}, "UnsupportedGrantTypeException"),
        ({"grantTypes": ["authorization_code"]}, "InvalidRedirectUriException"),
        ({**CODE, "redirectUris": ["http://example.com/callback"]}, "InvalidRedirectUriException"),
        ({**CODE, "redirectUris": ["http://127.0.0.1/callback#here"]}, "InvalidRedirectUriException"),
        ({**CODE, "redirectUris": ["callback"]}, "InvalidRedirectUriException"),
        ({**CODE, "redirectUris": ["http://[::1"]}, "InvalidRedirectUriException"),
        ({"issuerUrl": "https://example.com/start"}, "InvalidRequestException"),
        ({"issuerUrl": 1}, "InvalidRequestException"),
    ],
)
def test_what_aws_refuses_is_refused(wire, fields, error):
    answer = wire.post("/client/register", **{**VALID, **fields})
    assert (answer.status, answer.error) == (400, error)


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", '"text"', "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(wire, body):
    answer = wire.call("POST", "/client/register", body=body)
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


@pytest.mark.parametrize("path", ["/client/register", "/device_authorization", "/token"])
def test_only_post_is_allowed(wire, path):
    answer = wire.get(path)
    assert (answer.status, answer.error, answer.json["error"]) == (400, "InvalidRequestException", "invalid_request")


@pytest.mark.parametrize("scheme", ["", "/", "/#", "/#/"])
def test_its_own_start_url_is_an_issuer_however_it_ends(local, wire, scheme):
    assert wire.post("/client/register", **VALID, issuerUrl=local.start_url + scheme).status == 200


def test_the_lifetime_is_a_knob(local, wire):
    local.registration_lifetime = 60
    client = wire.register()
    local.advance(61)
    answer = wire.post("/device_authorization", **client, startUrl=local.start_url)
    assert (answer.status, answer.error) == (401, "InvalidClientException")
    assert answer.json["error_description"] == "The client's registration has expired"
