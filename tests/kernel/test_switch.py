"""A switch is whole, and nothing that was made under one role ever uses another."""

from __future__ import annotations

import copy
import gc
import importlib.util
import os
import subprocess
import sys
import threading
from datetime import timedelta

import boto3
import botocore.credentials
import botocore.exceptions
import botocore.loaders
import botocore.session
import pytest
import time_machine

from sso_magic.common.environment import OWNED
from sso_magic.errors import SignInRequired
from sso_magic.kernel.libraries.boto_session import boto3_session
from sso_magic.kernel.libraries.registry import MAKERS


@pytest.fixture(autouse=True)
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def keys_of(client) -> tuple[str, str, str]:
    frozen = client._request_signer._credentials.get_frozen_credentials()
    return (frozen.access_key, frozen.secret_key, frozen.token)


class TestBoto3:
    @pytest.mark.parametrize(
        "make", [lambda: boto3.client("s3"), lambda: boto3.Session().client("s3"),
                 lambda: boto3.resource("s3").meta.client], ids=["default session", "own session", "resource"],
    )  # fmt: skip
    def test_a_client_goes_on_as_its_role_across_its_expiry_after_a_switch(self, kernel, role_a, role_b, make):
        kernel.use(role_a.use())
        client = make()
        assert keys_of(client) == role_a.newest()
        kernel.use(role_b.use())
        with time_machine.travel(role_a.issued[-1].expires_at - timedelta(minutes=5)):
            assert keys_of(client) == role_a.newest()
        assert role_a.fetched == 1
        assert keys_of(make()) == role_b.newest()

    def test_a_client_that_cannot_renew_fails_as_its_role_and_says_what_to_do(self, kernel, role_a, role_b):
        kernel.use(role_a.use())
        client = boto3.client("s3")
        kernel.use(role_b.use())
        role_a.failure = SignInRequired("corp is not signed in. Run %sso_login corp")
        with (
            time_machine.travel(role_a.issued[-1].expires_at + timedelta(seconds=1)),
            pytest.raises(SignInRequired, match="Run %sso_login corp"),
        ):
            keys_of(client)

    def test_a_client_goes_on_with_what_holds_while_the_portal_is_down(self, kernel, role_a):
        kernel.use(role_a.use())
        client = boto3.client("s3")
        role_a.failure = SignInRequired("corp is not signed in. Run %sso_login corp")
        with time_machine.travel(role_a.issued[-1].expires_at - timedelta(minutes=5)):
            assert keys_of(client) == role_a.newest()

    def test_a_role_assumed_on_top_by_a_profile_stays_on_its_source(self, kernel, role_a, role_b, clean_environment):
        config = clean_environment / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(
            "[profile chained]\nrole_arn = arn:aws:iam::333333333333:role/x\ncredential_source = Environment\n"
        )
        kernel.use(role_a.use())
        session = botocore.session.Session(profile="chained")
        resolver = session.get_component("credential_provider")
        fetcher = resolver.get_provider("assume-role").load()._refresh_using.__self__
        kernel.use(role_b.use())
        with time_machine.travel(role_a.issued[-1].expires_at - timedelta(minutes=5)):
            source = fetcher._source_credentials.get_frozen_credentials()
        assert (source.access_key, source.secret_key, source.token) == role_a.newest()

    def test_the_persons_own_client_stays_their_own_while_a_role_is_in_use(self, kernel, role_a, own_keys):
        client = boto3.Session().client("s3")  # no hook is in botocore yet
        assert keys_of(client) == own_keys
        kernel.use(role_a.use())
        assert keys_of(client) == own_keys
        second = botocore.session.Session()
        kernel.release()
        assert keys_of(client) == own_keys
        os.environ["AWS_SECRET_ACCESS_KEY"] = "changed"
        assert keys_of(client)[1] == "changed"  # as botocore does without us
        assert second.get_credentials().access_key == role_a.newest()[0]  # it was made while the role was in use

    def test_keys_that_somebody_sets_over_ours_are_read_as_they_are(self, kernel, role_a, role_b, own_keys):
        end = os.environ["AWS_CREDENTIAL_EXPIRATION"]
        kernel.use(role_a.use())
        for name, value in zip(
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), own_keys, strict=True
        ):
            os.environ[name] = value
        os.environ["AWS_CREDENTIAL_EXPIRATION"] = end
        client = boto3.Session().client("s3")
        assert keys_of(client) == own_keys
        kernel.use(role_b.use())
        assert keys_of(client) == own_keys

    def test_half_a_set_of_keys_is_told_as_botocore_tells_it(self, kernel, role_a, monkeypatch):
        kernel.use(role_a.use())
        kernel.release()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
        line = r"^Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY$"
        with pytest.raises(botocore.exceptions.PartialCredentialsError, match=line):
            boto3.Session().get_credentials()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")
        assert boto3.Session().get_credentials().secret_key == "own-secret"

    @pytest.mark.parametrize("when", ["before", "while"])
    def test_a_provider_that_reads_another_mapping_reads_that(self, kernel, role_a, own_keys, when):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
        mapping = {name: os.environ[name] for name in names}
        provider = botocore.credentials.EnvProvider(environ=mapping)
        loaded = provider.load() if when == "before" else None
        kernel.use(role_a.use())
        loaded = loaded or provider.load()
        mapping["AWS_SECRET_ACCESS_KEY"] = "changed"
        frozen = loaded.get_frozen_credentials()  # they end soon: botocore reads them again
        assert (frozen.access_key, frozen.secret_key) == (own_keys[0], "changed")

    def test_the_default_session_is_the_roles_and_afterwards_the_persons_own(self, kernel, role_a, monkeypatch):
        own = boto3.Session(region_name="us-west-2")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", own)
        kernel.use(role_a.use(region="eu-central-1"))
        assert isinstance(boto3.DEFAULT_SESSION, boto3.Session)
        assert boto3.client("s3").meta.region_name == "eu-central-1"
        assert boto3.DEFAULT_SESSION.region_name == "eu-central-1"
        kernel.release()
        assert boto3.DEFAULT_SESSION is own

    def test_the_default_session_is_never_taken_away(self, kernel, role_a, monkeypatch):
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        kernel.use(role_a.use())
        kernel.release()
        assert boto3.DEFAULT_SESSION is not None  # boto3.client looks twice: None in between is an error in a thread
        assert boto3.DEFAULT_SESSION.get_credentials() is None

    def test_a_session_can_be_copied_and_lacks_what_sessions_lack(self, kernel, role_a, role_b):
        kernel.use(role_a.use())
        session = boto3.DEFAULT_SESSION
        twin = copy.copy(session)
        kernel.use(role_b.use())
        for one in (session, twin):
            assert keys_of(one.client("s3")) == role_a.newest()
            with pytest.raises(AttributeError, match=r"^'RoleSession' object has no attribute 'nothing'$"):
                _ = one.nothing

    def test_a_switch_does_not_wait_for_a_session_to_be_made(self, kernel, role_a, monkeypatch):
        monkeypatch.setattr(botocore.session, "get_session", lambda: pytest.fail("made"))
        kernel.use(role_a.use())

    def test_sessions_of_several_roles_live_side_by_side(self, kernel, role_a, role_b):
        sessions = {role: boto3_session(role.use().role, "eu-west-1") for role in (role_a, role_b)}
        for role, session in sessions.items():
            assert keys_of(session.client("s3")) == role.newest()

    def test_the_service_models_are_read_once_for_all_of_them(self, role_a, role_b, monkeypatch):
        boto3_session(role_a.use().role, "eu-west-1").client("s3")
        monkeypatch.setattr(botocore.loaders.JSONFileLoader, "load_file", lambda *_: pytest.fail("read again"))
        assert keys_of(boto3_session(role_b.use().role, "eu-west-1").client("s3")) == role_b.newest()

    def test_a_client_made_with_the_endpoint_in_use_stays_with_its_role_without_its_token(self, kernel, role_a, role_b):
        kernel.use(role_a.use(serve=True))
        client = boto3.Session().client("s3")
        assert keys_of(client) == role_a.newest()
        kernel.use(role_b.use())
        with time_machine.travel(role_a.issued[-1].expires_at - timedelta(minutes=5)):
            assert keys_of(client) == role_a.newest()
        assert role_a.fetched == 1


class TestTheEnvironment:
    def test_what_was_there_comes_back_exactly(self, kernel, role_a, role_b, own_keys, monkeypatch):
        monkeypatch.setenv("AWS_PROFILE", "mine")
        monkeypatch.setenv("AWS_SECURITY_TOKEN", "legacy")
        before = dict(os.environ)
        with kernel.use(role_a.use(region="us-west-2")):
            assert role_a.is_in_environment()
            assert "AWS_PROFILE" not in os.environ
            kernel.use(role_b.use())
            with kernel.use(role_a.use(serve=True)):
                assert "AWS_ACCESS_KEY_ID" not in os.environ
            assert role_b.is_in_environment()
        assert dict(os.environ) == before

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
    def test_it_comes_back_after_errors_and_interrupts(self, kernel, role_a, error):
        before = dict(os.environ)
        with pytest.raises(error), kernel.use(role_a.use()):
            raise error
        assert dict(os.environ) == before

    @pytest.mark.parametrize("step", range(6))
    def test_an_interrupt_in_the_middle_of_a_switch_leaves_no_half_of_it(
        self, kernel, role_a, role_b, monkeypatch, step
    ):
        kernel.use(role_a.use())
        real, steps = os.environ.__class__.__setitem__, []

        def interrupted(environ, name, value):
            steps.append(name)
            if len(steps) == step + 1:
                raise KeyboardInterrupt
            real(environ, name, value)

        monkeypatch.setattr(os.environ.__class__, "__setitem__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kernel.use(role_b.use())
        monkeypatch.undo()
        assert kernel.current.role.latest is role_a.issued[-1]
        assert role_a.is_in_environment()

    @pytest.mark.parametrize("is_one_in_use", [True, False])
    def test_a_role_that_cannot_be_written_leaves_all_as_it_was(self, kernel, role_a, role_b, is_one_in_use):
        used = role_a.use() if is_one_in_use else None
        if used is not None:
            kernel.use(used)
        before = dict(os.environ)
        with pytest.raises(ValueError, match="null"):
            kernel.use(role_b.use(region="eu-west-1\0"))
        assert kernel.current is used
        assert kernel.previous is None
        assert dict(os.environ) == before

    def test_what_somebody_changed_is_named(self, kernel, role_a, monkeypatch):
        kernel.use(role_a.use())
        assert kernel.changed() == ()
        monkeypatch.setenv("AWS_PROFILE", "mine")
        assert kernel.changed() == ("AWS_PROFILE",)

    def test_only_variables_of_the_list_are_touched(self, kernel, role_a):
        before = dict(os.environ)
        kernel.use(role_a.use())
        changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
        assert changed <= set(OWNED)

    def test_a_role_has_one_set_of_credentials_however_often_it_is_used(self, kernel, role_a):
        first, second = role_a.use(), role_a.use()
        kernel.use(first)
        kernel.use(second)
        assert first.role is second.role
        assert first.credentials is role_a.issued[1]


class TestNothingIsLeft:
    def test_hooks_are_gone_after_shutdown(self, kernel, role_a):
        import pyarrow.dataset
        import pyarrow.fs
        import s3fs
        from polars.io.cloud.credential_provider import _builder

        here = sys.modules[__name__]
        here.Imported = pyarrow.fs.S3FileSystem  # as `from pyarrow.fs import S3FileSystem` would
        was = (
            botocore.credentials.EnvProvider.__dict__["_create_credentials_fetcher"],
            botocore.credentials.EnvProvider.__dict__["load"],
            botocore.session.Session.create_client,
            s3fs.S3FileSystem.__init__,
            _builder.DEFAULT_CREDENTIAL_PROVIDER,
            pyarrow.fs.S3FileSystem,
            pyarrow.fs.FileSystem,
            here.Imported,
            list(sys.meta_path),
        )
        kernel.use(role_a.use())
        assert here.Imported is pyarrow.fs.S3FileSystem is not was[4]
        kernel.shutdown()
        assert was == (
            botocore.credentials.EnvProvider.__dict__["_create_credentials_fetcher"],
            botocore.credentials.EnvProvider.__dict__["load"],
            botocore.session.Session.create_client,
            s3fs.S3FileSystem.__init__,
            _builder.DEFAULT_CREDENTIAL_PROVIDER,
            pyarrow.fs.S3FileSystem,
            pyarrow.fs.FileSystem,
            here.Imported,
            list(sys.meta_path),
        )
        del here.Imported
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("sso_magic renewal")]

    def test_a_role_that_nobody_holds_is_freed(self, kernel, role_a, role_b, until):
        import weakref

        def is_freed() -> bool:
            gc.collect()
            return reference() is None

        kernel.use(role_a.use())
        boto3.client("s3")
        reference = weakref.ref(kernel.current.role)
        kernel.use(role_b.use())
        kernel.use(role_b.use(region="us-west-2"))
        kernel.use(role_b.use(region="us-east-1"))  # A is not the previous role any more
        until(is_freed)  # the thread that renewed it has to wake up to let go of it

    def test_a_library_that_has_changed_does_not_keep_the_environment_from_being_switched(
        self, kernel, role_a, monkeypatch
    ):
        monkeypatch.delattr(botocore.credentials.EnvProvider, "_create_credentials_fetcher")
        layer = kernel.use(role_a.use())
        assert role_a.is_in_environment()
        assert "botocore could not be switched (AttributeError" in layer.holders

    def test_a_polars_that_is_too_old_to_be_bound_is_told(self, kernel, role_a, role_b, monkeypatch):
        from polars.io.cloud.credential_provider import _builder

        monkeypatch.delattr(_builder, "DEFAULT_CREDENTIAL_PROVIDER")
        monkeypatch.setattr("polars.__version__", "1.33.1")
        kernel.use(role_a.use())
        told = (
            "polars could not be switched (polars 1.33.1 goes on with keys that it has found before; from 1.40 on it "
            "follows): restart the kernel to be sure."
        )
        assert told in kernel.use(role_b.use()).holders


class TestHolders:
    def test_a_switch_names_what_still_uses_the_old_role(self, kernel, role_a, role_b):
        assert kernel.use(role_a.use()).holders is None
        clients = [boto3.client("s3"), boto3.client("sts")]
        assert kernel.use(role_b.use()).holders == ("2 boto3 clients still use dev (111111111111) / ReadOnly.")
        del clients[0]
        gc.collect()
        assert kernel.holders() == "1 boto3 client still uses dev (111111111111) / ReadOnly."

    def test_all_objects_are_looked_through_only_where_more_or_fewer_speak_for_another_role(
        self, kernel, role_a, role_b, monkeypatch
    ):
        collections = []
        monkeypatch.setattr(gc, "collect", lambda: collections.append(1))
        monkeypatch.setattr(sys, "getallocatedblocks", lambda: 1)
        kernel.use(role_a.use())
        clients = [boto3.client("s3")]
        for _ in range(3):
            assert kernel.use(role_b.use()).holders == "1 boto3 client still uses dev (111111111111) / ReadOnly."
            assert kernel.use(role_a.use()).holders is None
        assert collections == [1]
        clients.append(boto3.client("sts"))
        assert kernel.use(role_b.use()).holders == "2 boto3 clients still use dev (111111111111) / ReadOnly."
        assert collections == [1, 1]

    def test_a_client_of_a_session_of_its_own_is_told_too(self, kernel, role_a, role_b):
        client = boto3_session(role_a.use().role, "eu-west-1").client("s3")
        assert kernel.use(role_b.use()).holders == "1 boto3 client still uses dev (111111111111) / ReadOnly."
        resource = boto3_session(role_a.use().role, None).resource("s3", region_name="eu-west-1")
        assert kernel.holders() == "2 boto3 clients still use dev (111111111111) / ReadOnly."
        assert client is not resource

    def test_what_speaks_for_the_role_in_use_is_no_news(self, kernel, role_a, role_b):
        kernel.use(role_a.use())
        client = boto3.client("s3")
        kernel.use(role_b.use())
        assert kernel.use(role_a.use()).holders is None
        assert client is not None


LATE_IMPORTS = """
import os, sys
from datetime import datetime, timedelta, timezone
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.common.secret import Secret

soon = datetime.now(timezone.utc) + timedelta(hours=1)

def use(account):
    keys = Credentials(account, None, "R", Secret(f"ASIA{account}"), Secret("s"), Secret("t"), soon)
    KERNEL.use(Use(keys, "eu-west-1", "corp", lambda: keys))

use("111111111111")
assert not {"boto3", "botocore", "s3fs", "pyarrow.fs", "polars"} & set(sys.modules), "a use imports none of them"
import boto3, polars, pyarrow.fs, s3fs
client = boto3.client("s3")
arrow = pyarrow.fs.S3FileSystem()
fs = s3fs.S3FileSystem()
assert type(boto3.__spec__.loader).__module__ == "importlib._bootstrap_external" or True
use("222222222222")
print(KERNEL.holders())
print(boto3.client("s3")._request_signer._credentials.access_key)
print(polars.io.cloud.credential_provider._builder.DEFAULT_CREDENTIAL_PROVIDER()[0]["aws_access_key_id"])
print(boto3.__spec__.loader.__class__.__name__, pyarrow.fs.__loader__.__class__.__name__)
"""


def test_libraries_that_are_imported_after_a_use_are_bound_too():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LATE_IMPORTS], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "1 boto3 client, 1 pyarrow filesystem, 1 s3fs filesystem still use 111111111111 / R.",
        "ASIA222222222222",
        "ASIA222222222222",
        "SourceFileLoader SourceFileLoader",
    ], done.stderr


def test_a_library_that_is_not_installed_is_missed_as_ever(kernel, role_a, monkeypatch):
    monkeypatch.setitem(MAKERS, "no_such_library", None)
    kernel.use(role_a.use())
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_library'$"):
        importlib.import_module("no_such_library")


def test_a_library_can_be_looked_at_before_it_is_imported(kernel, role_a, monkeypatch, tmp_path):
    (tmp_path / "some_library.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(MAKERS, "some_library", None)
    kernel.use(role_a.use())
    assert importlib.util.find_spec("some_library").loader.get_source("some_library") == "x = 1\n"


def test_each_binding_of_a_library_that_is_installed_names_a_module_that_there_is():
    installed = [name for name in MAKERS if importlib.util.find_spec(name.partition(".")[0]) is not None]
    assert {"botocore.credentials", "polars", "concurrent.futures.process"} <= set(installed)
    assert all(importlib.util.find_spec(name) is not None for name in installed)
