"""The row of aioboto3, which pins aiobotocore."""

from __future__ import annotations

import asyncio
from typing import Any

from matrix import CSV, Row, bucket


def rows(url: str) -> list[Row]:
    import aioboto3

    async def get(session: Any, account: str) -> bytes:
        async with session.client("s3") as client:
            answer = await client.get_object(Bucket=bucket(account), Key=CSV)
            return await answer["Body"].read()

    def used() -> Any:
        session = aioboto3.Session()
        asyncio.run(_credentials(session))
        return session

    return [
        Row("aioboto3", "aiobotocore's chain, when first asked",
            lambda made, account: asyncio.run(get(made or aioboto3.Session(), account)), used),
    ]  # fmt: skip


async def _credentials(session: Any) -> None:
    await session.get_credentials()


NAMES = ["aioboto3"]
NAMED: set[str] = set()
