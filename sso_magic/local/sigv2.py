"""S3's old presigned URLs (Amazon S3 Developer Guide, "Signing and authenticating REST requests", query string).

``generate_presigned_url`` still makes these in the older regions, unless it is given ``signature_version="s3v4"``.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

_SIGNED_QUERY = {
    "acl", "cors", "delete", "lifecycle", "location", "partNumber", "policy", "response-cache-control",
    "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
    "response-expires", "tagging", "uploadId", "uploads", "versionId", "versioning", "versions",
}  # fmt: skip


@dataclass(frozen=True)
class QuerySignature:
    """Who signed the URL, and until when (seconds since the epoch) it is good."""

    access_key_id: str
    signature: str
    token: str
    expires_at: float
    service: str = "s3"

    @classmethod
    def of(cls, environ: dict[str, Any]) -> QuerySignature | None:
        """The URL's signature, or None if it is not signed this way."""
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        expires = query.get("Expires", "")
        if not query.get("AWSAccessKeyId") or not query.get("Signature") or not expires.isdigit():
            return None
        token = query.get("x-amz-security-token", "")
        return cls(query["AWSAccessKeyId"], query["Signature"], token, float(expires))

    def fits(self, environ: dict[str, Any], secret: str) -> bool:
        """Whether the secret made this signature of this request."""
        path = environ.get("RAW_URI", "/").partition("?")[0]
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        named = dict(query)
        amazon = sorted((name, value) for name, value in query if name.startswith("x-amz-"))
        signed = sorted((name, value) for name, value in query if name in _SIGNED_QUERY)
        resource = (
            path + ("?" if signed else "") + "&".join(f"{name}={value}" if value else name for name, value in signed)
        )
        text = "\n".join([
            environ["REQUEST_METHOD"],
            named.get("content-md5", ""),
            named.get("content-type", ""),
            named["Expires"],
            *(f"{name}:{value}" for name, value in amazon),
            resource,
        ])  # fmt: skip
        expected = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
        return hmac.compare_digest(expected, self.signature)
