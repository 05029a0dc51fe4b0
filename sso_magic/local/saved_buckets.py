"""The buckets of moto as plain values, and put back: names, owners, and the newest version of each object.

Versions, policies and other settings of buckets, and what other services have, are not kept.
"""

from __future__ import annotations

from typing import Any

from moto.s3.models import FakeDeleteMarker, s3_backends

_PARTITION = "aws"


def export_buckets() -> list[dict[str, Any]]:
    """Return every bucket with its objects: key, content and metadata."""
    found = []
    for name, (_, account_id) in list(s3_backends.bucket_accounts.items()):
        bucket = s3_backends[account_id][_PARTITION].buckets.get(name)
        if bucket is not None:
            objects = [
                (key, stored.value, dict(stored.metadata))
                for key, stored in list(bucket.keys.items())
                if not isinstance(stored, FakeDeleteMarker)
            ]
            found.append({"name": name, "account": account_id, "region": bucket.region_name, "objects": objects})
    return found


def restore_buckets(buckets: list[dict[str, Any]]) -> None:
    """Make the buckets that `export_buckets` returned, beside those that are there."""
    for one in buckets:
        if one["name"] in s3_backends.bucket_accounts:
            continue
        backend = s3_backends[one["account"]][_PARTITION]
        backend.create_bucket(bucket_name=one["name"], region_name=one["region"])
        for key, content, metadata in one["objects"]:
            stored = backend.put_object(bucket_name=one["name"], key_name=key, value=content)
            stored.set_metadata(metadata)
