"""Rows of what the test extra has."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from matrix import CSV, PARQUET, A, Row, bucket, uri

KEYS = ("keys",)


def in_a_process(account: str) -> object:
    """Read with a boto3 client of this process's own."""
    import boto3

    return boto3.Session().client("s3").get_object(Bucket=bucket(account), Key=CSV)["Body"].read()


def rows(url: str) -> list[Row]:  # noqa: C901 - one small function a library
    import awswrangler
    import boto3
    import deltalake
    import fsspec
    import pandas as pd
    import polars as pl
    import pyarrow.dataset
    import pyarrow.fs
    import s3fs
    from joblib import Parallel, delayed

    host = url.removeprefix("http://")

    def by_client(client: Any, account: str) -> object:
        return client.get_object(Bucket=bucket(account), Key=CSV)["Body"].read()

    def by_resource(resource: Any, account: str) -> object:
        return resource.Object(bucket(account), CSV).get()["Body"].read()

    def used_session() -> Any:
        session = boto3.Session()
        session.get_credentials()
        return session

    def by_wrangler(session: Any, account: str) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it uses what pandas will remove
            return len(awswrangler.s3.read_csv(uri(account, CSV), boto3_session=session))

    def chunks(reader: Any, account: str) -> object:
        return len(pd.read_csv(uri(account, CSV)) if reader is None else reader.get_chunk(5))

    def from_uri(account: str = A) -> Any:
        return pyarrow.fs.FileSystem.from_uri(f"{uri(account)}?scheme=http&endpoint_override={host}")[0]

    def by_arrow(filesystem: Any, account: str) -> object:
        with filesystem.open_input_file(f"{bucket(account)}/{CSV}") as file:
            return file.read(10)

    def dataset(account: str = A) -> Any:
        return pyarrow.dataset.dataset(f"{uri(account)}?scheme=http&endpoint_override={host}")

    def delta(account: str = A) -> Any:
        return deltalake.DeltaTable(uri(account, "delta"))

    def write_delta(account: str) -> None:
        options = {"AWS_S3_ALLOW_UNSAFE_RENAME": "true", "AWS_ALLOW_HTTP": "true"}
        deltalake.write_deltalake(
            uri(account, "delta"), pyarrow.table({"x": [1]}), storage_options=options, mode="overwrite"
        )

    def block_cache(account: str = A) -> Any:
        return fsspec.filesystem("blockcache", target_protocol="s3", cache_storage="TMP")

    def by_fsspec(filesystem: Any, account: str) -> object:
        filesystem.clear_cache()  # the files that it keeps; the instance is what is tested
        filesystem.fs.invalidate_cache()
        return filesystem.cat(f"{bucket(account)}/{CSV}")

    def parallel(made: Any, account: str) -> object:
        return Parallel(2)(delayed(in_a_process)(account) for _ in range(2))

    context = multiprocessing.get_context("spawn")

    def in_pool(pool: Any, account: str) -> object:
        if pool is not None:
            return pool.apply_async(in_a_process, (account,)).get(60)
        with context.Pool(1) as fresh:
            return fresh.apply(in_a_process, (account,))

    def in_executor(executor: Any, account: str) -> object:
        if executor is not None:
            return executor.submit(in_a_process, account).result(60)
        with ProcessPoolExecutor(1, mp_context=context) as fresh:
            return fresh.submit(in_a_process, account).result(60)

    here = Path(__file__).parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here.parent), str(here)])  # where workers find this module
    boto = "botocore's chain, when the client is made"
    arrow = "C++ SDK: the environment at each request"
    worker = "the environment of the worker at its start"
    return [
        Row("boto3 client", boto, lambda made, account: by_client(made or boto3.client("s3"), account),
            lambda: boto3.client("s3"), "boto3 client"),
        Row("boto3 resource", boto, lambda made, account: by_resource(made or boto3.resource("s3"), account),
            lambda: boto3.resource("s3"), "boto3 client"),
        Row("boto3.Session client", boto,
            lambda made, account: by_client(made or boto3.Session().client("s3"), account),
            lambda: boto3.Session().client("s3"), "boto3 client"),
        Row("awswrangler", "a boto3 session", by_wrangler, used_session),
        Row("s3fs", "aiobotocore, when first asked",
            lambda made, account: (made or s3fs.S3FileSystem()).cat(f"{bucket(account)}/{CSV}"), s3fs.S3FileSystem),
        Row("fsspec blockcache", "the s3fs that its cached instance holds",
            lambda made, account: by_fsspec(made or block_cache(), account), block_cache),
        Row("pandas.read_csv", "s3fs", chunks, lambda: pd.read_csv(uri(A, CSV), chunksize=5)),
        Row("pandas.read_parquet", "pyarrow or s3fs", lambda made, account: len(pd.read_parquet(uri(account)))),
        Row("pyarrow.fs.S3FileSystem", arrow,
            lambda made, account: by_arrow(made or pyarrow.fs.S3FileSystem(endpoint_override=url), account),
            lambda: pyarrow.fs.S3FileSystem(endpoint_override=url), ends=KEYS),
        Row("pyarrow.fs.FileSystem.from_uri", arrow,
            lambda made, account: by_arrow(made or from_uri(account), account), from_uri, ends=KEYS),
        Row("pyarrow.dataset", arrow, lambda made, account: (made or dataset(account)).to_table().num_rows, dataset,
            ends=KEYS),
        Row("polars", "boto3, when the query is collected",
            lambda made, account: (pl.scan_parquet(uri(account, PARQUET)) if made is None else made).collect().height,
            lambda: pl.scan_parquet(uri(A, PARQUET))),
        Row("deltalake", "object_store: the environment when the table is opened",
            lambda made, account: (made or delta(account)).to_pyarrow_table().num_rows, delta, ends=KEYS,
            prepare=write_delta),
        Row("joblib.Parallel", worker, parallel),
        Row("multiprocessing.Pool", worker, in_pool, lambda: context.Pool(1), "process pool", ends=KEYS),
        Row("ProcessPoolExecutor", worker, in_executor,
            lambda: ProcessPoolExecutor(1, mp_context=context), "process pool", ends=KEYS),
    ]  # fmt: skip


NAMES = [
    "boto3 client",
    "boto3 resource",
    "boto3.Session client",
    "awswrangler",
    "s3fs",
    "fsspec blockcache",
    "pandas.read_csv",
    "pandas.read_parquet",
    "pyarrow.fs.S3FileSystem",
    "pyarrow.fs.FileSystem.from_uri",
    "pyarrow.dataset",
    "polars",
    "deltalake",
    "joblib.Parallel",
    "multiprocessing.Pool",
    "ProcessPoolExecutor",
]
NAMED = {"boto3 client", "boto3 resource", "boto3.Session client", "multiprocessing.Pool", "ProcessPoolExecutor"}
