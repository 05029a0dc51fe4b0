"""A token goes to the service and nowhere else: https or this machine, no redirect (PROTOCOL.md 4.3)."""

from __future__ import annotations

import pytest

from sso_magic.client.endpoints import is_loopback
from sso_magic.client.http import guard
from sso_magic.client.messages import HttpRequest
from sso_magic.client.middleware import before
from sso_magic.errors import EndpointError
from sso_magic.portal import SSO, SSOServiceException

TOKEN = "aoaPLANTEDaccessTOKEN"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "LocalHost", "::1"])
def test_hosts_of_this_machine_are_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "10.0.0.1", "169.254.170.2", "example.com", "localhost.example.com", "127.0.0.1.example.com"],
)
def test_other_hosts_are_not(host):
    assert not is_loopback(host)


def test_nothing_is_sent_to_a_plain_http_host_that_is_not_this_machine():
    with SSO(endpoint="http://center.example.com:8080") as sso, pytest.raises(EndpointError) as error:
        sso.list_accounts(access_token=TOKEN)
    assert str(error.value) == (
        "Nothing was sent to http://center.example.com:8080: tokens go by https only, but for hosts of this machine. "
        "Use an https endpoint."
    )


def test_a_middleware_cannot_lead_a_token_astray(sso):
    def astray(args, _context):
        args.request.hostname = "example.com"

    sso.middleware_stack.add(before(astray), step="build")
    with pytest.raises(EndpointError, match=r"^Nothing was sent to http://example\.com:"):
        sso.list_accounts(access_token=TOKEN)


def test_https_may_go_anywhere():
    guard(HttpRequest(method="GET", protocol="https", hostname="example.com", port=None, path="/"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_is_not_followed(sso, service, status):
    service.plan(
        service.answer("", status=status, headers={"Location": f"{service.url}/elsewhere"}), service.answer({})
    )
    with pytest.raises(SSOServiceException) as error:
        sso.list_accounts(access_token=TOKEN)
    assert error.value.name == str(status)
    assert len(service.asked) == 1
    assert service.last.path == "/assignment/accounts"


def test_a_redirect_is_not_followed_by_a_session_handed_in_either(service):
    import requests

    service.plan(service.answer("", status=302, headers={"Location": f"{service.url}/elsewhere"}), service.answer({}))
    with (
        requests.Session() as session,
        SSO(endpoint=service.url, request_handler={"session": session}) as sso,
        pytest.raises(SSOServiceException),
    ):
        sso.list_accounts(access_token=TOKEN)
    assert [asked.path for asked in service.asked] == ["/assignment/accounts"]
