"""The same call puts the same request on the wire as botocore's (PROTOCOL.md 1.1, 2)."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.exceptions import ParamValidationError as TheirValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso_magic.errors import ParamValidationError
from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TOKEN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
OPTIONAL = st.none() | TEXT
LIST = st.none() | st.lists(TEXT, max_size=3)
PAGE = st.none() | st.integers(1, 100)

PORTAL = {
    "list_accounts": {"access_token": TOKEN, "max_results": PAGE, "next_token": OPTIONAL},
    "list_account_roles": {"access_token": TOKEN, "account_id": TEXT, "max_results": PAGE, "next_token": OPTIONAL},
    "get_role_credentials": {"access_token": TOKEN, "account_id": TEXT, "role_name": TEXT},
    "logout": {"access_token": TOKEN},
}
OIDC = {
    "register_client": {
        "client_name": TEXT,
        "client_type": TEXT,
        "scopes": LIST,
        "redirect_uris": LIST,
        "grant_types": LIST,
        "issuer_url": OPTIONAL,
        "entitled_application_arn": OPTIONAL,
    },
    "start_device_authorization": {"client_id": TEXT, "client_secret": TEXT, "start_url": TEXT},
    "create_token": {
        "client_id": TEXT,
        "client_secret": TEXT,
        "grant_type": TEXT,
        "device_code": OPTIONAL,
        "code": OPTIONAL,
        "refresh_token": OPTIONAL,
        "redirect_uri": OPTIONAL,
        "code_verifier": OPTIONAL,
        "scope": LIST,
    },
}
CALLS = st.one_of(
    st.tuples(st.just(operation), st.fixed_dictionaries(members))
    for operation, members in [*PORTAL.items(), *OIDC.items()]
)


def camel(name):
    return re.sub("_(.)", lambda match: match[1].upper(), name)


@pytest.fixture(scope="module")
def clients(recorder):
    session = botocore.session.Session()
    theirs = {
        operation: session.create_client(service, region_name="us-east-1", endpoint_url=recorder.url)
        for service, operations in (("sso", PORTAL), ("sso-oidc", OIDC))
        for operation in operations
    }
    with (
        SSO(region="us-east-1", endpoint=recorder.url) as sso,
        SSOOIDC(region="us-east-1", endpoint=recorder.url) as oidc,
    ):
        yield dict.fromkeys(PORTAL, sso) | dict.fromkeys(OIDC, oidc), theirs


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=CALLS)
def test_method_path_query_bearer_and_body_are_the_same(recorder, clients, call):
    operation, members = call
    ours, theirs = clients
    getattr(ours[operation], operation)(**members)
    of_ours = recorder.last
    getattr(theirs[operation], operation)(
        **{camel(name): value for name, value in members.items() if value is not None}
    )
    assert of_ours == recorder.last


def test_every_operation_that_botocore_does_not_sign_is_compared():
    session = botocore.session.Session()
    operations = {
        re.sub("(?<!^)([A-Z])", r"_\1", name).lower()
        for service in ("sso", "sso-oidc")
        for name in session.get_service_model(service).operation_names
    }
    assert operations - {"create_token_with_i_a_m"} == {*PORTAL, *OIDC}


def test_every_input_member_that_botocore_knows_is_compared():
    session = botocore.session.Session()
    for service, compared in (("sso", PORTAL), ("sso-oidc", OIDC)):
        model = session.get_service_model(service)
        for operation, members in compared.items():
            name = "".join(word.capitalize() for word in operation.split("_"))
            assert {camel(member) for member in members} == set(model.operation_model(name).input_shape.members)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("list_accounts", {"access_token": "t", "max_results": 0}),
        ("list_accounts", {"access_token": "t", "max_results": "5"}),
        ("list_accounts", {"access_token": 5}),
        ("list_account_roles", {"access_token": "t", "account_id": 111111111111}),
        ("get_role_credentials", {"access_token": "t", "account_id": "1", "role_name": b"x"}),
        ("register_client", {"client_name": "n", "client_type": "public", "scopes": "sso:account:access"}),
        ("register_client", {"client_name": "n", "client_type": "public", "scopes": [1]}),
        ("create_token", {"client_id": "c", "client_secret": "s", "grant_type": None}),
    ],
)
def test_what_botocore_refuses_to_send_is_refused_here(clients, operation, members):
    ours, theirs = clients
    with pytest.raises(TheirValidationError):
        getattr(theirs[operation], operation)(**{camel(name): value for name, value in members.items()})
    with pytest.raises(ParamValidationError):
        getattr(ours[operation], operation)(**members)


def test_a_page_of_more_than_a_hundred_is_refused_here_where_botocore_leaves_it_to_the_service(recorder, clients):
    """A choice of PROTOCOL.md 1.2: differs on purpose."""
    ours, theirs = clients
    theirs["list_accounts"].list_accounts(accessToken="t", maxResults=101)
    assert ("max_result", "101") in recorder.last.query
    with pytest.raises(ParamValidationError):
        ours["list_accounts"].list_accounts(access_token="t", max_results=101)
