"""Every public name is documented, and user_script.py, which `make lint` gives to mypy, calls every operation."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from pathlib import Path

import pytest

import sso_magic.oidc
import sso_magic.portal
from sso_magic.client import adaptive, http, messages, middleware, middleware_stack, retry
from sso_magic.client.config import ClientConfig
from sso_magic.client.settings import ExtensionConfiguration
from sso_magic.client.shapes import Structure
from sso_magic.config import files as shared_config

HERE = Path(__file__).parent

CLASSES_AND_FUNCTIONS = [
    *(getattr(sso_magic.portal, name) for name in sso_magic.portal.__all__),
    *(value for name in sso_magic.oidc.__all__ if not isinstance(value := getattr(sso_magic.oidc, name), str)),
    *(messages.HttpRequest, messages.HttpResponse, http.RequestsHandler, messages.RequestHandler),
    *(
        middleware_stack.MiddlewareStack,
        middleware.HandlerArguments,
        middleware.HandlerResult,
        middleware.HandlerContext,
    ),
    *(middleware.before, middleware.after, middleware_stack.Plugin),
    *(retry.StandardRetryStrategy, retry.RetryToken, retry.RetryStrategy, retry.error_type),
    *(adaptive.AdaptiveRetryStrategy, adaptive.RateLimiter),
    *(shared_config.SharedConfig, shared_config.load_shared_config),
    *(ClientConfig, ExtensionConfiguration),
]
STRUCTURES = [each for each in CLASSES_AND_FUNCTIONS if dataclasses.is_dataclass(each)]


@pytest.mark.parametrize("documented", CLASSES_AND_FUNCTIONS, ids=lambda each: each.__name__)
def test_every_public_name_and_method_is_documented(documented):
    assert (documented.__doc__ or "").strip()
    assert not documented.__doc__.startswith(f"{documented.__name__}(")
    for name, member in inspect.getmembers(documented):
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            assert (member.__doc__ or "").strip(), name


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda each: each.__name__)
def test_every_field_is_documented(structure):
    for field in dataclasses.fields(structure):
        assert f"{field.name}: " in structure.__doc__, field.name


@pytest.mark.parametrize("structure", [each for each in STRUCTURES if issubclass(each, Structure)])
def test_the_types_of_a_structures_fields_can_be_looked_up_at_run_time(structure):
    assert set(typing.get_type_hints(structure)) >= {field.name for field in dataclasses.fields(structure)}


def test_the_users_script_names_every_operation_and_class_that_is_called():
    script = (HERE / "user_script.py").read_text()
    for client in (sso_magic.portal.SSO, sso_magic.oidc.SSOOIDC):
        for name, _ in inspect.getmembers(client, inspect.isfunction):
            if not name.startswith("_"):
                assert f".{name}(" in script, name


def test_the_package_hands_out_both_clients():
    import sso_magic as package

    assert package.SSO is sso_magic.portal.SSO
    assert package.SSOOIDC is sso_magic.oidc.SSOOIDC
