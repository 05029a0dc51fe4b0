"""S3 on loopback in which every object says which account signed the request for it."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sso_magic.local import LocalIdentityCenter

NOBODY = "nobody"


class S3BySigner:
    """The server. Each object is a CSV of one column, ``account``, and one row.

    Attributes:
        signers: The accounts that signed requests, in order.
    """

    def __init__(self, center: LocalIdentityCenter) -> None:
        self.center = center
        self.signers: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"s3": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # a reader that goes away
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def signer(self, headers) -> str:
        found = re.search(r"Credential=([^/]+)/", headers.get("Authorization", ""))
        keys = self.center.keys.get(found[1]) if found else None
        account = keys.account_id if keys else found[1] if found else NOBODY
        self.signers.append(account)
        return account

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    s3: S3BySigner
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(send_body=False)

    def do_GET(self) -> None:
        self._answer(send_body=True)

    def _answer(self, *, send_body: bool) -> None:
        content = f"account\n{self.s3.signer(self.headers)}\n".encode()
        if "_delta_log" in self.path or "list-type" in self.path:
            content = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></ListBucketResult>'
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        part = content
        if wanted:
            part = content[int(wanted[1]) : int(wanted[2]) + 1 if wanted[2] else None]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {wanted[1]}-{int(wanted[1]) + len(part) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Type", "text/csv")
        self.send_header("ETag", '"one"')
        self.send_header("Last-Modified", "Wed, 01 Jul 2026 00:00:00 GMT")
        self.end_headers()
        if send_body:
            self.wfile.write(part)

    def log_message(self, *arguments) -> None:
        """Say nothing."""
