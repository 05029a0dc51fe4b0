"""The retry mode ``adaptive``: ``standard`` behind a rate limiter of the client's own (PROTOCOL.md 9.4)."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sso_magic.client.retry import STANDARD_ATTEMPTS, RetryToken, StandardRetryStrategy, error_type
from sso_magic.common import locks
from sso_magic.common.jitter import JITTER

if TYPE_CHECKING:
    from collections.abc import Callable

BETA = 0.7
SCALE = 0.4
SMOOTHING = 0.8
BUCKET = 0.5
SLOWEST_RATE = 0.5
SMALLEST_CAPACITY = 1.0


class RateLimiter:
    """A token bucket whose rate follows what the service lets through, as CUBIC follows a network's.

    Idle until the service throttles for the first time.

    Args:
        clock: Gives seconds that never run backwards.
        sleep: Waits a number of seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = locks.Lock()
        self.enabled = False
        self.fill_rate = 1.0
        self.measured_rate = 0.0
        self._capacity = SMALLEST_CAPACITY
        self._tokens = 0.0
        self._filled_at = clock()
        self._w_max = 0.0
        self._k = 0.0
        self._throttled_at = clock()
        self._bucket = float(math.floor(clock()))
        self._requests = 0

    def acquire(self) -> None:
        """Takes a token, and waits until it is there."""
        wait = self.take()
        if wait > 0:
            self._sleep(wait)

    def record(self, *, throttled: bool) -> None:
        """Takes a response into account."""
        with self._lock:
            self._measure()
            now = self._clock()
            if throttled:
                rate = self.measured_rate if not self.enabled else min(self.measured_rate, self.fill_rate)
                self._w_max = rate
                self._k = (rate * (1 - BETA) / SCALE) ** (1 / 3)
                self._throttled_at = now
                self.enabled = True
                wanted = BETA * rate
            else:
                wanted = SCALE * (now - self._throttled_at - self._k) ** 3 + self._w_max
            self._set_rate(min(wanted, 2 * self.measured_rate), now)

    def take(self) -> float:
        """Takes a token, into debt if need be; how many seconds until the debt is paid."""
        with self._lock:
            if not self.enabled:
                return 0.0
            self._refill(self._clock())
            self._tokens -= 1
            return -self._tokens / self.fill_rate if self._tokens < 0 else 0.0

    def _refill(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self.fill_rate)
        self._filled_at = now

    def _set_rate(self, rate: float, now: float) -> None:
        self._refill(now)
        self.fill_rate = max(rate, SLOWEST_RATE)
        self._capacity = max(rate, SMALLEST_CAPACITY)
        self._tokens = min(self._tokens, self._capacity)

    def _measure(self) -> None:
        self._requests += 1
        bucket = math.floor(self._clock() / BUCKET) * BUCKET
        if bucket > self._bucket:
            rate = self._requests / (bucket - self._bucket)
            self.measured_rate = rate * SMOOTHING + self.measured_rate * (1 - SMOOTHING)
            self._requests = 0
            self._bucket = bucket


class AdaptiveRetryStrategy(StandardRetryStrategy):
    """`StandardRetryStrategy` that also holds back first attempts once the service has throttled.

    Args:
        max_attempts: How many attempts a call may take, the first included.
        limiter: The limiter; clients that share one share its rate.
        retry_throttles: Whether a throttled call is made again.
        uniform: Gives a number from 0 to 1 for the jitter.
        now: Gives seconds since the epoch.
    """

    mode = "adaptive"

    def __init__(
        self,
        max_attempts: int = STANDARD_ATTEMPTS,
        *,
        limiter: RateLimiter | None = None,
        retry_throttles: bool = True,
        uniform: Callable[[], float] = JITTER.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(max_attempts, retry_throttles=retry_throttles, uniform=uniform, now=now)
        self.limiter = RateLimiter() if limiter is None else limiter

    def acquire_initial_retry_token(self) -> RetryToken:
        """Waits for the limiter."""
        self.limiter.acquire()
        return super().acquire_initial_retry_token()

    def refresh_retry_token_for_retry(self, token: RetryToken, error: BaseException) -> RetryToken | None:
        """Tells the limiter, then decides as ``standard`` does; the limiter's wait runs beside the delay."""
        self.limiter.record(throttled=error_type(error) == "throttling")
        allowed = super().refresh_retry_token_for_retry(token, error)
        if allowed is None:
            return None
        return replace(allowed, retry_delay=max(allowed.retry_delay, self.limiter.take()))

    def record_success(self, token: RetryToken) -> None:
        """Tells the limiter too."""
        self.limiter.record(throttled=False)
        super().record_success(token)
