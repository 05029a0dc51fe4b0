"""What is in an account's buckets: small tables for pandas to read, the same every time."""

from __future__ import annotations

import csv
import io
import random
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sso_magic.local.directory import Account

BUCKETS = ("reports", "data")
_CSV = "text/csv"
_PARQUET = "application/vnd.apache.parquet"
_SERVICES = ["AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda", "AmazonCloudWatch"]
_REGIONS = ["eu-west-1", "eu-central-1", "us-east-1"]
_STATUS = ["settled", "settled", "settled", "pending", "refunded"]

Rows = list[dict[str, Any]]


def objects(account: Account, bucket: str) -> dict[str, tuple[bytes, str]]:
    """Key -> (bytes, content type). Parquet only where pyarrow is installed."""
    draw = random.Random(account.id)  # noqa: S311 - made-up figures
    if bucket.endswith("-reports"):
        tables = {"2026/costs": _costs(draw, account)}
    else:
        tables = {"transactions/2026-10": _transactions(draw), "transactions/2026-11": _transactions(draw)}
    found = {f"{name}.csv": (_as_csv(rows), _CSV) for name, rows in tables.items()}
    if find_spec("pyarrow") is not None:
        found |= {f"{name}.parquet": (_as_parquet(rows), _PARQUET) for name, rows in tables.items()}
    return found


def _costs(draw: random.Random, account: Account) -> Rows:
    return [
        {
            "month": f"2026-{month:02}",
            "account_id": account.id,
            "service": service,
            "region": draw.choice(_REGIONS),
            "cost_usd": round(draw.lognormvariate(5, 1), 2),
        }
        for month in range(1, 12)
        for service in _SERVICES
    ]


def _transactions(draw: random.Random) -> Rows:
    return [
        {
            "transaction_id": f"t-{number:05}",
            "day": draw.randint(1, 30),
            "amount_eur": round(draw.lognormvariate(3, 1), 2),
            "status": draw.choice(_STATUS),
        }
        for number in range(1, 201)
    ]


def _as_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _as_parquet(rows: Rows) -> bytes:
    arrow: Any = import_module("pyarrow")  # no stubs, and not everybody has it
    sink = arrow.BufferOutputStream()
    import_module("pyarrow.parquet").write_table(arrow.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())
