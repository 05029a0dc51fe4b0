"""From a command to its HTTP request, and from the response to the output or error (PROTOCOL.md 1.1, 1.5, 2).

The only code that knows how the services' JSON looks. It reads the fields' own descriptions (`sso_magic.client.shapes`)
and has no case for any operation.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sso_magic.client.errors import UNKNOWN_ERROR, ServiceException, error_name, one_line, status_phrase
from sso_magic.client.messages import HttpRequest, HttpResponse
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.shapes import WrongType, members, read_structure
from sso_magic.common.cache import from_json, to_json
from sso_magic.common.secret import REDACTED, Secret, reveal
from sso_magic.errors import DeserializationError, ParamValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sso_magic.client.service import Call, Service
    from sso_magic.client.shapes import Member

_NOT_IN_HEADERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id")
_FIRST_ERROR = 300
_FIRST_SERVER_ERROR = 500
_SHORTEST_SECRET = 6
_HTML = re.compile(r"^\s*<(?:!doctype\s+html|html|head|body|h1|title)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>\s*([^<]{1,200})", re.IGNORECASE)
_MIDDLE_BOX = "A proxy, firewall or captive portal may have sent it: check HTTPS_PROXY, NO_PROXY and the network"


def validate(command: Call) -> None:
    """Refuses an input that no request can be made of (PROTOCOL.md 1.2).

    Raises:
        ParamValidationError: a required member is missing, or a value is of the wrong type or out of its bounds.
    """
    for member in members(type(command)):
        value = getattr(command, member.attribute)
        if value is None:
            if member.required:
                raise ParamValidationError(f"{command.operation.name} needs {member.attribute}; it is None.")
        elif not member.kind.accepts(value):
            raise ParamValidationError(
                f"{member.attribute} of {command.operation.name} is {_shown(value)}; it must be {member.kind.name}."
            )
        elif _is_outside(value, member):
            raise ParamValidationError(
                f"{member.attribute} of {command.operation.name} is {value}; "
                f"it must be {member.minimum} to {member.maximum}."
            )


def serialize(command: Call, endpoint: str) -> HttpRequest:
    """The request of a command.

    Raises:
        ParamValidationError: a value holds characters that cannot be sent.
    """
    parts = urlsplit(endpoint)
    request = HttpRequest(
        method=command.operation.method,
        protocol=parts.scheme,
        hostname=parts.hostname or "",
        port=parts.port,
        path=parts.path.rstrip("/") + command.operation.path,
    )
    document: dict[str, Any] = {}
    for member in members(type(command)):
        value = getattr(command, member.attribute)
        if value is None:
            continue
        if member.location == "header":
            request.headers[member.wire] = check_header(value, member.attribute)
        elif member.location == "query":
            request.query[member.wire] = _encodable(value, member) if isinstance(value, str) else str(value)
        else:
            document[member.wire] = list(value) if isinstance(value, tuple) else value
    if document:
        request.body = to_json(document).encode()
        request.headers["content-type"] = "application/json"
    return request


def check_header(value: str, name: str) -> str:
    """The header's value, if it can be sent.

    Raises:
        ParamValidationError: it cannot; the message does not show it.
    """
    if _NOT_IN_HEADERS.search(reveal(value)) or max(reveal(value), default="") > "\xff":
        raise ParamValidationError(
            f"{name} holds a character that no HTTP header can: a line break or one beyond Latin-1. Copy it again."
        )
    return value


def deserialize(service: Service, command: Call, response: HttpResponse) -> Any:
    """The operation's output.

    Raises:
        ServiceException: the service answered an error: any status of 300 and above, for redirects are not followed.
        DeserializationError: it answered 200 with a body that is not this operation's.
    """
    metadata = read_metadata(response)
    if response.status_code >= _FIRST_ERROR or _is_error_in_disguise(command, response):
        raise _service_exception(service, command, response, metadata)
    problem = "its body is not JSON"
    try:
        return read_structure(command.operation.output, _document(response), metadata=metadata)
    except (ValueError, RecursionError):
        pass
    except WrongType as wrong:
        problem = str(wrong)
    except BaseException as interruption:  # noqa: BLE001 - Ctrl-C above all; it goes on
        raise interruption.with_traceback(None)  # noqa: B904 - the same one; the frames below hold the body
    # raised here, not where the body is a local variable of a frame
    raise DeserializationError(
        f"{service.id} answered {command.operation.name} with HTTP {response.status_code}, but {problem}. "
        "Check the endpoint, and whether a proxy or captive portal answers in its place."
    )


def read_metadata(response: HttpResponse) -> ResponseMetadata:
    """What the response's headers say of the request (PROTOCOL.md 1.7)."""
    headers = response.headers
    return ResponseMetadata(
        http_status_code=response.status_code,
        request_id=next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None),
        extended_request_id=headers.get("x-amz-id-2"),
        cf_id=headers.get("x-amz-cf-id"),
    )


def _document(response: HttpResponse) -> object:
    """The body as JSON; an empty one is an empty object (PROTOCOL.md 1.3)."""
    return from_json(response.body) if response.body.strip() else {}


def _service_exception(
    service: Service, command: Call, response: HttpResponse, metadata: ResponseMetadata
) -> ServiceException:
    text = _without_secrets(response.body.decode(errors="replace"), command)
    document = _error_members(text)
    body = document or {}
    name = error_name(response.headers, body) or _name_by_error_member(service, body) or str(response.status_code)
    kind = service.errors.get(name, service.base_error)
    made: ServiceException = kind(
        _message(service, body) or _words(response, text, is_json=document is not None),
        name=name,
        fault=kind.modelled_fault or _fault(response.status_code),
        metadata=metadata,
        response=response,
        members=body,
    )
    return made


def _fault(status: int) -> str:
    return "client" if _FIRST_ERROR <= status < _FIRST_SERVER_ERROR else "server"


def _is_error_in_disguise(command: Call, response: HttpResponse) -> bool:
    """Whether a 200 holds nothing but an error, as the live portal has been seen to answer (PROTOCOL.md 1.5).

    Read as an answer it would be an empty list: "you have no accounts".
    """
    if b'"__type"' not in response.body:
        return False
    body = _error_members(response.body.decode(errors="replace")) or {}
    return "__type" in body and not any(member.wire in body for member in members(command.operation.output))


def _error_members(text: str) -> dict[str, Any] | None:
    """The members of an error's body; None if it is no JSON object."""
    try:
        document = from_json(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _name_by_error_member(service: Service, body: Mapping[str, Any]) -> str | None:
    """By ``error``, where neither header nor ``code`` nor ``__type`` names it (PROTOCOL.md 2.5)."""
    value = body.get("error")
    if not isinstance(value, str):
        return None
    return next((name for name, kind in service.errors.items() if kind.error_value == value), None)


def _message(service: Service, body: Mapping[str, Any]) -> str | None:
    candidates = [body.get(member) for member in service.base_error.message_members]
    return next((one_line(each) for each in candidates if isinstance(each, str) and each), None)


def _words(response: HttpResponse, text: str, *, is_json: bool) -> str:
    """Return the message of an answer that has none of its own (PROTOCOL.md 1.6)."""
    if is_json:
        return UNKNOWN_ERROR
    if _HTML.search(text):
        title = _TITLE.search(text)
        named = f' ("{one_line(unescape(title[1]))}")' if title else ""
        return f"an HTML page{named} instead of an answer of AWS. {_MIDDLE_BOX}"
    return one_line(text) or status_phrase(response.status_code)


def _without_secrets(text: str, command: Call) -> str:
    """An answer that repeats a secret of the request must not carry it into a message."""
    for member in members(type(command)):
        value = getattr(command, member.attribute)
        if isinstance(value, Secret) and len(value.reveal()) >= _SHORTEST_SECRET:
            text = text.replace(value.reveal(), REDACTED)
    return text


def _is_outside(value: Any, member: Member) -> bool:
    return (member.minimum is not None and value < member.minimum) or (
        member.maximum is not None and value > member.maximum
    )


def _encodable(value: str, member: Member) -> str:
    try:
        reveal(value).encode()
    except UnicodeEncodeError:
        raise ParamValidationError(f"{member.attribute} holds half a character (a lone surrogate).") from None
    return value


def _shown(value: object) -> str:
    return f"of type {type(value).__name__}"
