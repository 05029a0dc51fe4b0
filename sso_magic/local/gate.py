"""Who gets through to moto: keys that were minted here, not expired, with their token and a signature that fits.

moto lets anybody in. This WSGI layer refuses as AWS does, keeps each account's buckets to itself, answers what STS
must answer by the Identity Center's clock, and tells moto the account of every request it lets through.
"""

from __future__ import annotations

import hmac
import json
import math
import re
import uuid
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from werkzeug.datastructures import EnvironHeaders

from sso_magic.local.origin import refusal
from sso_magic.local.sigv2 import QuerySignature
from sso_magic.local.sigv4 import Signature, body_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sso_magic.local.accounts import Accounts
    from sso_magic.local.aws import AWS
    from sso_magic.local.keys import Minted

    Signed = Signature | QuerySignature

_STS_XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"
_CHAINED_LIMIT = 3600  # seconds: the longest a role assumed with another role's credentials may last
_MOTO_OWN = {"moto-api", "latest"}  # paths that moto keeps for itself

# What is wrong -> how S3 says it, and how the query protocols (STS, IAM, ...) say it: (code, status, message).
_S3 = {
    "unsigned": ("AccessDenied", 403, "Access Denied"),
    "old-signature": (
        "InvalidRequest",
        400,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    ),
    "unknown-key": ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
    "wrong-token": ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
    "expired": ("ExpiredToken", 400, "The provided token has expired."),
    "bad-signature": (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided.",
    ),
    "expired-url": ("AccessDenied", 403, "Request has expired"),
    "foreign-bucket": ("AccessDenied", 403, "Access Denied"),
    "no-bucket": ("NoSuchBucket", 404, "The specified bucket does not exist"),
    "taken-bucket": (
        "BucketAlreadyExists",
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system.",
    ),
}
_QUERY = {
    "unsigned": ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
    "old-signature": ("IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
    "unknown-key": ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
    "wrong-token": ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
    "expired": ("ExpiredToken", 403, "The security token included in the request is expired"),
    "expired-url": ("SignatureDoesNotMatch", 403, "Signature expired"),
    "bad-signature": _S3["bad-signature"],
}
_JSON = {
    **_QUERY,
    "unsigned": ("MissingAuthenticationTokenException", 400, "Missing Authentication Token"),
    "unknown-key": ("UnrecognizedClientException", 400, "The security token included in the request is invalid."),
    "wrong-token": ("UnrecognizedClientException", 400, "The security token included in the request is invalid."),
    "expired": ("ExpiredTokenException", 400, "The security token included in the request is expired"),
}


class Gate:
    """The WSGI application."""

    def __init__(self, aws: AWS, accounts: Accounts) -> None:
        self._aws = aws
        self._accounts = accounts

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Refuses, answers, or hands on to moto."""
        why = refusal(environ["REQUEST_METHOD"], EnvironHeaders(environ), subdomains=True)
        if why is not None:
            return _respond(start_response, 403, why, "text/plain")
        signature = Signature.of(environ) or QuerySignature.of(environ)
        keys = self._aws.keys.get(signature.access_key_id) if signature is not None else None
        wrong = self._wrong(environ, signature, keys)
        if wrong or signature is None or keys is None:
            return _refuse(environ, start_response, signature, wrong)
        if signature.service == "sts":
            answered = self._sts(environ, start_response, keys)
            if answered is not None:
                return answered
        if signature.service == "s3":
            wrong = self._wrong_bucket(environ, keys)
            if wrong:
                return _refuse(environ, start_response, signature, wrong)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = keys.account_id
        try:
            answer: Iterable[bytes] = self._accounts.application(environ, start_response)
        except ImportError as error:
            message = f"The local AWS lacks {error.name} for this service: pip install 'moto[all]'."
            return _respond(start_response, 501, json.dumps({"message": message}), "application/json")
        return answer

    def _wrong(self, environ: dict[str, Any], signature: Signed | None, keys: Minted | None) -> str:
        if signature is None:
            return "old-signature" if environ.get("HTTP_AUTHORIZATION", "").startswith("AWS ") else "unsigned"
        if keys is None or not signature.token:
            return "unknown-key"
        if not hmac.compare_digest(keys.session_token.encode(), signature.token.encode()):
            return "wrong-token"
        now = self._aws.clock.now()
        if now >= keys.expires_at:
            return "expired"
        if signature.expires_at is not None and now >= signature.expires_at:
            return "expired-url"
        return "" if signature.fits(environ, keys.secret_access_key) else "bad-signature"

    # ---- S3 ----

    def _wrong_bucket(self, environ: dict[str, Any], keys: Minted) -> str:
        """An account's buckets are its own: there are no bucket policies here."""
        self._accounts.fill(keys.account_id)
        bucket = _bucket(environ.get("RAW_URI", "/").partition("?")[0])
        if bucket in _MOTO_OWN:
            return "no-bucket"
        owner = self._accounts.owner(bucket) if bucket else None
        if owner is not None and owner != keys.account_id:
            creates = environ["REQUEST_METHOD"] == "PUT" and not environ.get("QUERY_STRING") and _is_bucket(environ)
            return "taken-bucket" if creates else "foreign-bucket"
        source = _bucket("/" + unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/"))
        owner = self._accounts.owner(source) if source else None
        return "foreign-bucket" if owner not in {None, keys.account_id} else ""

    # ---- STS ----

    def _sts(self, environ: dict[str, Any], start_response: Any, keys: Minted) -> Iterable[bytes] | None:
        fields = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        fields |= {name: values[-1] for name, values in parse_qs(body_of(environ).decode("utf-8", "replace")).items()}
        action = fields.get("Action", "")
        if action == "AssumeRole":
            return self._assume_role(start_response, keys, fields)
        if action in {"GetSessionToken", "GetFederationToken"}:
            message = f"Cannot call {action} with session credentials"
            return _respond(start_response, 403, _query_error("AccessDenied", message), "text/xml")
        return None

    def _assume_role(self, start_response: Any, keys: Minted, fields: dict[str, str]) -> Iterable[bytes]:
        """Role chaining. Any role of an account of the organisation can be assumed, but for the reserved ones."""
        arn, name = fields.get("RoleArn", ""), fields.get("RoleSessionName", "")
        duration = fields.get("DurationSeconds", str(_CHAINED_LIMIT))
        invalid = ""
        match = re.fullmatch(r"arn:aws:iam::([0-9]{12}):role/([\w+=,.@/-]+)", arn, re.ASCII)
        if match is None:
            invalid = f"{arn} is invalid"
        elif not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
            invalid = f"Value '{name}' at 'roleSessionName' failed to satisfy constraint: 2 to 64 of [\\w+=,.@-]"
        elif not duration.isdigit() or not 900 <= int(duration) <= _CHAINED_LIMIT:
            invalid = (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        if invalid or match is None:
            return _respond(start_response, 400, _query_error("ValidationError", invalid), "text/xml")
        if self._aws.organization().account(match[1]) is None or match[2].startswith("aws-reserved/"):
            caller = _assumed(keys.role_arn, keys.session_name)
            message = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            return _respond(start_response, 403, _query_error("AccessDenied", message), "text/xml")
        return self._assumed_role(start_response, arn, name, min(float(duration), self._aws.role_lifetime()))

    def _assumed_role(self, start_response: Any, arn: str, name: str, lifetime: float) -> Iterable[bytes]:
        keys = self._aws.assume_role(arn, name, math.ceil(self._aws.clock.now() + lifetime))
        expiration = datetime.fromtimestamp(keys.expires_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = (
            f'<AssumeRoleResponse xmlns="{_STS_XMLNS}"><AssumeRoleResult>'
            f"<AssumedRoleUser><AssumedRoleId>{self._accounts.role_id(arn)}:{escape(name)}</AssumedRoleId>"
            f"<Arn>{escape(_assumed(arn, name))}</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{keys.access_key_id}</AccessKeyId>"
            f"<SecretAccessKey>{escape(keys.secret_access_key)}</SecretAccessKey>"
            f"<SessionToken>{escape(keys.session_token)}</SessionToken>"
            f"<Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>"
            f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></AssumeRoleResponse>"
        )
        return _respond(start_response, 200, body, "text/xml")


def _assumed(role_arn: str, session_name: str) -> str:
    account_id = role_arn.split(":")[4]
    return f"arn:aws:sts::{account_id}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{session_name}"


def _bucket(path: str) -> str:
    return unquote(path).lstrip("/").partition("/")[0]


def _is_bucket(environ: dict[str, Any]) -> bool:
    return "/" not in environ.get("RAW_URI", "/").partition("?")[0].strip("/")


def _refuse(environ: dict[str, Any], start_response: Any, signature: Signed | None, wrong: str) -> Iterable[bytes]:
    """The refusal, in the words of the service that was asked."""
    protocol = _protocol(environ, signature)
    if protocol == "s3":
        code, status, message = _S3[wrong]
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
            f"<RequestId>{uuid.uuid4().hex[:16].upper()}</RequestId><HostId>local</HostId></Error>"
        )
        return _respond(start_response, status, "" if environ["REQUEST_METHOD"] == "HEAD" else body, "application/xml")
    if protocol == "query":
        code, status, message = _QUERY[wrong]
        return _respond(start_response, status, _query_error(code, message), "text/xml")
    code, status, message = _JSON[wrong]
    body = json.dumps({"__type": code, "message": message})
    return _respond(start_response, status, body, "application/json", [("x-amzn-ErrorType", code)])


def _protocol(environ: dict[str, Any], signature: Signed | None) -> str:
    if signature is not None and signature.service == "s3":
        return "s3"
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    if form or "Action=" in environ.get("QUERY_STRING", ""):
        return "query"
    return "s3" if signature is None else "json"


def _query_error(code: str, message: str) -> str:
    return (
        f'<ErrorResponse xmlns="{_STS_XMLNS}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )


def _respond(
    start_response: Any, status: int, body: str, content_type: str, headers: list[tuple[str, str]] | None = None
) -> Iterable[bytes]:
    payload = body.encode()
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
