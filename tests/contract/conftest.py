"""The other side of the comparison: botocore, and the JavaScript SDK."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JAVASCRIPT = Path(__file__).parents[1] / "node"


@dataclass(frozen=True)
class OnTheWire:
    """What two requests are compared by."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    bearer: str | None
    content_type: str | None
    body: object


class Recorder:
    """A service that answers every request with an empty object, and remembers the last."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.last: OnTheWire | None = None


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = urlsplit(self.path)
            recording.last = OnTheWire(
                method=self.command,
                path=target.path,
                query=tuple(sorted(parse_qsl(target.query, keep_blank_values=True, strict_parsing=bool(target.query)))),
                bearer=self.headers.get("x-amz-sso_bearer_token"),
                content_type=self.headers.get("Content-Type"),
                body=json.loads(content) if content else None,
            )
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET  # noqa: N815 - the names http.server calls

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recording = Recorder(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield recording
    server.shutdown()
    server.server_close()
    thread.join()


def _required(what: str, *, present: bool, how: str = f"in {JAVASCRIPT} run: npm install") -> None:
    """Skips where something is missing on this machine; where CI is set, that is a failure: there it must be."""
    if present:
        return
    reason = f"{what} is missing; {how}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def required() -> Callable[..., None]:
    """Skips or fails where a real client is missing; see `_required`."""
    return _required


@pytest.fixture(scope="session")
def javascript() -> Callable[..., Any]:
    """Runs ``js/run.mjs`` with what is to be done as JSON, and returns the JSON it prints."""
    node = shutil.which("node")
    _required("node", present=node is not None)
    _required("the JavaScript SDK", present=(JAVASCRIPT / "node_modules" / "@aws-sdk" / "client-sso").is_dir())

    def run(program: str, environment: dict[str, str] | None = None, **given: Any) -> Any:
        done = subprocess.run(
            [str(node), str(JAVASCRIPT / program)],
            input=json.dumps(given),
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **(environment or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
