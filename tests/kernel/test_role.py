"""`Role`: one handle of a role in an account, and what libraries are given to renew from."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from datetime import datetime, timezone

import pytest
import s3fs

import sso_magic
from sso_magic.center.identity_center import IdentityCenter
from sso_magic.center.role import Role
from sso_magic.errors import AccountNotFound, ConfigError, ParamValidationError, RoleNotFound

BUCKET = "payments-dev-data"
CSV = f"{BUCKET}/transactions/2026-10.csv"


@pytest.fixture
def role(signed_in, monkeypatch) -> Role:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    s3fs.S3FileSystem.clear_instance_cache()  # equal sessions share a filesystem, here those of earlier tests
    return IdentityCenter("corp").role("payments-dev", "ReadOnly")


def test_it_names_the_account_and_the_role_and_fetches_nothing(role, signed_in):
    assert sso_magic.Role is Role
    assert (role.account_id, role.account_name, role.role_name) == ("220947583614", "payments-dev", "ReadOnly")
    assert repr(role) == "Role(payments-dev (220947583614) / ReadOnly, session corp)"
    assert signed_in.requests.total("GetRoleCredentials") == 0


def test_an_account_or_role_that_does_not_exist_is_an_error_at_once(role):
    with pytest.raises(AccountNotFound, match="paymnts"):
        IdentityCenter("corp").role("paymnts", "ReadOnly")
    with pytest.raises(RoleNotFound, match="ReadOnyl"):
        IdentityCenter("corp").role("payments-dev", "ReadOnyl")


def test_credentials_come_from_the_cache_unless_they_are_refreshed(role):
    first = role.credentials()
    assert role.credentials() == first
    assert role.credentials(refresh=True).access_key_id != first.access_key_id


def test_two_handles_of_one_role_are_equal(role):
    again = IdentityCenter("corp").role("220947583614", "ReadOnly")
    assert again == role
    assert hash(again) == hash(role)
    assert role != IdentityCenter("corp").role("payments-prod", "ReadOnly")
    assert role.renewing() is again.renewing()


def test_used_as_a_block_it_is_in_the_environment_until_the_block_ends(role, monkeypatch):
    with role.use(region="us-east-2"):
        assert os.environ["AWS_ACCESS_KEY_ID"] == role.credentials().access_key_id.reveal()
        assert os.environ["AWS_REGION"] == "us-east-2"
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_its_boto3_session_stays_this_role_under_another_one(role):
    session = role.boto3_session(region="eu-west-1")
    with IdentityCenter("corp").role("payments-prod", "ReadOnly").use():
        assert session.client("sts").get_caller_identity()["Account"] == role.account_id


def test_its_console_url_names_account_and_role(role):
    url = role.console_url(destination="https://console.aws.amazon.com/s3")
    assert f"account_id={role.account_id}&role_name=ReadOnly&destination=https" in url


def test_no_secret_is_in_its_repr_or_pickle(role):
    keys = role.credentials()
    role.renewing()
    shown = repr(role).encode() + pickle.dumps(role)
    for name in ("obstore", "polars", "daft", "icechunk"):
        try:
            provider = role.credential_provider(name)
        except sso_magic.SSOMagicError:
            continue  # not installed here; tests/compat has them all
        shown += repr(provider).encode() + pickle.dumps(provider)
    for secret in (keys.access_key_id, keys.secret_access_key, keys.session_token):
        assert secret.reveal().encode() not in shown


def test_unpickled_it_finds_its_session_by_name_and_fetches_when_it_is_first_used(role, signed_in):
    program = (
        "import pickle, sys; role = pickle.loads(sys.stdin.buffer.read()); print(repr(role)); sys.stdout.flush()\n"
        "print(role.boto3_session().client('sts').get_caller_identity()['Account'])"
    )
    done = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(role), capture_output=True, check=False)
    assert done.stdout.decode().split("\n")[:2] == [repr(role), role.account_id], done.stderr.decode()
    asked = signed_in.requests.total("GetRoleCredentials")
    pickle.loads(pickle.dumps(role))
    assert signed_in.requests.total("GetRoleCredentials") == asked


def test_unpickled_where_the_sessions_name_is_another_portals_it_fetches_nothing(role, clean_environment, signed_in):
    pickled = pickle.dumps(role)
    config = clean_environment / ".aws" / "config"
    other = "https://other.awsapps.com/start"
    config.write_text(config.read_text().replace(IdentityCenter("corp").session.start_url, other))
    with pytest.raises(
        ConfigError, match=r"^The session corp has the start URL https://other\.awsapps\.com/start here"
    ):
        pickle.loads(pickled).credentials()
    assert signed_in.requests.total("GetRoleCredentials") == 0


def test_storage_options_have_its_keys_and_an_unknown_library_is_refused_before_anything_is_fetched(role, signed_in):
    with pytest.raises(
        ParamValidationError, match=r"no storage options for 'spark'; for s3fs, fsspec, .*, boto3 there are"
    ):
        role.storage_options("spark")
    assert signed_in.requests.total("GetRoleCredentials") == 0
    assert role.storage_options("s3fs")["key"] == role.credentials().access_key_id.reveal()


def test_an_unknown_library_has_no_credential_provider_and_the_error_lists_those_that_have(role):
    with pytest.raises(ParamValidationError, match=r"no credential provider for 'spark'; for obstore, daft, icechunk"):
        role.credential_provider("spark")


def test_a_library_that_is_not_installed_is_named(role, monkeypatch):
    monkeypatch.setitem(sys.modules, "smart_open", None)
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(sso_magic.SSOMagicError, match=r"provider for rasterio needs rasterio.*: pip install rasterio"):
        role.credential_provider("rasterio")


@pytest.mark.parametrize("library", ["polars", "s3fs", "fsspec", "boto3", "pyarrow"])
def test_a_provider_fetches_nothing_until_the_library_asks(role, signed_in, library):
    if library == "boto3":
        role.credentials()  # boto3's own sessions take credentials when they are made
    before = signed_in.requests.total("GetRoleCredentials")
    role.credential_provider(library)
    assert signed_in.requests.total("GetRoleCredentials") == before


def test_polars_reads_with_its_provider_and_gets_the_true_expiry(role):
    import polars as pl

    provider = role.credential_provider("polars")
    path = f"s3://{BUCKET}/transactions/2026-10.parquet"
    assert pl.scan_parquet(path, credential_provider=provider).collect().height == 200
    assert provider()[1] == int(role.credentials().expires_at.timestamp())


@pytest.mark.parametrize("library", ["s3fs", "fsspec"])
def test_s3fs_reads_with_its_session(role, library):
    filesystem = s3fs.S3FileSystem(session=role.credential_provider(library))
    assert filesystem.cat(CSV)
    assert pickle.loads(pickle.dumps(filesystem)).cat(CSV)


def test_s3fs_fetches_on_another_thread_than_its_loops(role, monkeypatch):
    threads = []
    fetch = IdentityCenter.role_credentials

    def watched(*arguments, **options):
        threads.append(threading.current_thread().name)
        return fetch(*arguments, **options)

    monkeypatch.setattr(IdentityCenter, "role_credentials", watched)
    s3fs.S3FileSystem(session=role.credential_provider("s3fs"), skip_instance_cache=True).cat(CSV)
    assert threads
    assert not any("fsspec" in name for name in threads)


def test_pyarrow_reads_with_its_filesystem(role):
    with role.credential_provider("pyarrow").open_input_file(CSV) as file:
        assert file.read(10)


@pytest.mark.parametrize("library", ["polars", "s3fs", "pyarrow"])
def test_a_provider_stays_its_role_while_another_is_in_use(role, signed_in, library):
    from sso_magic.kernel.kernel_role import KERNEL

    provider = role.credential_provider(library)
    IdentityCenter("corp").role("payments-prod", "ReadOnly").use()
    try:
        if library == "polars":
            assert provider()[0]["aws_access_key_id"] == role.credentials().access_key_id.reveal()
        elif library == "s3fs":
            assert s3fs.S3FileSystem(session=provider).cat(CSV)
        else:
            assert provider.get_file_info(CSV).size > 0
    finally:
        KERNEL.release()


def test_the_expiry_that_providers_pass_on_has_a_time_zone(role):
    from sso_magic.center.credential_providers import ObstoreProvider

    keys = ObstoreProvider(role)()
    assert keys["expires_at"] == role.credentials().expires_at
    assert keys["expires_at"] > datetime.now(timezone.utc)
    assert "***" in repr(keys)
