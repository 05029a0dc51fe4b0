"""What it prints for ``~/.aws/config``, against the AWS CLI's and botocore's rules."""

from __future__ import annotations

import configparser
from urllib.parse import urlsplit

import boto3
import pytest

from sso_magic.local import LocalIdentityCenter, Organization

# The rules of `aws sso login` in AWS CLI 2.36.7: the start URL is https, and on one of these hosts or under one of
# these suffixes, or it is a vanity URL, which it would ask.
HOSTS = [f"identitycenter.{name}" for name in ("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu")]
HOSTS += ["identitycenter.us-gov.amazonaws.com"]
SUFFIXES = (
    ".app.aws", ".portal.amazonaws.com", ".portal.amazonaws.com.cn", ".app.amazonwebservices.com.cn",
    ".portal.amazonaws.eu", ".api.amazonwebservices.eu", ".awsapps.com", ".awsapps.cn",
)  # fmt: skip
FORMS = [
    "https://d-1234567890.awsapps.com/start",
    "https://my-company.awsapps.com/start/",
    "https://My-Company.AWSApps.com/start#/",
    "https://d-1234567890.awsapps.com/start/#/?tab=accounts",
    "https://d-1234567890.awsapps.com/start?x=y",
    "https://d-1234567890.awsapps.com:443/start",
    "https://d-1234567890.awsapps.com./start",
    "https://d-1234567890.awsapps.cn/start",
    "https://start.us-gov-home.awsapps.com/directory/d-1234567890",
    "https://ssoins-1234567890abcdef.portal.us-east-1.app.aws",
    "https://ssoins-1234567890abcdef.portal.us-east-1.app.aws/",
    "https://ssoins-1234567890abcdef.us-east-1.portal.amazonaws.com",
    "https://ssoins-1234567890abcdef.cn-north-1.portal.amazonaws.com.cn",
    "https://ssoins-1234567890abcdef.portal.cn-north-1.app.amazonwebservices.com.cn",
    "https://ssoins-1234567890abcdef.eusc-de-east-1.portal.amazonaws.eu",
    "https://ssoins-1234567890abcdef.portal.eusc-de-east-1.api.amazonwebservices.eu",
    "https://identitycenter.amazonaws.com/ssoins-1234567890abcdef",
    "https://identitycenter.amazonaws.com.cn/ssoins-1234567890abcdef",
    "https://identitycenter.amazonaws.eu/ssoins-1234567890abcdef",
    "https://identitycenter.us-gov.amazonaws.com/ssoins-1234567890abcdef",
]
STRANGERS = [
    "http://d-1234567890.awsapps.com/start",
    "https://awsapps.com.evil.example/start",
    "https://evilawsapps.com/start",
    "https://example.com/?x=.awsapps.com",
    "https://d-1@example.com/.awsapps.com",
    "https://[d-1.awsapps.com",
]


def accepted(text):
    """The profiles of a configuration that `aws sso login` and botocore accept."""
    parser = configparser.RawConfigParser(default_section="")
    parser.read_string(text)
    sessions = {name.partition(" ")[2]: parser[name] for name in parser if name.startswith("sso-session ")}
    profiles = {name.partition(" ")[2]: parser[name] for name in parser if name.startswith("profile ")}
    for session in sessions.values():
        url = urlsplit(session["sso_start_url"])
        assert url.scheme == "https"
        assert url.hostname in HOSTS or url.hostname.endswith(SUFFIXES)
        assert session["sso_region"]
    for profile in profiles.values():
        assert profile["sso_session"] in sessions
        assert len(profile["sso_account_id"]) == 12
        assert profile["sso_role_name"]
        assert profile["region"]
    return profiles


def test_the_aws_cli_accepts_its_session_and_each_profile_has_a_region(local):
    profiles = accepted(local.config_text())
    assert list(profiles) == [
        "corp-management-Billing",
        "corp-log-archive-ReadOnly",
        "corp-security-audit-SecurityAudit",
    ]
    assert {profile["region"] for profile in profiles.values()} == {"eu-west-1"}


def test_two_sessions_stand_in_one_file(local):
    assert len(accepted(local.config_text() + "\n" + local.config_text("second"))) == 6


def test_a_session_alone_can_be_had_and_one_for_the_page_on_this_machine():
    with LocalIdentityCenter(aws=False, region="eu-central-1") as center:
        assert center.config_text("work", start_url=center.portal_url, profiles=0) == (
            f"[sso-session work]\nsso_start_url = {center.url}/start\nsso_region = eu-central-1\n"
            "sso_registration_scopes = sso:account:access\n"
        )


def test_its_profiles_are_those_of_the_user_who_is_approved(local):
    local.auto_approve = "sam"
    assert list(accepted(local.config_text())) == ["corp-payments-dev-PowerUserAccess", "corp-payments-prod-ReadOnly"]
    local.auto_approve = "robin"
    assert accepted(local.config_text()) == {}


def test_accounts_of_one_name_have_profiles_of_two():
    organization = Organization()
    organization.add_user("alex")
    for account in ("111111111111", "222222222222"):
        organization.add_account(account, "same name")
        organization.assign("alex", account, "Admin")
    with LocalIdentityCenter(organization, aws=False) as center:
        assert list(accepted(center.config_text("my corp"))) == [
            "my-corp-same-name-Admin",
            "my-corp-222222222222-Admin",
        ]


def test_an_organization_without_users_has_a_session_alone():
    with LocalIdentityCenter(Organization(), aws=False) as center:
        assert accepted(center.config_text()) == {}


def test_two_of_them_have_start_urls_of_their_own(local):
    with LocalIdentityCenter(aws=False) as other:
        assert other.start_url != local.start_url


def test_a_printed_profile_is_signed_in_to_and_reads(local_aws_environment):
    profile = next(iter(accepted(local_aws_environment.config_text())))
    identity = boto3.Session(profile_name=profile).client("sts").get_caller_identity()
    assert identity["Account"] == "402618935571"
    assert "AWSReservedSSO_Billing_" in identity["Arn"]


@pytest.mark.parametrize("url", FORMS)
def test_every_form_of_start_url_is_accepted_for_both_flows(wire, url):
    code = {"grantTypes": ["authorization_code"], "redirectUris": ["http://127.0.0.1/oauth/callback"]}
    wire.register(**code, issuerUrl=url)
    wire.start_device(wire.register(), url)


@pytest.mark.parametrize("url", STRANGERS)
def test_what_is_no_start_url_of_awss_is_refused_for_both_flows(wire, url):
    code = {"grantTypes": ["authorization_code"], "redirectUris": ["http://127.0.0.1/oauth/callback"]}
    asked = {"clientName": "a client", "clientType": "public", "scopes": ["sso:account:access"], **code}
    assert wire.post("/client/register", **asked, issuerUrl=url).json["error"] == "invalid_request"
    client = wire.register()
    assert wire.post("/device_authorization", **client, startUrl=url).json["error"] == "invalid_request"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_vanity_url_leads_to_the_start_url_by_one_redirect(local, wire, method):
    answer = wire.call(method, urlsplit(local.vanity_url).path)
    assert (answer.status, answer.headers["location"]) == (302, local.start_url)
