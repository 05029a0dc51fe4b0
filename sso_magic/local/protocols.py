"""How an error looks in each of AWS's protocols: S3's XML, query, EC2's query, REST XML, JSON and CBOR."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sso_magic.local.sigv2 import QuerySignature
    from sso_magic.local.sigv4 import Signature

    Signed = Signature | QuerySignature

STS_XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"
_REST_XML = {"cloudfront", "route53"}


def protocol_of(environ: dict[str, Any], signature: Signed | None) -> str:
    """Return the protocol that a request is in: ``s3``, ``query``, ``ec2``, ``xml``, ``json`` or ``cbor``."""
    service = signature.service if signature is not None else None
    if service == "s3":
        return "s3"
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return "cbor"
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    if form or "Action=" in environ.get("QUERY_STRING", ""):
        return "ec2" if service == "ec2" else "query"
    if service in _REST_XML:
        return "xml"
    return "s3" if signature is None else "json"


def refuse(
    environ: dict[str, Any], start_response: Any, protocol: str, code: str, status: int, message: str
) -> Iterable[bytes]:
    """Answer with an error in the protocol of the request."""
    request_id = str(uuid.uuid4())
    xml = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "s3":
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{xml}'
            f"<RequestId>{uuid.uuid4().hex[:16].upper()}</RequestId><HostId>local</HostId></Error>"
        )
        return respond(start_response, status, "" if environ["REQUEST_METHOD"] == "HEAD" else body, "application/xml")
    if protocol == "ec2":
        body = f"<Response><Errors><Error>{xml}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        return respond(start_response, status, body, "text/xml")
    if protocol in {"query", "xml"}:
        body = (
            f'<ErrorResponse xmlns="{STS_XMLNS}"><Error><Type>Sender</Type>{xml}</Error>'
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return respond(start_response, status, body, "text/xml")
    headers = [("x-amzn-ErrorType", code), ("x-amzn-query-error", f"{code};Sender")]
    if protocol == "cbor":
        pairs = b"".join(_cbor(text) for text in ("__type", code, "message", message))
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
        return respond(start_response, status, b"\xa2" + pairs, "application/cbor", headers)
    return respond(
        start_response, status, json.dumps({"__type": code, "message": message}), "application/json", headers
    )


def respond(
    start_response: Any,
    status: int,
    body: str | bytes,
    content_type: str,
    headers: list[tuple[str, str]] | None = None,
) -> Iterable[bytes]:
    """Answer."""
    payload = body if isinstance(body, bytes) else body.encode()
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(payload))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
            *(headers or []),
        ],
    )
    return [payload]


def _cbor(text: str) -> bytes:
    """Return a text string in CBOR (RFC 8949 3.1, major type 3, length in four bytes)."""
    data = text.encode()
    return b"\x7a" + len(data).to_bytes(4, "big") + data
