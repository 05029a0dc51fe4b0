"""The service's errors: which class, which name, which words (PROTOCOL.md 1.5, 2.5)."""

from __future__ import annotations

import json
import pickle

import pytest

import sso_magic.oidc
import sso_magic.portal
from sso_magic.client.errors import ServiceException
from sso_magic.errors import ClientError
from sso_magic.oidc import SSOOIDCServiceException
from sso_magic.portal import SSOServiceException, UnauthorizedException

TOKEN = "aoaPLANTEDaccessTOKEN"
NAMESPACE = "com.amazonaws.switchboard.portal"
HEADER = "http://internal.amazon.com/coral/com.amazonaws.sso.oidc/"

PORTAL_ERRORS = {
    "InvalidRequestException": 400,
    "UnauthorizedException": 401,
    "ResourceNotFoundException": 404,
    "TooManyRequestsException": 429,
}
OIDC_ERRORS = {
    "AuthorizationPendingException": (400, "authorization_pending"),
    "SlowDownException": (400, "slow_down"),
    "AccessDeniedException": (400, "access_denied"),
    "ExpiredTokenException": (400, "expired_token"),
    "InvalidGrantException": (400, "invalid_grant"),
    "InvalidClientException": (401, "invalid_client"),
    "InvalidClientMetadataException": (400, "invalid_client_metadata"),
    "InvalidRedirectUriException": (400, "invalid_redirect_uri"),
    "InvalidRequestException": (400, "invalid_request"),
    "InvalidScopeException": (400, "invalid_scope"),
    "UnauthorizedClientException": (400, "unauthorized_client"),
    "UnsupportedGrantTypeException": (400, "unsupported_grant_type"),
    "InternalServerException": (500, "server_error"),
}


@pytest.fixture
def refused(sso, service):
    """The error of the portal client for an answer."""

    def refuse(*answer, **named):
        service.plan(service.answer(*answer, **named))
        with pytest.raises(ServiceException) as error:
            sso.list_accounts(access_token=TOKEN)
        return error.value

    return refuse


@pytest.fixture
def denied(oidc, service):
    """The error of the OIDC client for an answer."""

    def deny(*answer, **named):
        service.plan(service.answer(*answer, **named))
        with pytest.raises(ServiceException) as error:
            oidc.create_token(client_id="c", client_secret="secret-of-the-client", grant_type="refresh_token")
        return error.value

    return deny


@pytest.mark.parametrize("name", PORTAL_ERRORS)
def test_a_modelled_error_of_the_portal_is_of_its_class(refused, name):
    status = PORTAL_ERRORS[name]
    error = refused({"message": "no", "__type": f"{NAMESPACE}#{name}"}, status=status)
    assert type(error) is getattr(sso_magic.portal, name)
    assert isinstance(error, SSOServiceException)
    assert isinstance(error, ClientError)
    assert (error.name, error.message, error.fault, error.service) == (name, "no", "client", "SSO")
    assert error.metadata.http_status_code == status


@pytest.mark.parametrize("name", OIDC_ERRORS)
def test_a_modelled_error_of_oidc_is_of_its_class_by_its_header(denied, name):
    status, value = OIDC_ERRORS[name]
    error = denied(
        {"error": value, "error_description": "words"}, status=status, headers={"x-amzn-ErrorType": f"{name}:{HEADER}"}
    )
    assert type(error) is getattr(sso_magic.oidc, name)
    assert isinstance(error, SSOOIDCServiceException)
    assert (error.name, error.message, error.error, error.error_description) == (name, "words", value, "words")
    assert error.fault == ("server" if status == 500 else "client")


@pytest.mark.parametrize("name", OIDC_ERRORS)
def test_a_modelled_error_of_oidc_is_of_its_class_without_its_header_too(denied, name):
    """A choice of PROTOCOL.md 2.5: the body's ``error`` names it where nothing else does."""
    status, value = OIDC_ERRORS[name]
    error = denied({"error": value}, status=status)
    assert type(error) is getattr(sso_magic.oidc, name)
    assert error.message == value


def test_the_error_of_another_region_says_where_to_ask(denied):
    error = denied(
        {"error": "invalid_request", "endpoint": "https://oidc.x", "region": "eu-west-2"},
        status=400,
        headers={"x-amzn-ErrorType": "InvalidRequestRegionException"},
    )
    assert type(error) is sso_magic.oidc.InvalidRequestRegionException
    assert (error.endpoint, error.region) == ("https://oidc.x", "eu-west-2")


def test_the_reason_of_a_key_that_cannot_be_used_is_told(denied):
    error = denied({"error": "access_denied", "reason": "KMS_AccessDeniedException"}, status=400)
    assert error.reason == "KMS_AccessDeniedException"


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [
        ({"x-amzn-ErrorType": f"UnauthorizedException:{HEADER}"}, {"__type": "x#Other"}, "UnauthorizedException"),
        ({"X-AMZN-ERRORTYPE": "a#UnauthorizedException"}, {}, "UnauthorizedException"),
        ({"x-amzn-ErrorType": "A,B"}, {}, "A"),
        ({"x-amzn-ErrorType": ":x"}, {"code": "FromCode"}, "FromCode"),
        ({}, {"code": "FromCode", "__type": "x#FromType"}, "FromCode"),
        ({}, {"Code": "FromCode"}, "FromCode"),
        ({}, {"code": 42}, "42"),
        ({}, {"code": {"a": 1}, "__type": "x#FromType"}, "FromType"),
        ({}, {"__type": "UnauthorizedException"}, "UnauthorizedException"),
        ({}, {"__type": f"{NAMESPACE}#ForbiddenException"}, "ForbiddenException"),
        ({}, {"error": "invalid_grant"}, "400"),
        ({}, {"other": 1}, "400"),
    ],
)
def test_the_name_is_found_in_header_then_code_then_type(refused, headers, body, name):
    assert refused(body, status=400, headers=headers).name == name


@pytest.mark.parametrize(
    ("status", "fault"), [(301, "client"), (403, "client"), (405, "client"), (500, "server"), (503, "server")]
)
def test_an_error_that_no_class_stands_for_is_of_the_base_class_by_its_name(refused, status, fault):
    error = refused({"message": "No access", "__type": f"{NAMESPACE}#ForbiddenException"}, status=status)
    assert type(error) is SSOServiceException
    assert (error.name, error.message, error.fault) == ("ForbiddenException", "No access", fault)


def test_the_bodys_members_stay_within_reach(refused):
    error = refused({"message": "m", "__type": "x#Y", "more": {"a": 1}}, status=400)
    assert error.members == {"message": "m", "__type": "x#Y", "more": {"a": 1}}


MIDDLE_BOX = (
    "instead of an answer of AWS. A proxy, firewall or captive portal may have sent it: check HTTPS_PROXY, NO_PROXY "
    "and the network"
)


@pytest.mark.parametrize(
    ("status", "body", "name", "message"),
    [
        (502, "<html>\r\n<h1>Bad\tGateway</h1>\x00</html>", "502", f"an HTML page {MIDDLE_BOX}"),
        (
            403,
            " <!DOCTYPE html><html><head><title>\n Blocked &amp; logged\x1b[31m</title>",
            "403",
            f'an HTML page ("Blocked & logged [31m") {MIDDLE_BOX}',
        ),
        (403, "denied by\x1b[31m proxy", "403", "denied by [31m proxy"),
        (400, "x" * 600, "400", "x" * 500),
        (400, b"\xff\xfe", "400", "\ufffd\ufffd"),
        (400, '"text"', "400", '"text"'),
        (400, "[1]", "400", "[1]"),
        (403, "", "403", "Forbidden"),
        (503, "", "503", "Service Unavailable"),
        (499, "", "499", "UnknownError"),
        (400, "{}", "400", "UnknownError"),
        (400, '{"other": 1}', "400", "UnknownError"),
        (400, '{"message": {"a": 1}}', "400", "UnknownError"),
        (400, '{"Message": "upper case"}', "400", "upper case"),
        (400, '{"message": "two\\nlines"}', "400", "two lines"),
    ],
)
def test_whatever_answers_the_error_has_a_name_and_one_line(refused, status, body, name, message):
    """A choice of PROTOCOL.md 1.6 for bodies that are not JSON; an empty one has the status' own words."""
    error = refused(body, status=status)
    assert type(error) is SSOServiceException
    assert (error.name, error.message) == (name, message)
    assert "\n" not in str(error)


def test_a_header_names_the_error_of_a_body_that_is_no_json(refused):
    error = refused("oops", status=401, headers={"x-amzn-ErrorType": "UnauthorizedException"})
    assert type(error) is UnauthorizedException
    assert error.message == "oops"


def test_the_message_of_oidc_falls_back_from_description_to_code_to_nothing(denied):
    assert denied({"error": "e", "error_description": "d"}, status=400).message == "d"
    assert denied({"error": "e", "error_description": ""}, status=400).message == "e"
    assert denied({"x": 1}, status=400).message == "UnknownError"
    assert denied({"message": "of a gateway"}, status=403).message == "of a gateway"


def test_people_read_name_message_status_and_request_id(refused):
    error = refused(
        {"message": "No access", "__type": f"{NAMESPACE}#ForbiddenException"},
        status=403,
        headers={"x-amzn-RequestId": "7d3a"},
    )
    assert str(error) == "ForbiddenException: No access (HTTP 403, request id 7d3a)"
    assert error._render_traceback_() == ["ForbiddenException: No access (HTTP 403, request id 7d3a)"]
    assert repr(error) == "<SSOServiceException ForbiddenException: No access (HTTP 403, request id 7d3a)>"


def test_the_response_is_within_reach_and_its_body_hides(refused):
    error = refused({"message": "secret words"}, status=400, headers={"x-extra": "1"})
    assert error.response.status_code == 400
    assert error.response.headers["x-extra"] == "1"
    assert json.loads(error.response.body) == {"message": "secret words"}
    assert "secret words" not in repr(error.response)


def test_an_error_that_repeats_the_token_does_not_show_it(refused):
    error = refused({"message": f"Session token {TOKEN} not found", "token": TOKEN}, status=401)
    assert error.message == "Session token *** not found"
    assert TOKEN not in repr(vars(error))


def test_an_error_survives_pickling_without_its_body(refused):
    error = refused({"message": "m", "__type": "x#ForbiddenException"}, status=403)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.name, str(again), again.metadata) == (
        type(error),
        error.name,
        str(error),
        error.metadata,
    )
    assert again.response.body == b""


def test_a_throttled_call_says_how_often_it_was_tried(refused):
    error = refused({"__type": "x#TooManyRequestsException"}, status=429)
    assert error.metadata.attempts == 3
    assert error.metadata.total_retry_delay >= 0


def test_each_services_errors_are_its_own():
    assert not issubclass(sso_magic.portal.InvalidRequestException, SSOOIDCServiceException)
    assert not issubclass(sso_magic.oidc.InvalidRequestException, SSOServiceException)
