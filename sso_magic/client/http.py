"""The request handler: sends a request by an adapter of requests (PROTOCOL.md 4).

Nothing of a request is decided here: no redirect is followed, no netrc read, no environment looked at.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

import requests
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict

from sso_magic.client.endpoints import is_loopback
from sso_magic.client.messages import HttpRequest, HttpResponse, Timeout
from sso_magic.client.pooled import distrust
from sso_magic.client.quiet import QuietAdapter
from sso_magic.client.transport_errors import as_transport_error, without_frames
from sso_magic.common import locks
from sso_magic.common.secret import reveal
from sso_magic.errors import ConfigError, DeserializationError, EndpointError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.adapters import BaseAdapter


BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that are read; the largest page of either service is far below."""
_CHUNK = 65536


class RequestHandlerOptions(TypedDict, total=False):
    """What ``request_handler`` may be instead of a handler; see `RequestsHandler`."""

    connection_timeout: float
    request_timeout: float
    max_connections: int
    session: requests.Session
    adapter: BaseAdapter


class RequestsHandler:
    """Sends requests by requests' adapter, over a pool of kept-alive connections that threads share.

    Args:
        connection_timeout: Seconds to make a connection.
        request_timeout: Seconds to wait for the answer, and between two parts of it.
        max_connections: How many are open at a time; further calls wait for one.
        ca_bundle: A file or directory of CA certificates; None for requests' own.
        proxies: By protocol, as in requests.
        session: A session whose adapters, hooks, CA bundle, client certificate and proxies are used; it stays open.
        adapter: An adapter that is used for every URL; it stays open.

    Raises:
        ConfigError: both a session and an adapter, or a bound that is not above 0.
    """

    def __init__(
        self,
        *,
        connection_timeout: float = 10.0,
        request_timeout: float = 60.0,
        max_connections: int = 50,
        ca_bundle: str | None = None,
        proxies: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
        adapter: BaseAdapter | None = None,
    ) -> None:
        if session is not None and adapter is not None:
            raise ConfigError("request_handler has a session and an adapter; give one of them.")
        self.timeout = (
            check_seconds(connection_timeout, "connection_timeout"),
            check_seconds(request_timeout, "request_timeout"),
        )
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise ConfigError(f"max_connections is {max_connections!r}; it must be a whole number of 1 or more.")
        self.max_connections = max_connections
        self._verify: bool | str = ca_bundle or True
        self._proxies = {protocol: reveal(proxy) for protocol, proxy in (proxies or {}).items()}
        self._session = session
        self._adapter = adapter
        self._own: QuietAdapter | None = None
        self._owner = 0
        self._lock = locks.Lock()

    def handle(self, request: HttpRequest, *, timeout: Timeout | None = None) -> HttpResponse:
        """Sends the request once and reads the whole answer.

        Raises:
            TransportError: no whole answer came.
            EndpointError: the request would leave this machine unencrypted.
            DeserializationError: the answer is larger than `BODY_LIMIT`.
        """
        guard(request)
        try:
            return self._exchange(_prepared(request), request, timeout or self.timeout)
        except Exception as error:  # noqa: BLE001 - whatever requests, urllib3 or the system raise
            failure = as_transport_error(error, request.authority)
            if self._own is not None and isinstance(failure, TransportError):
                distrust(self._own)
        except BaseException as interruption:  # noqa: BLE001 - Ctrl-C; it goes on
            raise without_frames(interruption)  # noqa: B904 - the same one
        raise failure

    def close(self) -> None:
        """Closes the connections this handler made; a session or adapter that was handed in stays open."""
        with self._lock:
            if self._own is not None:
                _close(self._own)
                self._own = None

    def _exchange(self, prepared: PreparedRequest, request: HttpRequest, timeout: Timeout) -> HttpResponse:
        """The answer; a function of its own, for an error keeps no frame that holds a response."""
        response = self._send(prepared, timeout)
        try:
            return _whole(response, request)
        finally:
            response.close()

    def _send(self, prepared: PreparedRequest, timeout: Timeout) -> requests.Response:
        if self._session is not None:
            prepared.hooks = self._session.hooks
            prepared.prepare_cookies({})
            return self._session.send(prepared, **self._session_settings(), timeout=timeout, allow_redirects=False)
        adapter = self._adapter or self._own_adapter()
        return adapter.send(prepared, stream=True, timeout=timeout, verify=self._verify, proxies=self._proxies)

    def _session_settings(self) -> dict[str, Any]:
        """What the session says itself comes before what the configuration says."""
        session = self._session
        assert session is not None
        return {
            "stream": True,
            "verify": self._verify if session.verify is True else session.verify,
            "cert": session.cert,
            "proxies": session.proxies or self._proxies,
        }

    def _own_adapter(self) -> QuietAdapter:
        """The adapter of this process: a forked child must not read its parent's answers off a shared connection."""
        adapter = self._own
        if adapter is None or self._owner != os.getpid():
            with self._lock:
                if self._own is None or self._owner != os.getpid():
                    self._own = QuietAdapter(
                        pool_connections=4, pool_maxsize=self.max_connections, max_retries=0, pool_block=True
                    )
                    self._owner = os.getpid()
                adapter = self._own
        return adapter


def guard(request: HttpRequest) -> None:
    """Lets nothing leave this machine unencrypted: each request or its answer holds a secret (PROTOCOL.md 4.3).

    Raises:
        EndpointError: the request goes to a plain-http host that is not loopback.
    """
    if request.protocol != "https" and not is_loopback(request.hostname):
        raise EndpointError(
            f"Nothing was sent to {request.protocol}://{request.authority}: tokens go by https only, "
            "but for hosts of this machine. Use an https endpoint."
        )


def check_seconds(value: float, name: str) -> float:
    """The number of seconds, if it is one that can be waited.

    Raises:
        ConfigError: it is not above 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigError(f"{name} is {value!r}; it must be a number of seconds above 0.")
    return float(value)


def _close(adapter: QuietAdapter) -> None:
    """Closes each pool: urllib3 2 does so only when nobody holds the pool any more, and an error that is kept does."""
    for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
        for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over
            pool = manager.pools.get(key)
            if pool is not None:
                pool.close()
    adapter.close()


def _prepared(request: HttpRequest) -> PreparedRequest:
    """The request as requests' adapters take it; every part is ready, so requests' own preparing is left out."""
    prepared = PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = CaseInsensitiveDict({name: reveal(value) for name, value in request.headers.items()})
    prepared.body = request.body
    return prepared


def _whole(response: requests.Response, request: HttpRequest) -> HttpResponse:
    content = _bounded(response, request)
    return HttpResponse(response.status_code, response.headers, content, response.reason or "")


def _bounded(response: requests.Response, request: HttpRequest) -> bytes:
    chunks = []
    size = 0
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        if size > BODY_LIMIT:
            raise DeserializationError(
                f"{request.authority} answered more than {BODY_LIMIT // 1024 // 1024} MB; "
                "that is no answer of this service. Check the endpoint and the proxy."
            )
        chunks.append(chunk)
    if request.method != "HEAD":  # announces the body that GET would have
        _refuse_truncated(response, size)
    return b"".join(chunks)


def _refuse_truncated(response: requests.Response, size: int) -> None:
    """urllib3 2 notices a body that is shorter than announced; urllib3 1.26, which requests still takes, does not."""
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and size < int(announced) and "content-encoding" not in response.headers:
        raise requests.exceptions.ChunkedEncodingError(f"{size} of {announced} bytes came")
