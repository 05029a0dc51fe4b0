"""``adaptive`` holds requests back once the service has throttled, at the rate it lets through (11.6)."""

from __future__ import annotations

import threading

import pytest

from sso_magic.client.adaptive import AdaptiveRetryStrategy, RateLimiter
from sso_magic.client.retry import STANDARD_ATTEMPTS
from sso_magic.portal import SSO, TooManyRequestsException

TOKEN = "aoaPLANTEDaccessTOKEN"


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self._lock = threading.Lock()

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        with self._lock:
            self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(clock):
    return RateLimiter(clock, clock.sleep)


def test_it_holds_nothing_back_before_the_first_throttle(limiter, clock):
    for _ in range(100):
        limiter.acquire()
        limiter.record(throttled=False)
    assert clock.now == 1000.0
    assert not limiter.enabled


def throttle_at(limiter, clock, rate, seconds):
    """Requests at a steady rate, the last of them throttled."""
    for number in range(int(rate * seconds)):
        limiter.acquire()
        clock.sleep(1 / rate)
        limiter.record(throttled=number == int(rate * seconds) - 1)


def test_a_throttle_sets_the_rate_to_seven_tenths_of_what_was_measured(limiter, clock):
    throttle_at(limiter, clock, rate=20, seconds=5)
    assert limiter.enabled
    assert limiter.measured_rate == pytest.approx(20, rel=0.1)
    assert limiter.fill_rate == pytest.approx(0.7 * limiter.measured_rate)


def test_after_a_throttle_requests_go_at_that_rate(limiter, clock):
    throttle_at(limiter, clock, rate=20, seconds=5)
    rate = limiter.fill_rate
    in_stock = int(rate)  # a bucket holds what one second fills
    for _ in range(in_stock):
        assert limiter.take() == 0
    start = clock.now
    for _ in range(50):
        limiter.acquire()
    assert 50 / (clock.now - start) == pytest.approx(rate, rel=0.05)


def test_each_further_throttle_lowers_the_rate_but_never_below_one_in_two_seconds(limiter, clock):
    throttle_at(limiter, clock, rate=20, seconds=5)
    rates = []
    for _ in range(30):
        limiter.record(throttled=True)
        rates.append(limiter.fill_rate)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0.5


def test_without_throttles_the_rate_comes_back_and_rises_above(limiter, clock):
    throttle_at(limiter, clock, rate=20, seconds=5)
    low = limiter.fill_rate
    for _ in range(400):
        limiter.acquire()
        limiter.record(throttled=False)
    assert limiter.fill_rate > 20 > low


def test_the_rate_is_never_more_than_twice_what_is_measured(limiter, clock):
    throttle_at(limiter, clock, rate=20, seconds=5)
    clock.sleep(1000)
    limiter.record(throttled=False)
    assert limiter.fill_rate <= 2 * max(limiter.measured_rate, 0.25)


def test_many_threads_share_the_rate(limiter, clock):
    throttle_at(limiter, clock, rate=20, seconds=5)
    rate = limiter.fill_rate
    waits = [limiter.take() for _ in range(40)]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx((40 - rate) / rate, rel=0.1)


def test_a_throttled_client_waits_for_its_limiter_before_the_retry_and_before_the_next_call(service, clock):
    limiter = RateLimiter(clock, clock.sleep)
    strategy = AdaptiveRetryStrategy(limiter=limiter, uniform=lambda: 0.0)
    service.plan(service.answer({}, status=429), service.answer({}))
    with SSO(endpoint=service.url, retry_strategy=strategy, sleep=clock.sleep) as sso:
        output = sso.list_accounts(access_token=TOKEN)
        assert output.metadata.attempts == 2
        assert clock.now - 1000 == pytest.approx(2.0)  # a token at one in two seconds
        sso.list_accounts(access_token=TOKEN)
        assert clock.now - 1000 > 2.5


def test_a_service_that_throttles_on_and_on_is_told_after_the_last_attempt(service, clock):
    strategy = AdaptiveRetryStrategy(limiter=RateLimiter(clock, clock.sleep), uniform=lambda: 0.0)
    service.plan(
        service.answer({"message": "Slower"}, status=429, headers={"x-amzn-errortype": "TooManyRequestsException"})
    )
    with SSO(endpoint=service.url, retry_strategy=strategy, sleep=clock.sleep) as sso:
        with pytest.raises(TooManyRequestsException) as caught:
            sso.list_accounts(access_token=TOKEN)
        assert caught.value.metadata.attempts == len(service.asked) == STANDARD_ATTEMPTS
        assert str(caught.value) == "TooManyRequestsException: Slower (HTTP 429)"


def test_the_mode_adaptive_makes_one_limiter_a_client(service):
    with (
        SSO(endpoint=service.url, retry_mode="adaptive") as one,
        SSO(endpoint=service.url, retry_mode="adaptive") as two,
    ):
        assert isinstance(one.config.retry_strategy, AdaptiveRetryStrategy)
        assert one.config.retry_strategy.limiter is not two.config.retry_strategy.limiter
