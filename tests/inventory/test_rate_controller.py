"""The pace as workers meet it: they wait for their turn, and stop when told."""

from __future__ import annotations

import threading

from sso_magic.inventory.rate import Pace, RateController


def test_no_more_calls_are_on_their_way_than_there_may_be():
    controller = RateController(2)
    controller.acquire()
    controller.acquire()
    third: list[float | None] = []
    waiting = threading.Thread(target=lambda: third.append(controller.acquire()))
    waiting.start()
    waiting.join(0.05)
    assert third == []
    controller.accept()
    waiting.join(5)
    assert len(third) == 1
    assert third[0] is not None


def test_stopping_lets_everybody_who_waits_go_with_nothing():
    controller = RateController(1)
    controller.acquire()
    got: list[float | None] = []
    waiting = [threading.Thread(target=lambda: got.append(controller.acquire())) for _ in range(5)]
    for thread in waiting:
        thread.start()
    controller.stop()
    for thread in waiting:
        thread.join(5)
    assert got == [None] * 5


def test_a_refusal_is_counted_and_sets_a_rate():
    controller = RateController(4)
    controller.acquire()
    controller.accept()
    assert controller.rate is None
    controller.refuse(controller.acquire())
    assert (controller.accepted, controller.refused) == (1, 1)
    assert controller.rate is not None


def test_a_refusal_while_somebody_waits_for_the_window_makes_them_wait_for_the_pace():
    controller = RateController(1)
    sent_at = controller.acquire()
    got: list[float | None] = []
    waiting = threading.Thread(target=lambda: got.append(controller.acquire()))
    waiting.start()
    controller.refuse(sent_at)
    waiting.join(5)
    assert got[0] - sent_at >= 0.1  # what the pace holds after the first refusal


def test_after_a_wait_that_the_service_asked_for_the_pace_is_the_measured_rate():
    pace, now = Pace(0.0), 0.0
    for _ in range(3):  # three refusals a second apart, after ten calls each: ten calls a second
        for _ in range(10):
            pace.on_sent(now)
            pace.on_accepted()
        pace.on_refused(now, now)
        now += 1.0
    rate = pace.rate
    pace.hold_until(now + 300)
    assert pace.wait(now) == 300
    now += 300
    gaps = []
    for _ in range(5):
        now += max(pace.wait(now), 0.0)
        before = now
        pace.on_sent(now)
        gaps.append(now + pace.wait(now) - before)
    assert rate is not None
    assert all(1 / gap <= rate * 1.05 for gap in gaps)


def test_a_service_that_counts_in_whole_seconds_is_asked_at_its_rate():
    pace, now, second, count = Pace(0.0), 0.0, -1, 0
    while pace.accepted < 500:  # 50 calls in each second of the clock, answered at once
        now += max(pace.wait(now), 0.001)
        pace.on_sent(now)
        if int(now) != second:
            second, count = int(now), 0
        count += 1
        if count <= 50:
            pace.on_accepted()
        else:
            pace.on_refused(now, now)
        assert now < 15, f"{pace.accepted} calls, where 10 s are enough for 500"
    assert pace.refused < 0.2 * (pace.accepted + pace.refused)
