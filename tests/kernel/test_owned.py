"""Objects that look up credentials at each call stay with the role that was in use when they were made."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from types import ModuleType

import aiobotocore.session
import boto3
import botocore.session
import pytest
from botocore.credentials import ContainerProvider
from botocore.exceptions import CredentialRetrievalError, MetadataRetrievalError

from sso_magic.errors import CredentialsError
from sso_magic.kernel import person
from sso_magic.kernel.libraries.assume import Chain
from sso_magic.kernel.libraries.owned import OwnedBinding, Owner, Row
from sso_magic.kernel.libraries.owner import role_of_the_owner
from sso_magic.kernel.renewal import RenewingRole


class Client:
    """A client of a made-up library."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def role(self):
        return role_of_the_owner()

    async def role_later(self):
        await asyncio.sleep(0)
        return await asyncio.to_thread(role_of_the_owner)

    def copy(self):
        return Client(self.name)


class Slots:
    """An object that has no room for an owner."""

    __slots__ = ("connected",)

    def __init__(self) -> None:
        self.connected = False


def connect(thing) -> None:
    thing.connected = True
    raise OSError("nothing may come of this")


@pytest.fixture
def bound(kernel):
    """A binding of the two classes."""
    module = ModuleType("made_up")
    module.Client, module.Slots = Client, Slots
    binding = OwnedBinding(
        kernel,
        (
            Row("Client", "made-up client", ("role", "role_later", "copy")),
            Row("Slots", "", connect=connect),
            Row("Gone", "gone"),
        ),
    )
    binding.install(module)
    yield binding
    binding.uninstall()


def test_a_method_runs_as_the_role_its_object_was_made_under(kernel, role_a, role_b, bound):
    of_nobody = Client()
    a = kernel.use(role_a.use()).use.role
    of_a = Client()
    b = kernel.use(role_b.use()).use.role
    assert of_nobody.role() is None
    assert of_a.role() is a
    assert Client().role() is b
    assert role_of_the_owner() is None


def test_an_async_method_and_the_threads_it_uses_run_as_that_role(kernel, role_a, role_b, bound):
    a = kernel.use(role_a.use()).use.role
    of_a = Client()
    b = kernel.use(role_b.use()).use.role
    of_b = Client()

    async def both():
        return await asyncio.gather(of_a.role_later(), of_b.role_later())

    assert asyncio.run(both()) == [a, b]


def test_a_copy_is_of_the_same_role(kernel, role_a, role_b, bound):
    a = kernel.use(role_a.use()).use.role
    of_a = Client()
    kernel.use(role_b.use())
    assert of_a.copy().role() is a


def test_the_switchs_line_can_name_them(kernel, role_a, role_b, bound):
    a = kernel.use(role_a.use()).use.role
    of_a = Client()
    used = kernel.use(role_b.use()).use.role
    assert list(bound.holders(used)) == [(a, "made-up client")]
    del of_a
    assert list(bound.holders(used)) == []


@pytest.fixture
def sessions_with_clients(monkeypatch):
    """The botocore sessions that make a client in this test, kept alive."""
    kept = []
    create_client = botocore.session.Session.create_client

    def create_and_keep(session, *arguments, **options):
        kept.append(session)
        return create_client(session, *arguments, **options)

    monkeypatch.setattr(botocore.session.Session, "create_client", create_and_keep)
    return kept


def test_the_session_that_asks_whose_credentials_they_are_is_not_named(
    kernel, role_a, role_b, monkeypatch, sessions_with_clients
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")  # nobody answers there
    kernel.use(role_a.use())
    assert person.name_of(role_a.issued[-1]) is None
    assert len(sessions_with_clients) == 1
    assert kernel.use(role_b.use()).holders is None


def test_the_session_that_assumes_a_profiles_role_is_not_named(kernel, role_a, role_b, tmp_path):
    config = tmp_path / "config"
    config.write_text("[profile top]\nrole_arn = arn:aws:iam::999988887777:role/x\nsource_profile = base\n")
    kernel.use(role_a.use())
    chain = Chain("top", {"AWS_CONFIG_FILE": str(config)}, "base", role_a.issued[-1], None, "test")
    assert kernel.use(role_b.use()).holders is None
    assert chain


def test_an_object_without_room_for_an_owner_is_connected_and_its_failure_is_not_raised(kernel, role_a, bound):
    assert Slots().connected is False
    kernel.use(role_a.use())
    assert Slots().connected is True


def test_uninstalled_the_classes_are_as_they_were(kernel, role_a):
    module = ModuleType("made_up")
    module.Client = Client
    before = dict(vars(Client))
    binding = OwnedBinding(kernel, (Row("Client", "", ("role",)),))
    binding.install(module)
    assert vars(Client)["role"] is not before["role"]
    binding.uninstall()
    assert dict(vars(Client)) == before


def test_a_pickle_has_no_secret_and_finds_its_role_in_the_same_process(kernel, role_a, role_b, bound):
    a = kernel.use(role_a.use()).use.role
    pickled = pickle.dumps(Owner(a))
    assert not any(secret.encode() in pickled for secret in role_a.newest())
    kernel.use(role_b.use())
    assert pickle.loads(pickled).role is a


def test_a_pickle_in_a_process_without_the_role_raises_an_error_that_names_it(kernel, role_a):
    role = RenewingRole(role_a.credentials(), role_a.fetch)
    pickled = pickle.dumps(Owner(role))
    label = role.label
    del role
    with pytest.raises(
        CredentialsError, match=r"^This object was made for dev \(111111111111\) / ReadOnly, which is not"
    ):
        _ = pickle.loads(pickled).role
    assert label in repr(pickle.loads(pickled))
    program = "import pickle, sys; pickle.loads(sys.stdin.buffer.read()).role"
    done = subprocess.run([sys.executable, "-c", program], input=pickled, capture_output=True, check=False)
    assert b"This object was made for dev (111111111111) / ReadOnly" in done.stderr


def test_a_session_that_was_made_under_a_and_is_used_later_is_a(kernel, role_a, role_b):
    kernel.use(role_a.use())
    session, later = boto3.Session(), aiobotocore.session.get_session()
    layer = kernel.use(role_b.use())
    assert "boto3 session" in layer.holders
    assert session.get_credentials().access_key == role_a.newest()[0]

    assert asyncio.run(key_id_of(later)) == role_a.newest()[0]
    assert boto3.Session().get_credentials().access_key == role_b.newest()[0]


async def key_id_of(session) -> str:
    return (await (await session.get_credentials()).get_frozen_credentials()).access_key


@pytest.mark.parametrize("profile", [None, "settings-only"])
def test_a_session_that_was_made_under_a_and_is_used_later_is_a_with_the_endpoint(
    kernel, role_a, role_b, profile, tmp_path, monkeypatch
):
    config = tmp_path / "config"
    config.write_text("[profile settings-only]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    kernel.use(role_a.use(serve=True))
    session, later = boto3.Session(profile_name=profile), aiobotocore.session.AioSession(profile=profile)
    kernel.use(role_b.use(serve=True))
    assert session.get_credentials().access_key == role_a.newest()[0]
    assert asyncio.run(key_id_of(later)) == role_a.newest()[0]
    assert boto3.Session(profile_name=profile).get_credentials().access_key == role_b.newest()[0]
    assert asyncio.run(key_id_of(aiobotocore.session.AioSession(profile=profile))) == role_b.newest()[0]


@pytest.mark.parametrize("serve", [False, True])
def test_a_session_that_was_made_under_a_and_is_used_after_the_release_is_a(
    kernel, role_a, serve, tmp_path, monkeypatch
):
    shared = tmp_path / "credentials"
    shared.write_text("[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    kernel.use(role_a.use(serve=serve))
    session, later = boto3.Session(), aiobotocore.session.get_session()
    kernel.release()
    assert session.get_credentials().access_key == role_a.newest()[0]
    assert asyncio.run(key_id_of(later)) == role_a.newest()[0]
    assert boto3.Session().get_credentials().access_key == "AKIADEFAULT"
    assert asyncio.run(key_id_of(aiobotocore.session.get_session())) == "AKIADEFAULT"


def test_a_profile_that_takes_credentials_from_the_container_is_of_the_role_it_was_made_under(
    kernel, role_a, role_b, tmp_path, monkeypatch
):
    config = tmp_path / "config"
    role_arn = "role_arn = arn:aws:iam::333333333333:role/deploy"
    config.write_text(f"[profile deploy]\n{role_arn}\ncredential_source = EcsContainer\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    kernel.use(role_a.use(serve=True))
    session = boto3.Session(profile_name="deploy")
    kernel.use(role_b.use(serve=True))
    source = session.get_credentials()._refresh_using.__self__._source_credentials
    assert source.access_key == role_a.newest()[0]


def test_a_container_of_the_users_own_is_asked_while_no_role_is_in_use(kernel, role_a, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    kernel.use(role_a.use(serve=True))
    kernel.release()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/own")
    with pytest.raises(CredentialRetrievalError):
        ContainerProvider(fetcher=RefusingFetcher()).load()


class RefusingFetcher:
    def retrieve_full_uri(self, uri, headers):
        assert uri == "http://127.0.0.1:9/own"
        raise MetadataRetrievalError(error_msg="refused")


def test_pools_that_were_made_under_a_are_named(kernel, role_a, role_b):
    kernel.use(role_a.use())
    with ProcessPoolExecutor(1) as executor, multiprocessing.get_context("spawn").Pool(1) as pool:
        line = kernel.use(role_b.use()).holders
        assert "2 process pools" in line
        assert "dev (111111111111) / ReadOnly" in line
    del executor, pool
