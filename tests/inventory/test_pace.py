"""How fast to ask, against a throttle in a clock of its own: nothing here waits."""

from __future__ import annotations

import heapq
import random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sso_magic.inventory.rate import Pace

if TYPE_CHECKING:
    from collections.abc import Callable


class Run(NamedTuple):
    seconds: float
    sent: int
    refused: int
    pace: Pace

    @property
    def refused_share(self) -> float:
        return self.refused / self.sent


class Bucket:
    """A throttle: a burst at once, then a rate that may change with the time."""

    def __init__(self, rate: Callable[[float], float], burst: float) -> None:
        self._rate, self._burst, self._level, self._at = rate, burst, burst, 0.0

    def lets_through(self, now: float) -> bool:
        self._level = min(self._burst, self._level + (now - self._at) * self._rate(now))
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


def run(*, calls=1010, rate, burst=50.0, workers=48, latency=0.02, slowest=None, seed=0) -> Run:
    """Makes the calls at the pace; what is refused is made again.

    Each call is answered after about the latency, or after anything from that to `slowest`.
    """
    rate = rate if callable(rate) else lambda _, constant=rate: constant
    chance, bucket, pace = random.Random(seed), Bucket(rate, burst), Pace(0.0)
    one_way = (latency * 0.4, latency * 0.6) if slowest is None else (latency / 2, slowest / 2)
    events: list[tuple[float, int, str, float]] = []
    now = free_at = 0.0
    left, on_their_way, number = calls, 0, 0
    while left or on_their_way:
        may_send = left > 0 and on_their_way < pace.window(workers)
        send_at = max(now + max(pace.wait(now), 0), free_at) if may_send else float("inf")
        if events and events[0][0] <= send_at:
            now, _, kind, sent_at = heapq.heappop(events)
            back = chance.uniform(*one_way)
            number += 1
            if kind == "arrives":
                answer = "accepted" if bucket.lets_through(now) else "refused"
                heapq.heappush(events, (now + back, number, answer, sent_at))
                continue
            on_their_way -= 1
            if kind == "accepted":
                pace.on_accepted()
            else:
                pace.on_refused(now, sent_at)
                left += 1
        else:
            now = send_at
            pace.on_sent(now)
            left, on_their_way, number = left - 1, on_their_way + 1, number + 1
            free_at = now + 0.001  # one processor sends one call after the other
            heapq.heappush(events, (now + chance.uniform(*one_way), number, "arrives", now))
    return Run(now, pace.accepted + pace.refused, pace.refused, pace)


def allowed(calls: float, rate: Callable[[float], float], burst: float) -> float:
    """The seconds after which the throttle lets so many calls through."""
    now, got = 0.0, burst
    while got < calls:
        got += rate(now) * 0.001
        now += 0.001
    return now


@pytest.mark.parametrize("latency", [0.003, 0.02])
@pytest.mark.parametrize("seed", range(3))
def test_a_throttled_run_takes_what_the_throttle_allows_and_wastes_little(latency, seed):
    ran = run(rate=50, latency=latency, seed=seed)
    assert ran.seconds <= 1.02 * (1010 - 50) / 50
    assert ran.refused_share <= 0.02


@pytest.mark.parametrize(
    ("rate", "burst", "time", "refused"),
    [
        (20, 20, 1.05, 0.04),
        (20, 40, 1.05, 0.04),
        pytest.param(200, 50, 1.25, 0.04, id="ten times the documented rate, learned in a second of five"),
        (500, 1000, 1.05, 0.04),
        pytest.param(5, 10, 1.05, 0.08, id="a refusal each time the pace has grown by a call a second"),
    ],
)
def test_it_learns_other_rates_and_bursts_too(rate, burst, time, refused):
    calls = 1010 if rate < 500 else 5000
    ran = run(calls=calls, rate=rate, burst=burst)
    assert ran.seconds <= time * (calls - burst) / rate
    assert ran.refused_share <= refused


@pytest.mark.parametrize("workers", [1, 4, 64, 500])
def test_it_ends_in_time_whatever_the_number_of_workers(workers):
    ran = run(rate=50, latency=0.01, workers=workers)
    assert ran.seconds <= 1.02 * (1010 - 50) / 50
    assert ran.refused_share <= 0.02


@pytest.mark.parametrize("seed", range(8))
def test_calls_that_are_late_on_their_way_do_not_slow_the_run_down(seed):
    ran = run(rate=50, latency=0.004, slowest=0.3, seed=seed)
    assert ran.seconds <= 1.05 * (1010 - 50) / 50


def test_a_second_refusal_before_the_pace_has_doubled_keeps_the_pace_and_doubles_the_wait():
    pace = Pace(0.0)
    pace.on_sent(0.1)
    pace.on_refused(0.2, 0.1)
    assert pace.wait(0.2) == pytest.approx(0.1)
    pace.on_sent(0.3)
    pace.on_accepted()  # late: it was on its way when the first one was refused
    pace.on_refused(0.4, 0.3)
    assert pace.rate == 20
    assert pace.wait(0.4) == pytest.approx(0.2)
    pace.on_sent(0.9)
    pace.on_accepted()
    pace.on_refused(1.1, 0.9)
    assert pace.rate == pytest.approx(20 * 2 ** (0.7 / 0.5) / 2)


@pytest.mark.parametrize("rate", [20, 50, 200])
def test_the_pace_stays_near_the_rate_of_the_throttle(rate):
    assert run(rate=rate).pace.rate == pytest.approx(rate, rel=0.2)


def test_refusals_without_an_accepted_call_between_them_keep_the_pace_and_double_the_wait():
    pace, now, waits = Pace(0.0), 0.1, []
    pace.on_accepted()
    for _ in range(7):
        pace.on_sent(now)
        pace.on_refused(now + 0.01, now)
        waits.append(pace.wait(now + 0.01))
        now += 0.01 + waits[-1]
    assert pace.rate == 20
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1, 1, 1])


def test_hours_without_a_refusal_do_not_end_in_an_overflow():
    pace = Pace(0.0)
    pace.on_sent(0.1)
    pace.on_refused(0.2, 0.1)
    for hour in range(1, 100):
        pace.on_sent(hour * 3600.0)
        assert pace.wait(hour * 3600.0) <= 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "rate",
    [
        pytest.param(lambda now: 50 if now < 8 else 25, id="halved"),
        pytest.param(lambda now: 50 if now < 8 else 100, id="doubled"),
        pytest.param(lambda now: 50 if now < 6 else 25 if now < 14 else 50, id="halved, then as before"),
        pytest.param(lambda now: 50 if now < 6 else 100 if now < 9 else 50, id="doubled, then as before"),
    ],
)
def test_it_follows_a_rate_that_changes(rate, seed):
    ran = run(rate=rate, seed=seed)
    assert ran.seconds <= 1.15 * allowed(1010, rate, 50)
    assert ran.refused_share <= 0.04


@pytest.mark.parametrize("latency", [0.003, 0.02, 0.1])
def test_a_bucket_without_a_burst_does_not_drive_the_pace_down_for_ever(latency):
    ran = run(calls=500, rate=20, burst=1, latency=latency)
    assert ran.seconds <= 2 * 500 / 20
    assert ran.refused_share <= 0.1


def test_a_bucket_that_is_empty_at_the_start_is_no_trouble():
    ran = run(calls=500, rate=lambda now: 0 if now < 0.5 else 20, burst=1)
    assert ran.seconds <= 2 * 500 / 20


def test_without_refusals_only_the_window_bounds_the_pace():
    ran = run(rate=1e9, burst=1e9, calls=1010, latency=0.02, workers=48)
    assert ran.refused == 0
    assert ran.pace.rate is None
    assert ran.pace.wait(ran.seconds) <= 0


def test_the_window_is_narrow_where_the_first_refusal_is_likely_and_then_opens():
    pace = Pace(0.0)
    assert pace.window(48) == 40
    for _ in range(45):
        pace.on_accepted()
    assert pace.window(48) == 11
    for _ in range(46):
        pace.on_accepted()
    assert pace.window(48) == 48
    assert pace.window(4) == 4


def test_calls_refused_on_their_way_count_as_one_event():
    pace = Pace(0.0)
    for moment in (0.01, 0.02, 0.03):
        pace.on_sent(moment)
    pace.on_accepted()
    pace.on_refused(0.05, 0.02)
    rate = pace.rate
    pace.on_refused(0.06, 0.03)
    assert pace.rate == rate
    assert pace.refused == 2


def test_a_refusal_holds_the_next_call_back():
    pace = Pace(0.0)
    pace.on_sent(0.01)
    pace.on_refused(0.02, 0.01)
    assert pace.wait(0.02) > 0
