"""`SERVICE_CLOCK`: what time it is at AWS, measured from the ``Date`` header of the services' answers.

Role credentials end by AWS's clock, whatever this machine's clock shows. All AWS services have the same time, so one
measurement serves for all of them. Access tokens are not judged by it: the service tells how long they last, so their
end is computed, and written for the AWS CLI, by this machine's clock.

An answer that arrives late, because the process was stopped or the network stalled, proves nothing about the clock: the
service's time is only known to lie between the answer's ``Date`` and that plus the time the call took.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from sso_magic.common.times import span

TOLERANCE = 60  # seconds that a clock may be off; AWS refuses signatures that are more than five minutes off
_RESOLUTION = 1.0  # of a Date header, in seconds
_LATEST = 253_000_000_000.0  # in the year 9987: a datetime has no later one to spare


class Moment(NamedTuple):
    """A moment by this machine's two clocks.

    Attributes:
        wall: Seconds since the Unix epoch; somebody may set this clock.
        elapsed: Seconds since an arbitrary moment, with those in which the machine slept.
    """

    wall: float
    elapsed: float


def here() -> Moment:
    """Return the present moment."""
    return Moment(time.time(), _elapsed())


def _elapsed() -> float:
    # Linux stops its monotonic clock while the machine sleeps, and has another one that goes on. On macOS that is
    # CLOCK_MONOTONIC; on Windows `time.monotonic` counts the sleep.
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class _Reading(NamedTuple):
    service: float  # seconds since the Unix epoch, at the moment `at`
    at: Moment

    @property
    def skew(self) -> float:
        off = self.service - self.at.wall
        return off if abs(off) > TOLERANCE else 0.0


class ServiceClock:
    """The services' clock as it is known in this process; safe to use from many threads."""

    def __init__(self) -> None:
        self._reading: _Reading | None = None  # replaced in one step

    def observe(self, date: str | None, asked: Moment) -> None:
        """Measure the service's time by an answer that has just arrived.

        Args:
            date: The answer's ``Date`` header; nothing is measured if it is missing or not a date.
            asked: When the request was sent.
        """
        from sso_magic.client.retry import http_date  # whatever has an answer has imported it

        told = http_date(date or "")
        if told is None:
            return
        now = here()
        took = max(now.elapsed - asked.elapsed, now.wall - asked.wall, 0.0)
        earliest = told.timestamp()
        latest = earliest + _RESOLUTION + took
        expected = self._at(now)
        self._reading = _Reading(min(max(expected, earliest), latest), now)

    def now(self) -> datetime:
        """Return the time at AWS, UTC; this machine's time as long as no answer has told it."""
        return _utc(self._at(here()))

    @property
    def skew(self) -> float:
        """Seconds by which AWS is ahead of this machine's clock; 0 if that is a minute at most, or not known."""
        now = here()
        off = self._at(now) - now.wall
        return off if abs(off) > TOLERANCE else 0.0

    @property
    def is_known(self) -> bool:
        """True if an answer has told the time."""
        return self._reading is not None

    def to_local(self, moment: datetime) -> datetime:
        """Return what this machine's clock shows at a moment, for libraries that compare the two."""
        return shifted(moment, -self.skew)

    def from_local(self, moment: datetime) -> datetime:
        """Return the moment at which this machine's clock shows a time; the inverse of `to_local`."""
        return shifted(moment, self.skew)

    def warning(self) -> str | None:
        """Return what is wrong with this machine's clock and what to do, in one line; None if it is right."""
        off = self.skew
        if not off:
            return None
        return f"This machine's clock is {span(abs(off))} {'behind' if off > 0 else 'ahead of'} AWS. Set it (NTP)."

    def forget(self) -> None:
        """Forget what was measured."""
        self._reading = None

    def _at(self, now: Moment) -> float:
        reading = self._reading
        if reading is None:
            return now.wall
        by_wall = now.wall + reading.skew
        by_elapsed = reading.service + now.elapsed - reading.at.elapsed
        # A clock that was set back must not make credentials last longer. One that was set forward cannot be told from
        # a pause of a virtual machine, which stops the other clock, so credentials are then renewed early.
        return by_elapsed if by_elapsed - by_wall > TOLERANCE else by_wall


def shifted(moment: datetime, seconds: float) -> datetime:
    """Return the moment some seconds later; the moment itself if there is no such date."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return moment


def _utc(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=min(max(seconds, 0.0), _LATEST))


SERVICE_CLOCK = ServiceClock()
