"""An input that no request can be made of is refused in one line that says what to give (PROTOCOL.md 1.2)."""

from __future__ import annotations

import pytest

from sso_magic.errors import ParamValidationError
from sso_magic.portal import SSO, ListAccountsCommand

TOKEN = "aoaPLANTEDaccessTOKEN"
UNSENDABLE = (
    "access_token holds a character that no HTTP header can: a line break or one beyond Latin-1. Copy it again."
)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"access_token": None}, "ListAccounts needs access_token; it is None."),
        ({"access_token": b"x"}, "access_token of ListAccounts is of type bytes; it must be a str."),
        ({"access_token": TOKEN, "max_results": 0}, "max_results of ListAccounts is 0; it must be 1 to 100."),
        ({"access_token": TOKEN, "max_results": 101}, "max_results of ListAccounts is 101; it must be 1 to 100."),
        (
            {"access_token": TOKEN, "max_results": True},
            "max_results of ListAccounts is of type bool; it must be an int.",
        ),
        ({"access_token": TOKEN, "max_results": "5"}, "max_results of ListAccounts is of type str; it must be an int."),
        ({"access_token": TOKEN, "next_token": 5}, "next_token of ListAccounts is of type int; it must be a str."),
        (
            {"access_token": TOKEN, "next_token": "\ud800"},
            "next_token holds half a character (a lone surrogate).",
        ),
        (
            {"access_token": f"{TOKEN}\r\nx: y"},
            UNSENDABLE,
        ),
        (
            {"access_token": "tok€n"},
            UNSENDABLE,
        ),
        ({"access_token": TOKEN, "headers": {"x-a": "b\n"}}, "Header x-a holds a character that no HTTP header can"),
        ({"access_token": TOKEN, "timeout": 0}, "timeout is 0; it must be seconds above 0, or a pair of them."),
        ({"access_token": TOKEN, "timeout": (1, -1)}, "timeout is (1, -1); it must be seconds above 0"),
        ({"access_token": TOKEN, "timeout": "5"}, "timeout is '5'; it must be seconds above 0"),
    ],
)
def test_an_input_is_refused_before_anything_is_sent(sso, service, arguments, told):
    with pytest.raises(ParamValidationError) as error:
        sso.list_accounts(**arguments)
    assert str(error.value).startswith(told)
    assert TOKEN not in str(error.value)
    assert service.asked == []


def test_a_list_may_not_be_one_string(oidc, service):
    with pytest.raises(ParamValidationError, match="scopes of RegisterClient is of type str; it must be a list of str"):
        oidc.register_client(client_name="n", scopes="sso:account:access")
    assert service.asked == []


def test_a_member_that_is_left_out_is_a_type_error_as_for_any_function(sso):
    with pytest.raises(TypeError, match="access_token"):
        sso.list_accounts()


def test_a_refusal_is_a_value_error_too():
    assert issubclass(ParamValidationError, ValueError)


def test_checks_can_be_switched_off_and_then_undefined_members_are_left_out(service):
    with SSO(endpoint=service.url, validate_parameters=False) as sso:
        sso.send(ListAccountsCommand(access_token=None, max_results=1000))
    assert "x-amz-sso_bearer_token" not in service.last.headers
    assert service.last.query == [("max_result", "1000")]
