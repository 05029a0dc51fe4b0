"""Providers of awscrt and MinIO, and Daft's configurations: each stays with the role it was made under.

The libraries are made up here, with the parts that are hooked. `tests/compat` runs the hooks with the libraries.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sso_magic.kernel.libraries.crt import CrtBinding
from sso_magic.kernel.libraries.daft_config import DaftBinding, RoleProvider


class Provider:
    def __init__(self, get_credentials) -> None:
        self.get_credentials = get_credentials

    @classmethod
    def new_default_chain(cls, client_bootstrap=None):
        return cls(lambda: ("environment", client_bootstrap))

    @classmethod
    def new_environment(cls):
        return cls(lambda: "environment")

    @classmethod
    def new_delegate(cls, get_credentials):
        return cls(get_credentials)


def credentials(key_id, secret, token, *, expiration):
    return (key_id, secret, token), expiration


@pytest.fixture
def crt(kernel):
    library = ModuleType("awscrt.auth")
    library.AwsCredentialsProvider, library.AwsCredentials = Provider, credentials
    before = dict(vars(Provider))
    binding = CrtBinding(kernel)
    binding.install(library)
    yield library.AwsCredentialsProvider
    binding.uninstall()
    assert dict(vars(Provider)) == before


@pytest.mark.parametrize("name", ["new_default_chain", "new_environment"])
def test_a_crt_provider_stays_with_its_role(kernel, role_a, role_b, crt, name):
    kernel.use(role_a.use())
    of_a = getattr(crt, name)()
    kernel.use(role_b.use())
    keys, expiration = of_a.get_credentials()
    assert keys == role_a.newest()
    assert expiration == role_a.issued[-1].expires_at
    assert getattr(crt, name)().get_credentials()[0] == role_b.newest()


def test_without_a_role_the_crt_finds_credentials_as_usual(kernel, crt):
    assert crt.new_default_chain("bootstrap").get_credentials() == ("environment", "bootstrap")
    assert crt.new_environment().get_credentials() == "environment"


@dataclass
class S3Config:
    region_name: str | None = None
    key_id: str | None = None
    access_key: str | None = None
    profile_name: str | None = None
    anonymous: bool = False
    credentials_provider: Any = None

    def replace(self, **changes):
        return replace(self, **changes)


@dataclass
class IOConfig:
    s3: S3Config = field(default_factory=S3Config)

    def replace(self, **changes):
        return replace(self, **changes)


def read(path, columns=None, io_config=None):
    return io_config


class DataFrame:
    def write(self, path, *, io_config=None):
        return io_config

    def show(self):
        return "shown"


@pytest.fixture
def daft(kernel):
    library = ModuleType("daft")
    planning = SimpleNamespace(default_io_config=IOConfig())
    library.context = SimpleNamespace(
        get_context=lambda: SimpleNamespace(daft_planning_config=planning),
        set_planning_config=lambda default_io_config: setattr(planning, "default_io_config", default_io_config),
    )
    library.io, library.functions = ModuleType("daft.io"), ModuleType("daft.functions")
    library.read = library.io.read = read
    library.DataFrame = type("DataFrame", (), {**vars(DataFrame), "__module__": "daft.dataframe"})
    binding = DaftBinding(kernel)
    binding.install(library)
    yield library
    binding.uninstall()
    assert library.read is library.io.read is read


def role_of(config):
    provider = config.s3.credentials_provider
    return provider.role if isinstance(provider, RoleProvider) else None


def test_a_configuration_without_credentials_is_of_the_role_in_use(kernel, role_a, role_b, daft):
    settings = IOConfig(S3Config(region_name="eu-west-1"))
    assert daft.read("s3://bucket", io_config=settings) is settings
    for role in (role_a, role_b):
        used = kernel.use(role.use()).use.role
        for found in (
            daft.read("s3://bucket", io_config=settings),
            daft.io.read("s3://bucket", None, settings),
            daft.DataFrame().write("s3://bucket", io_config=settings),
        ):
            assert role_of(found) is used
            assert found.s3.region_name == "eu-west-1"
    assert settings.s3.credentials_provider is None
    assert daft.DataFrame().show() == "shown"
    kernel.release()
    assert daft.read("s3://bucket", io_config=settings) is settings


@pytest.mark.parametrize("own", [{"key_id": "AKIAOWN"}, {"profile_name": "own"}, {"anonymous": True}])
def test_a_configuration_with_credentials_and_anything_else_is_passed_on_as_it_is(kernel, role_a, daft, own):
    kernel.use(role_a.use())
    for config in (IOConfig(S3Config(**own)), None, "no configuration"):
        assert daft.read("s3://bucket", io_config=config) is config
