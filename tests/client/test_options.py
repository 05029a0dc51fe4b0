"""Options that all methods share are written once, and each method's signature shows them."""

from __future__ import annotations

import inspect

import pytest

from sso_magic import oidc, portal
from sso_magic.client.base import Client
from sso_magic.client.options import PaginateOptions, SendOptions
from sso_magic.client.pagination import paginate

OPERATIONS = [
    *("list_accounts", "list_account_roles", "get_role_credentials", "logout"),
    *("register_client", "start_device_authorization", "create_token"),
]
PAGINATORS = [
    *(portal.SSO.paginate_list_accounts, portal.SSO.paginate_list_account_roles),
    *(portal.paginate_list_accounts, portal.paginate_list_account_roles),
]


def options(function) -> dict[str, tuple[object, object]]:
    """Return the annotation and default of each keyword-only parameter."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: (each.annotation, each.default) for each in parameters if each.kind is each.KEYWORD_ONLY}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_methods_signature_shows_each_option_of_send(name):
    method = getattr(portal.SSO, name, None) or getattr(oidc.SSOOIDC, name)
    shown = options(method)
    assert shown.items() >= options(Client.send).items()
    assert not any(each.kind is each.VAR_KEYWORD for each in inspect.signature(method).parameters.values())
    assert list(shown)[-2:] == ["timeout", "headers"]


@pytest.mark.parametrize("function", PAGINATORS, ids=lambda each: each.__qualname__)
def test_a_paginators_signature_shows_each_option_of_paginate(function):
    assert options(function).items() >= options(paginate).items()
    assert not any(each.kind is each.VAR_KEYWORD for each in inspect.signature(function).parameters.values())


def test_the_type_checker_and_the_signatures_know_the_same_options():
    assert set(SendOptions.__annotations__) == set(options(Client.send))
    assert set(PaginateOptions.__annotations__) == set(options(paginate))


def test_a_methods_signature_has_no_self_once_it_is_bound(sso):
    assert next(iter(inspect.signature(sso.list_accounts).parameters)) == "access_token"


@pytest.mark.parametrize("name", ["list_accounts", "paginate_list_accounts"])
def test_an_unknown_option_raises_when_the_method_is_called(sso, name):
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_result'"):
        getattr(sso, name)(access_token="aoaTOKEN", max_result=5)
