"""Requests and answers as the handlers see them, and how an error looks on the wire (PROTOCOL.md 1.5, 2.5)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
PORTAL_NAMESPACE = "com.amazonaws.switchboard.portal"
OIDC_NAMESPACE = "com.amazonaws.sso.oidc"

PORTAL_STATUS = {
    "InvalidRequestException": 400,
    "UnauthorizedException": 401,
    "ForbiddenException": 403,
    "ResourceNotFoundException": 404,
    "MethodNotAllowedException": 405,
    "TooManyRequestsException": 429,
}
OIDC_ERRORS = {
    "AuthorizationPendingException": (400, "authorization_pending"),
    "SlowDownException": (400, "slow_down"),
    "AccessDeniedException": (400, "access_denied"),
    "ExpiredTokenException": (400, "expired_token"),
    "InvalidGrantException": (400, "invalid_grant"),
    "InvalidClientException": (401, "invalid_client"),
    "InvalidClientMetadataException": (400, "invalid_client_metadata"),
    "InvalidRedirectUriException": (400, "invalid_redirect_uri"),
    "InvalidRequestException": (400, "invalid_request"),
    "InvalidScopeException": (400, "invalid_scope"),
    "UnauthorizedClientException": (400, "unauthorized_client"),
    "UnsupportedGrantTypeException": (400, "unsupported_grant_type"),
    "InternalServerException": (500, "server_error"),
}


@dataclass(slots=True)
class Request:
    """What was asked, percent-decoded; of a parameter that stands twice, the last."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def form(self) -> dict[str, str]:
        """The body of a posted form."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
        return {name: values[-1] for name, values in fields.items()}


@dataclass(slots=True)
class Response:
    """What is answered, but for the headers that every answer has."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: list[tuple[str, str]] = field(default_factory=list)


class Refusal(Exception):
    """Ends a handler with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def answer(value: dict[str, Any]) -> Response:
    """A success: JSON without spaces, nulls included, as the live service sends it (PROTOCOL.md 13.1)."""
    return Response(body=encode(value))


def encode(value: Any) -> bytes:
    """JSON without spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def portal_error(name: str, message: str, status: int | None = None) -> Refusal:
    """The portal's error: named by the header and by ``__type`` (PROTOCOL.md 1.5)."""
    return Refusal(portal_error_response(name, message, status))


def portal_error_response(name: str, message: str, status: int | None = None) -> Response:
    """What `portal_error` answers."""
    body = encode({"message": message, "__type": f"{PORTAL_NAMESPACE}#{name}"})
    return Response(status or PORTAL_STATUS.get(name, 500), body, headers=[_error_type(name, PORTAL_NAMESPACE)])


def oidc_error(name: str, description: str) -> Refusal:
    """The OIDC service's error: named by the header alone (PROTOCOL.md 2.5)."""
    return Refusal(oidc_error_response(name, description))


def oidc_error_response(name: str, description: str, status: int | None = None) -> Response:
    """What `oidc_error` answers."""
    known_status, error = OIDC_ERRORS.get(name, (500, "server_error"))
    body = encode({"error": error, "error_description": description})
    return Response(status or known_status, body, headers=[_error_type(name, OIDC_NAMESPACE)])


def _error_type(name: str, namespace: str) -> tuple[str, str]:
    return ("x-amzn-ErrorType", f"{name}:http://internal.amazon.com/coral/{namespace}/")
