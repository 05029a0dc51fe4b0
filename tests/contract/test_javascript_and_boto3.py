"""The JavaScript SDK, boto3 and `SSO` make the same calls of the same Identity Center and hear the same."""

from __future__ import annotations

import itertools
import re
from functools import partial

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError as TheirClientError
from botocore.exceptions import ParamValidationError as TheirValidationError

import sso_magic.oidc
import sso_magic.portal
from sso_magic.client.errors import ServiceException
from sso_magic.common.secret import Secret
from sso_magic.errors import SSOMagicError
from sso_magic.local import Fault, Throttle

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
RANDOM = {
    *("accessKeyId", "secretAccessKey", "sessionToken", "expiration", "nextToken"),
    *("clientId", "clientSecret", "clientIdIssuedAt", "clientSecretExpiresAt"),
    *("deviceCode", "userCode", "verificationUriComplete", "accessToken", "refreshToken"),
}
"""Members whose values differ from answer to answer; they are compared by type."""


@pytest.fixture(scope="module")
def center(center_without_aws):
    return center_without_aws


@pytest.fixture(autouse=True)
def as_new(center):
    center.reset()


def snake(name):
    return re.sub("(?<!^)([A-Z])", r"_\1", name).lower()


def camel(name):
    return re.sub("_(.)", lambda match: match[1].upper(), name)


def plain(value):
    """A value of any of the three as JSON would have it; what is absent, null or empty is left out."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "_values"):
        value = {camel(name): item for name, item in value._values().items()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item not in (None, ())}
    return value


def by_us(center, calls):
    """What `SSO` and `SSOOIDC` hear."""
    clients = {"sso": sso_magic.portal.SSO, "sso-oidc": sso_magic.oidc.SSOOIDC}
    outcomes = []
    for call in calls:
        with clients[call["service"]](
            region="us-east-1", endpoint=center.url, max_attempts=1, validate_parameters=False
        ) as client:
            outcomes.append(_one_of_ours(client, **call))
    return outcomes


def _one_of_ours(client, service, operation, input, paginate=None):  # noqa: A002 - AWS's word
    arguments = {snake(name): value for name, value in input.items()}
    module = sso_magic.portal if service == "sso" else sso_magic.oidc
    try:
        if paginate:
            pages = getattr(client, f"paginate_{snake(operation)}")(**arguments, page_size=paginate)
            return {"pages": [plain(page) for page in pages]}
        output = client.send(getattr(module, f"{operation}Command")(**arguments))
    except ServiceException as error:
        return {
            "error": error.name,
            "message": error.message,
            "fault": error.fault,
            "status": error.metadata.http_status_code,
            "attempts": error.metadata.attempts,
            "oauth_error": getattr(error, "error", None),
            "oauth_description": getattr(error, "error_description", None),
            "modelled": type(error).__name__ == error.name,
        }
    metadata = output.metadata
    return {"output": plain(output), "status": metadata.http_status_code, "attempts": metadata.attempts}


def by_boto3(center, calls):
    """What boto3 hears."""
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    session = boto3.Session(region_name="us-east-1")
    return [
        _one_of_boto3s(session.client(call["service"], endpoint_url=center.url, config=config), **call)
        for call in calls
    ]


def _one_of_boto3s(client, service, operation, input, paginate=None):  # noqa: A002 - AWS's word
    try:
        if paginate:
            pages = client.get_paginator(snake(operation)).paginate(**input, PaginationConfig={"PageSize": paginate})
            return {"pages": [_body(page) for page in pages]}
        output = getattr(client, snake(operation))(**input)
    except TheirClientError as error:
        return {
            "error": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "attempts": error.response["ResponseMetadata"]["RetryAttempts"] + 1,
            "oauth_error": error.response.get("error"),
            "oauth_description": error.response.get("error_description"),
            "modelled": type(error).__name__ == error.response["Error"]["Code"],
        }
    metadata = output["ResponseMetadata"]
    return {
        "output": _body(output),
        "status": metadata["HTTPStatusCode"],
        "attempts": metadata["RetryAttempts"] + 1,
    }


def _body(output):
    return plain({name: value for name, value in output.items() if name != "ResponseMetadata"})


@pytest.fixture
def heard(center, javascript):
    """What each of the three hears of the same calls; a call may depend on a fresh sign-in of each."""

    def hear(calls):
        return {
            "javascript": javascript("run.mjs", endpoint=center.url, calls=calls("javascript")),
            "boto3": by_boto3(center, calls("boto3")),
            "ours": by_us(center, calls("ours")),
        }

    return hear


def masked(value):
    """The outcome with what differs each time replaced by its type, and a lifetime by the nearest ten seconds."""
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        return {name: _masked_member(name, item) for name, item in value.items() if item is not None}
    return value


def _masked_member(name, item):
    if name in RANDOM:
        return type(item).__name__
    return round(item, -1) if name == "expiresIn" else masked(item)


def call(service, operation, paginate=None, **members):
    made = {"service": service, "operation": operation, "input": members}
    return made | ({"paginate": paginate} if paginate else {})


def assert_the_same(heard, *, but=()):
    """All three outcomes are alike, call by call, but for these parts of an error."""
    ours = heard["ours"]
    for theirs in ("javascript", "boto3"):
        for number, (one, other) in enumerate(itertools.zip_longest(masked(ours), masked(heard[theirs]))):
            left_out = {*but, *([] if theirs == "javascript" else ["fault"])}
            one, other = ({k: v for k, v in each.items() if k not in left_out} for each in (one, other))  # noqa: PLW2901
            assert one == other, f"call {number}, compared with {theirs}"


def accounts_and_roles(center):
    token = center.access_token()
    (listed,) = by_us(center, [call("sso", "ListAccounts", accessToken=token, maxResults=100)])
    accounts = [account["accountId"] for account in listed["output"]["accountList"]]
    calls = [call("sso", "ListAccountRoles", accessToken=token, accountId=account) for account in accounts]
    return [
        (account, role["roleName"])
        for account, outcome in zip(accounts, by_us(center, calls), strict=True)
        for role in outcome["output"]["roleList"]
    ]


def test_the_whole_organization_is_the_same_to_all(center, heard):
    pairs = accounts_and_roles(center)
    token = center.access_token()
    accounts = list(dict.fromkeys(account for account, _role in pairs))
    assert len(accounts) > 5
    outcomes = heard(
        lambda _who: [
            call("sso", "ListAccounts", accessToken=token),
            *(call("sso", "ListAccountRoles", accessToken=token, accountId=account) for account in accounts),
            *(call("sso", "GetRoleCredentials", accessToken=token, accountId=a, roleName=r) for a, r in pairs),
        ]
    )
    assert_the_same(outcomes)
    assert all(outcome["status"] == 200 for outcome in outcomes["ours"])


@pytest.mark.parametrize("size", [1, 5, 100])
def test_every_page_is_the_same_to_all(center, heard, size):
    token = center.access_token()
    account = accounts_and_roles(center)[0][0]
    outcomes = heard(
        lambda _who: [
            call("sso", "ListAccounts", accessToken=token, paginate=size),
            call("sso", "ListAccountRoles", accessToken=token, accountId=account, paginate=size),
        ]
    )
    assert_the_same(outcomes)
    assert sum(len(page["accountList"]) for page in outcomes["ours"][0]["pages"]) > 5


def test_units_are_what_they_are_said_to_be(center, heard):
    account, role = accounts_and_roles(center)[0]
    token = center.access_token()
    outcomes = heard(
        lambda _who: [
            call("sso", "GetRoleCredentials", accessToken=token, accountId=account, roleName=role),
            call("sso-oidc", "RegisterClient", clientName="n", clientType="public"),
        ]
    )
    for credentials, registration in outcomes.values():
        assert 1.6e12 < credentials["output"]["roleCredentials"]["expiration"] < 1e13
        assert 1.6e9 < registration["output"]["clientIdIssuedAt"] < 1e10
        lifetime = registration["output"]["clientSecretExpiresAt"] - registration["output"]["clientIdIssuedAt"]
        assert lifetime == 90 * 24 * 3600


def test_refusals_of_the_portal_are_the_same_to_all(center, heard):
    pairs = accounts_and_roles(center)
    token = center.access_token()
    account = pairs[0][0]
    outcomes = heard(
        lambda _who: [
            call("sso", "ListAccounts", accessToken="unknown"),
            call("sso", "ListAccountRoles", accessToken="unknown", accountId=account),
            call("sso", "GetRoleCredentials", accessToken="unknown", accountId=account, roleName="r"),
            call("sso", "Logout", accessToken="unknown"),
            call("sso", "GetRoleCredentials", accessToken=token, accountId=account, roleName="NoSuchRole"),
            call("sso", "GetRoleCredentials", accessToken=token, accountId="999999999999", roleName=pairs[0][1]),
            call("sso", "ListAccounts", accessToken=token, maxResults=0),
            call("sso", "ListAccounts", accessToken=token, maxResults=101),
            call("sso", "ListAccounts", accessToken=token, nextToken="tampered"),
            call("sso", "ListAccountRoles", accessToken=token, accountId="999999999999"),
        ]
    )
    assert_the_same(outcomes)
    assert [outcome.get("error") for outcome in outcomes["ours"]] == [
        *["UnauthorizedException"] * 4,
        *["ForbiddenException"] * 2,
        *["InvalidRequestException"] * 3,
        outcomes["ours"][-1].get("error"),
    ]


def test_a_logout_ends_the_session_for_all(center, heard):
    def calls(_who):
        token = center.access_token()
        return [
            call("sso", "Logout", accessToken=token),
            call("sso", "ListAccounts", accessToken=token),
            call("sso", "Logout", accessToken=token),
        ]

    outcomes = heard(calls)
    assert_the_same(outcomes)
    assert [outcome.get("error") for outcome in outcomes["ours"]] == [None, *["UnauthorizedException"] * 2]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("ListAccounts", status=500),
        Fault("ListAccounts", status=503, error="ServiceUnavailableException"),
        Fault("ListAccounts", status=429),
        Fault("ListAccounts", status=404),
        Fault("ListAccounts", status=405),
    ],
    ids=lambda fault: str(fault.status),
)
def test_a_failing_service_is_the_same_to_all(center, heard, fault):
    center.faults = [fault]
    token = center.access_token()
    outcomes = heard(lambda _who: [call("sso", "ListAccounts", accessToken=token)])
    assert_the_same(outcomes)
    assert outcomes["ours"][0]["status"] == fault.status


def test_a_throttled_call_is_the_same_to_all(center, heard):
    token = center.access_token()
    center.throttle = Throttle(rate=0.001, burst=1)
    by_us(center, [call("sso", "ListAccounts", accessToken=token)])
    outcomes = heard(lambda _who: [call("sso", "ListAccounts", accessToken=token)])
    assert_the_same(outcomes)
    assert outcomes["ours"][0]["error"] == "TooManyRequestsException"


@pytest.mark.parametrize("body", ["<html>proxy</html>", "no json"])
def test_an_error_that_is_no_json_has_the_same_status_to_all_and_a_name_to_us(center, heard, body):
    """A choice of PROTOCOL.md 1.6: the JavaScript SDK throws a SyntaxError."""
    center.faults = [Fault("ListAccounts", status=403, body=body)]
    token = center.access_token()
    outcomes = heard(lambda _who: [call("sso", "ListAccounts", accessToken=token)])
    assert {outcome[0]["status"] for outcome in outcomes.values()} == {403}
    assert outcomes["javascript"][0]["error"] == "SyntaxError"
    assert (outcomes["boto3"][0]["error"], outcomes["boto3"][0]["message"]) == ("403", body)
    assert outcomes["ours"][0]["error"] == "403"
    assert outcomes["ours"][0]["message"].startswith("an HTML page instead of" if "html" in body else body)


def test_a_sign_in_by_device_code_is_the_same_to_all(center, heard):
    center.poll_interval = 0
    registrations = heard(
        lambda _who: [
            call("sso-oidc", "RegisterClient", clientName="n", clientType="public", scopes=["sso:account:access"])
        ]
    )
    assert_the_same(registrations)
    clients = {
        who: {name: outcome[0]["output"][name] for name in ("clientId", "clientSecret")}
        for who, outcome in registrations.items()
    }
    devices = heard(
        lambda who: [call("sso-oidc", "StartDeviceAuthorization", startUrl=center.start_url, **clients[who])]
    )
    assert_the_same(devices)
    ask = {
        who: partial(
            call,
            "sso-oidc",
            "CreateToken",
            grantType=DEVICE,
            deviceCode=outcome[0]["output"]["deviceCode"],
            **clients[who],
        )
        for who, outcome in devices.items()
    }
    pending = heard(lambda who: [ask[who]()])
    assert_the_same(pending, but=["message"])
    assert (pending["ours"][0]["error"], pending["ours"][0]["oauth_error"]) == (
        "AuthorizationPendingException",
        "authorization_pending",
    )
    for request in center.pending():
        center.approve(request.user_code)
    tokens = heard(lambda who: [ask[who]()])
    assert_the_same(tokens)
    refreshed = heard(
        lambda who: [
            call(
                "sso-oidc",
                "CreateToken",
                grantType="refresh_token",
                refreshToken=tokens[who][0]["output"]["refreshToken"],
                **clients[who],
            )
        ]
    )
    assert_the_same(refreshed)
    used = heard(lambda who: [call("sso", "ListAccounts", accessToken=refreshed[who][0]["output"]["accessToken"])])
    assert_the_same(used)
    assert used["ours"][0]["output"]["accountList"]


def test_a_sign_in_that_is_denied_or_runs_out_is_the_same_to_all(center, heard):
    center.poll_interval = 0

    def start(_who):
        (registration,) = by_us(center, [call("sso-oidc", "RegisterClient", clientName="n", clientType="public")])
        client = {name: registration["output"][name] for name in ("clientId", "clientSecret")}
        (device,) = by_us(center, [call("sso-oidc", "StartDeviceAuthorization", startUrl=center.start_url, **client)])
        code = device["output"]["deviceCode"]
        return call("sso-oidc", "CreateToken", grantType=DEVICE, deviceCode=code, **client)

    calls = {who: start(who) for who in ("javascript", "boto3", "ours")}
    for request in center.pending():
        center.deny(request.user_code)
    denied = heard(lambda who: [calls[who]])
    assert_the_same(denied, but=["message"])
    assert denied["ours"][0]["error"] == "AccessDeniedException"
    calls = {who: start(who) for who in ("javascript", "boto3", "ours")}
    center.advance(3600)
    expired = heard(lambda who: [calls[who]])
    assert_the_same(expired, but=["message"])
    assert expired["ours"][0]["error"] == "ExpiredTokenException"


def test_refusals_of_oidc_are_the_same_to_all(center, heard):
    (registration,) = by_us(center, [call("sso-oidc", "RegisterClient", clientName="n", clientType="public")])
    client = {name: registration["output"][name] for name in ("clientId", "clientSecret")}
    wrong = client | {"clientSecret": "wrong"}
    outcomes = heard(
        lambda _who: [
            call("sso-oidc", "RegisterClient", clientName="n", clientType="confidential"),
            call("sso-oidc", "RegisterClient", clientName="n", clientType="public", grantTypes=["no_such_grant"]),
            call("sso-oidc", "StartDeviceAuthorization", startUrl=center.start_url, **wrong),
            call("sso-oidc", "CreateToken", grantType="no_such_grant", **client),
            call("sso-oidc", "CreateToken", grantType=DEVICE, deviceCode="unknown", **client),
            call("sso-oidc", "CreateToken", grantType="refresh_token", refreshToken="unknown", **wrong),
        ]
    )
    assert_the_same(outcomes, but=["message"])
    assert all(outcome["modelled"] for outcome in outcomes["ours"])
    assert {outcome["error"] for outcome in outcomes["ours"]} >= {"InvalidClientException", "InvalidGrantException"}


def test_polling_too_fast_is_the_same_to_all(center, heard):
    center.poll_interval = 5

    def start(_who):
        (registration,) = by_us(center, [call("sso-oidc", "RegisterClient", clientName="n", clientType="public")])
        client = {name: registration["output"][name] for name in ("clientId", "clientSecret")}
        (device,) = by_us(center, [call("sso-oidc", "StartDeviceAuthorization", startUrl=center.start_url, **client)])
        ask = call("sso-oidc", "CreateToken", grantType=DEVICE, deviceCode=device["output"]["deviceCode"], **client)
        return [ask, ask]

    outcomes = heard(start)
    assert_the_same(outcomes, but=["message"])
    assert outcomes["ours"][1]["error"] == "SlowDownException"


def test_boto3_refuses_what_we_refuse_before_sending(center):
    client = boto3.client("sso", region_name="us-east-1", endpoint_url=center.url)
    with pytest.raises(TheirValidationError):
        client.list_accounts(accessToken="t", maxResults=0)
    with sso_magic.portal.SSO(endpoint=center.url) as sso, pytest.raises(SSOMagicError):
        sso.list_accounts(access_token="t", max_results=0)


def test_the_middleware_stack_lists_what_the_javascript_sdk_lists(javascript, center, capsys):
    theirs = javascript("stack.mjs")
    with sso_magic.portal.SSO(endpoint=center.url) as sso:
        assert sso.middleware_stack.identify() == theirs["bare"]
        sso.middleware_stack.identify_on_resolve(toggle=True)
        sso.list_accounts(access_token=center.access_token())
    assert capsys.readouterr().err.splitlines() == [
        line for line in theirs["whole"] if not line.startswith("anonymous")
    ]
    assert len(theirs["whole"]) == 12


def test_the_javascript_sdk_asks_the_same_hosts(javascript):
    regions = [
        *("us-east-1", "eu-west-1", "us-gov-east-1", "cn-north-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"),
        *("us-isof-south-1", "eusc-de-east-1", "mars-north-1", "fips-us-east-1", "us-gov-west-1-fips"),
    ]
    cases = [
        {"service": service, "region": region, "useFipsEndpoint": fips, "useDualstackEndpoint": dual_stack}
        for service in ("sso", "sso-oidc")
        for region in regions
        for fips in (False, True)
        for dual_stack in (False, True)
    ]
    endpoint = {"service": "sso", "region": "us-east-1", "endpoint": "https://example.com"}
    cases += [endpoint, endpoint | {"useFipsEndpoint": True}, endpoint | {"useDualstackEndpoint": True}]
    theirs = javascript("endpoints.mjs", cases=cases)
    clients = {"sso": sso_magic.portal.SSO, "sso-oidc": sso_magic.oidc.SSOOIDC}
    for case, url in zip(cases, theirs, strict=True):
        settings = {snake(name): value for name, value in case.items() if name != "service"}
        try:
            ours = clients[case["service"]](**settings).config.endpoint
        except SSOMagicError:
            ours = "refused"
        assert ours == url, case
