"""How fast to ask: one pace for all workers, learned from the service's refusals (PROTOCOL.md 1.8).

A throttle is a bucket: it holds a burst, fills at a rate, and refuses (429) while it is empty. What follows from that:

* Nothing is lost by asking slower than the rate for a while, for the bucket keeps what was not used. So after a
  refusal the pace holds still until the bucket has a few tokens again, and then asks as fast as the bucket fills.
* At a refusal the bucket is known to be empty. The calls accepted between two refusals, divided by the time between
  them, are the rate, to within a call or two.
* The pace creeps up from just below the rate, so that the next refusal comes late, costs about one call, and measures
  the rate over a longer stretch. If it does not come when it should, the rate has grown, and the pace climbs fast.
* A service that counts calls in whole seconds is no bucket: after a run of calls it refuses all until the second ends.
  Refusals that follow a run and have no calls between them measure nothing: the pace waits longer, and stays.
* Before the first refusal only the number of calls on their way bounds the pace, and it starts small: at the first
  refusal, all that is on its way is refused.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

from sso_magic.common import locks

SURE = 40  # calls that may go at once at the start: portals refuse first after 31 to 40 (PROTOCOL.md 1.8), or later
NARROW = 11  # calls that may be on their way where the first refusal is likely
LIKELY = 54  # calls that a burst is likely to allow; what comes in meanwhile at
FILLS = 50.0  # calls a second is not the burst's
GROWTH = 3  # by how much each call beyond a likely burst widens the window
HOLD = 2.0  # tokens to let the bucket gather after a refusal
HOLD_AT_FIRST = 0.1  # seconds, while the rate is unknown
BELOW = 0.99  # where the pace starts after a refusal, in parts of the measured rate
CREEP = 0.04  # how far it is up after the calls, or the seconds, that creeping takes, in parts of the measured rate
CREEP_CALLS = 120  # at most, and no more than the rate was measured over
CREEP_CALLS_UNSURE = 20  # where the rate may have changed while it was measured
CREEP_SECONDS = 8.0
OVERDUE = 2.0  # tokens asked for beyond what the rate allowed, unpunished: the rate has grown
DOUBLING_AT_FIRST = 0.25  # seconds in which the guess at an unknown rate doubles
DOUBLING = 0.5  # the same, for a rate that has grown
ROUND_TRIPS = 4  # no pace doubles in fewer of them, for a refusal is learned one round trip late
CALLS_TO_DOUBLE = 3  # nor in fewer calls
FIRST_GUESS = 1 / 16  # of the pace at which the burst was used up
LOWEST_GUESS = 5.0  # calls a second: a quarter of what AWS documents
SMALL_BURST = 10  # accepted calls before the first refusal: the bucket is so small that it overflows
LATE = 3.0  # calls that may be caught up when the workers were late
REMEMBERED = 16  # refusals
SLACK = 2.0  # tokens by which a bucket that was empty at two moments may be misjudged
JITTER = 0.01  # seconds by which an answer's moment may be
SLOWEST = 0.2  # calls a second
RUN = 10  # accepted calls between two refusals that are a run
FEW = 5  # accepted calls since the last refusal that are too few to measure a rate, after a run
PAUSE = 0.4  # seconds after such a refusal; twice as long after the next one
LONGEST_PAUSE = 1.0


class _Refusal(NamedTuple):
    """A moment at which the bucket was empty."""

    at: float
    accepted: int


class _Climb(NamedTuple):
    """A pace that doubles again and again until it is refused."""

    since: float
    pace: float
    doubling: float

    def at(self, now: float) -> float:
        return self.pace * math.pow(2.0, (now - self.since) / self.doubling)


class Pace:
    """The arithmetic, without threads or a clock of its own. Times are seconds of one monotonic clock.

    Args:
        now: When it begins.
        sure: Calls that may go at once at the start.

    Attributes:
        sent: Calls sent.
        accepted: Calls answered with anything but a refusal.
        refused: Calls refused.
        rate: Calls a second that the service allows, as measured; None until it refuses one.
    """

    def __init__(self, now: float, sure: int = SURE) -> None:
        self.sent = 0
        self.accepted = 0
        self.refused = 0
        self.rate: float | None = None
        self._sure = sure
        self._began = now
        self._next = now  # when the next call may go
        self._held = now  # until when no call may go because the service said so
        self._refusals: list[_Refusal] = []
        self._sent_since = 0  # the last refusal
        self._creep_calls = CREEP_CALLS_UNSURE
        self._climb: _Climb | None = None
        self._round_trip = 0.0  # seconds, smoothed
        self._run = 0  # calls accepted between the last two refusals that measured something
        self._pause = 0.0

    def window(self, now: float, workers: int) -> int:
        """How many calls may be on their way at once."""
        if self.rate is not None:
            return workers
        beyond = int(self.accepted - FILLS * (now - self._began)) - LIKELY
        return min(workers, max(self._sure - self.accepted, NARROW, NARROW + GROWTH * beyond))

    def wait(self, now: float) -> float:
        """Seconds until the next call may be sent; 0 or less: now."""
        return self._next - now

    def on_sent(self, now: float) -> None:
        """A call goes out."""
        self.sent += 1
        self._sent_since += 1
        if self.rate is not None:
            gap = 1 / self._current(now)
            self._next = max(self._next, now - LATE * gap) + gap

    def on_accepted(self, now: float, sent_at: float) -> None:
        """A call that was sent at `sent_at` was answered with anything but a refusal."""
        self.accepted += 1
        self._round_trip += (now - sent_at - self._round_trip) / min(self.accepted, 16)

    def on_refused(self, now: float, sent_at: float) -> None:
        """A call that was sent at `sent_at` was refused (429)."""
        self.refused += 1
        if self._refusals and sent_at <= self._refusals[-1].at:
            return  # it was on its way when the last one was refused: the same event
        since = self.accepted - (self._refusals[-1].accepted if self._refusals else 0)
        if self._refusals and since < FEW and self._run >= RUN and self._pause < LONGEST_PAUSE:
            self._wait_longer(now)
            return
        self._run, self._pause = since, 0.0
        reached = self._climb.at(now - self._round_trip) if self._climb else None
        self._refusals = [*self._refusals, _Refusal(now, self.accepted)][-REMEMBERED:]
        self._sent_since = 0
        if self.rate is None:
            self._guess(now)
        else:
            self._settle(now, reached)

    def hold_until(self, moment: float) -> None:
        """Send no call before this moment; the pace does not creep up while nothing is sent."""
        self._next = max(self._next, moment)
        self._held = max(self._held, moment)

    def _guess(self, now: float) -> None:
        """The first refusal: how fast the burst went says only that the rate is lower. Starts low and doubles."""
        self.rate = max(self.accepted / max(now - self._began, 1e-3) * FIRST_GUESS, LOWEST_GUESS)
        self._next = now + HOLD_AT_FIRST
        self._climb = _Climb(self._next, self.rate, self._doubling(DOUBLING_AT_FIRST, self.rate))

    def _wait_longer(self, now: float) -> None:
        """A refusal that says only that the service goes on refusing after a run of calls."""
        assert self.rate is not None
        self._refusals[-1] = _Refusal(now, self.accepted)
        self._sent_since = 0
        self._climb = None
        self._pause = min(max(2 * self._pause, HOLD / self.rate, PAUSE), LONGEST_PAUSE)
        self._next = now + self._pause

    def _settle(self, now: float, reached: float | None) -> None:
        """A later refusal: measures the rate and starts again from just below it."""
        measured = self._measure()
        overflowed = len(self._refusals) > 2 or self._refusals[0].accepted < SMALL_BURST
        if reached is not None and overflowed:
            # While it climbed the bucket was full and lost tokens: the rate is between what was measured and reached.
            measured = max(measured, math.sqrt(measured * reached))
        self.rate = max(measured, SLOWEST)
        changed = reached is not None and len(self._refusals) == 2
        over = 0.0 if changed else self.rate * (now - self._refusals[0].at)
        self._creep_calls = int(min(max(over, CREEP_CALLS_UNSURE), CREEP_CALLS))
        self._climb = None
        self._next = now + HOLD / self.rate

    def _current(self, now: float) -> float:
        """The pace in calls a second."""
        assert self.rate is not None
        if self._climb is None:
            elapsed = max(now - max(self._refusals[-1].at, self._held), 0.0)
            crept = max(self._sent_since / self._creep_calls, elapsed / CREEP_SECONDS)
            pace = self.rate * (BELOW + CREEP * crept**4)
            if self._sent_since - self.rate * elapsed < OVERDUE:
                return pace
            self._climb = _Climb(now, pace, self._doubling(DOUBLING, pace))
        return self._climb.at(now)

    def _doubling(self, seconds: float, pace: float) -> float:
        return max(seconds, ROUND_TRIPS * self._round_trip, CALLS_TO_DOUBLE / pace)

    def _measure(self) -> float:
        """The rate over the longest stretch, back from the last refusal, in which it was the same throughout."""
        last = self._refusals[-1]
        for start, first in enumerate(self._refusals[:-1]):
            rate = _rate(first, last)
            slack = SLACK + JITTER * rate
            if all(
                abs(last.accepted - one.accepted - rate * (last.at - one.at)) <= slack
                for one in self._refusals[start + 1 : -1]
            ):
                break
        self._refusals = self._refusals[start:]
        return rate


def _rate(first: _Refusal, last: _Refusal) -> float:
    return max(last.accepted - first.accepted, 0.5) / max(last.at - first.at, 1e-3)


class RateController:
    """The pace of all workers: `acquire` lets a call go when its turn has come.

    Args:
        workers: How many calls may be on their way at once.
        used_up: Whether a burst was used up a moment ago, by a fetch that this one goes on from.
    """

    def __init__(self, workers: int, *, used_up: bool = False) -> None:
        self._workers = workers
        self._pace = Pace(time.monotonic(), NARROW if used_up else SURE)
        self._on_their_way = 0
        self._stopped = False
        self._turn = locks.Lock()  # one worker waits for the next moment, the others behind it
        self._changed = locks.Condition()

    @property
    def accepted(self) -> int:
        """Calls answered with anything but a refusal."""
        return self._pace.accepted

    @property
    def refused(self) -> int:
        """Calls refused."""
        return self._pace.refused

    @property
    def rate(self) -> float | None:
        """Calls a second that the service allows, as measured; None until it refuses one."""
        return self._pace.rate

    def acquire(self) -> float | None:
        """Waits until a call may be sent.

        Returns:
            The moment it is sent at, for `accept` or `refuse`; None when stopped.
        """
        with self._turn, self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._on_their_way >= self._pace.window(now, self._workers):
                    self._changed.wait()
                elif (wait := self._pace.wait(now)) > 0:
                    self._changed.wait(wait)
                else:
                    self._pace.on_sent(now)
                    self._on_their_way += 1
                    return now
        return None

    def accept(self, sent_at: float) -> None:
        """The call was answered, with anything but a 429."""
        with self._changed:
            self._on_their_way -= 1
            self._pace.on_accepted(time.monotonic(), sent_at)
            self._changed.notify()

    def refuse(self, sent_at: float, asked: float = 0.0) -> None:
        """The call was answered with a 429, which asks to wait this many seconds."""
        with self._changed:
            self._on_their_way -= 1
            now = time.monotonic()
            self._pace.on_refused(now, sent_at)
            self._pace.hold_until(now + asked)
            self._changed.notify()

    def stop(self) -> None:
        """Lets every waiting worker go, with nothing to send."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
