"""A loopback server that writes down who signed each request, and passes it on to the local AWS or answers it.

Requests for S3 and STS go on to the local AWS, which refuses unknown and expired keys. Requests to Bedrock's runtime
are answered here, by the keys' expiry: what is tested is who signs, not what a model says.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local import LocalIdentityCenter

UNSIGNED = "none"
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
_CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}


class Signers:
    """The server. `since(mark())` are the accounts, by name, whose keys signed requests in between."""

    def __init__(self, center: LocalIdentityCenter) -> None:
        self.center = center
        self.names = {account.id: account.name for account in center.organization.accounts}
        self._log: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"signers": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # a reader that goes away
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def mark(self) -> int:
        return len(self._log)

    def since(self, mark: int) -> set[str]:
        return set(self._log[mark:])

    def note(self, access_key_id: str | None) -> None:
        keys = self.center.keys.get(access_key_id or "")
        self._log.append(UNSIGNED if access_key_id is None else self.names[keys.account_id] if keys else "unknown keys")

    def has_expired(self, access_key_id: str | None) -> bool:
        keys = self.center.keys.get(access_key_id or "")
        return keys is None or self.center.clock.now() >= keys.expires_at

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    signers: Signers
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self._body()
        signer = self._signer()
        if urlsplit(self.path).path.startswith("/model/"):
            self.signers.note(signer)
            self._bedrock(signer)
            return
        try:
            connection = http.client.HTTPConnection(urlsplit(self.signers.center.aws_url).netloc, timeout=60)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "transfer-encoding", "expect"}:
                    connection.putheader(name, value)
            if self.headers.get("Transfer-Encoding"):
                connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Connection", "close")
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        except OSError:  # the local AWS is going away
            self.close_connection = True
            return
        self.signers.note(signer)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "date", "server"}:
                self.send_header(name, value)
        if self.command != "HEAD" and answer.getheader("Content-Length") is None:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _signer(self) -> str | None:
        found = re.search(r"Credential=([^/,]+)/", unquote(self.headers.get("Authorization", "") + " " + self.path))
        return found[1] if found else None

    def _bedrock(self, signer: str | None) -> None:
        status, content = 200, _CONVERSE if self.path.endswith("/converse") else _MESSAGE
        if signer is None or self.signers.has_expired(signer):
            status, content = 403, {"message": "The security token included in the request is expired"}
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        if status != 200:
            self.send_header("x-amzn-ErrorType", "ExpiredTokenException")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is http.server's
        """Log nothing."""
