"""What was asked of the Identity Center: a record of each request, and counters."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local.wire import Request

_SECRET_HEADERS = {"x-amz-sso_bearer_token", "cookie", "authorization"}
_SECRET_MEMBERS = {"clientSecret", "deviceCode", "refreshToken", "code", "codeVerifier"}
_SECRET_QUERY = {"Session", "SigninToken", "code", "state"}


@dataclass(frozen=True)
class RequestRecord:
    """One request and the status of its answer.

    `status` is 0 if a fault left it without an answer. `at` is `time.monotonic()` when it arrived. `headers` have
    lower-case names. `body` is the parsed JSON body, an empty dictionary if there is none.
    """

    operation: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]
    status: int
    at: float


class RequestLog(list[RequestRecord]):
    """The records, oldest first, and `counts` of (operation, status), which go on when records are switched off.

    `tell`, if it is set, is called with each record, in the listener's thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.tell: Callable[[RequestRecord], object] | None = None

    def add(self, request: Request, operation: str, status: int, *, keep: bool, redact: bool) -> None:
        """Counts the request, and keeps a record of it if asked to."""
        self.counts[operation, status] += 1
        if not keep and self.tell is None:
            return
        record = _record(request, operation, status, redact=redact)
        if keep:
            self.append(record)
        if self.tell is not None:
            self.tell(record)

    def total(self, operation: str | None = None, status: int | None = None) -> int:
        """How many requests there were of this operation with this status; None stands for any."""
        return sum(
            number
            for (its_operation, its_status), number in list(self.counts.items())
            if operation in {None, its_operation} and status in {None, its_status}
        )

    def of(self, operation: str) -> list[RequestRecord]:
        """The records of one operation."""
        return [record for record in list(self) if record.operation == operation]

    def clear(self) -> None:
        """Forgets records and counts."""
        super().clear()
        self.counts.clear()


def _record(request: Request, operation: str, status: int, *, redact: bool) -> RequestRecord:
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = dict(request.query)
    body = _json(request.body)
    if redact:
        headers |= dict.fromkeys(headers.keys() & _SECRET_HEADERS, "***")
        query |= dict.fromkeys(query.keys() & _SECRET_QUERY, "***")
        body |= dict.fromkeys(body.keys() & _SECRET_MEMBERS, "***")
    return RequestRecord(operation, request.method, request.path, query, headers, body, status, time.monotonic())


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
