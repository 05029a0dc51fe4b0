"""A service of this process that answers as planned, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Answer:
    """What the service answers once.

    Attributes:
        body: JSON, or text or bytes as they are.
        status: The HTTP status.
        headers: Beside Content-Length.
        raw: Instead of all that, the bytes on the wire, after which the connection is closed.
        wait: Set by the test to let the answer go.
    """

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    wait: threading.Event | None = None

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Asked:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: tuple[str, int]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True, strict_parsing=True)


class Service:
    """The planned answers, one a request; when they run out, every further one is the last again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self._plan: deque[Answer] = deque()
        self._lock = threading.Lock()

    def plan(self, *answers: Answer) -> None:
        self._plan = deque(answers)

    def answer(self, *arguments: Any, **named: Any) -> Answer:
        return Answer(*arguments, **named)

    def take(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            return self._plan.popleft() if len(self._plan) > 1 else self._plan[0]

    @property
    def last(self) -> Asked:
        return self.asked[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Service

    def _serve(self) -> None:
        with contextlib.suppress(ConnectionError):  # a client that hangs up
            self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.service.take(Asked(self.command, self.path, headers, body, self.client_address))
        if answer.wait is not None:
            answer.wait.wait(30)
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _serve  # noqa: N815 - the names http.server calls

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def running_service() -> Iterator[Service]:
    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.service = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Handler.service
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def service(running_service: Service) -> Service:
    """The service with nothing planned but an empty object, and nothing asked."""
    running_service.asked.clear()
    running_service.plan(Answer({}))
    return running_service


@pytest.fixture
def sso(service: Service) -> Iterator[SSO]:
    """A portal client of the service, which waits for nothing."""
    with SSO(region="eu-west-1", endpoint=service.url, sleep=lambda _seconds: None) as client:
        yield client


@pytest.fixture
def oidc(service: Service) -> Iterator[SSOOIDC]:
    """An OIDC client of the service, which waits for nothing."""
    with SSOOIDC(region="eu-west-1", endpoint=service.url, sleep=lambda _seconds: None) as client:
        yield client


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with a certificate for 127.0.0.1, and its key, that nobody trusts."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_text(_self_signed())
    return str(path)


def _self_signed() -> str:
    import ipaddress
    from datetime import datetime, timedelta, timezone

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.fixture
def untrusted_service(certificate: str) -> Iterator[Service]:
    """The service by https, with a certificate that only clients with its CA bundle trust."""
    import ssl

    class Handler(_Handler):
        pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            """A client that hangs up on the certificate is what the test is about."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Handler.service = Service(f"https://127.0.0.1:{server.server_port}")
    Handler.service.certificate = certificate
    Handler.service.plan(Answer({}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Handler.service
    server.shutdown()
    server.server_close()
    thread.join()
