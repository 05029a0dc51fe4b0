"""What the service answers when it does not do as asked, and how its kind is found (PROTOCOL.md 1.5, 2.5)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from sso_magic.client.metadata import ResponseMetadata
from sso_magic.common.text import printable
from sso_magic.errors import ClientError, DeserializationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sso_magic.client.messages import HttpResponse

ERROR_TYPE_HEADER = "x-amzn-errortype"
UNKNOWN_ERROR = "UnknownError"
MESSAGE_LIMIT = 500

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class MemberMissing(DeserializationError, AttributeError):
    """The answer lacks the member that is accessed.

    Check the answer before you use it, as an optional member may be absent; an empty answer lacks all of them.
    """


class ServiceException(ClientError):
    """The service answered with an error.

    Look at ``name`` and ``message``; with ``metadata.request_id``, AWS support can find the request.

    Attributes:
        name: The error's name, such as ``UnauthorizedException``; also one that no class stands for, such as
            ``ForbiddenException``; the HTTP status as text where the answer names none.
        message: The service's message.
        fault: ``client`` or ``server``.
        metadata: Status, request id, attempts; see `ResponseMetadata`.
        response: The HTTP response; its body hides from repr.
        members: The body's other members, by their names on the wire.
        service: The service's id, ``SSO`` or ``SSO OIDC``.
        modelled_fault: The model's fault of this class; None for the base classes.
        error_value: What the body's member ``error`` says for this class (PROTOCOL.md 2.5).
        message_members: The body's members that can hold the message, the first that is there wins.
    """

    service: ClassVar[str] = ""
    modelled_fault: ClassVar[str | None] = None
    error_value: ClassVar[str | None] = None
    message_members: ClassVar[tuple[str, ...]] = ("message", "Message")

    def __init__(
        self,
        message: str = UNKNOWN_ERROR,
        *,
        name: str | None = None,
        fault: str | None = None,
        metadata: ResponseMetadata | None = None,
        response: HttpResponse | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.name = type(self).__name__ if name is None else name
        self.message = message
        self.fault = fault or self.modelled_fault or "client"
        self.metadata = ResponseMetadata() if metadata is None else metadata
        self.response = response
        self.members = dict(members or {})

    def __str__(self) -> str:
        """One line: ``<Name>: <message> (HTTP <status>, request id <id>)``."""
        details = []
        if self.metadata.http_status_code is not None:
            details.append(f"HTTP {self.metadata.http_status_code}")
        if self.metadata.request_id:
            details.append(f"request id {self.metadata.request_id}")
        text = f"{self.name}: {self.message}"
        return printable(f"{text} ({', '.join(details)})" if details else text)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def error_name(headers: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
    """The error's name by header, ``code`` or ``__type``, in the JavaScript SDK's order (PROTOCOL.md 1.6)."""
    candidates = [headers.get(ERROR_TYPE_HEADER)]
    candidates += [value for key, value in body.items() if key.lower() == "code"]
    candidates.append(body.get("__type"))
    for candidate in candidates:
        if isinstance(candidate, (str, int)) and (name := _sanitised(str(candidate))):
            return name
    return None


def one_line(text: str) -> str:
    """The text without control characters, at most `MESSAGE_LIMIT` characters (PROTOCOL.md 1.6)."""
    return _CONTROL.sub(" ", text[: 2 * MESSAGE_LIMIT]).strip()[:MESSAGE_LIMIT]


def status_phrase(status: int) -> str:
    """The standard words for a status, for an answer that has none of its own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return UNKNOWN_ERROR


def _sanitised(name: str) -> str:
    name = name.partition(",")[0].partition(":")[0]
    return one_line(name.partition("#")[2] if "#" in name else name)
