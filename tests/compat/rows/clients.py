"""Rows of libraries that are on no other list: what finds credentials in ways of its own, and what keeps a client."""

from __future__ import annotations

from typing import Any

from matrix import CSV, Row, bucket


def rows(url: str) -> list[Row]:
    import awscrt.auth
    import boto3
    import minio
    import minio.credentials
    import s3path

    def client() -> Any:
        provider = minio.credentials.EnvAWSProvider()
        return minio.Minio(url.removeprefix("http://"), credentials=provider, secure=False, region="eu-west-1")

    def chain() -> Any:
        return awscrt.auth.AwsCredentialsProvider.new_default_chain()

    def by_minio(made: Any, account: str) -> object:
        answer = (made or client()).get_object(bucket(account), CSV)
        try:
            return answer.read(10)
        finally:
            answer.close()
            answer.release_conn()

    def by_crt(made: Any, account: str) -> object:
        keys = (made or chain()).get_credentials().result(60)
        signer = boto3.client(
            "s3",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
        )
        return signer.get_object(Bucket=bucket(account), Key=CSV)["Body"].read(10)

    def by_path(made: Any, account: str) -> object:
        return s3path.S3Path(f"/{bucket(account)}/{CSV}").read_bytes()

    return [
        Row("minio, EnvAWSProvider", "the environment at each request", by_minio, client, "MinIO credential provider"),
        Row("awscrt", "C chain: the environment, kept for 15 minutes", by_crt, chain),
        Row("s3path", "a boto3 resource, kept for the process", by_path),
    ]  # fmt: skip


NAMES = ["minio, EnvAWSProvider", "awscrt", "s3path"]
NAMED = {"minio, EnvAWSProvider"}
