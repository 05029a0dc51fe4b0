"""The portal that both clients ask: 10,000 accounts, five roles each. Prints its URL, then serves until it is ended."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ACCOUNTS = 10_000


def page_of_accounts(query: dict[str, list[str]]) -> dict[str, object]:
    start = int(query.get("next_token", ["0"])[0])
    end = min(start + int(query.get("max_result", ["20"])[0]), ACCOUNTS)
    accounts = [
        {
            "accountId": f"{number:012d}",
            "accountName": f"team-{number:05d}-prod",
            "emailAddress": f"aws+{number:05d}@example.com",
        }
        for number in range(start, end)
    ]
    return {"nextToken": str(end) if end < ACCOUNTS else None, "accountList": accounts}


def roles(query: dict[str, list[str]]) -> dict[str, object]:
    account = query["account_id"][0]
    return {"nextToken": None, "roleList": [{"roleName": f"Role{n}", "accountId": account} for n in range(5)]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = parse_qs(target.query)
        body = json.dumps(roles(query) if target.path == "/assignment/roles" else page_of_accounts(query)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
