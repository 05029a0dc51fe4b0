"""From what requests raises to the errors of this package, each with the host and what to look at next."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, TypeVar

import requests.exceptions as requests_errors
import urllib3.exceptions as urllib3_errors

from sso_magic.client.errors import one_line
from sso_magic.client.network import proxy_refusal
from sso_magic.errors import (
    ConnectError,
    ConnectTimeoutError,
    ProxyError,
    ReadTimeoutError,
    ResponseStreamError,
    SSOMagicError,
    TLSError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_Error = TypeVar("_Error", bound=BaseException)

_STALLED = "did not answer in time. Try again, or allow more time."
_BROKE_OFF = "broke off its answer. Try again."
_NOT_TRUSTED = "could not be trusted. Behind a company proxy, set AWS_CA_BUNDLE to the company's CA file."
_FILE_LIBRARIES = frozenset({"PEM", "X509", "ASN1"})  # OpenSSL's, that read certificates from a file
_NO_CA_FILE = "could not be asked: the CA file cannot be loaded. Check AWS_CA_BUNDLE and ca_bundle."
_NOT_CONNECTED = "could not be connected to. Check network, VPN, the region and the endpoint."
_NO_PROXY_URL = "could not be reached: the proxy's URL is wrong. Check HTTPS_PROXY and HTTP_PROXY."
_UNSUPPORTED = (
    "could not be reached: its kind of proxy or URL is not supported. A SOCKS proxy needs the package pysocks."
)

_KINDS: tuple[tuple[type[Exception], type[TransportError], str], ...] = (
    # of requests; in this order, for ConnectTimeout, ProxyError and SSLError are ConnectionErrors too
    (
        requests_errors.ConnectTimeout,
        ConnectTimeoutError,
        "could not be connected to in time. Check network, VPN and proxy, or allow more time.",
    ),
    (requests_errors.Timeout, ReadTimeoutError, _STALLED),
    (
        requests_errors.ProxyError,
        ProxyError,
        "could not be reached through the proxy. Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
    ),
    (requests_errors.InvalidProxyURL, ProxyError, _NO_PROXY_URL),
    (requests_errors.SSLError, TLSError, _NOT_TRUSTED),
    (requests_errors.InvalidSchema, ProxyError, _UNSUPPORTED),
    (requests_errors.ChunkedEncodingError, ResponseStreamError, _BROKE_OFF),
    (
        requests_errors.ContentDecodingError,
        ResponseStreamError,
        "sent an answer that cannot be decoded. Check the proxy.",
    ),
    (
        requests_errors.StreamConsumedError,
        ResponseStreamError,
        "sent an answer that was read by something else. Check the hooks of the session handed in.",
    ),
    (requests_errors.ConnectionError, ConnectError, _NOT_CONNECTED),
    # of what is below it
    (urllib3_errors.HTTPError, ResponseStreamError, _BROKE_OFF),
    (ssl.SSLError, TLSError, _NOT_TRUSTED),
    (TimeoutError, ReadTimeoutError, _STALLED),
    (ConnectionError, ConnectError, _NOT_CONNECTED),
    (socket.gaierror, ConnectError, _NOT_CONNECTED),
)
_USER_INFO = re.compile(r"//[^/@\s]+@")  # a proxy's URL may hold a password
_ANY_OTHER = "could not be asked. Check the endpoint and the session or adapter handed in."


def as_transport_error(error: Exception, host: str) -> SSOMagicError:
    """The error of this package for one that was raised while sending; one of this package stays as it is.

    Args:
        error: What requests, urllib3 or the system raised.
        host: Host and port that were to be asked.

    Returns:
        A `TransportError` that has `error` as its cause.
    """
    if isinstance(error, SSOMagicError):
        return without_frames(error)
    kind, text = _kind(error)
    reason = _USER_INFO.sub("//", one_line(str(_innermost(error))))
    problem, advice = proxy_refusal(reason) or text.split(". ", 1)
    because = f" ({reason})" if reason else ""
    made = kind(f"{host} {problem}. {advice}{because}")
    made.problem, made.advice = f"{host} {problem}{because}.", advice
    made.__cause__ = _without_request(without_frames(error))
    return made


def _without_request(error: _Error) -> _Error:
    """The error without what was sent and what came: requests hands both on, and where Dask is, pickles have them."""
    for each in chain(error):
        if isinstance(each, requests_errors.RequestException):
            each.request = each.response = None
    return error


def without_frames(error: _Error) -> _Error:
    """The error without the frames it came through, nor those of its causes.

    IPython's verbose traceback prints the locals of every frame, and those of http.client hold the bytes of the
    request's headers, which no type of this package can hide.
    """
    for each in chain(error):
        each.__traceback__ = None
    return error


def _kind(error: Exception) -> tuple[type[TransportError], str]:
    if isinstance(error, requests_errors.ConnectionError) and _has(error, urllib3_errors.ReadTimeoutError):
        return ReadTimeoutError, _STALLED  # a body that stalls is a ConnectionError to requests
    if any(
        isinstance(each, ssl.SSLError) and getattr(each, "library", None) in _FILE_LIBRARIES for each in chain(error)
    ):
        return TLSError, _NO_CA_FILE  # raised while the file is loaded, before anything is sent
    return next(
        ((ours, advice) for theirs, ours, advice in _KINDS if isinstance(error, theirs)), (TransportError, _ANY_OTHER)
    )


def _has(error: BaseException, wanted: type[BaseException]) -> bool:
    return any(isinstance(each, wanted) for each in chain(error))


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, and what they carry: requests hands urllib3's on as an argument or ``reason``."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def _innermost(error: BaseException) -> BaseException:
    """The system's own word where there is one: its text says why, and is short."""
    for each in chain(error):
        if isinstance(each, OSError) and not isinstance(each, requests_errors.RequestException) and str(each):
            return each
    return error
