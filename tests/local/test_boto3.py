"""The real clients, boto3.client("sso") and ("sso-oidc"), against the local Identity Center."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from sso_magic.local import Organization

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def client(local):
    once = Config(retries={"total_max_attempts": 1})

    def client(service):
        return boto3.client(service, region_name="eu-west-1", endpoint_url=local.url, config=once)

    return client


def code_of(caught):
    return caught.value.response["Error"]["Code"]


def test_every_page_of_accounts_and_roles(local, client):
    local.organization = Organization.generated(105, 45)
    sso, token = client("sso"), local.access_token()
    pages = list(sso.get_paginator("list_accounts").paginate(accessToken=token))
    accounts = [account["accountId"] for page in pages for account in page["accountList"]]
    assert len(pages) == 6
    assert accounts == [account.id for account in local.organization.accounts]
    roles = sso.get_paginator("list_account_roles").paginate(accessToken=token, accountId=accounts[0])
    assert len(list(roles.search("roleList[].roleName"))) == 45


def test_role_credentials_and_logout(local, client):
    sso, token = client("sso"), local.access_token()
    answer = sso.get_role_credentials(accessToken=token, accountId="731659028443", roleName="ReadOnly")
    assert answer["roleCredentials"]["accessKeyId"].startswith("ASIA")
    assert answer["ResponseMetadata"]["RequestId"]
    sso.logout(accessToken=token)
    with pytest.raises(sso.exceptions.UnauthorizedException):
        sso.list_accounts(accessToken=token)


def test_errors_are_of_the_modelled_classes(local, client):
    sso, token = client("sso"), local.access_token()
    with pytest.raises(sso.exceptions.InvalidRequestException, match="valid limits of: 1-100"):
        sso.list_accounts(accessToken=token, maxResults=101)
    local.throttle = (0.001, 1)
    sso.list_accounts(accessToken=token)
    with pytest.raises(sso.exceptions.TooManyRequestsException):
        sso.list_accounts(accessToken=token)


def test_a_role_that_is_not_assigned_is_forbidden(local, client):
    with pytest.raises(ClientError, match="No access") as caught:
        client("sso").get_role_credentials(
            accessToken=local.access_token(), accountId="731659028443", roleName="Nonsense"
        )
    assert code_of(caught) == "ForbiddenException"


def test_the_device_flow_from_registration_to_refresh(local, client):
    oidc = client("sso-oidc")
    registered = oidc.register_client(clientName="boto3", clientType="public", scopes=["sso:account:access"])
    credentials = {name: registered[name] for name in ("clientId", "clientSecret")}
    started = oidc.start_device_authorization(**credentials, startUrl=local.start_url)
    poll = {**credentials, "grantType": GRANT, "deviceCode": started["deviceCode"]}
    with pytest.raises(oidc.exceptions.AuthorizationPendingException):
        oidc.create_token(**poll)
    with pytest.raises(oidc.exceptions.SlowDownException):
        oidc.create_token(**poll)
    local.approve(started["userCode"])
    first = oidc.create_token(**poll)
    second = oidc.create_token(**credentials, grantType="refresh_token", refreshToken=first["refreshToken"])
    assert client("sso").list_accounts(accessToken=second["accessToken"])["accountList"]


@pytest.mark.parametrize(
    ("happened", "name"),
    [
        (lambda local: local.deny(), "AccessDeniedException"),
        (lambda local: local.advance(601), "ExpiredTokenException"),
        (lambda local: local.reset(), "InvalidClientException"),
    ],
)
def test_every_end_of_the_device_flow_is_an_exception_of_its_own(local, client, happened, name):
    oidc = client("sso-oidc")
    registered = oidc.register_client(clientName="boto3", clientType="public")
    credentials = {key: registered[key] for key in ("clientId", "clientSecret")}
    started = oidc.start_device_authorization(**credentials, startUrl=local.start_url)
    happened(local)
    with pytest.raises(getattr(oidc.exceptions, name)):
        oidc.create_token(**credentials, grantType=GRANT, deviceCode=started["deviceCode"])


def test_a_broken_connection_is_a_broken_connection(local, client):
    local.faults = ["ListAccounts kind=drop"]
    with pytest.raises(ConnectionClosedError):
        client("sso").list_accounts(accessToken=local.access_token())


def test_botocore_finds_its_way_by_environment_and_configuration(local_aws_environment):
    """In a process of its own, since botocore looks for HOME when it is imported."""
    aws = Path.home() / ".aws"
    with (aws / "config").open("a") as config:
        config.write("[profile prod]\nsso_session = corp\nsso_account_id = 731659028443\nsso_role_name = ReadOnly\n")
    program = "import boto3; print(boto3.Session(profile_name='prod').client('sts').get_caller_identity()['Account'])"
    child = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run([sys.executable, "-c", program], env=child, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "731659028443", done.stderr
