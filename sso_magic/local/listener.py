"""HTTP: tornado in a thread and event loop of its own.

Answers are plain `Response` objects from plain functions; this module puts them on the wire, with the headers that
every answer has, and is where faults break them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import socket
import struct
import threading
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError

from sso_magic.local import locks
from sso_magic.local.errors import PortInUse
from sso_magic.local.origin import refusal
from sso_magic.local.wire import (
    HTML,
    JSON,
    TEXT,
    Refusal,
    Request,
    Response,
    encode,
    oidc_error_response,
    portal_error_response,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from sso_magic.local.center_state import CenterState
    from sso_magic.local.control import Control
    from sso_magic.local.faults import Fault

    Handler = Callable[[Request], Response]

_MAX_BODY = 1024 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}


def listen(port: int, flag: str, host: str = "127.0.0.1") -> socket.socket:
    """A socket that listens on this port of the address, or on a free one if it is 0.

    Raises:
        PortInUse: somebody else has the port; the message names it and the flag that changes it.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets two programs share a port without it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1024)
    except (OSError, OverflowError) as error:
        sock.close()
        taken = getattr(error, "errno", None) in {errno.EADDRINUSE, errno.EACCES}
        why = "is in use by another program or not allowed" if taken else f"cannot be listened on ({error})"
        raise PortInUse(f"Port {port} {why}. Choose another with {flag}, 0 for any free one.") from None
    return sock


class Listener:
    """Serves the routes until it is stopped.

    Args:
        center: Whose clock, knobs, faults and log apply.
        routes: Path -> (operation, handler).
        fallback: Answers every other path.
        control: Answers paths below ``/control``, which no fault, latency or log is for.
        tls: The context of TLS; None: connections are not encrypted.
    """

    def __init__(
        self,
        center: CenterState,
        routes: dict[str, tuple[str, Handler]],
        fallback: Handler,
        control: Control,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._center = center
        self._routes = routes
        self._fallback = fallback
        self._control = control
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self, sock: socket.socket) -> None:
        """Serves on the socket, which it closes when it stops."""
        ready = locks.Event()
        self._thread = threading.Thread(
            target=self._run, args=(sock, ready), name="sso_magic local Identity Center", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Closes the port and every connection, and waits for the thread to end."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()

    def _run(self, sock: socket.socket, ready: threading.Event) -> None:
        # The selector loop is what tornado wants on Windows too, and it takes no extra thread there.
        self._loop = asyncio.SelectorEventLoop()
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(sock, ready))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _serve(self, sock: socket.socket, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = HTTPServer(self._handle, ssl_options=self._tls, max_body_size=_MAX_BODY, max_buffer_size=_MAX_BODY)
        sock.setblocking(False)  # noqa: FBT003 - the name of the parameter is `flag`
        server.add_socket(sock)
        ready.set()
        await self._stop.wait()
        server.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.close_all_connections()

    def _handle(self, http: HTTPServerRequest) -> None:
        request = Request(
            http.method or "",
            http.path,
            {name: values[-1].decode("utf-8", "replace") for name, values in http.query_arguments.items()},
            http.headers,
            http.body,
        )
        operation, handler = self._routes.get(request.path, ("Page", self._fallback))
        why = refusal(request.method, request.headers, network=self._center.network)
        if why is not None:
            self._answer(http, request, operation, lambda _: Response(403, why.encode(), TEXT))
            return
        if request.path in self._control.paths:
            self._send(http, _call(self._control, request))
            return
        fault = self._center.faults.strike(operation, request.path)
        delay = self._center.latency
        if fault is None and not delay:
            self._answer(http, request, operation, handler)
            return
        task = asyncio.get_running_loop().create_task(self._later(http, request, operation, handler, delay, fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _later(
        self,
        http: HTTPServerRequest,
        request: Request,
        operation: str,
        handler: Handler,
        delay: float,
        fault: Fault | None,
    ) -> None:
        if delay:
            await asyncio.sleep(delay)
        with contextlib.suppress(StreamClosedError):
            if fault is None:
                self._answer(http, request, operation, handler)
            else:
                await self._break(http, request, operation, handler, fault)

    def _answer(self, http: HTTPServerRequest, request: Request, operation: str, handler: Handler) -> None:
        response = _call(handler, request)
        self._log(request, operation, response.status)
        self._send(http, response)

    def _log(self, request: Request, operation: str, status: int) -> None:
        center = self._center
        center.requests.add(request, operation, status, keep=center.log_requests, redact=center.redact_log)

    def _headers(self, response: Response, length: int) -> HTTPHeaders:
        headers = HTTPHeaders()
        headers.add("Content-Type", response.content_type)
        headers.add("Content-Length", str(length))
        headers.add("Date", self._center.clock.date())
        headers.add("x-amzn-RequestId", str(uuid.uuid4()))
        for name, value in response.headers:
            headers.add(name, value)
        return headers

    def _send(self, http: HTTPServerRequest, response: Response) -> None:
        connection = http.connection
        assert connection is not None
        status = ResponseStartLine("HTTP/1.1", response.status, _REASONS.get(response.status, "Unknown"))
        body = b"" if http.method == "HEAD" else response.body
        connection.write_headers(status, self._headers(response, len(response.body)), body or None)
        connection.finish()

    # ---- faults ----

    async def _break(
        self, http: HTTPServerRequest, request: Request, operation: str, handler: Handler, fault: Fault
    ) -> None:
        if fault.delay and fault.kind not in {"stall", "drip"}:
            await asyncio.sleep(fault.delay)
        real = fault.kind in {"delay", "truncate", "truncate-reset", "drip", "wrong-types"}
        response = _call(handler, request) if real or fault.carried_out else Response()
        response = _replaced(response, operation, fault)
        cut = fault.kind in {"drop", "reset", "stall"}
        self._log(request, operation, 0 if cut else response.status)
        if cut or fault.kind in {"truncate", "truncate-reset", "drip"}:
            await self._break_stream(http, response, fault)
        elif fault.kind == "oversize":
            await self._send_oversize(http, fault.size)
        else:
            self._send(http, response)

    async def _break_stream(self, http: HTTPServerRequest, response: Response, fault: Fault) -> None:
        """Takes the connection away from tornado and does to it what no server should."""
        stream: IOStream = http.connection.detach()  # type: ignore[union-attr]
        try:
            if fault.kind == "stall":
                await self._stall(stream, fault.delay)
            elif fault.kind.startswith("truncate"):
                await stream.write(self._raw(response) + response.body[: len(response.body) // 2])
            elif fault.kind == "drip":
                await stream.write(self._raw(response))
                for byte in response.body:
                    await asyncio.sleep(fault.delay)
                    await stream.write(bytes([byte]))
            if fault.kind in {"reset", "truncate-reset"}:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            stream.close()

    @staticmethod
    async def _stall(stream: IOStream, delay: float) -> None:
        gone = asyncio.Event()
        stream.set_close_callback(gone.set)
        with contextlib.suppress(StreamClosedError, asyncio.TimeoutError):
            await asyncio.wait_for(stream.read_bytes(1), delay or None)  # reading notices that the client has left

    async def _send_oversize(self, http: HTTPServerRequest, size: int) -> None:
        connection = http.connection
        assert connection is not None
        head, tail = b'{"padding":"', b'"}'
        headers = self._headers(Response(), max(size, len(head) + len(tail)))
        await connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, head)
        left = size - len(head) - len(tail)
        while left > 0:
            chunk = b"x" * min(left, 65536)
            await connection.write(chunk)
            left -= len(chunk)
        await connection.write(tail)
        connection.finish()

    def _raw(self, response: Response) -> bytes:
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self._headers(response, len(response.body)).get_all()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _call(handler: Handler, request: Request) -> Response:
    try:
        return handler(request)
    except Refusal as refusal:
        return refusal.response
    except Exception:
        logging.getLogger(__name__).exception("%s %s could not be answered", request.method, request.path)
        return portal_error_response("InternalServerException", "Internal error", 500)


def _replaced(response: Response, operation: str, fault: Fault) -> Response:
    """What the client gets in place of the right answer, where that depends on the fault alone."""
    if fault.kind == "error":
        of_oidc = operation in {"RegisterClient", "StartDeviceAuthorization", "CreateToken"}
        make = _oidc_fault if of_oidc else portal_error_response
        return _asking_to_wait(make(fault.error_name(), fault.message, fault.status), fault)
    if fault.kind == "body":
        kind = fault.content_type or (HTML if fault.body.lstrip().startswith("<") else JSON)
        return _asking_to_wait(Response(fault.status or 200, fault.body.encode(), kind), fault)
    if fault.kind == "bad-gzip":
        return Response(fault.status or 200, b"this is not gzip", headers=[("Content-Encoding", "gzip")])
    if fault.kind == "redirect":
        return Response(fault.status or 302, headers=[("Location", fault.location)])
    if fault.kind == "wrong-types":
        with contextlib.suppress(ValueError):
            response.body = encode({name: _other_type(value) for name, value in json.loads(response.body).items()})
    return response


def _asking_to_wait(response: Response, fault: Fault) -> Response:
    if fault.retry_after:
        response.headers.append(("Retry-After", fault.retry_after))
    return response


def _oidc_fault(name: str, description: str, status: int | None) -> Response:
    renamed = {"TooManyRequestsException": "SlowDownException", "UnauthorizedException": "InvalidClientException"}
    return oidc_error_response(renamed.get(name, name), description, status)


def _other_type(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return {"items": value}
    if isinstance(value, dict):
        return [value]
    return "soon"
