"""A request, a response, and the protocol of what carries one to the other (PROTOCOL.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


Timeout = tuple[float, float]


class HttpRequest:
    """A request before it is sent; middlewares may change it.

    Attributes:
        method: ``GET`` or ``POST``.
        protocol: ``https`` or ``http``.
        hostname: Without the port.
        port: None for the protocol's own.
        path: Starts with ``/``.
        query: Parameter to value, not encoded.
        headers: Lower-case name to value. The access token is a `Secret`: a handler sends what its `reveal()` returns.
        body: The bytes to send, or None.
    """

    __slots__ = ("body", "headers", "hostname", "method", "path", "port", "protocol", "query")

    def __init__(  # noqa: PLR0913 - the parts of a request
        self,
        *,
        method: str,
        protocol: str,
        hostname: str,
        port: int | None,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        self.method = method
        self.protocol = protocol
        self.hostname = hostname
        self.port = port
        self.path = path
        self.query = {} if query is None else query
        self.headers = {} if headers is None else headers
        self.body = body

    @property
    def authority(self) -> str:
        """Host and, where it is not the protocol's own, port: what the header ``host`` says."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL; all but unreserved characters of the query percent-encoded (PROTOCOL.md 1.2)."""
        base = f"{self.protocol}://{self.authority}{self.path}"
        if not self.query:
            return base
        return base + "?" + "&".join(f"{quote(key, '')}={quote(value, '')}" for key, value in self.query.items())

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self.protocol}://{self.authority}{self.path}>"

    def __reduce__(self) -> tuple[Callable[..., HttpRequest], tuple[object, ...]]:
        """What is pickled: all but the body, which holds secrets as they are sent."""
        return (_request_of, ({**self._parts(), "body": None},))

    def __copy__(self) -> HttpRequest:
        return _request_of({**self._parts(), "query": dict(self.query), "headers": dict(self.headers)})

    def __deepcopy__(self, memo: object) -> HttpRequest:
        return self.__copy__()

    def _parts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def _request_of(parts: dict[str, Any]) -> HttpRequest:
    return HttpRequest(**parts)


class HttpResponse:
    """What came back.

    Attributes:
        status_code: The HTTP status.
        reason: Its phrase.
        headers: Lower-case name to value.
        body: The bytes; not in repr, not pickled.
    """

    __slots__ = ("body", "headers", "reason", "status_code")

    def __init__(self, status_code: int, headers: Mapping[str, str], body: bytes = b"", reason: str = "") -> None:
        self.status_code = status_code
        self.reason = reason
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status_code}, {len(self.body)} bytes>"

    def __reduce__(self) -> tuple[type[HttpResponse], tuple[object, ...]]:
        return (HttpResponse, (self.status_code, self.headers, b"", self.reason))

    def __copy__(self) -> HttpResponse:
        return HttpResponse(self.status_code, self.headers, self.body, self.reason)

    def __deepcopy__(self, memo: object) -> HttpResponse:
        return self.__copy__()


class RequestHandler(Protocol):
    """What can be handed in as ``request_handler``."""

    def handle(self, request: HttpRequest, *, timeout: Timeout | None = None) -> HttpResponse:
        """Sends the request once; `TransportError` if no answer came. Called from many threads."""

    def close(self) -> None:
        """Closes what is open."""
