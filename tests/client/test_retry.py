"""Failed calls are made again as ``standard`` of 2026 says: when, how often, after how long (PROTOCOL.md 9)."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime

import pytest

from sso_magic import errors
from sso_magic.client.errors import ServiceException
from sso_magic.client.messages import HttpResponse
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.retry import QUOTA, RetryToken, StandardRetryStrategy, error_type, retry_after
from sso_magic.portal import SSO, SSOServiceException, TooManyRequestsException

TOKEN = "aoaPLANTEDaccessTOKEN"
NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=timezone.utc)


def refused(status, name="Whatever", headers=None):
    return ServiceException(
        name=name, metadata=ResponseMetadata(http_status_code=status), response=HttpResponse(status, headers or {})
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused(500), "transient"),
        (refused(502), "transient"),
        (refused(503), "transient"),
        (refused(504), "transient"),
        (refused(501), None),
        (refused(505), None),
        (refused(429), "throttling"),
        (refused(429, "TooManyRequestsException"), "throttling"),
        (refused(400, "ThrottlingException"), "throttling"),
        (refused(400, "SlowDown"), "throttling"),
        (refused(503, "SlowDown"), "throttling"),
        (refused(400, "RequestTimeout"), "transient"),
        (refused(400, "SlowDownException"), None),
        (refused(400, "AuthorizationPendingException"), None),
        (refused(400, "InvalidRequestException"), None),
        (refused(401, "UnauthorizedException"), None),
        (refused(403, "ForbiddenException"), None),
        (refused(404, "ResourceNotFoundException"), None),
        (refused(302), None),
        (errors.ConnectError("x"), "transient"),
        (errors.ConnectTimeoutError("x"), "transient"),
        (errors.ReadTimeoutError("x"), "transient"),
        (errors.ProxyError("x"), "transient"),
        (errors.ResponseStreamError("x"), "transient"),
        (errors.TLSError("x"), "transient"),
        (errors.TransportError("x"), None),
        (errors.DeserializationError("x"), None),
        (errors.EndpointError("x"), None),
        (ValueError("x"), None),
    ],
)
def test_an_error_is_worth_another_try_or_not(error, kind):
    assert error_type(error) == kind


def delays(error, *, attempts=10, uniform=1.0):
    strategy = StandardRetryStrategy(attempts, uniform=lambda: uniform)
    token, waits = strategy.acquire_initial_retry_token(), []
    while token is not None:
        waits.append(token.retry_delay)
        token = strategy.refresh_retry_token_for_retry(token, error)
    return waits[1:]


def test_a_transient_error_waits_twice_as_long_each_time_from_50_ms_to_20_s():
    assert delays(refused(500), attempts=11) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20.0]


def test_a_throttled_call_waits_twice_as_long_each_time_from_1_s_to_20_s():
    assert delays(refused(429), attempts=7) == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0]


def test_the_wait_is_a_random_part_of_that():
    assert delays(refused(429), attempts=4, uniform=0.25) == [0.25, 0.5, 1.0]
    assert delays(refused(429), attempts=4, uniform=0.0) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-amz-retry-after": "3000"}, 3.0),
        ({"x-amz-retry-after": "0"}, 0.5),
        ({"x-amz-retry-after": "60000"}, 5.5),
        ({"x-amz-retry-after": "-1"}, 0.5),
        ({"x-amz-retry-after": "soon"}, 0.5),
        ({"x-amz-retry-after": "²"}, 0.5),
        ({"Retry-After": "2"}, 2.0),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": format_datetime(NOW.replace(second=4), usegmt=True)}, 4.0),
        ({"Retry-After": "2026-11-25T12:00:03Z"}, 3.0),
        ({"Retry-After": "2020-01-01T00:00:00Z"}, 0.5),
        ({"Retry-After": "later"}, 0.5),
        ({"Retry-After": "1e999"}, 5.5),
        ({"x-amz-retry-after": "1000", "Retry-After": "4"}, 1.0),
        ({}, 0.5),
    ],
)
def test_the_services_own_word_is_heard_up_to_5_s_beyond(headers, wait):
    strategy = StandardRetryStrategy(uniform=lambda: 0.5, now=NOW.timestamp)
    token = strategy.refresh_retry_token_for_retry(RetryToken(), refused(429, headers=headers))
    assert token.retry_delay == pytest.approx(wait)


def test_an_error_without_a_response_asks_for_no_wait():
    assert retry_after(None, 0) is None


@pytest.mark.parametrize("here", [0.0, 1e9, 4e9])
def test_a_date_to_wait_for_is_by_the_services_clock(here):
    date, later = "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:07 GMT"
    assert retry_after(HttpResponse(429, {"date": date, "retry-after": later}, b""), here) == 7.0
    assert retry_after(HttpResponse(429, {"date": later, "retry-after": date}, b""), here) == 0.0


def test_the_quota_is_used_up_by_14_a_transient_retry_and_5_a_throttled_one():
    strategy = StandardRetryStrategy(1000)
    token = strategy.refresh_retry_token_for_retry(RetryToken(), refused(500))
    assert (token.retry_cost, strategy.capacity) == (14, QUOTA - 14)
    token = strategy.refresh_retry_token_for_retry(RetryToken(), refused(429))
    assert (token.retry_cost, strategy.capacity) == (5, QUOTA - 19)


def test_a_success_gives_back_what_the_last_retry_cost_or_1_and_never_more_than_there_was():
    strategy = StandardRetryStrategy()
    token = strategy.refresh_retry_token_for_retry(RetryToken(), refused(500))
    strategy.record_success(RetryToken())
    assert strategy.capacity == QUOTA - 13
    strategy.record_success(token)
    assert strategy.capacity == QUOTA


def test_without_quota_there_is_no_retry():
    strategy = StandardRetryStrategy(1000)
    retries = 0
    while strategy.refresh_retry_token_for_retry(RetryToken(), refused(500)) is not None:
        retries += 1
    assert retries == QUOTA // 14
    assert strategy.refresh_retry_token_for_retry(RetryToken(), refused(429)) is not None


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
def test_a_call_takes_so_many_attempts_and_no_more(service, attempts):
    service.plan(service.answer({}, status=500))
    with (
        SSO(endpoint=service.url, max_attempts=attempts, sleep=lambda _s: None) as sso,
        pytest.raises(SSOServiceException) as error,
    ):
        sso.list_accounts(access_token=TOKEN)
    assert len(service.asked) == attempts == error.value.metadata.attempts


def test_the_waits_are_slept_and_summed_up(service):
    slept = []
    service.plan(service.answer({}, status=429), service.answer({}, status=429), service.answer({}))
    strategy = StandardRetryStrategy(uniform=lambda: 1.0)
    with SSO(endpoint=service.url, retry_strategy=strategy, sleep=slept.append) as sso:
        output = sso.list_accounts(access_token=TOKEN)
    assert slept == [1.0, 2.0]
    assert (output.metadata.attempts, output.metadata.total_retry_delay) == (3, 3.0)
    assert strategy.capacity == QUOTA - 5  # the second retry's cost came back


def test_a_strategy_may_leave_throttles_to_its_caller(service):
    service.plan(service.answer({}, status=429))
    strategy = StandardRetryStrategy(5, retry_throttles=False)
    with SSO(endpoint=service.url, retry_strategy=strategy) as sso, pytest.raises(SSOServiceException):
        sso.list_accounts(access_token=TOKEN)
    assert len(service.asked) == 1
    service.plan(service.answer({}, status=500), service.answer({}))
    with SSO(endpoint=service.url, retry_strategy=strategy, sleep=lambda _s: None) as sso:
        assert sso.list_accounts(access_token=TOKEN).metadata.attempts == 2


def test_a_call_that_is_refused_for_good_is_not_made_again(sso, service):
    service.plan(service.answer({"__type": "x#UnauthorizedException"}, status=401))
    with pytest.raises(SSOServiceException):
        sso.list_accounts(access_token=TOKEN)
    assert len(service.asked) == 1


def test_an_attempt_that_broke_off_is_made_again(sso, service):
    service.plan(service.answer(raw=b""), service.answer({"nextToken": "x"}))
    assert sso.list_accounts(access_token=TOKEN).next_token == "x"


def test_an_interrupt_ends_a_wait_between_attempts_at_once(service):
    def interrupted(_seconds):
        raise KeyboardInterrupt

    service.plan(service.answer({}, status=429))
    with SSO(endpoint=service.url, sleep=interrupted) as sso, pytest.raises(KeyboardInterrupt):
        sso.list_accounts(access_token=TOKEN)
    assert len(service.asked) == 1


def test_a_strategy_of_ones_own_is_asked(service):
    class Never:
        mode = "never"
        max_attempts = 7

        def acquire_initial_retry_token(self):
            return RetryToken()

        def refresh_retry_token_for_retry(self, token, error):
            assert isinstance(error, TooManyRequestsException)
            assert token == RetryToken()

        def record_success(self, token):
            raise AssertionError

    service.plan(service.answer({"__type": "TooManyRequestsException"}, status=429))
    with SSO(endpoint=service.url, retry_strategy=Never()) as sso, pytest.raises(TooManyRequestsException):
        sso.list_accounts(access_token=TOKEN)
    assert service.last.headers["amz-sdk-request"] == "attempt=1; max=7"
    assert "cfg/retry-mode#never" in service.last.headers["user-agent"]
