"""Whatever keeps an answer from coming is one error of this package, which names the host and what to look at next."""

from __future__ import annotations

import socket
import ssl
import traceback
from pathlib import Path

import pytest
import requests.exceptions
import urllib3.exceptions
from requests import Response

from sso_magic import errors
from sso_magic.client import transport_errors
from sso_magic.client.http import RequestsHandler
from sso_magic.common.secret import Secret
from sso_magic.local import Fault
from sso_magic.portal import SSO

TOKEN = "aoaPLANTEDaccessTOKEN"
HOST = "portal.sso.eu-west-1.amazonaws.com"


def tree(root):
    yield root
    for below in root.__subclasses__():
        if below.__module__.startswith("requests"):
            yield from tree(below)


EVERY_ERROR = sorted(set(tree(requests.exceptions.RequestException)), key=lambda kind: kind.__name__)


def made(kind):
    """One of each; JSONDecodeError wants what json gives it."""
    return kind("why", "doc", 0) if kind is requests.exceptions.JSONDecodeError else kind("why")


EXPECTED = {
    "ChunkedEncodingError": errors.ResponseStreamError,
    "ConnectTimeout": errors.ConnectTimeoutError,
    "ConnectionError": errors.ConnectError,
    "ContentDecodingError": errors.ResponseStreamError,
    "HTTPError": errors.TransportError,
    "InvalidHeader": errors.TransportError,
    "InvalidJSONError": errors.TransportError,
    "InvalidProxyURL": errors.ProxyError,
    "InvalidSchema": errors.ProxyError,
    "InvalidURL": errors.TransportError,
    "JSONDecodeError": errors.TransportError,
    "MissingSchema": errors.TransportError,
    "ProxyError": errors.ProxyError,
    "ReadTimeout": errors.ReadTimeoutError,
    "RequestException": errors.TransportError,
    "RetryError": errors.TransportError,
    "SSLError": errors.TLSError,
    "StreamConsumedError": errors.ResponseStreamError,
    "Timeout": errors.ReadTimeoutError,
    "TooManyRedirects": errors.TransportError,
    "URLRequired": errors.TransportError,
    "UnrewindableBodyError": errors.TransportError,
}


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_every_error_of_requests_has_its_error_here(kind):
    error = transport_errors.as_transport_error(made(kind), HOST)
    assert type(error) is EXPECTED[kind.__name__]
    assert str(error).startswith(f"{HOST} ")
    assert "why" in str(error)
    assert "\n" not in str(error)
    assert isinstance(error, OSError)
    assert isinstance(error.__cause__, kind)


def test_the_tree_is_requests_whole_tree():
    assert {kind.__name__ for kind in EVERY_ERROR} == set(EXPECTED)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (urllib3.exceptions.ProtocolError("broke"), errors.ResponseStreamError),
        (urllib3.exceptions.IncompleteRead(1, 2), errors.ResponseStreamError),
        (ssl.SSLError("bad"), errors.TLSError),
        (ConnectionResetError("reset"), errors.ConnectError),
        (BrokenPipeError("pipe"), errors.ConnectError),
        (socket.gaierror(-2, "Name or service not known"), errors.ConnectError),
        (TimeoutError("slow"), errors.ReadTimeoutError),
        (OSError("disk"), errors.TransportError),
        (ValueError("odd"), errors.TransportError),
    ],
)
def test_what_comes_past_requests_has_its_error_too(raised, expected):
    assert type(transport_errors.as_transport_error(raised, HOST)) is expected


def test_a_reason_that_names_a_proxy_does_not_show_its_password():
    error = transport_errors.as_transport_error(
        requests.exceptions.ProxyError("cannot reach http://me:hunter2@proxy:3128/"), HOST
    )
    assert "cannot reach http://proxy:3128/" in str(error)


@pytest.fixture
def once(service):
    """A client that asks once."""
    with SSO(endpoint=service.url, max_attempts=1) as client:
        yield client


def test_a_refused_connection_says_what_to_check():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with SSO(endpoint=f"http://127.0.0.1:{port}", max_attempts=1) as sso, pytest.raises(errors.ConnectError) as error:
        sso.list_accounts(access_token=TOKEN)
    assert str(error.value).startswith(
        f"127.0.0.1:{port} could not be connected to. Check network, VPN, the region and the endpoint. ("
    )
    assert "refused" in str(error.value)


def test_an_unknown_host_says_so(monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with (
        SSO(endpoint="https://no-such-host.invalid", max_attempts=1) as sso,
        pytest.raises(
            errors.ConnectError, match=r"^no-such-host\.invalid could not be connected to\. .*Name or service not known"
        ),
    ):
        sso.list_accounts(access_token=TOKEN)


def test_a_service_that_does_not_answer_in_time_says_so(once, service):
    import threading

    release = threading.Event()
    service.plan(service.answer({}, wait=release))
    with pytest.raises(errors.ReadTimeoutError, match=r"^127\.0\.0\.1:\d+ did not answer in time\. Try again"):
        once.list_accounts(access_token=TOKEN, timeout=(5, 0.05))
    release.set()


def test_an_answer_that_stops_in_the_middle_says_so(center):
    center.faults.append(Fault("ListAccounts", kind="drip", delay=1))
    with SSO(endpoint=center.url, max_attempts=1) as sso, pytest.raises(errors.ReadTimeoutError) as caught:
        sso.list_accounts(access_token=center.access_token(), timeout=(5, 0.3))
    host = center.url.removeprefix("http://")
    assert str(caught.value).startswith(f"{host} did not answer in time. Try again, or allow more time. (")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["truncated", "truncated chunks", "not gzip"],
)
def test_an_answer_that_breaks_off_or_cannot_be_decoded_says_so(once, service, raw):
    service.plan(service.answer(raw=raw))
    with pytest.raises(errors.ResponseStreamError, match=r"^127\.0\.0\.1:\d+ (broke off|sent an answer that cannot)"):
        once.list_accounts(access_token=TOKEN)


@pytest.mark.parametrize(
    "raw",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{"],
    ids=["truncated", "too large"],
)
def test_an_error_that_is_kept_keeps_no_answer_and_so_no_connection(once, service, raw):
    service.plan(service.answer(raw=raw))
    with pytest.raises(errors.ClientError) as error:
        once.list_accounts(access_token=TOKEN)
    frames = [
        frame for each in transport_errors.chain(error.value) for frame, _ in traceback.walk_tb(each.__traceback__)
    ]
    assert len(frames) > 5
    assert not [name for frame in frames for name, value in frame.f_locals.items() if isinstance(value, Response)]


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n"])
def test_what_is_no_http_says_so(once, service, raw):
    service.plan(service.answer(raw=raw))
    with pytest.raises(errors.ConnectError, match=r"^127\.0\.0\.1:\d+ could not be connected to\."):
        once.list_accounts(access_token=TOKEN)


def test_a_certificate_that_is_not_trusted_points_at_the_ca_bundle_and_is_not_tried_again(untrusted_service):
    with SSO(endpoint=untrusted_service.url) as sso, pytest.raises(errors.TLSError) as error:
        sso.list_accounts(access_token=TOKEN)
    assert "could not be trusted. Behind a company proxy, set AWS_CA_BUNDLE to the company's CA file." in str(
        error.value
    )
    assert "certificate verify failed" in str(error.value)
    assert error.value.metadata.attempts == 1


@pytest.mark.parametrize("content", ["!!!", "AAAA", ""])
def test_a_ca_file_that_cannot_be_loaded_is_named_and_not_the_server(untrusted_service, tmp_path, content):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Path(untrusted_service.certificate).read_bytes())
    with SSO(endpoint=untrusted_service.url, ca_bundle=str(bundle), max_attempts=1) as sso:
        bundle.write_text(f"-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n")  # meanwhile
        with pytest.raises(errors.TLSError) as caught:
            sso.list_accounts(access_token=TOKEN)
    assert "could not be asked: the CA file cannot be loaded. Check AWS_CA_BUNDLE and ca_bundle. (" in str(caught.value)


def test_a_ca_bundle_makes_the_certificate_trusted(untrusted_service):
    with SSO(endpoint=untrusted_service.url, environ={"AWS_CA_BUNDLE": untrusted_service.certificate}) as sso:
        assert sso.list_accounts(access_token=TOKEN).account_list == ()
        assert sso.config.sources["ca_bundle"] == "AWS_CA_BUNDLE"


def test_a_transport_error_says_how_often_it_was_tried(service):
    service.plan(service.answer(raw=b""))
    with SSO(endpoint=service.url, sleep=lambda _s: None) as sso, pytest.raises(errors.ConnectError) as error:
        sso.list_accounts(access_token=TOKEN)
    assert error.value.metadata.attempts == 3
    assert error.value.metadata.http_status_code is None


def test_no_frame_below_ours_is_kept_for_they_hold_the_headers_bytes(once, service):
    """IPython's verbose traceback prints the locals of each frame, also of an error's causes."""
    service.plan(service.answer(raw=b""))
    with pytest.raises(errors.ConnectError) as caught:
        once.list_accounts(access_token=Secret(TOKEN))
    frames = []
    error = caught.value
    while error is not None:
        frames += [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
        error = error.__cause__ or error.__context__
    assert not [frame for frame in frames if "http/client" in frame.f_code.co_filename.replace("\\", "/")]
    for frame in frames[1:]:  # the first is this test's
        assert TOKEN not in repr(frame.f_locals)


def test_an_interrupt_ends_the_wait_and_takes_no_frame_along(service, monkeypatch):
    def interrupt(*_args, **_kwargs):
        header = f"x-amz-sso_bearer_token: {TOKEN}"
        raise KeyboardInterrupt(len(header))

    monkeypatch.setattr(RequestsHandler, "_send", interrupt)
    with SSO(endpoint=service.url) as sso, pytest.raises(KeyboardInterrupt) as caught:
        sso.list_accounts(access_token=TOKEN)
    names = [frame.f_code.co_name for frame, _line in traceback.walk_tb(caught.value.__traceback__)]
    assert "handle" in names
    assert "interrupt" not in names
