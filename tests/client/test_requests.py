"""What goes over the wire (PROTOCOL.md 1.1, 1.7, 2)."""

from __future__ import annotations

import importlib.metadata
import json
import re

import pytest

from sso_magic.oidc import GRANT_AUTHORIZATION_CODE, SSOOIDC
from sso_magic.portal import SSO

TOKEN = "aoaPLANTEDaccessTOKEN"

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_list_accounts_asks_for_a_page(sso, service):
    sso.list_accounts(access_token=TOKEN, max_results=100, next_token="b64+/==")
    assert (service.last.method, service.last.path) == ("GET", "/assignment/accounts")
    assert service.last.query == [("max_result", "100"), ("next_token", "b64+/==")]
    assert service.last.headers["x-amz-sso_bearer_token"] == TOKEN
    assert service.last.body == b""


def test_everything_but_unreserved_characters_is_percent_encoded(sso, service):
    sso.list_account_roles(access_token=TOKEN, account_id="a b+c/d&e=é~-._")
    assert service.last.target == "/assignment/roles?account_id=a%20b%2Bc%2Fd%26e%3D%C3%A9~-._"


def test_get_role_credentials_names_account_and_role(sso, service):
    sso.get_role_credentials(access_token=TOKEN, account_id="000000000001", role_name="Read Only")
    assert service.last.path == "/federation/credentials"
    assert sorted(service.last.query) == [("account_id", "000000000001"), ("role_name", "Read Only")]


def test_logout_posts_nothing(sso, service):
    sso.logout(access_token=TOKEN)
    assert (service.last.method, service.last.target, service.last.body) == ("POST", "/logout", b"")
    assert service.last.headers["content-length"] == "0"
    assert "content-type" not in service.last.headers


def test_what_is_not_given_is_not_sent(sso, service):
    sso.list_accounts(access_token=TOKEN)
    assert service.last.target == "/assignment/accounts"


def test_an_empty_string_is_sent_as_one(sso, service):
    sso.list_account_roles(access_token=TOKEN, account_id="")
    assert service.last.query == [("account_id", "")]


def test_register_client_posts_json(oidc, service):
    oidc.register_client(
        client_name="notebook",
        scopes=("sso:account:access",),
        redirect_uris=["http://127.0.0.1/oauth/callback"],
        grant_types=["authorization_code", "refresh_token"],
        issuer_url="https://d-1234567890.awsapps.com/start",
    )
    assert (service.last.method, service.last.target) == ("POST", "/client/register")
    assert service.last.headers["content-type"] == "application/json"
    assert json.loads(service.last.body) == {
        "clientName": "notebook",
        "clientType": "public",
        "scopes": ["sso:account:access"],
        "redirectUris": ["http://127.0.0.1/oauth/callback"],
        "grantTypes": ["authorization_code", "refresh_token"],
        "issuerUrl": "https://d-1234567890.awsapps.com/start",
    }


def test_start_device_authorization_posts_json(oidc, service):
    oidc.start_device_authorization(client_id="CID", client_secret="CSEC", start_url="https://x.awsapps.com/start")
    assert (service.last.method, service.last.target) == ("POST", "/device_authorization")
    assert json.loads(service.last.body) == {
        "clientId": "CID",
        "clientSecret": "CSEC",
        "startUrl": "https://x.awsapps.com/start",
    }


def test_create_token_posts_what_the_grant_needs(oidc, service):
    oidc.create_token(
        client_id="CID",
        client_secret="CSEC",
        grant_type=GRANT_AUTHORIZATION_CODE,
        code="CODE",
        redirect_uri="http://127.0.0.1:1234/oauth/callback",
        code_verifier="v" * 64,
    )
    assert (service.last.method, service.last.target) == ("POST", "/token")
    assert json.loads(service.last.body) == {
        "clientId": "CID",
        "clientSecret": "CSEC",
        "grantType": "authorization_code",
        "code": "CODE",
        "redirectUri": "http://127.0.0.1:1234/oauth/callback",
        "codeVerifier": "v" * 64,
    }


def test_nothing_is_signed(sso, service):
    sso.list_accounts(access_token=TOKEN)
    assert not {"authorization", "x-amz-date", "x-amz-target", "cookie"} & set(service.last.headers)


def test_one_invocation_id_serves_all_attempts_and_each_says_its_number(sso, service):
    service.plan(service.answer({}, status=500), service.answer({}, status=503), service.answer({}))
    sso.list_accounts(access_token=TOKEN)
    assert [asked.headers["amz-sdk-request"] for asked in service.asked] == [
        "attempt=1; max=3",
        "attempt=2; max=3",
        "attempt=3; max=3",
    ]
    (invocation,) = {asked.headers["amz-sdk-invocation-id"] for asked in service.asked}
    assert UUID4.fullmatch(invocation)
    sso.list_accounts(access_token=TOKEN)
    assert service.last.headers["amz-sdk-invocation-id"] != invocation


def test_the_user_agent_says_who_asks(service):
    with SSO(
        endpoint=service.url, retry_mode="adaptive", user_agent_app_id="my app", custom_user_agent="team/1.0"
    ) as sso:
        sso.list_accounts(access_token=TOKEN)
    agent = service.last.headers["user-agent"]
    assert re.fullmatch(
        r"sso-magic/\S+ ua/2\.1 os/\S+ lang/python#3\.\d+\.\d+ md/pyimpl#\S+ api/sso#2019-06-10 "
        r"cfg/retry-mode#adaptive app/my-app team/1\.0",
        agent,
    )


def test_a_copy_that_was_never_installed_has_no_version_to_tell(service, monkeypatch):
    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    with SSO(endpoint=service.url, custom_user_agent="not-installed/1") as sso:  # a header not made before
        sso.list_accounts(access_token=TOKEN)
    assert service.last.headers["user-agent"].startswith("sso-magic/0 ua/2.1 ")


def test_the_oidc_client_names_its_own_service(oidc, service):
    oidc.register_client(client_name="n")
    assert " api/sso_oidc#2019-06-10 " in service.last.headers["user-agent"]


def test_a_base_path_of_the_endpoint_is_kept(service):
    with SSO(endpoint=f"{service.url}/base/") as sso:
        sso.list_accounts(access_token=TOKEN)
    assert service.last.target == "/base/assignment/accounts"


def test_calls_share_a_kept_alive_connection(sso, service):
    for _ in range(3):
        sso.list_accounts(access_token=TOKEN)
    assert len({asked.connection for asked in service.asked}) == 1


def test_headers_of_a_call_are_sent_but_cannot_replace_the_token(sso, service):
    sso.list_accounts(access_token=TOKEN, headers={"X-Team": "data", "x-amz-sso_bearer_token": "another"})
    assert service.last.headers["x-team"] == "data"
    assert service.last.headers["x-amz-sso_bearer_token"] == TOKEN


def test_a_trace_is_handed_on_in_lambda_and_nowhere_else(service):
    environ = {"_X_AMZN_TRACE_ID": "Root=1-2-3"}
    with SSO(endpoint=service.url, environ=environ) as sso:
        sso.list_accounts(access_token=TOKEN)
        assert "x-amzn-trace-id" not in service.last.headers
        environ["AWS_LAMBDA_FUNCTION_NAME"] = "f"
        sso.list_accounts(access_token=TOKEN)
        assert service.last.headers["x-amzn-trace-id"] == "Root=1-2-3"
        del environ["_X_AMZN_TRACE_ID"]
        sso.list_accounts(access_token=TOKEN)
        assert "x-amzn-trace-id" not in service.last.headers


@pytest.mark.parametrize(("client", "host"), [(SSO, "portal.sso"), (SSOOIDC, "oidc")])
def test_without_an_endpoint_the_requests_go_to_the_region_of_the_identity_center(client, host):
    assert client(region="eu-west-1").config.endpoint == f"https://{host}.eu-west-1.amazonaws.com"
