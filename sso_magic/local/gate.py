"""Who gets through to moto: keys that were minted here, not expired, with their token and a signature that fits.

moto lets anybody in. This WSGI layer refuses as AWS does, keeps each account's buckets to itself, answers what STS
must answer by the Identity Center's clock, and tells moto the account of every request it lets through. What moto does
not have is an error in the service's own protocol.
"""

from __future__ import annotations

import hmac
import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.datastructures import EnvironHeaders

from sso_magic.local.actions import operation_of
from sso_magic.local.administration import SERVICES, Administration
from sso_magic.local.keys import assumed_role_arn
from sso_magic.local.origin import refusal
from sso_magic.local.permissions import denied
from sso_magic.local.protocols import protocol_of, refuse, respond
from sso_magic.local.sigv2 import QuerySignature
from sso_magic.local.sigv4 import Signature
from sso_magic.local.sts import STS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sso_magic.local.accounts import Accounts
    from sso_magic.local.authority import Authority, Caller
    from sso_magic.local.keys import Minted
    from sso_magic.local.network import Network
    from sso_magic.local.organization import Organization

    Signed = Signature | QuerySignature

_MOTO_OWN = {"moto-api", "latest"}  # paths that moto keeps for itself
_NOT_THERE = "NotImplemented"

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

    def __init__(self, authority: Authority, accounts: Accounts, network: Network) -> None:
        self._network = network
        self._authority = authority
        self._accounts = accounts
        self._sts = STS(authority, accounts.has_role)
        self._administration = Administration(accounts.application, authority, accounts.region)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Refuses, answers, or hands on to moto."""
        headers = EnvironHeaders(environ)
        why = refusal(environ["REQUEST_METHOD"], headers, subdomains=True, network=self._network)
        if why is not None:
            return respond(start_response, 403, why, "text/plain")
        signature = Signature.of(environ) or QuerySignature.of(environ)
        caller = self._authority.look_up(signature.access_key_id if signature is not None else "")
        wrong = _wrong(environ, signature, caller)
        if wrong or signature is None or caller.keys is None:
            return _refuse(environ, start_response, signature, wrong)
        if caller.enforce:
            action = denied(environ, signature.service, caller)
            if action is not None:
                return _deny(environ, start_response, signature, caller.keys, action)
        if signature.service == "sts":
            answered = self._sts.answer(environ, start_response, caller)
            if answered is not None:
                return answered
        if signature.service == "s3":
            wrong = self._wrong_bucket(environ, caller.keys.account_id, caller.organization)
            if wrong:
                return _refuse(environ, start_response, signature, wrong)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.keys.account_id
        application: Any = self._accounts.application
        if isinstance(signature, Signature) and signature.service in SERVICES:
            application = partial(self._administration.answer, signature, caller.keys)
        return self._moto(environ, start_response, signature, caller.keys.role_arn, application)

    def _moto(
        self, environ: dict[str, Any], start_response: Any, signature: Signed, role_arn: str, application: Any
    ) -> Iterable[bytes]:
        operation = operation_of(environ) or f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}"
        try:
            self._accounts.make_role(role_arn)
            started = _Started(start_response)
            answer: Iterable[bytes] = application(environ, started)
        except ImportError as error:
            message = f"The local AWS lacks {error.name} for this service: pip install 'moto[all]'."
        except NotImplementedError:
            message = f"The local AWS (moto) does not have {operation} of {signature.service}."
        except Exception as error:  # whatever moto raises, an SDK must not take it for a fault that passes
            logging.getLogger(__name__).debug("moto failed on %s", operation, exc_info=True)
            message = f"The local AWS (moto) failed on {operation} of {signature.service} ({type(error).__name__})."
        else:
            if signature.service == "s3" and environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
                self._accounts.changes += 1
            if signature.service == "s3" or not started.is_flasks_own_page():
                started.go()
                return answer
            message = f"The local AWS (moto) does not have {operation} of {signature.service}."
        return refuse(environ, start_response, protocol_of(environ, signature), _NOT_THERE, 501, message)

    def _wrong_bucket(self, environ: dict[str, Any], account_id: str, organization: Organization) -> str:
        """An account's buckets are its own: there are no bucket policies here."""
        self._accounts.fill(account_id, organization)
        bucket = _bucket(environ.get("RAW_URI", "/").partition("?")[0])
        if bucket in _MOTO_OWN:
            return "no-bucket"
        owner = self._accounts.owner(bucket, organization) if bucket else None
        if owner is not None and owner != account_id:
            creates = environ["REQUEST_METHOD"] == "PUT" and not environ.get("QUERY_STRING") and _is_bucket(environ)
            return "taken-bucket" if creates else "foreign-bucket"
        source = _bucket("/" + unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/"))
        owner = self._accounts.owner(source, organization) if source else None
        return "foreign-bucket" if owner not in {None, account_id} else ""


class _Started:
    """Holds back the status and headers that an application answers with, until it is known that they are sent."""

    def __init__(self, start_response: Any) -> None:
        self._start_response = start_response
        self._given: tuple[Any, ...] = ("500 Internal Server Error", [])

    def __call__(self, *given: Any) -> Any:
        self._given = given
        return lambda _: None  # write(), which Flask does not use

    def go(self) -> None:
        """Send them."""
        self._start_response(*self._given)

    def is_flasks_own_page(self) -> bool:
        """True if no view was found for the path or the method."""
        status, headers = self._given[:2]
        kinds = [value for name, value in headers if name.lower() == "content-type"]
        return status[:3] in {"404", "405"} and any(kind.startswith("text/html") for kind in kinds)


def _deny(
    environ: dict[str, Any], start_response: Any, signature: Signed, keys: Minted, action: str
) -> Iterable[bytes]:
    """AWS's own answer where no policy allows the action."""
    protocol = protocol_of(environ, signature)
    code, status = {"ec2": ("UnauthorizedOperation", 403), "json": ("AccessDeniedException", 400)}.get(
        protocol, ("AccessDeniedException", 400) if protocol == "cbor" else ("AccessDenied", 403)
    )
    if protocol == "json" and "HTTP_X_AMZ_TARGET" not in environ:
        status = 403  # REST services
    user = assumed_role_arn(keys.role_arn, keys.session_name)
    why = f"because no identity-based policy allows the {action} action"
    message = f"User: {user} is not authorized to perform: {action} {why}"
    return refuse(environ, start_response, protocol, code, status, message)


def _wrong(environ: dict[str, Any], signature: Signed | None, caller: Caller) -> str:
    if signature is None:
        return "old-signature" if environ.get("HTTP_AUTHORIZATION", "").startswith("AWS ") else "unsigned"
    keys = caller.keys
    if keys is None or not signature.token:
        return "unknown-key"
    if not hmac.compare_digest(keys.session_token.encode(), signature.token.encode()):
        return "wrong-token"
    if caller.now >= keys.expires_at:
        return "expired"
    if signature.expires_at is not None and caller.now >= signature.expires_at:
        return "expired-url"
    return "" if signature.fits(environ, keys.secret_access_key) else "bad-signature"


def _bucket(path: str) -> str:
    return unquote(path).lstrip("/").partition("/")[0]


def _is_bucket(environ: dict[str, Any]) -> bool:
    return "/" not in environ.get("RAW_URI", "/").partition("?")[0].strip("/")


def _refuse(environ: dict[str, Any], start_response: Any, signature: Signed | None, wrong: str) -> Iterable[bytes]:
    """The refusal, in the words of the service that was asked."""
    protocol = protocol_of(environ, signature)
    table = {"s3": _S3, "query": _QUERY, "ec2": _QUERY, "xml": _QUERY}.get(protocol, _JSON)
    code, status, message = table[wrong]
    return refuse(environ, start_response, protocol, code, status, message)
