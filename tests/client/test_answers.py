"""A 200 becomes the operation's output, or an error that says why not (PROTOCOL.md 1.3, 2)."""

from __future__ import annotations

import dataclasses

import pytest

from sso_magic.client import http
from sso_magic.client.errors import MemberMissing
from sso_magic.common.secret import Secret
from sso_magic.errors import ClientError, DeserializationError
from sso_magic.portal import AccountInfo, RoleInfo, SSOServiceException

TOKEN = "aoaPLANTEDaccessTOKEN"


def list_accounts(sso):
    return sso.list_accounts(access_token=TOKEN)


def test_accounts_are_read_with_and_without_their_names(sso, service):
    service.plan(
        service.answer(
            {
                "nextToken": "more",
                "accountList": [
                    {"accountId": "000000000001", "accountName": "Größe", "emailAddress": "a@example.com"},
                    {"accountId": "000000000002", "accountName": None},
                ],
            }
        )
    )
    output = list_accounts(sso)
    assert output.account_list == (
        AccountInfo("000000000001", "Größe", "a@example.com"),
        AccountInfo("000000000002", None, None),
    )
    assert output.next_token == "more"


def test_roles_are_read(sso, service):
    service.plan(service.answer({"nextToken": None, "roleList": [{"roleName": "Admin", "accountId": "000000000001"}]}))
    output = sso.list_account_roles(access_token=TOKEN, account_id="000000000001")
    assert output.role_list == (RoleInfo("Admin", "000000000001"),)
    assert output.next_token is None


def test_role_credentials_are_read_and_hide(sso, service):
    keys = {"accessKeyId": "ASIA1", "secretAccessKey": "shh", "sessionToken": "tok", "expiration": 1795573325000}
    service.plan(service.answer({"roleCredentials": keys}))
    credentials = sso.get_role_credentials(access_token=TOKEN, account_id="1", role_name="r").role_credentials
    assert credentials.access_key_id == "ASIA1"
    assert credentials.expiration == 1795573325000
    for secret, plain in ((credentials.secret_access_key, "shh"), (credentials.session_token, "tok")):
        assert isinstance(secret, Secret)
        assert secret.reveal() == plain
    assert repr(credentials) == (
        "RoleCredentials(access_key_id='***', secret_access_key='***', session_token='***', expiration=1795573325000)"
    )


def test_a_token_is_read_and_hides(oidc, service):
    service.plan(
        service.answer(
            {"accessToken": "aoa", "tokenType": "Bearer", "expiresIn": 3600, "refreshToken": "aor", "idToken": None}
        )
    )
    output = oidc.create_token(client_id="c", client_secret="s", grant_type="refresh_token", refresh_token="old")
    assert (output.token_type, output.expires_in, output.id_token) == ("Bearer", 3600, None)
    assert isinstance(output.access_token, Secret)
    assert isinstance(output.refresh_token, Secret)
    assert (output.access_token.reveal(), output.refresh_token.reveal()) == ("aoa", "aor")


def test_a_registration_and_a_device_authorization_are_read(oidc, service):
    service.plan(
        service.answer({"clientId": "CID", "clientSecret": "CSEC", "clientIdIssuedAt": 1, "clientSecretExpiresAt": 2}),
        service.answer(
            {
                "deviceCode": "DEV",
                "expiresIn": 600,
                "userCode": "ABCD-EFGH",
                "verificationUri": "https://x/#/device",
                "verificationUriComplete": "https://x/#/device?user_code=ABCD-EFGH",
            }
        ),
    )
    registration = oidc.register_client(client_name="n")
    assert (registration.client_id_issued_at, registration.client_secret_expires_at) == (1, 2)
    assert (registration.authorization_endpoint, registration.token_endpoint) == (None, None)
    device = oidc.start_device_authorization(client_id="CID", client_secret="CSEC", start_url="https://x/start")
    assert (device.user_code, device.expires_in, device.interval) == ("ABCD-EFGH", 600, None)
    assert isinstance(device.device_code, Secret)


@pytest.mark.parametrize("body", ["", "  ", "{}", '{"accountList": null, "nextToken": null}', '{"other": 1}'])
def test_what_is_absent_or_null_or_unknown_makes_an_empty_page(sso, service, body):
    service.plan(service.answer(body))
    output = list_accounts(sso)
    assert (output.account_list, output.next_token) == ((), None)


def test_null_in_a_list_is_passed_over(sso, service):
    service.plan(service.answer({"accountList": [None, {"accountId": "1"}]}))
    assert list_accounts(sso).account_list == (AccountInfo("1"),)


def test_a_member_that_was_not_answered_is_missing_only_when_it_is_asked_for(sso, service):
    service.plan(service.answer({}))
    output = sso.get_role_credentials(access_token=TOKEN, account_id="1", role_name="r")
    assert repr(output) == "GetRoleCredentialsOutput()"
    assert not hasattr(output, "role_credentials")
    with pytest.raises(MemberMissing, match=r"^The service's answer has no roleCredentials; try again"):
        output.role_credentials  # noqa: B018 - asking is the point


def test_metadata_says_how_the_answer_came_about(sso, service):
    headers = {"x-amzn-RequestId": "id-1", "x-amz-id-2": "ext", "x-amz-cf-id": "cf"}
    service.plan(service.answer({}, status=500), service.answer({}, headers=headers))
    metadata = list_accounts(sso).metadata
    assert dataclasses.replace(metadata, total_retry_delay=0) == type(metadata)(
        http_status_code=200, request_id="id-1", extended_request_id="ext", cf_id="cf", attempts=2, total_retry_delay=0
    )
    assert 0 <= metadata.total_retry_delay <= 0.05


@pytest.mark.parametrize("name", ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"])
def test_the_request_id_is_read_from_any_of_its_headers(sso, service, name):
    service.plan(service.answer({}, headers={name: "id-1"}))
    assert list_accounts(sso).metadata.request_id == "id-1"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<html>Sign in to the hotel's network</html>", "its body is not JSON"),
        ('{"accountList": [', "its body is not JSON"),
        (b"\xff\xfe{", "its body is not JSON"),
        ("[" * 100_000, "its body is not JSON"),
        ("[]", "its body is a list, not an object"),
        ('"x"', "its body is a string, not an object"),
        ("null", "its body is null, not an object"),
        ("7", "its body is a number, not an object"),
        ('{"accountList": "x"}', "accountList is a string, not a list"),
        ('{"accountList": {}}', "accountList is an object, not a list"),
        ('{"accountList": ["x"]}', "accountList[0] is a string, not an object"),
        (
            '{"accountList": [{"accountId": "1"}, {"accountId": 111111111111}]}',
            "accountList[1].accountId is a number, not a string",
        ),
        ('{"nextToken": false}', "nextToken is true or false, not a string"),
    ],
)
def test_a_200_that_is_not_this_operations_says_what_is_wrong_with_it(sso, service, body, problem):
    service.plan(service.answer(body))
    with pytest.raises(DeserializationError) as error:
        list_accounts(sso)
    assert str(error.value) == (
        f"SSO answered ListAccounts with HTTP 200, but {problem}. "
        "Check the endpoint, and whether a proxy or captive portal answers in its place."
    )
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("expiration", "read"),
    [("1795573325000", 1795573325000), ("1795573325000.0", 1795573325000), ("0", 0)],
)
def test_a_whole_number_is_read_however_it_is_written(sso, service, expiration, read):
    service.plan(service.answer(f'{{"roleCredentials": {{"expiration": {expiration}}}}}'))
    output = sso.get_role_credentials(access_token=TOKEN, account_id="1", role_name="r")
    assert output.role_credentials.expiration == read


@pytest.mark.parametrize("expiration", ['"1795573325000"', "1.5", "NaN", "Infinity", "1e999", "true", "9" * 5000])
def test_what_is_no_whole_number_is_refused(sso, service, expiration):
    service.plan(service.answer(f'{{"roleCredentials": {{"expiration": {expiration}}}}}'))
    with pytest.raises(DeserializationError, match=r"expiration is .+, not a whole number|not JSON"):
        sso.get_role_credentials(access_token=TOKEN, account_id="1", role_name="r")


def test_an_error_that_comes_with_200_is_not_taken_for_an_empty_list(sso, service):
    """As the live portal has been seen to answer (PROTOCOL.md 1.5)."""
    service.plan(
        service.answer({"__type": "com.amazonaws.switchboard.portal#NullPointerException", "message": "Internal error"})
    )
    with pytest.raises(SSOServiceException) as error:
        list_accounts(sso)
    assert (error.value.name, error.value.fault) == ("NullPointerException", "server")
    assert str(error.value) == "NullPointerException: Internal error (HTTP 200)"


def test_an_answer_that_is_far_too_large_is_not_read_to_its_end(sso, service, monkeypatch):
    monkeypatch.setattr(http, "BODY_LIMIT", 1024 * 1024)
    service.plan(service.answer(b" " * (1024 * 1024 + 1)))
    with pytest.raises(DeserializationError, match=r"127\.0\.0\.1:\d+ answered more than 1 MB; that is no answer"):
        list_accounts(sso)


def test_an_output_cannot_be_changed(sso, service):
    service.plan(service.answer({"accountList": [{"accountId": "1"}]}))
    output = list_accounts(sso)
    with pytest.raises(dataclasses.FrozenInstanceError):
        output.next_token = "x"
    with pytest.raises(dataclasses.FrozenInstanceError):
        output.account_list[0].account_id = "2"


def test_outputs_are_compared_by_what_was_answered_not_by_how_it_came(sso, service):
    service.plan(
        service.answer({"nextToken": "x"}, headers={"x-amzn-requestid": "1"}), service.answer({"nextToken": "x"})
    )
    first, second = list_accounts(sso), list_accounts(sso)
    assert first == second
    assert hash(first) == hash(second)
    assert first.metadata != second.metadata


def test_every_refusal_of_an_answer_is_a_client_error():
    assert issubclass(DeserializationError, ClientError)
    assert issubclass(MemberMissing, DeserializationError)
