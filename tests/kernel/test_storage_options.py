"""Role credentials in the form each library takes, and the console's sign-in URL."""

from __future__ import annotations

import pytest
from IPython.lib.pretty import pretty

from sso_magic.center.identity_center import IdentityCenter
from sso_magic.errors import ConfigError, ParamValidationError


@pytest.fixture
def keys(signed_in, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return IdentityCenter("corp").role("payments-dev", "ReadOnly").credentials()


BUCKET = "payments-dev-data"


def test_s3fs_takes_them(keys):
    import s3fs

    assert s3fs.S3FileSystem(**keys.as_storage_options()).ls(BUCKET)


def test_pandas_takes_them(keys):
    import pandas as pd

    options = keys.as_storage_options("s3fs")
    assert len(pd.read_csv(f"s3://{BUCKET}/transactions/2026-10.csv", storage_options=options)) == 200


def test_polars_takes_them(keys):
    import polars as pl

    path, options = f"s3://{BUCKET}/transactions/2026-10.parquet", keys.as_storage_options("polars")
    assert pl.read_parquet(path, storage_options=options).height == 200


def test_deltalake_takes_them(keys):
    import deltalake
    import pyarrow as pa

    options = keys.as_storage_options("deltalake")
    deltalake.write_deltalake(
        f"s3://{BUCKET}/delta",
        pa.table({"x": [1, 2]}),
        storage_options={**options, "AWS_S3_ALLOW_UNSAFE_RENAME": "true"},
    )
    assert deltalake.DeltaTable(f"s3://{BUCKET}/delta", storage_options=options).to_pyarrow_table().num_rows == 2


def test_pyarrow_takes_them(keys):
    import pyarrow.fs

    filesystem = pyarrow.fs.S3FileSystem(**keys.as_storage_options("pyarrow"))
    assert filesystem.get_file_info(f"{BUCKET}/transactions/2026-10.csv").size > 0


@pytest.mark.parametrize("library", ["fsspec", "pandas", "dask", "zarr", "xarray"])
def test_what_reads_by_s3fs_takes_the_same(keys, library):
    assert dict(keys.as_storage_options(library)) == dict(keys.as_storage_options("s3fs"))


def test_lance_and_object_store_take_what_polars_takes(keys):
    for library in ("lance", "object_store"):
        assert dict(keys.as_storage_options(library)) == dict(keys.as_storage_options("polars"))


def test_boto3_takes_them(keys):
    import boto3

    assert boto3.client("s3", **keys.as_storage_options("boto3")).list_objects_v2(Bucket=BUCKET)["KeyCount"]


# Neither library is in the test extra: these are the parameters of obstore 0.12's S3Store and Daft 0.7's S3Config.
def test_obstore_and_daft_get_their_own_names(keys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    key_id, secret, token = (
        secret.reveal() for secret in (keys.access_key_id, keys.secret_access_key, keys.session_token)
    )
    assert dict(keys.as_storage_options("obstore")) == {
        "access_key_id": key_id,
        "secret_access_key": secret,
        "session_token": token,
        "region": "eu-west-1",
        "endpoint": "http://127.0.0.1:1",
        "client_options": {"allow_http": True},
    }
    assert dict(keys.as_storage_options("daft")) == {
        "key_id": key_id,
        "access_key": secret,
        "session_token": token,
        "region_name": "eu-west-1",
        "endpoint_url": "http://127.0.0.1:1",
    }


@pytest.mark.parametrize("library", ["s3fs", "polars", "deltalake", "pyarrow", "obstore", "daft", "boto3"])
def test_they_show_no_value(keys, library):
    options = keys.as_storage_options(library)
    for text in (repr(options), str(options), f"{options}", pretty(options)):
        assert "***" in text
        assert not any(value in text for value in options.values() if isinstance(value, str))


def test_without_region_and_endpoint_there_is_neither(keys, monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert set(keys.as_storage_options("s3fs")) == {"key", "secret", "token"}
    assert set(keys.as_storage_options("pyarrow")) == {"access_key", "secret_key", "session_token"}
    assert len(keys.as_storage_options("polars")) == len(keys.as_storage_options("deltalake")) == 3


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
@pytest.mark.parametrize("library", ["s3fs", "polars", "deltalake", "pyarrow"])
def test_an_endpoint_that_is_no_url_is_named(keys, monkeypatch, variable, library):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv(variable, "https://[")
    with pytest.raises(ConfigError, match=rf"^endpoint from {variable} is not a URL of the form https://host"):
        keys.as_storage_options(library)


def test_another_library_is_an_error_that_names_those_there_are(keys):
    with pytest.raises(
        ParamValidationError, match=r"no storage options for 'spark'; for s3fs, fsspec, .*, boto3 there are"
    ):
        keys.as_storage_options("spark")
