"""The pace of all workers beside plain AIMD controllers, in simulated time.

    python tests/benchmarks/rate/bench_rate.py

All drive the same simulated workers against the same simulated throttles, so that a run takes seconds, is the same on
every machine, and shows the arithmetic alone. Each line is the median of five seeds: the time as a multiple of what the
throttle allows, and the share of calls that were refused. AIMD is shown as in textbooks (factor 0.7) and tuned to these
scenarios (factor 0.85).

`sso_magic.inventory.rate.Pace` is itself an AIMD controller with three changes (see there). Exits with 1 if it is not
5 % faster than each of the plain ones, over all scenarios in which calls are refused, or if it misses a bound: 1.05x of
what a throttle of 50 calls a second allows with 2 % of the calls refused, 1.05x too where other programs keep the
machine busy or the portal counts in whole seconds (1.1x with jitter), 1.15x where the allowed rate changes. A
controller of 32 constants that measured the rate from the refusals was no faster over these scenarios, and had more of
its calls refused.

Ours with an open window sends as many calls at once as there are workers. Where nothing is refused it takes 0.7 times
as long, and at a throttle it has two to three times as many calls refused: so the window opens only after a burst.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sso_magic.inventory.rate import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 48
SEEDS = range(5)


class Controller(Protocol):
    """What decides when a call may go; times are seconds of one clock."""

    def window(self, workers: int) -> int: ...
    def wait(self, now: float) -> float: ...
    def on_sent(self, now: float) -> None: ...
    def on_accepted(self) -> None: ...
    def on_refused(self, now: float, sent_at: float) -> None: ...


class Aimd:
    """Additive increase, multiplicative decrease of a rate, which doubles each second until the first refusal.

    It starts at the 20 calls a second that AWS documents.
    """

    def __init__(self, now: float, growth: float = 1.0, factor: float = 0.7) -> None:
        self.growth, self.factor, self.rate = growth, factor, 20.0
        self._next = self._grown_at = now
        self._refused_at = -math.inf

    def window(self, workers: int) -> int:
        return workers

    def wait(self, now: float) -> float:
        return self._next - now

    def on_sent(self, now: float) -> None:
        elapsed, self._grown_at = now - self._grown_at, now
        if self._refused_at < 0:
            self.rate *= 2.0**elapsed
        else:
            self.rate += self.growth * elapsed
        self._next = max(self._next, now - 3 / self.rate) + 1 / self.rate

    def on_accepted(self) -> None:
        pass

    def on_refused(self, now: float, sent_at: float) -> None:
        if sent_at > self._refused_at:  # calls that were on their way together are refused together
            self.rate = max(self.rate * self.factor, 0.5)
            self._refused_at = now
        self._grown_at = now


class Bucket:
    """A token bucket, whose rate may change at given moments."""

    def __init__(self, rate: float, burst: float, changes: dict[float, float]) -> None:
        self.rate, self.burst, self.level, self.at = rate, burst, burst, 0.0
        self._changes = sorted(changes.items())

    def take(self, now: float) -> bool:
        while self._changes and self._changes[0][0] <= now:
            moment, rate = self._changes.pop(0)
            self._fill(moment)
            self.rate = rate
        self._fill(now)
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def _fill(self, now: float) -> None:
        if math.isinf(self.rate):
            return
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now


class Window:
    """A portal that is not ours: it counts calls in whole seconds of the clock, and refuses those above the number."""

    def __init__(self, rate: float) -> None:
        self.rate, self._second, self._count = rate, -1, 0

    def take(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        return self._count <= self.rate


@dataclass
class Scenario:
    """A throttle and the kernels that share it."""

    name: str
    calls: int = 1010
    rate: float = 50.0
    burst: float = 50.0
    latency: float = 0.02
    jitter: float = 0.0  # the share of the latency by which it varies, one-sided
    kernels: int = 1
    changes: dict[float, float] = field(default_factory=dict)
    is_window: bool = False
    most_time: float = math.inf
    most_refused: float = 1.0

    def throttle(self) -> Bucket | Window:
        return Window(self.rate) if self.is_window else Bucket(self.rate, self.burst, self.changes)

    def ideal(self) -> float:
        """The seconds in which the throttle lets all calls through."""
        total = self.calls * self.kernels
        if self.is_window:
            return total / self.rate
        if math.isinf(self.rate):
            return self.calls / WORKERS * self.latency
        left, now, rate = total - self.burst, 0.0, self.rate
        for moment, changed in sorted(self.changes.items()):
            if left <= rate * (moment - now):
                break
            left, now, rate = left - rate * (moment - now), moment, changed
        return now + left / rate


SCENARIOS = [
    Scenario("50/s, burst 50", most_time=1.05, most_refused=0.02),
    Scenario("50/s, burst 50, 3 ms", latency=0.003, most_time=1.05, most_refused=0.02),
    Scenario("50/s, burst 50, jitter", jitter=4.0, most_time=1.05, most_refused=0.02),
    Scenario("20/s, burst 40, 150 ms, jitter", rate=20, burst=40, latency=0.15, jitter=2.0, most_time=1.05),
    Scenario("5/s, burst 10", calls=200, rate=5, burst=10, most_time=1.05),
    Scenario("200/s, burst 100", calls=4000, rate=200, burst=100, most_time=1.05, most_refused=0.02),
    Scenario("500/s, burst 1,000", calls=5000, rate=500, burst=1000, most_time=1.05),
    Scenario("halved at 8 s", changes={8.0: 25.0}, most_time=1.15),
    Scenario("doubled at 8 s", changes={8.0: 100.0}, most_time=1.15),
    Scenario("halved at 6 s, doubled at 14 s", changes={6.0: 25.0, 14.0: 50.0}, most_time=1.15),
    Scenario("two kernels share one throttle", kernels=2, most_time=1.05),
    Scenario("two kernels, jitter", kernels=2, jitter=4.0, most_time=1.05),
    Scenario("a busy machine: 2 to 100 ms", latency=0.004, jitter=50.0, most_time=1.05),
    Scenario("a busier one: 2 to 200 ms", latency=0.004, jitter=100.0, most_time=1.05),
    Scenario("a portal with whole seconds", is_window=True, most_time=1.05),
    Scenario("a portal with whole seconds, jitter", is_window=True, jitter=4.0, most_time=1.1),
    Scenario("nothing is refused", calls=202, rate=math.inf, burst=math.inf, most_time=2.0, most_refused=0.0),
]


class Kernel:
    """The workers of one kernel: those that are idle take turns, as in `RateController`."""

    def __init__(self, controller: Controller, calls: int) -> None:
        self.controller, self.left, self.under_way, self.done_at = controller, calls, 0, 0.0
        self.asleep = False  # until the moment that the controller named


def simulate(scenario: Scenario, make: Callable[[float], Controller], seed: int) -> tuple[float, float]:  # noqa: C901 - one loop
    """Return the seconds until every kernel has all answers, and the share of refused calls."""
    chance = random.Random(seed)
    throttle = scenario.throttle()
    kernels = [Kernel(make(0.0), scenario.calls) for _ in range(scenario.kernels)]
    events: list[tuple[float, int, str, Kernel, float]] = []  # when, which, what, whose, sent when
    number = refused = sent = 0

    def push(at: float, what: str, kernel: Kernel, sent_at: float = 0.0) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (at, number, what, kernel, sent_at))

    def latency() -> float:
        return scenario.latency / 2 * (1 + scenario.jitter * chance.random())

    def go(kernel: Kernel, now: float) -> None:
        nonlocal sent
        control = kernel.controller
        while kernel.left and not kernel.asleep and kernel.under_way < control.window(WORKERS):
            wait = control.wait(now)
            if wait > 0:
                kernel.asleep = True
                push(now + wait, "wake", kernel)
                return
            control.on_sent(now)
            kernel.left -= 1
            kernel.under_way += 1
            sent += 1
            push(now + latency(), "arrive", kernel, now)

    for kernel in kernels:
        push(0.0, "wake", kernel)
    while events:
        now, _, what, kernel, sent_at = heapq.heappop(events)
        if what == "arrive":
            push(now + latency(), "accepted" if throttle.take(now) else "refused", kernel, sent_at)
            continue
        if what == "wake":
            kernel.asleep = False
        else:
            kernel.under_way -= 1
            if what == "accepted":
                kernel.controller.on_accepted()
                kernel.done_at = now
            else:
                refused += 1
                kernel.left += 1
                kernel.controller.on_refused(now, sent_at)
        go(kernel, now)
    return max(kernel.done_at for kernel in kernels), refused / sent


def medians(scenario: Scenario, make: Callable[[float], Controller]) -> tuple[float, float]:
    """Return the time as a multiple of the ideal, and the share of refused calls: each the median over the seeds."""
    runs = [simulate(scenario, make, seed) for seed in SEEDS]
    return statistics.median(run[0] for run in runs) / scenario.ideal(), statistics.median(run[1] for run in runs)


def main() -> int:
    controllers: dict[str, Callable[[float], Controller]] = {
        "ours": Pace,
        "AIMD": Aimd,
        "AIMD tuned": partial(Aimd, factor=0.85),
        "open window": partial(Pace, at_once=10**6),
    }
    print(f"{'':40}" + "".join(f"{name:>12}{'refused':>9}" for name in controllers))
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in controllers}
    missed = []
    for scenario in SCENARIOS:
        for name, make in controllers.items():
            results[name].append(medians(scenario, make))
        shown = "".join(f"{found[-1][0]:11.3f}x{found[-1][1]:9.2%}" for found in results.values())
        print(f"    {scenario.name:36}{shown}")
        time, refused = results["ours"][-1]
        if time > scenario.most_time or refused > scenario.most_refused:
            missed.append(scenario.name)
    throttled = [place for place, scenario in enumerate(SCENARIOS) if math.isfinite(scenario.rate)]
    for name, found in results.items():
        times = statistics.geometric_mean(found[place][0] / results["ours"][place][0] for place in throttled)
        share = statistics.mean(found[place][1] for place in throttled)
        print(f"where calls are refused: {name} takes {times:.3f}x of our time; {share:.2%} refused")
        if name.startswith("AIMD") and times < 1.05:
            missed.append(f"5 % faster than {name}")
    if missed:
        print(f"bounds missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
