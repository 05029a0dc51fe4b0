"""How fast to ask: one pace for all workers, learned from the service's refusals (PROTOCOL.md 1.8).

Additive increase, multiplicative decrease (AIMD), with three changes, each for a measured reason
(tests/benchmarks/rate):

* Until the first refusal there is no pace; only the number of calls on their way is bounded. A throttle is a bucket
  that holds a burst: a pace that starts at the documented rate takes twenty times as long where nothing is refused.
* The pace grows with the cube of the time since the last refusal: slowly near the rate that was refused, fast if the
  service allows more. A linear growth takes 1.4 times as long where the allowed rate doubles.
* A refusal that follows another with no accepted call in between says nothing new: the pace stays, and the wait
  doubles. A service that counts calls in whole seconds refuses all until the second ends; lowering the pace at each of
  these refusals takes 1.4 times as long there. The same holds for the second refusal if the pace has not doubled yet:
  calls of the burst that were late on their way still emptied the bucket. Lowering the pace then takes up to 1.3 times
  as long where the machine or the network is slow.

Nothing is lost by asking slower than the rate for a while, for the bucket keeps what was not used.
"""

from __future__ import annotations

import math
import time

from sso_magic.common import locks

AT_ONCE = 40  # calls that may go at once at the start: portals refuse first after 31 to 40 (PROTOCOL.md 1.8), or later
NARROW = 11  # calls that may be on their way where the first refusal is likely: all of them are refused with it
LIKELY = 54  # calls that a burst is likely to allow; each one beyond widens the window
FIRST_RATE = 20.0  # calls a second after the first refusal: what AWS documents
DOUBLING = 0.5  # seconds in which that doubles until the next refusal, which halves it
MOST_DOUBLINGS = 16  # more than any pace needs: hours may pass between two calls, and floats end at 2 ** 1024
DECREASE = 0.85  # of the pace, at a later refusal
GROWTH = 6.0  # seconds without a refusal after which the pace has doubled
HOLD = 2.0  # tokens to let the bucket gather after a refusal
LONGEST_HOLD = 1.0  # seconds to which the wait doubles while nothing is accepted
LATE = 3.0  # calls that may be caught up when the workers were late
SLOWEST = 0.2  # calls a second


class Pace:
    """The arithmetic, without threads or a clock of its own. Times are seconds of one monotonic clock.

    Args:
        now: When it begins.
        at_once: Calls that may go at once at the start.

    Attributes:
        accepted: Calls answered with anything but a refusal.
        refused: Calls refused.
        rate: The pace in calls a second just after the last refusal; None until the service refuses a call.
    """

    def __init__(self, now: float, at_once: int = AT_ONCE) -> None:
        self.accepted = 0
        self.refused = 0
        self.rate: float | None = None
        self._at_once = at_once
        self._next = now  # when the next call may go
        self._refused_at = -math.inf
        self._first_refused_at = math.inf
        self._accepted_before = 0  # the last refusal
        self._wait = 0.0  # seconds after the last refusal
        self._grows_from = now
        self._is_doubling = True

    def window(self, workers: int) -> int:
        """Return how many calls may be on their way at once."""
        if self.rate is not None:
            return workers
        return min(workers, max(self._at_once - self.accepted, NARROW, NARROW + self.accepted - LIKELY))

    def wait(self, now: float) -> float:
        """Return the seconds until the next call may be sent; 0 or less: now."""
        return self._next - now

    def on_sent(self, now: float) -> None:
        """Count a call that goes out."""
        if self.rate is not None:
            gap = 1 / self._current(self.rate, now)
            self._next = max(self._next, now - LATE * gap) + gap

    def on_accepted(self) -> None:
        """Count a call that was answered with anything but a refusal."""
        self.accepted += 1

    def on_refused(self, now: float, sent_at: float) -> None:
        """Slow down: a call that was sent at `sent_at` was refused (429)."""
        self.refused += 1
        if sent_at <= self._refused_at:
            return  # it was on its way when the last one was refused: the same event
        if self.rate is not None and (self.accepted == self._accepted_before or self._is_burst_ending(now)):
            self._wait = max(self._wait, min(2 * self._wait, LONGEST_HOLD))
        else:
            self._slow_down(now)
        self._refused_at = self._grows_from = now
        self._accepted_before = self.accepted
        self._next = max(self._next, now + self._wait)

    def hold_until(self, moment: float) -> None:
        """Send no call before this moment; the pace does not grow while nothing is sent."""
        self._next = max(self._next, moment)
        self._grows_from = max(self._grows_from, moment)

    def _is_burst_ending(self, now: float) -> bool:
        """Return True at the second refusal, if calls of the burst may still have been on their way."""
        return self._refused_at == self._first_refused_at and now - self._refused_at < DOUBLING

    def _slow_down(self, now: float) -> None:
        if self.rate is None:
            self.rate = FIRST_RATE
            self._first_refused_at = now
        else:
            factor = 0.5 if self._is_doubling else DECREASE
            self.rate = max(self._current(self.rate, now) * factor, SLOWEST)
            self._is_doubling = False
        self._wait = HOLD / self.rate

    def _current(self, rate: float, now: float) -> float:
        """Return the pace in calls a second."""
        elapsed = max(now - self._grows_from, 0.0)
        if self._is_doubling:
            return rate * math.pow(2.0, min(elapsed / DOUBLING, MOST_DOUBLINGS))
        return rate * (1 + math.pow(elapsed / GROWTH, 3))


class RateController:
    """The pace of all workers: `acquire` lets a call go when its turn has come.

    Args:
        workers: How many calls may be on their way at once.
        used_up: Whether a burst was used up a moment ago, by a fetch that this one goes on from.
    """

    def __init__(self, workers: int, *, used_up: bool = False) -> None:
        self._workers = workers
        self._pace = Pace(time.monotonic(), NARROW if used_up else AT_ONCE)
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
        """The pace in calls a second just after the last refusal; None until the service refuses a call."""
        return self._pace.rate

    def acquire(self) -> float | None:
        """Waits until a call may be sent.

        Returns:
            The moment it is sent at, for `refuse`; None when stopped.
        """
        with self._turn, self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._on_their_way >= self._pace.window(self._workers):
                    self._changed.wait()
                elif (wait := self._pace.wait(now)) > 0:
                    self._changed.wait(wait)
                else:
                    self._pace.on_sent(now)
                    self._on_their_way += 1
                    return now
        return None

    def accept(self) -> None:
        """The call was answered, with anything but a 429."""
        with self._changed:
            self._on_their_way -= 1
            self._pace.on_accepted()
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
