"""Sign-ins shared with the AWS CLI, botocore and the JavaScript SDK, both ways, with the real clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import boto3
import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache

REGION = "eu-west-1"


@pytest.fixture
def account(center) -> str:
    return next(item.id for item in center.organization.accounts if item.name == "payments-prod")


@pytest.fixture
def profile(center, clean_environment, account) -> str:
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(
            f"\n[profile pay]\nsso_session = corp\nsso_account_id = {account}\nsso_role_name = ReadOnly\n"
            f"region = {REGION}\n"
        )
    return "pay"


@pytest.fixture
def ours(center, prompt) -> IdentityCenter:
    """Signed in by this package, with a refresh token."""
    center.auto_approve = True
    found = IdentityCenter("corp")
    found.sign_in(method="device", prompt=prompt)
    center.requests.clear()
    return found


def stored() -> dict:
    return json.loads(cache.token_path("corp").read_text())


def end_soon(seconds: float = 60) -> dict:
    """Rewrite the token's end; return the old one."""
    old = stored()
    moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    cache.write(cache.token_path("corp"), old | {"expiresAt": cache.format_timestamp(moment)})
    return old


def botocore_says(code: str) -> dict:
    """What a process of its own prints as JSON: botocore finds its caches when it is imported."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_botocore_takes_our_token_for_a_profile(ours, profile, account, center):
    identity = botocore_says(
        "import boto3, json\n"
        "sts = boto3.Session(profile_name='pay').client('sts')\n"
        "print(json.dumps(sts.get_caller_identity()))"
    )
    assert identity["Account"] == account
    assert center.requests.total("CreateToken") == 0


def test_botocore_refreshes_our_token_and_we_read_what_it_wrote(ours, profile, center):
    old = end_soon()
    token = botocore_says(
        "import botocore.session, json\n"
        "token = botocore.session.Session(profile='pay').get_auth_token().get_frozen_token().token\n"
        "print(json.dumps(token))"
    )
    assert token == stored()["accessToken"] != old["accessToken"]
    assert ours.tokens.get() == token
    assert center.requests.total("CreateToken") == 1


def test_botocores_own_sso_client_lists_gets_and_logs_out(ours, account, center):
    token = stored()["accessToken"]
    client = boto3.client("sso", region_name=REGION)
    accounts = client.get_paginator("list_accounts").paginate(accessToken=token).build_full_result()["accountList"]
    assert len(accounts) == len(center.organization.accounts_of("alex"))
    roles = client.list_account_roles(accessToken=token, accountId=account)["roleList"]
    assert "ReadOnly" in {role["roleName"] for role in roles}
    keys = client.get_role_credentials(accessToken=token, accountId=account, roleName="ReadOnly")["roleCredentials"]
    assert keys["accessKeyId"].startswith("ASIA")
    client.logout(accessToken=token)
    with pytest.raises(client.exceptions.UnauthorizedException):
        client.list_accounts(accessToken=token)


def test_role_credentials_of_ours_are_found_under_botocores_own_key(ours, profile, account):
    from botocore.credentials import JSONFileCache, SSOCredentialFetcher

    ours.role(account, "ReadOnly").credentials()
    fetcher = SSOCredentialFetcher(
        stored()["startUrl"],
        REGION,
        "ReadOnly",
        account,
        lambda *_: pytest.fail("the portal was asked"),
        cache=JSONFileCache(cache.role_directory()),
        sso_session_name="corp",
    )
    keys = fetcher.fetch_credentials()
    assert keys["access_key"] == ours.role(account, "ReadOnly").credentials().access_key_id
    assert keys["account_id"] == account


def test_role_credentials_of_the_aws_cli_are_used(ours, account, center):
    """The file is written here as the AWS CLI writes it, which has no account id in older versions."""
    path = cache.role_path(
        account_id=account, role_name="ReadOnly", session_name="corp", start_url=stored()["startUrl"]
    )
    end = datetime.now(timezone.utc) + timedelta(hours=1)
    keys = {"AccessKeyId": "ASIATHEIRS", "SecretAccessKey": "s", "SessionToken": "t"}
    cache.write(path, {"ProviderType": "sso", "Credentials": keys | {"Expiration": cache.format_timestamp(end)}})
    ours.roles("payments-prod")
    center.requests.clear()
    assert ours.role("payments-prod", "ReadOnly").credentials().access_key_id == "ASIATHEIRS"
    assert center.requests.total() == 0


@pytest.mark.parametrize("left", [899, 0, -5])
def test_role_credentials_with_less_than_15_minutes_left_count_as_none(ours, account, center, left):
    path = cache.role_path(
        account_id=account, role_name="ReadOnly", session_name="corp", start_url=stored()["startUrl"]
    )
    end = datetime.now(timezone.utc) + timedelta(seconds=left)
    keys = {"AccessKeyId": "ASIATHEIRS", "SecretAccessKey": "s", "SessionToken": "t"}
    cache.write(path, {"ProviderType": "sso", "Credentials": keys | {"Expiration": cache.format_timestamp(end)}})
    assert ours.role(account, "ReadOnly").credentials().access_key_id != "ASIATHEIRS"


@pytest.mark.parametrize("other", [{"AccountId": "999999999999"}, {"AccessKeyId": ""}, {"Expiration": "soon"}])
def test_a_role_file_that_is_wrong_in_itself_is_not_used(ours, account, other):
    path = cache.role_path(
        account_id=account, role_name="ReadOnly", session_name="corp", start_url=stored()["startUrl"]
    )
    end = cache.format_timestamp(datetime.now(timezone.utc) + timedelta(hours=1))
    keys = {"AccessKeyId": "ASIATHEIRS", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": end}
    cache.write(path, {"ProviderType": "sso", "Credentials": keys | other})
    assert ours.role(account, "ReadOnly").credentials().account_id == account
    assert ours.role(account, "ReadOnly").credentials().access_key_id not in ("ASIATHEIRS", "")


def test_the_aws_cli_works_with_our_token(ours, profile, aws_cli):
    done = aws_cli("s3", "ls", "--profile", profile)
    assert "payments-prod-reports" in done.stdout
    identity = json.loads(aws_cli("sts", "get-caller-identity", "--profile", profile, "--output", "json").stdout)
    assert "AWSReservedSSO_ReadOnly" in identity["Arn"]


def test_the_aws_cli_refreshes_our_token(ours, profile, aws_cli):
    old = end_soon()
    aws_cli("s3", "ls", "--profile", profile)
    assert ours.tokens.get() == stored()["accessToken"] != old["accessToken"]


def test_the_javascript_sdk_works_with_our_token_and_we_read_what_it_refreshed(ours, profile, account, run_node):
    script = """
      const { fromSSO } = require("@aws-sdk/credential-provider-sso");
      const { fromSso } = require("@aws-sdk/token-providers");
      const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");
      (async () => {
        const credentials = await fromSSO({ profile: "pay" })();
        const token = await fromSso({ profile: "pay" })();
        const sts = new STSClient({ region: "eu-west-1", credentials });
        const identity = await sts.send(new GetCallerIdentityCommand({}));
        console.log(JSON.stringify({ account: identity.Account, token: token.token }));
      })().catch((error) => { console.error(error); process.exit(1); });
    """
    first = run_node(script)
    assert first["account"] == account
    assert first["token"] == stored()["accessToken"]
    old = end_soon()
    second = run_node(script)
    assert second["token"] == stored()["accessToken"] != old["accessToken"]
    assert ours.tokens.peek().expires_at > datetime.now(timezone.utc) + timedelta(minutes=30)
    assert ours.tokens.get() == second["token"]


def test_our_sign_out_is_theirs(ours, profile, aws_cli):
    aws_cli("s3", "ls", "--profile", profile)
    ours.sign_out()
    done = aws_cli("s3", "ls", "--profile", profile, check=False)
    assert done.returncode != 0
    assert not list(cache.role_directory().glob("*.json"))


def test_every_file_is_the_owners_alone(ours, account):
    ours.role(account, "ReadOnly").credentials()
    for path in (*cache.sso_directory().glob("*.json"), *cache.role_directory().glob("*.json")):
        assert os.name == "nt" or path.stat().st_mode & 0o077 == 0
