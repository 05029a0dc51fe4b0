"""Rows of MLflow and LiteLLM, whose pins clash with the readers'."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from matrix import CSV, A, Row, bucket


def rows(url: str) -> list[Row]:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else the import asks the network for a list of prices
    import litellm
    from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

    os.environ["MLFLOW_S3_ENDPOINT_URL"] = url
    litellm.suppress_debug_info = True

    def repository(account: str = A) -> Any:
        return S3ArtifactRepository(f"s3://{bucket(account)}")

    def download(made: Any, account: str) -> object:
        with tempfile.TemporaryDirectory() as directory:
            return (made or repository(account)).download_artifacts(CSV, directory)

    def ask(made: Any, account: str) -> object:
        answer = litellm.completion(
            model="bedrock/converse/anthropic.claude-v2",
            messages=[{"role": "user", "content": "hello"}],
            aws_bedrock_runtime_endpoint=url,
            num_retries=0,
        )
        return answer.choices[0].message.content

    return [
        Row("mlflow artifacts", "a boto3 client, kept for 5 minutes", download, repository,
            "MLflow artifact store"),
        Row("litellm, bedrock", "environment's keys; else a boto3 session, kept for 10 minutes", ask),
    ]  # fmt: skip


NAMES = ["mlflow artifacts", "litellm, bedrock"]
NAMED = {"mlflow artifacts"}
