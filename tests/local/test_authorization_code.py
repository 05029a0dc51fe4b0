"""The browser flow: /authorize, its consent page, and the code with its proof (RFC 6749, RFC 7636, RFC 8252)."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from sso_magic.local.oidc import challenge_of

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CALLBACK = "http://127.0.0.1:43039/oauth/callback"


@pytest.fixture
def client(wire):
    return wire.register(
        grantTypes=["authorization_code", "refresh_token"], redirectUris=["http://127.0.0.1/oauth/callback"]
    )


@pytest.fixture
def ask(wire, client):
    """Asks at /authorize as the AWS CLI does, with changes; None takes a parameter out."""

    def ask(**changes):
        query = {
            "response_type": "code",
            "client_id": client["clientId"],
            "redirect_uri": CALLBACK,
            "state": "a state+/=&",
            "code_challenge_method": "S256",
            "scopes": "sso:account:access",
            "code_challenge": CHALLENGE,
            **changes,
        }
        return wire.get("/authorize", **{name: value for name, value in query.items() if value is not None})

    return ask


@pytest.fixture
def redeem(wire, client):
    def redeem(code, /, **changes):
        fields = {"grantType": "authorization_code", "code": code, "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
        return wire.post("/token", **{**client, **fields, **changes})

    return redeem


def fields_of(page):
    """The hidden fields of the page's own form."""
    form = page.text[page.text.index('action="/authorize"') :]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    return {unescape(name): unescape(value) for name, value in found}


def back(answer):
    """Where the browser is sent, without the query, and the query."""
    assert answer.status == 302
    target = urlsplit(answer.headers["location"])
    return target._replace(query="").geturl(), {name: value[0] for name, value in parse_qs(target.query).items()}


def test_the_challenge_is_the_one_of_the_rfc():
    assert challenge_of(VERIFIER) == CHALLENGE


def test_allow_sends_the_browser_back_with_a_code_for_a_token(wire, ask, redeem):
    page = ask()
    assert page.status == 200
    target, query = back(wire.form("/authorize", {**fields_of(page), "decision": "allow"}))
    assert (target, set(query), query["state"]) == (CALLBACK, {"code", "state"}, "a state+/=&")
    answer = redeem(query["code"])
    assert answer.status == 200
    assert answer.json["expiresIn"] == 3600
    assert answer.json["refreshToken"]
    assert wire.get("/assignment/accounts", answer.json["accessToken"]).status == 200


def test_deny_sends_the_browser_back_with_the_error(wire, ask):
    target, query = back(wire.form("/authorize", {**fields_of(ask()), "decision": "deny"}))
    assert target == CALLBACK
    assert (query["error"], query["state"]) == ("access_denied", "a state+/=&")
    assert "code" not in query


def test_a_form_without_a_decision_is_a_no(wire, ask):
    assert back(wire.form("/authorize", fields_of(ask())))[1]["error"] == "access_denied"


def test_the_consent_form_works_once(wire, ask):
    fields = {**fields_of(ask()), "decision": "allow"}
    assert wire.form("/authorize", fields).status == 302
    assert wire.form("/authorize", fields).status == 403


@pytest.mark.parametrize("name", ["state", "code_challenge", "redirect_uri", "scopes"])
def test_the_consent_form_cannot_be_changed(wire, ask, name):
    other = {
        "state": "another",
        "code_challenge": challenge_of("x" * 43),
        "redirect_uri": CALLBACK.replace("43039", "43040"),
        "scopes": "",
    }
    answer = wire.form("/authorize", {**fields_of(ask()), "decision": "allow", name: other[name]})
    assert answer.status == 403


def test_consent_without_its_token_is_refused(wire, ask):
    fields = fields_of(ask())
    assert wire.form("/authorize", {**fields, "form": "", "decision": "allow"}).status == 403


def test_consent_that_comes_too_late_gets_a_page_that_says_to_start_again(local, wire, ask):
    fields = fields_of(ask())
    local.advance(7_776_001)
    answer = wire.form("/authorize", {**fields, "decision": "allow"})
    assert answer.status == 400
    assert "is not registered, or no longer. Start the sign-in again." in answer.text
    assert "location" not in answer.headers


def test_the_page_may_post_to_the_callback_and_nowhere_else(ask):
    assert "form-action 'self' http://127.0.0.1:43039;" in ask().headers["content-security-policy"]


def test_an_unknown_client_gets_a_page_and_no_redirect(ask):
    answer = ask(client_id="nobody")
    assert answer.status == 400
    assert "is not registered, or no longer" in answer.text
    assert "location" not in answer.headers


def test_an_expired_registration_gets_a_page(local, ask):
    local.advance(7_776_001)
    assert ask().status == 400


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "http://evil.example/oauth/callback",
        "http://127.0.0.1.evil.example/oauth/callback",
        "http://user@127.0.0.1:1/oauth/callback",
        "https://127.0.0.1:1/oauth/callback",
        "http://localhost:1/oauth/callback",
        "http://127.0.0.1:1/other",
        "http://127.0.0.1:1/oauth/callback?more=1",
        "http://127.0.0.1:1/oauth/callback#part",
        "http://127.0.0.1:x/oauth/callback",
    ],
)
def test_an_address_that_is_not_registered_gets_a_page_and_no_redirect(ask, uri):
    answer = ask(redirect_uri=uri)
    assert answer.status == 400
    assert "an address that it has not registered" in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize(("port", "status"), [("", 200), (":444", 400)])
def test_the_port_counts_where_it_is_not_loopback(wire, ask, port, status):
    client = wire.register(grantTypes=["authorization_code"], redirectUris=["https://example.com/callback"])
    assert ask(client_id=client["clientId"], redirect_uri=f"https://example.com{port}/callback").status == status


def test_a_client_that_registered_no_path_may_ask_for_the_root(wire):
    client = wire.register(grantTypes=["authorization_code"], redirectUris=["http://127.0.0.1"])
    query = {
        "response_type": "code",
        "client_id": client["clientId"],
        "redirect_uri": "http://127.0.0.1:4000/",
        "code_challenge_method": "S256",
        "code_challenge": CHALLENGE,
    }
    assert wire.get("/authorize", **query).status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scopes": "sso:account:access other:scope"}, "invalid_scope"),
    ],
)
def test_a_wrong_request_goes_back_with_its_error(ask, changes, error):
    target, query = back(ask(**changes))
    assert (target, query["error"], query["state"]) == (CALLBACK, error, "a state+/=&")


def test_a_device_client_is_sent_back_as_unauthorized(wire, ask):
    client = wire.register(redirectUris=["http://127.0.0.1/oauth/callback"])
    assert back(ask(client_id=client["clientId"]))[1]["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "scopes", [{"scopes": None}, {"scopes": None, "scope": "sso:account:access"}, {"scopes": "sso:account:access+"}]
)
def test_scopes_come_under_either_name_or_not_at_all(ask, scopes):
    page = ask(**scopes)
    assert page.status == 200
    assert "Get credentials for them on your behalf" in page.text


def test_who_sends_no_state_gets_none(local, ask):
    local.auto_approve = True
    answer = ask(state=None)
    assert set(back(answer)[1]) == {"code"}
    assert "state" not in answer.headers["location"]


def test_auto_approve_answers_at_once(local, ask, redeem):
    local.auto_approve = "sam"
    token = redeem(back(ask())[1]["code"]).json["accessToken"]
    assert local.session_of(token).user == "sam"


@pytest.fixture
def code(local, ask):
    local.auto_approve = True
    return back(ask())[1]["code"]


@pytest.mark.parametrize(
    "changes",
    [
        {"codeVerifier": "x" * 43},
        {"codeVerifier": VERIFIER + "x"},
        {"codeVerifier": CHALLENGE},
        {"redirectUri": CALLBACK.replace("43039", "43040")},
        {"redirectUri": "http://127.0.0.1/oauth/callback"},
        {"code": "nonsense"},
    ],
)
def test_a_proof_that_does_not_fit_is_an_invalid_grant(redeem, code, changes):
    answer = redeem(code, **changes)
    assert (answer.status, answer.error) == (400, "InvalidGrantException")


@pytest.mark.parametrize("missing", ["codeVerifier", "redirectUri", "code"])
def test_a_part_that_is_missing_is_an_invalid_request(redeem, code, missing):
    answer = redeem(code, **{missing: ""})
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_a_code_that_is_used_twice_ends_what_it_gave(wire, redeem, code):
    token = redeem(code).json["accessToken"]
    assert redeem(code).error == "InvalidGrantException"
    assert wire.get("/assignment/accounts", token).status == 401


def test_a_code_expires(local, redeem, code):
    local.advance(121)
    answer = redeem(code)
    assert (answer.status, answer.error) == (400, "ExpiredTokenException")


def test_a_code_is_its_clients_own(wire, redeem, code):
    other = wire.register(grantTypes=["authorization_code"], redirectUris=["http://127.0.0.1/oauth/callback"])
    assert redeem(code, **other).error == "InvalidGrantException"


def test_a_refused_try_does_not_use_up_the_code(redeem, code):
    redeem(code, codeVerifier="x" * 43)
    assert redeem(code).status == 200
