"""The row of SageMaker's SDK, which pins much."""

from __future__ import annotations

from typing import Any

from matrix import CSV, A, Row, bucket


def rows(url: str) -> list[Row]:
    from sagemaker.core.helper.session_helper import Session

    def session(account: str = A) -> Any:
        return Session(default_bucket=bucket(account))

    def read(made: Any, account: str) -> object:
        return (made or session(account)).read_s3_file(bucket(account), CSV)

    return [Row("sagemaker", "a boto3 session", read, session, "boto3 client")]


NAMES = ["sagemaker"]
NAMED = {"sagemaker"}
