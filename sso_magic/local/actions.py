"""The IAM action that a request needs, such as ``s3:PutObject``."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sso_magic.local.sigv4 import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Services whose actions have another prefix than the name that requests are signed for.
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "s3express": "s3"}
# Parts of S3 that are named in the query, and the noun of their actions; on a bucket and on an object.
_S3_BUCKET_PARTS = {
    "accelerate": "AccelerateConfiguration", "acl": "BucketAcl", "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration", "lifecycle": "LifecycleConfiguration", "logging": "BucketLogging",
    "notification": "BucketNotification", "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls", "policy": "BucketPolicy", "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock", "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment", "tagging": "BucketTagging", "versioning": "BucketVersioning",
    "website": "BucketWebsite", "location": "BucketLocation",
}  # fmt: skip
_S3_OBJECT_PARTS = {
    "acl": "ObjectAcl", "tagging": "ObjectTagging", "retention": "ObjectRetention", "legal-hold": "ObjectLegalHold",
    "attributes": "ObjectAttributes",
}  # fmt: skip
_S3_LISTS = {"uploads": "ListBucketMultipartUploads", "versions": "ListBucketVersions"}
_VERBS = {"GET": "Get", "HEAD": "Get"}


def action_of(environ: dict[str, Any], service: str) -> str:
    """Return the action; where it cannot be told, one that only a policy for everything allows."""
    if service == "s3":
        return f"s3:{_s3(environ)}"
    name = operation_of(environ) or _rest(environ, service) or f"{environ['REQUEST_METHOD']}Unknown"
    return f"{_PREFIXES.get(service, service)}:{name}"


def operation_of(environ: dict[str, Any]) -> str:
    """Return the name of the operation where the protocol has it: query, JSON and CBOR."""
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if target:
        return str(target)
    if environ.get("HTTP_SMITHY_PROTOCOL"):
        return str(environ.get("PATH_INFO", "/").rpartition("/")[2])
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    text = body_of(environ).decode("utf-8", "replace") if form else environ.get("QUERY_STRING", "")
    return str(parse_qs(text).get("Action", [""])[-1])


def _s3(environ: dict[str, Any]) -> str:
    method = environ["REQUEST_METHOD"]
    bucket, _, key = environ.get("PATH_INFO", "/").lstrip("/").partition("/")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if not bucket:
        return "ListAllMyBuckets"
    parts = _S3_OBJECT_PARTS if key else _S3_BUCKET_PARTS
    for part in query:
        if part in parts:
            deletes = method == "DELETE" and (key or part in {"policy", "website"})
            return f"{'Delete' if deletes else _VERBS.get(method, 'Put')}{parts[part]}"
        if part in _S3_LISTS and method == "GET":
            return _S3_LISTS[part]
    if key:
        return _s3_object(method, query)
    if method == "POST" and "delete" in query:
        return "DeleteObject"
    return {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(
        method, "PutObject"
    )


def _s3_object(method: str, query: dict[str, list[str]]) -> str:
    if "uploadId" in query and method in {"GET", "DELETE"}:
        return "ListMultipartUploadParts" if method == "GET" else "AbortMultipartUpload"
    if "restore" in query:
        return "RestoreObject"
    if method in {"GET", "HEAD"} or "select" in query:
        return "GetObject"
    return "DeleteObject" if method == "DELETE" else "PutObject"


def _rest(environ: dict[str, Any], service: str) -> str | None:
    """Return the operation that has the request's method and path in the service's model."""
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
    found = [name for verb, pattern, name in _routes(service) if verb == method and pattern.fullmatch(path)]
    return found[0] if found else None


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path and name of each operation, the most literal paths first."""
    routes = sorted(_operations(service), key=lambda route: route[1].count("{"))
    return [(method, re.compile(_pattern(uri)), name) for method, uri, name in routes]


def _operations(service: str) -> Iterator[tuple[str, str, str]]:
    import botocore.session

    session = botocore.session.get_session()
    names = [name for name in session.get_available_services() if name in {service, f"{service}v2"}]
    for name in names:
        model = session.get_service_model(name)
        for operation in model.operation_names:
            http = model.operation_model(operation).http
            yield http.get("method", "POST"), http.get("requestUri", "/").partition("?")[0], operation


def _pattern(uri: str) -> str:
    parts = re.split(r"(\{[^}]*\})", uri)
    return "".join(
        (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )
