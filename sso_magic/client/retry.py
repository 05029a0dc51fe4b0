"""When a failed call is made again, and after how long: ``standard`` as of 2026 (PROTOCOL.md 9.2, 9.3)."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, Protocol

from sso_magic.client.errors import ServiceException
from sso_magic.common import locks
from sso_magic.common.cache import parse_timestamp
from sso_magic.common.jitter import JITTER
from sso_magic.errors import (
    ConnectError,
    ConnectTimeoutError,
    ProxyError,
    ReadTimeoutError,
    ResponseStreamError,
    TLSError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sso_magic.client.messages import HttpResponse

ErrorType = Literal["throttling", "transient"]

STANDARD_ATTEMPTS = 3
LEGACY_ATTEMPTS = 5
QUOTA = 500
COST: dict[ErrorType, int] = {"transient": 14, "throttling": 5}
BASE_DELAY: dict[ErrorType, float] = {"transient": 0.05, "throttling": 1.0}
LONGEST_DELAY = 20.0
LONGEST_BEYOND_DELAY = 5.0
"""How much longer than its own delay a retry waits because the service asked for it, in seconds."""

_THROTTLING_NAMES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_TRANSIENT_NAMES = frozenset({"RequestTimeout", "RequestTimeoutException"})
_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_TRANSIENT_ERRORS = (
    ConnectError,
    ConnectTimeoutError,
    ProxyError,
    ReadTimeoutError,
    ResponseStreamError,
    TLSError,
)
_TOO_MANY_REQUESTS = 429


def error_type(error: BaseException) -> ErrorType | None:
    """Why a call may be made again: ``throttling`` or ``transient``; None if it may not (PROTOCOL.md 9.3).

    A certificate that is not trusted will not be trusted a moment later either, so it is not transient.
    """
    if isinstance(error, ServiceException):
        status = error.metadata.http_status_code
        if error.name in _THROTTLING_NAMES or status == _TOO_MANY_REQUESTS:
            return "throttling"
        return "transient" if error.name in _TRANSIENT_NAMES or status in _TRANSIENT_STATUSES else None
    if isinstance(error, TLSError) and _is_distrust(error):
        return None
    return "transient" if isinstance(error, _TRANSIENT_ERRORS) else None


def _is_distrust(error: BaseException) -> bool:
    from sso_magic.client.transport_errors import chain

    return any(isinstance(each, ssl.SSLCertVerificationError) for each in chain(error))


def retry_after(response: HttpResponse | None, now: float) -> float | None:
    """Seconds the service asks to wait, by ``x-amz-retry-after`` or ``Retry-After``; None if it asks nothing readable.

    Args:
        response: The response that refused.
        now: Seconds since the epoch, for a header that says a date in a response without ``Date``.
    """
    if response is None:
        return None
    milliseconds = response.headers.get("x-amz-retry-after", "")
    if milliseconds.isascii() and milliseconds.isdigit():
        return float(milliseconds) / 1000
    sent = http_date(response.headers.get("date", ""))  # by the service's clock, as the date to wait for is
    return _retry_after_header(response.headers.get("retry-after", "").strip(), sent.timestamp() if sent else now)


def _retry_after_header(text: str, now: float) -> float | None:
    try:
        return max(float(text), 0.0) if text[:1].isdigit() and "T" not in text else _until(text, now)
    except (ValueError, OverflowError):
        return None


def _until(text: str, now: float) -> float | None:
    moment = http_date(text) or parse_timestamp(text)
    return None if moment is None else max(moment.timestamp() - now, 0.0)


def http_date(text: str) -> datetime | None:
    """The moment that a header's date names; None where it is no date."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class RetryToken:
    """The permission to make an attempt.

    Attributes:
        retry_count: 0 for the first attempt.
        retry_delay: Seconds to wait before it.
        retry_cost: What it took from the quota; None for the first attempt.
    """

    retry_count: int = 0
    retry_delay: float = 0.0
    retry_cost: int | None = None


class RetryStrategy(Protocol):
    """What can be handed in as ``retry_strategy``; one may serve several clients and many threads."""

    @property
    def mode(self) -> str:
        """Its name, for the user agent."""

    @property
    def max_attempts(self) -> int:
        """How many attempts a call may take, the first included."""

    def acquire_initial_retry_token(self) -> RetryToken:
        """The permission for the first attempt; may wait."""

    def refresh_retry_token_for_retry(self, token: RetryToken, error: BaseException) -> RetryToken | None:
        """The permission for another attempt after this error; None if there is to be none."""

    def record_success(self, token: RetryToken) -> None:
        """An attempt succeeded."""


class StandardRetryStrategy:
    """Jittered exponential delay, a bounded number of attempts, and a quota that a failing service uses up.

    Args:
        max_attempts: How many attempts a call may take, the first included.
        retry_throttles: Whether a throttled call is made again. A caller that paces many calls itself says no.
        uniform: Gives a number from 0 to 1 for the jitter.
        now: Gives seconds since the epoch, for ``Retry-After`` with a date.
    """

    mode = "standard"

    def __init__(
        self,
        max_attempts: int = STANDARD_ATTEMPTS,
        *,
        retry_throttles: bool = True,
        uniform: Callable[[], float] = JITTER.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.max_attempts = max_attempts
        self.retry_throttles = retry_throttles
        self._uniform = uniform
        self._now = now
        self._quota = QUOTA
        self._lock = locks.Lock()

    @property
    def capacity(self) -> int:
        """What is left of the quota."""
        return self._quota

    def acquire_initial_retry_token(self) -> RetryToken:
        """The first attempt costs nothing."""
        return RetryToken()

    def refresh_retry_token_for_retry(self, token: RetryToken, error: BaseException) -> RetryToken | None:
        """Another attempt, unless the error cannot be retried, the attempts are used up, or the quota is."""
        kind = error_type(error)
        if kind is None or (kind == "throttling" and not self.retry_throttles):
            return None
        if token.retry_count + 1 >= self.max_attempts or not self._take(COST[kind]):
            return None
        return RetryToken(token.retry_count + 1, self._delay(kind, token.retry_count, error), COST[kind])

    def record_success(self, token: RetryToken) -> None:
        """Gives back what the last retry cost, or 1."""
        with self._lock:
            self._quota = min(self._quota + (1 if token.retry_cost is None else token.retry_cost), QUOTA)

    def _take(self, cost: int) -> bool:
        with self._lock:
            if self._quota < cost:
                return False
            self._quota -= cost
            return True

    def _delay(self, kind: ErrorType, retries: int, error: BaseException) -> float:
        delay = self._uniform() * min(BASE_DELAY[kind] * 2.0**retries, LONGEST_DELAY)
        asked = retry_after(getattr(error, "response", None), self._now())
        return delay if asked is None else max(delay, min(asked, delay + LONGEST_BEYOND_DELAY))
