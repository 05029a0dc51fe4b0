"""AWS Signature Version 4, read and verified (AWS General Reference, "Signature Version 4 signing process").

A signature that does not fit its key is how a mixed set of keys is found out: a secret of one role beside the access
key id of another.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus

_ALGORITHM = "AWS4-HMAC-SHA256"
_CHUNK = 16 * 1024 * 1024


@dataclass(frozen=True)
class Signature:
    """What a request says about who signed it.

    A presigned one says it in the query, and until when it is good: `expires_at`, in seconds since the epoch.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    token: str
    timestamp: str
    expires_at: float | None

    @classmethod
    def of(cls, environ: dict[str, Any]) -> Signature | None:
        """The request's signature, or None if it is not signed this way."""
        header = environ.get("HTTP_AUTHORIZATION", "")
        if header.startswith(_ALGORITHM):
            parts = dict(part.strip().partition("=")[::2] for part in header[len(_ALGORITHM) :].split(","))
            return cls._read(
                parts.get("Credential", ""),
                parts.get("SignedHeaders", ""),
                parts.get("Signature", ""),
                environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""),
                environ.get("HTTP_X_AMZ_DATE", ""),
                None,
            )
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        if query.get("X-Amz-Algorithm") == _ALGORITHM:
            return cls._read(
                query.get("X-Amz-Credential", ""),
                query.get("X-Amz-SignedHeaders", ""),
                query.get("X-Amz-Signature", ""),
                query.get("X-Amz-Security-Token", ""),
                query.get("X-Amz-Date", ""),
                query.get("X-Amz-Expires", ""),
            )
        return None

    @classmethod
    def _read(
        cls, credential: str, headers: str, signature: str, token: str, timestamp: str, seconds: str | None
    ) -> Signature | None:
        scope = credential.split("/")
        if len(scope) != 5 or not signature:
            return None
        expires_at = None
        if seconds is not None:
            try:
                signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
                expires_at = signed_at.timestamp() + int(seconds)
            except ValueError:
                return None
        key, date, region, service, _ = scope
        return cls(key, date, region, service, tuple(headers.split(";")), signature, token, timestamp, expires_at)

    def fits(self, environ: dict[str, Any], secret: str) -> bool:
        """Whether the secret made this signature of this request."""
        scope = f"{self.date}/{self.region}/{self.service}/aws4_request"
        request = hashlib.sha256(self._canonical(environ).encode()).hexdigest()
        to_sign = f"{_ALGORITHM}\n{self.timestamp}\n{scope}\n{request}"
        key = f"AWS4{secret}".encode()
        for part in (self.date, self.region, self.service, "aws4_request", to_sign):
            key = hmac.digest(key, part.encode(), hashlib.sha256)
        return hmac.compare_digest(key.hex(), self.signature)

    def _canonical(self, environ: dict[str, Any]) -> str:
        raw_path, _, raw_query = environ.get("RAW_URI", "/").partition("?")
        path = quote(unquote(raw_path), safe="/-_.~")
        if self.service != "s3":
            path = quote(path, safe="/-_.~")
        pairs = [tuple(pair.partition("=")[::2]) for pair in raw_query.split("&") if pair]
        query = sorted(
            (quote(unquote_plus(name), safe="-_.~"), quote(unquote_plus(value), safe="-_.~"))
            for name, value in pairs
            if name != "X-Amz-Signature"
        )
        headers = [f"{name}:{_header(environ, name)}\n" for name in self.signed_headers]
        return "\n".join([
            environ["REQUEST_METHOD"],
            path,
            "&".join(f"{name}={value}" for name, value in query),
            "".join(headers),
            ";".join(self.signed_headers),
            self._payload(environ),
        ])  # fmt: skip

    def _payload(self, environ: dict[str, Any]) -> str:
        declared = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
        if declared:
            return str(declared)
        if self.expires_at is not None and self.service == "s3":
            return "UNSIGNED-PAYLOAD"
        return hashlib.sha256(body_of(environ)).hexdigest()


def body_of(environ: dict[str, Any]) -> bytes:
    """The request's body, which can be read again by who comes after."""
    length = min(int(environ.get("CONTENT_LENGTH") or 0), _CHUNK)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _header(environ: dict[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    value = environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}", "")
    return re.sub(" +", " ", value.strip())
