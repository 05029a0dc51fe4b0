"""The four portal operations on the wire: what they answer, what they refuse, and in which order they look."""

from __future__ import annotations

import json

import pytest

from sso_magic.local import Organization

PAYMENTS_PROD = "731659028443"
OPERATIONS = [
    ("GET", "/assignment/accounts"),
    ("GET", "/assignment/roles"),
    ("GET", "/federation/credentials"),
    ("POST", "/logout"),
]


def test_list_accounts_answers_ids_names_and_addresses(local, wire):
    answer = wire.get("/assignment/accounts", local.access_token())
    assert answer.status == 200
    assert answer.json["nextToken"] is None
    assert {
        "accountId": PAYMENTS_PROD,
        "accountName": "payments-prod",
        "emailAddress": "aws-payments@example.com",
    } in answer.json["accountList"]


def test_an_account_without_a_name_lacks_the_member(local, wire):
    local.organization.add_account("560283419977", None, "old-intranet@example.com")
    accounts = wire.get("/assignment/accounts", local.access_token()).json["accountList"]
    nameless = [account for account in accounts if "accountName" not in account]
    assert nameless == [{"accountId": "560283419977", "emailAddress": "old-intranet@example.com"}]


def test_names_are_sent_as_utf_8(local, wire):
    assert "Büro Zürich".encode() in wire.get("/assignment/accounts", local.access_token()).body


def test_list_account_roles_answers_the_roles_of_one_account(local, wire):
    answer = wire.get("/assignment/roles", local.access_token(), account_id=PAYMENTS_PROD)
    assert answer.json == {
        "nextToken": None,
        "roleList": [
            {"roleName": role, "accountId": PAYMENTS_PROD} for role in ("PowerUserAccess", "DataScientist", "ReadOnly")
        ],
    }


def test_get_role_credentials_answers_keys_and_milliseconds(local, wire):
    answer = wire.get("/federation/credentials", local.access_token(), role_name="ReadOnly", account_id=PAYMENTS_PROD)
    credentials = answer.json["roleCredentials"]
    assert set(credentials) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}
    assert credentials["accessKeyId"].startswith("ASIA")
    assert len(credentials["accessKeyId"]) == 20
    assert credentials["expiration"] % 1000 == 0
    assert 3590 < credentials["expiration"] / 1000 - local.clock.now() <= 3601


def test_a_lifetime_with_a_fraction_is_told_to_the_millisecond(local, wire):
    local.role_lifetime = 0.25
    answer = wire.get("/federation/credentials", local.access_token(), role_name="ReadOnly", account_id=PAYMENTS_PROD)
    assert answer.json["roleCredentials"]["expiration"] / 1000 < local.clock.now() + 0.25


def test_logout_answers_nothing_and_ends_the_whole_session(local, wire):
    session = local.sign_in()
    first, second = local.access_token(session=session), local.access_token(session=session)
    answer = wire.call("POST", "/logout", token=first)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    assert wire.get("/assignment/accounts", second).status == 401
    assert session not in local.sessions()


def test_logout_leaves_the_users_other_sessions(local, wire):
    one, other = local.access_token(), local.access_token()
    wire.call("POST", "/logout", token=one)
    assert wire.get("/assignment/accounts", other).status == 200


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_wrong_method_is_refused_before_the_token_is_looked_at(wire, method, path):
    answer = wire.call("PUT" if method == "GET" else "GET", path)
    assert (answer.status, answer.error) == (405, "MethodNotAllowedException")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("token", [None, "", "aoaUnknown"])
def test_no_token_or_an_unknown_one_is_401(wire, method, path, token):
    answer = wire.call(method, path, token=token)
    assert (answer.status, answer.error) == (401, "UnauthorizedException")
    assert answer.json == {
        "message": "Session token not found or invalid",
        "__type": "com.amazonaws.switchboard.portal#UnauthorizedException",
    }


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_expired_token_is_401(local, wire, method, path):
    local.access_token_lifetime = 60
    token = local.access_token()
    local.advance(61)
    assert wire.call(method, path, token=token).status == 401


def test_a_revoked_token_is_401_and_its_session_goes_on(local, wire):
    session = local.sign_in()
    token = local.access_token(session=session)
    local.revoke(token)
    assert wire.get("/assignment/accounts", token).status == 401
    assert wire.get("/assignment/accounts", local.access_token(session=session)).status == 200


def test_all_tokens_can_be_revoked_at_once(local, wire):
    tokens = [local.access_token(), local.access_token()]
    local.revoke()
    assert [wire.get("/assignment/accounts", token).status for token in tokens] == [401, 401]


def test_the_throttle_comes_before_the_parameters(local, wire):
    local.throttle = (0.001, 1)
    token = local.access_token()
    assert wire.get("/assignment/roles", token).status == 400
    assert wire.get("/assignment/roles", token).status == 429


def test_the_parameters_come_before_the_assignment(local, wire):
    answer = wire.get("/federation/credentials", local.access_token(), account_id="000000000000")
    assert (answer.status, answer.error) == (400, "InvalidRequestException")
    assert answer.json["message"] == "role_name must not be empty"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/assignment/roles", {}),
        ("/assignment/roles", {"account_id": ""}),
        ("/federation/credentials", {"role_name": "ReadOnly"}),
        ("/federation/credentials", {"role_name": "", "account_id": PAYMENTS_PROD}),
    ],
)
def test_a_missing_parameter_is_400(local, wire, path, query):
    answer = wire.get(path, local.access_token(), **query)
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


@pytest.mark.parametrize("size", ["0", "101", "-1", "ten", "1.5", "9" * 40, "٣"])
def test_a_page_size_that_the_portal_does_not_know_is_400(local, wire, size):
    answer = wire.get("/assignment/accounts", local.access_token(), max_result=size)
    assert answer.status == 400
    assert answer.json["message"] == "ResultSize parameter must be within the valid limits of: 1-100"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/assignment/roles", {"account_id": "000000000000"}),
        ("/assignment/roles", {"account_id": "not an account"}),
        ("/federation/credentials", {"role_name": "ReadOnly", "account_id": "000000000000"}),
        ("/federation/credentials", {"role_name": "Nonsense", "account_id": PAYMENTS_PROD}),
        ("/federation/credentials", {"role_name": "readonly", "account_id": PAYMENTS_PROD}),
    ],
)
def test_what_is_not_assigned_is_403(local, wire, path, query):
    answer = wire.get(path, local.access_token(), **query)
    assert (answer.status, answer.error) == (403, "ForbiddenException")
    assert answer.json["message"] == "No access"


def test_each_user_sees_their_own_accounts(local, wire):
    accounts = wire.get("/assignment/accounts", local.access_token("sam")).json["accountList"]
    assert [account["accountName"] for account in accounts] == ["payments-dev", "payments-prod"]
    assert wire.get("/assignment/accounts", local.access_token("robin")).json["accountList"] == []


def test_a_withdrawn_role_is_gone_from_list_and_credentials(local, wire):
    token = local.access_token()
    wire.get("/assignment/roles", token, account_id=PAYMENTS_PROD)
    local.organization.withdraw("alex", PAYMENTS_PROD, "ReadOnly")
    roles = wire.get("/assignment/roles", token, account_id=PAYMENTS_PROD).json["roleList"]
    assert "ReadOnly" not in [role["roleName"] for role in roles]
    refused = wire.get("/federation/credentials", token, role_name="ReadOnly", account_id=PAYMENTS_PROD)
    assert refused.status == 403


def test_another_organization_takes_effect_at_once(local, wire):
    token = local.access_token()
    wire.get("/assignment/accounts", token)
    other = Organization()
    other.add_user("alex")
    other.add_account("000000000001", "only")
    other.assign("alex", "000000000001", "Admin")
    local.organization = other
    assert wire.get("/assignment/accounts", token).json["accountList"] == [
        {"accountId": "000000000001", "accountName": "only"}
    ]


def test_a_token_for_another_application_only_is_403(local, wire):
    client = wire.register(scopes=["codewhisperer:completions"])
    device = wire.start_device(client, local.start_url)
    local.approve()
    token = wire.poll(client, device).json["accessToken"]
    assert wire.get("/assignment/accounts", token).status == 403


def test_what_is_found_is_json_without_spaces(local, wire):
    answer = wire.get("/assignment/roles", local.access_token(), account_id="034817265590")
    assert answer.body == b'{"nextToken":null,"roleList":[{"roleName":"ReadOnly","accountId":"034817265590"}]}'
    assert json.loads(answer.body)
