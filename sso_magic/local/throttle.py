"""A token bucket for each sign-in session: the portal's 429."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sso_magic.local.errors import KnobError


@dataclass(frozen=True)
class Throttle:
    """What one sign-in session may ask of the portal.

    Args:
        rate: Calls a second that are allowed for ever.
        burst: Calls that are allowed at once after a pause. Default: one second's worth.
    """

    rate: float
    burst: float = 0

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.burst < 0:
            raise KnobError(f"throttle: rate and burst must be above 0, not {self.rate:g} and {self.burst:g}.")
        if not self.burst:
            object.__setattr__(self, "burst", max(1.0, self.rate))

    @classmethod
    def parse(cls, text: str) -> Throttle:
        """``RATE`` or ``RATE:BURST``, calls a second and calls."""
        rate, _, burst = text.partition(":")
        try:
            numbers = float(rate), float(burst or 0)
        except ValueError as error:
            raise KnobError(f"throttle: RATE or RATE:BURST is expected, such as 20 or 50:100, not {text!r}.") from error
        return cls(*numbers)


@dataclass
class _Bucket:
    level: float
    at: float


class Throttling:
    """The buckets. A change of the throttle takes effect at the next call and keeps what was used up."""

    def __init__(self) -> None:
        self._throttle: Throttle | None = None
        self._buckets: dict[int, _Bucket] = {}

    def allows(self, session: int, throttle: Throttle | None) -> bool:
        """Takes one call out of the session's bucket; False if there is none left. A refused call costs nothing."""
        now = time.monotonic()
        if throttle != self._throttle:
            self._settle(now, throttle)
        if throttle is None:
            return True
        bucket = self._buckets.get(session)
        if bucket is None:
            bucket = self._buckets[session] = _Bucket(throttle.burst, now)
        _fill(bucket, throttle, now)
        if bucket.level < 1:
            return False
        bucket.level -= 1
        return True

    def clear(self) -> None:
        """Fills every bucket."""
        self._buckets.clear()

    def _settle(self, now: float, throttle: Throttle | None) -> None:
        """What was earned until now was earned at the old rate."""
        if self._throttle is None or throttle is None:
            self._buckets.clear()
        else:
            for bucket in self._buckets.values():
                _fill(bucket, self._throttle, now)
                bucket.level = min(bucket.level, throttle.burst)
        self._throttle = throttle


def _fill(bucket: _Bucket, throttle: Throttle, now: float) -> None:
    bucket.level = min(throttle.burst, bucket.level + (now - bucket.at) * throttle.rate)
    bucket.at = now
