"""Rows of libraries that read tables, arrays and images, and of clients of hosted models."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from matrix import CSV, PARQUET, A, Row, bucket, uri

BOTO = "a boto3 session"
KEYS = ("keys",)
REFUSED = ("keys", "serve")
LOOP = asyncio.new_event_loop()  # one for all: an async client stays on the loop of its first call


def rows(url: str) -> list[Row]:
    host = url.removeprefix("http://")
    found = [
        *_duckdb(host),
        *_daft(),
        *_iceberg(url),
        *_obstore(url),
        *_arrays(url),
        *_images(host),
        *_boto_family(),
        *_models(url),
    ]
    assert {row.name for row in found} == set(NAMES)
    return sorted(found, key=lambda row: NAMES.index(row.name))


def role(account: str = A) -> Any:
    from sso_magic.center.identity_center import IdentityCenter

    return IdentityCenter("corp").role(account, "ReadOnly")


def _duckdb(host: str) -> list[Row]:
    import duckdb
    import duckdb_extension_aws
    import duckdb_extension_httpfs

    def extension(package: Any, name: str) -> str:
        return str(next(Path(package.__path__[0]).glob(f"extensions/*/{name}.duckdb_extension")))

    httpfs, aws = extension(duckdb_extension_httpfs, "httpfs"), extension(duckdb_extension_aws, "aws")
    settings = f"SET s3_endpoint = '{host}'; SET s3_use_ssl = false; SET s3_url_style = 'path'"

    def ready(connection: Any) -> Any:
        connection.execute(f"LOAD '{httpfs}'; LOAD '{aws}'; {settings}")
        return connection

    def connection(secret: str = "") -> Any:
        made = ready(duckdb.connect())
        if secret:
            made.execute(
                "CREATE SECRET s (TYPE s3, PROVIDER credential_chain, REGION 'eu-west-1', "
                f"ENDPOINT '{host}', USE_SSL false, URL_STYLE 'path'{secret})"
            )
        return made

    def query(made: Any, account: str) -> object:
        return made.execute(f"SELECT count(*) FROM read_parquet('{uri(account)}')").fetchone()[0]

    def default(made: Any, account: str) -> object:
        if not _has_httpfs(duckdb.default_connection()):
            ready(duckdb.default_connection())
        return query(duckdb, account)

    def of_a_role(made: Any, account: str) -> object:
        made_for = account if made is None else A
        made = made or connection()
        role(made_for).credential_provider("duckdb")(made)
        return query(made, account)

    return [
        Row("duckdb, default connection", "environment when httpfs is loaded; then `%sso_use`", default),
        Row("duckdb, connection", "environment when httpfs is loaded",
            lambda made, account: query(made or connection(), account), connection, "DuckDB connection",
            ends=("serve",), blind=("serve",)),
        Row("duckdb, secret", "C++ chain at CREATE SECRET",
            lambda made, account: query(made or connection(" "), account), lambda: connection(" "),
            "DuckDB connection"),
        Row("duckdb, secret with REFRESH auto", "C++ chain, again at any 400 or 403",
            lambda made, account: query(made or connection(", REFRESH auto"), account),
            lambda: connection(", REFRESH auto"), "DuckDB connection"),
        Row("duckdb, Role.credential_provider", "the role", of_a_role, connection),
    ]  # fmt: skip


def _has_httpfs(connection: Any) -> bool:
    query = "SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'httpfs'"
    return connection.execute(query).fetchone()[0]


def _daft() -> list[Row]:
    import daft
    from daft.io import IOConfig, S3Config

    settings = IOConfig(s3=S3Config(region_name="eu-west-1"))  # made before any role is in use

    def frame(account: str = A) -> Any:
        return daft.read_parquet(uri(account))

    def frame_of_a_role(account: str = A) -> Any:
        config = IOConfig(s3=S3Config(credentials_provider=role(account).credential_provider("daft")))
        return daft.read_parquet(uri(account), io_config=config)

    def frame_of_settings(account: str = A) -> Any:
        return daft.read_parquet(uri(account), io_config=settings)

    def count(made: Any) -> int:
        return len(made.select("*").collect())

    def frame_of_sql(account: str = A) -> Any:
        return daft.sql(f"SELECT * FROM read_parquet('{uri(account)}')")

    return [
        Row("daft", "Rust SDK; here the default IOConfig",
            lambda made, account: count(made if made is not None else frame(account)), frame, in_a_task=True),
        Row("daft, IOConfig without credentials", "Rust SDK",
            lambda made, account: count(made if made is not None else frame_of_settings(account)), frame_of_settings,
            in_a_task=True),
        Row("daft.sql of an s3:// path", "Rust SDK: the first keys; so refused while a role is in use",
            lambda made, account: count(made if made is not None else frame_of_sql(account)), frame_of_sql,
            ends=REFUSED, blind=REFUSED, in_a_task=True),
        Row("daft, Role.credential_provider", "the role",
            lambda made, account: count(made if made is not None else frame_of_a_role(account)), frame_of_a_role),
    ]  # fmt: skip


def _iceberg(url: str) -> list[Row]:
    import pyarrow as pa
    from pyiceberg.catalog import load_catalog

    properties = {"type": "sql", "s3.endpoint": url, "s3.region": "eu-west-1"}

    def table(account: str, implementation: str, *, create: bool = False, **more: Any) -> Any:
        database = Path(os.environ["HOME"]) / f"{account}.db"
        io = {"py-io-impl": implementation} if implementation else {}
        options = {**properties, "uri": f"sqlite:///{database}", "warehouse": uri(account, "iceberg"), **io, **more}
        catalog = load_catalog("local", **options)
        if create:
            catalog.create_namespace_if_not_exists("lab")
            made = catalog.create_table_if_not_exists("lab.rows", schema=pa.schema([("x", pa.int64())]))
            made.append(pa.table({"x": [1, 2]}))
        return catalog.load_table("lab.rows")

    def row(name: str, implementation: str, finds: str) -> Row:
        return Row(name, finds,
                   lambda made, account: (made or table(account, implementation)).scan().to_arrow().num_rows,
                   lambda: table(A, implementation), "PyIceberg FileIO",
                   ends=KEYS if "pyarrow" in implementation else ())  # fmt: skip

    def of_a_role(account: str = A) -> Any:
        return table(account, "", **role(account).credential_provider("pyiceberg"))

    def frame(account: str = A) -> Any:
        import daft

        return daft.read_iceberg(table(account, "pyiceberg.io.pyarrow.PyArrowFileIO"))

    arrow = row("pyiceberg, PyArrowFileIO", "pyiceberg.io.pyarrow.PyArrowFileIO", "pyarrow, when first asked")
    arrow.prepare = lambda account: table(account, "pyiceberg.io.pyarrow.PyArrowFileIO", create=True)
    return [
        arrow,
        row("pyiceberg, FsspecFileIO", "pyiceberg.io.fsspec.FsspecFileIO", "s3fs, in each thread when first asked"),
        Row("pyiceberg, Role.credential_provider", "the role",
            lambda made, account: (made or of_a_role(account)).scan().to_arrow().num_rows, of_a_role),
        Row("daft.read_iceberg", "Rust SDK; here an IOConfig of the table's properties",
            lambda made, account: len((made if made is not None else frame(account)).collect()), frame,
            in_a_task=True),
    ]  # fmt: skip


def _obstore(url: str) -> list[Row]:
    import obstore
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import S3Store

    settings = {"endpoint": url, "region": "eu-west-1", "client_options": {"allow_http": True},
                "virtual_hosted_style_request": False}  # fmt: skip

    def store(account: str = A, **options: Any) -> Any:
        return S3Store(bucket(account), **settings, **options)

    def of_a_role(account: str = A) -> Any:
        return store(account, credential_provider=role(account).credential_provider("obstore"))

    def of_boto3(account: str = A) -> Any:
        return store(account, credential_provider=Boto3CredentialProvider())

    def get(made: Any) -> object:
        return bytes(obstore.get(made, CSV).bytes())

    rust = "object_store: environment when made"
    return [
        Row("obstore", rust, lambda made, account: get(made or store(account)), store, ends=KEYS),
        Row("obstore, Boto3CredentialProvider", BOTO, lambda made, account: get(made or of_boto3(account)), of_boto3,
            ends=("keys", "serve")),
        Row("obstore, Role.credential_provider", "the role",
            lambda made, account: get(made or of_a_role(account)), of_a_role),
    ]  # fmt: skip


def _arrays(url: str) -> list[Row]:  # noqa: C901 - one small function a library
    import datafusion
    import datafusion.object_store
    import fastparquet
    import fsspec
    import icechunk
    import lance
    import numpy as np
    import pyarrow as pa
    import zarr
    from obstore.store import S3Store
    from zarr.storage import ObjectStore

    def zarr_store(account: str = A) -> Any:
        store = S3Store(bucket(account), prefix="zarr", endpoint=url, region="eu-west-1",
                        client_options={"allow_http": True}, virtual_hosted_style_request=False)  # fmt: skip
        return ObjectStore(store)

    def write_zarr(account: str) -> None:
        zarr.create_array(zarr_store(account), data=np.arange(10), overwrite=True)

    def read_zarr(made: Any, account: str) -> object:
        return zarr.open_array(made or zarr_store(account), mode="r")[:].sum()

    def write_lance(account: str) -> None:
        lance.write_dataset(pa.table({"x": range(10)}), uri(account, "rows.lance"), mode="overwrite",
                            storage_options={"allow_http": "true"})  # fmt: skip

    def open_lance(account: str = A) -> Any:
        return lance.dataset(uri(account, "rows.lance"), storage_options={"allow_http": "true"})

    def ice(account: str, **credentials: Any) -> Any:
        return icechunk.s3_storage(bucket=bucket(account), prefix="ice", region="eu-west-1", endpoint_url=url,
                                   allow_http=True, force_path_style=True, **credentials)  # fmt: skip

    def write_ice(account: str) -> None:
        repository = icechunk.Repository.open_or_create(ice(account, from_env=True))
        session = repository.writable_session("main")
        zarr.create_array(session.store, data=np.arange(10), overwrite=True)
        session.commit("ten numbers")

    def read_ice(made: Any) -> object:
        return zarr.open_array(icechunk.Repository.open(made).readonly_session("main").store, mode="r")[:].sum()

    def ice_of_a_role(account: str = A) -> Any:
        return ice(account, get_credentials=role(account).credential_provider("icechunk"))

    def context(account: str = A) -> Any:
        made = datafusion.SessionContext()
        store = datafusion.object_store.AmazonS3(bucket_name=bucket(account), region="eu-west-1", endpoint=url,
                                                 allow_http=True)  # fmt: skip
        made.register_object_store("s3://", store, bucket(account))
        return made

    def parquet(account: str = A) -> Any:
        return fastparquet.ParquetFile(f"{bucket(account)}/{PARQUET}", fs=fsspec.filesystem("s3"))

    rust = "object_store: environment when made"
    return [
        Row("zarr with obstore", rust, read_zarr, zarr_store, ends=KEYS, prepare=write_zarr),
        Row("pylance", rust, lambda made, account: (made or open_lance(account)).to_table().num_rows, open_lance,
            ends=KEYS, prepare=write_lance),
        Row("icechunk, from_env", "Rust SDK: environment",
            lambda made, account: read_ice(made or ice(account, from_env=True)), lambda: ice(A, from_env=True),
            prepare=write_ice),
        Row("icechunk, Role.credential_provider", "the role",
            lambda made, account: read_ice(made or ice_of_a_role(account)), ice_of_a_role),
        Row("datafusion", rust,
            lambda made, account: (made or context(account)).read_parquet(uri(account)).count(), context,
            ends=KEYS),
        Row("fastparquet", "s3fs",
            lambda made, account: len((made or parquet(account)).to_pandas()), parquet),
    ]  # fmt: skip


def _images(host: str) -> list[Row]:
    import numpy as np
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.session import AWSSession

    options = {"AWS_S3_ENDPOINT": host, "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE",
               "CPL_VSIL_CURL_NON_CACHED": "/vsis3/", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}  # fmt: skip

    def write(account: str) -> None:
        import boto3

        with MemoryFile() as memory:
            with memory.open(driver="GTiff", width=8, height=8, count=1, dtype="uint8") as image:
                image.write(np.ones((1, 8, 8), "uint8"))
            boto3.client("s3").put_object(Bucket=bucket(account), Key="image.tif", Body=bytes(memory.getbuffer()))

    def read(made: Any, account: str) -> object:
        with rasterio.Env(session=made or AWSSession(), **options), rasterio.open(uri(account, "image.tif")) as image:
            return int(image.read(1).sum())

    def of_a_role(account: str = A) -> Any:
        return role(account).credential_provider("rasterio")

    return [
        Row("rasterio", BOTO, read, AWSSession, prepare=write),
        Row("rasterio, Role.credential_provider", "the role",
            lambda made, account: read(made or of_a_role(account), account), of_a_role),
    ]  # fmt: skip


def _boto_family() -> list[Row]:
    import aiobotocore.session
    import cloudpathlib
    import pyathena
    import smart_open
    from upath import UPath

    async def get(session: Any, account: str) -> bytes:
        async with session.create_client("s3") as client:
            answer = await client.get_object(Bucket=bucket(account), Key=CSV)
            return await answer["Body"].read()

    def read_smart(made: Any, account: str) -> object:
        with smart_open.open(uri(account, CSV), transport_params=made or {}) as file:
            return file.read(10)

    def cloud_path(account: str = A) -> Any:
        return cloudpathlib.S3Path(uri(account, CSV))

    def universal(account: str = A) -> Any:
        return UPath(uri(account, CSV))

    def athena() -> Any:
        return pyathena.connect(s3_staging_dir=uri(A, "athena/"), region_name="eu-west-1")

    def ask_athena(made: Any, account: str) -> object:
        return (made or athena()).session.client("s3").get_object(Bucket=bucket(account), Key=CSV)["Body"].read(10)

    def of_a_role(account: str = A) -> Any:
        return role(account).credential_provider("smart_open")

    return [
        Row("aiobotocore", "its own chain, when the client is made",
            lambda made, account: LOOP.run_until_complete(get(made or aiobotocore.session.get_session(), account)),
            aiobotocore.session.get_session),
        Row("smart_open", BOTO, lambda made, account: read_smart(None, account)),
        Row("smart_open, Role.credential_provider", "the role",
            lambda made, account: read_smart(made or of_a_role(account), account), of_a_role),
        Row("cloudpathlib", "a default client of its own, kept for the process",
            lambda made, account: (made or cloud_path(account)).stat() and bucket(account), cloud_path),
        Row("universal_pathlib", "s3fs", lambda made, account: (made or universal(account)).read_bytes(), universal),
        Row("pyathena", BOTO, ask_athena, athena),
    ]  # fmt: skip


def _models(url: str) -> list[Row]:
    import anthropic
    import strands.models
    from langchain_aws import ChatBedrockConverse

    def ask(client: Any) -> object:
        messages = [{"role": "user", "content": "hello"}]
        return client.messages.create(model="claude", max_tokens=5, messages=messages).content[0].text

    def client() -> Any:
        return anthropic.AnthropicBedrock(max_retries=0)

    def client_later() -> Any:
        return anthropic.AsyncAnthropicBedrock(max_retries=0)

    async def ask_later(client: Any) -> object:
        messages = [{"role": "user", "content": "hello"}]
        return (await client.messages.create(model="claude", max_tokens=5, messages=messages)).content[0].text

    def chat() -> Any:
        return ChatBedrockConverse(model="anthropic.claude-v2", region_name="eu-west-1", endpoint_url=url)

    def strand() -> Any:
        return strands.models.BedrockModel(model_id="anthropic.claude-v2", endpoint_url=url)

    def ask_strand(made: Any) -> object:
        message = {"role": "user", "content": [{"text": "hello"}]}
        return made.client.converse(modelId="anthropic.claude-v2", messages=[message])["output"]

    return [
        Row("anthropic, AnthropicBedrock", "a boto3 session, kept for the process",
            lambda made, account: ask(made or client()), client, "Anthropic client"),
        Row("anthropic, AsyncAnthropicBedrock", "a boto3 session, kept for the process",
            lambda made, account: LOOP.run_until_complete(ask_later(made or client_later())), client_later,
            "Anthropic client"),
        Row("langchain-aws", "environment's keys, copied into its fields",
            lambda made, account: (made or chat()).invoke("hello").content, chat, ends=KEYS),
        Row("strands-agents", BOTO, lambda made, account: ask_strand(made or strand()), strand),
    ]  # fmt: skip


NAMES = [
    "duckdb, default connection",
    "duckdb, connection",
    "duckdb, secret",
    "duckdb, secret with REFRESH auto",
    "duckdb, Role.credential_provider",
    "daft",
    "daft, IOConfig without credentials",
    "daft.sql of an s3:// path",
    "daft.read_iceberg",
    "daft, Role.credential_provider",
    "pyiceberg, PyArrowFileIO",
    "pyiceberg, FsspecFileIO",
    "pyiceberg, Role.credential_provider",
    "obstore",
    "obstore, Boto3CredentialProvider",
    "obstore, Role.credential_provider",
    "zarr with obstore",
    "pylance",
    "icechunk, from_env",
    "icechunk, Role.credential_provider",
    "datafusion",
    "fastparquet",
    "rasterio",
    "rasterio, Role.credential_provider",
    "aiobotocore",
    "smart_open",
    "smart_open, Role.credential_provider",
    "cloudpathlib",
    "universal_pathlib",
    "pyathena",
    "anthropic, AnthropicBedrock",
    "anthropic, AsyncAnthropicBedrock",
    "langchain-aws",
    "strands-agents",
]
NAMED = {
    "duckdb, connection",
    "duckdb, secret",
    "duckdb, secret with REFRESH auto",
    "pyiceberg, PyArrowFileIO",
    "pyiceberg, FsspecFileIO",
    "anthropic, AnthropicBedrock",
    "anthropic, AsyncAnthropicBedrock",
}
