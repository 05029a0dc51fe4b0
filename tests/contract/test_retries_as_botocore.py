"""The same failures are retried as often, after the same waits, as by botocore with the numbers of 2026."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.retries.adaptive import ClientRateLimiter, RateClocker
from botocore.retries.bucket import TokenBucket
from botocore.retries.throttling import CubicCalculator
from hypothesis import given
from hypothesis import strategies as st

from sso_magic.client.adaptive import RateLimiter
from sso_magic.client.messages import HttpResponse
from sso_magic.client.retry import StandardRetryStrategy
from sso_magic.errors import SSOMagicError
from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

HERE = Path(__file__).parent
CASES = [
    {"status": status, "headers": headers, "body": body}
    for status, headers, body in [
        *((status, {}, {}) for status in (400, 401, 403, 404, 408, 409, 500, 501, 502, 503, 504, 505, 509)),
        *(
            (400, {}, {"__type": name})
            for name in (
                *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException"),
                *(
                    "TooManyRequestsException",
                    "ProvisionedThroughputExceededException",
                    "TransactionInProgressException",
                ),
                *("RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled"),
                *("SlowDown", "PriorRequestNotComplete", "EC2ThrottledException", "RequestTimeout"),
                *("RequestTimeoutException", "InternalError", "SlowDownException", "AuthorizationPendingException"),
            )
        ),
        (429, {}, {"__type": "TooManyRequestsException"}),
        (503, {}, {"__type": "SlowDown"}),
        *(
            (status, {"x-amz-retry-after": text}, {"__type": name})
            for status, name in ((500, "Whatever"), (429, "TooManyRequestsException"))
            for text in ("0", "20", "1500", "4000", "60000", "-5", "soon", "")
        ),
    ]
]


@pytest.fixture(scope="module")
def theirs():
    """What botocore does in a process of its own: its numbers are chosen when it is imported."""
    done = subprocess.run(
        [sys.executable, str(HERE / "botocore_retries.py")],
        input=json.dumps(CASES),
        env={**os.environ, "AWS_NEW_RETRIES_2026": "true", "AWS_RETRY_MODE": "standard"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


class Failing:
    """Answers as the case says, and counts."""

    def __init__(self, case):
        self.case = case
        self.attempts = 0

    def handle(self, _request, *, timeout=None):
        self.attempts += 1
        return HttpResponse(self.case["status"], self.case["headers"], json.dumps(self.case["body"]).encode())

    def close(self):
        pass


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: json.dumps(CASES[number]))
def test_a_failure_is_tried_as_often_and_after_the_same_waits(number, theirs):
    case = CASES[number]
    handler, slept = Failing(case), []
    strategy = StandardRetryStrategy(uniform=lambda: 1.0)
    with (
        SSO(region="us-east-1", request_handler=handler, retry_strategy=strategy, sleep=slept.append) as sso,
        pytest.raises(SSOMagicError),
    ):
        sso.list_accounts(access_token="aoa")
    assert {"attempts": handler.attempts, "slept": pytest.approx(slept)} == theirs[number]


def test_a_429_of_any_name_is_a_throttle_as_in_the_javascript_sdk_and_botocore_from_1_44():
    """Portal-protocol 11.5 and its appendix B; botocore 1.43 looks at the name alone."""
    handler, slept = Failing({"status": 429, "headers": {}, "body": {"__type": "SomeOtherException"}}), []
    strategy = StandardRetryStrategy(uniform=lambda: 1.0)
    with (
        SSO(region="us-east-1", request_handler=handler, retry_strategy=strategy, sleep=slept.append) as sso,
        pytest.raises(SSOMagicError),
    ):
        sso.list_accounts(access_token="aoa")
    assert (handler.attempts, slept) == (3, [1.0, 2.0])


def test_polling_errors_of_oidc_are_not_retried():
    handler = Failing(
        {"status": 400, "headers": {"x-amzn-errortype": "SlowDownException"}, "body": {"error": "slow_down"}}
    )
    with SSOOIDC(region="us-east-1", request_handler=handler) as oidc, pytest.raises(SSOMagicError):
        oidc.create_token(client_id="c", client_secret="s", grant_type="g")
    assert handler.attempts == 1


class Clock:
    def __init__(self):
        self.now = 1000.25

    def __call__(self):
        return self.now

    current_time = __call__


class Detector:
    def is_throttling_error(self, *, throttled):
        return throttled


@given(
    st.lists(
        st.tuples(st.floats(0.001, 3, allow_nan=False), st.booleans() | st.just(False)),  # noqa: FBT003 - mostly not
        max_size=60,
    )
)
def test_the_limiter_sets_the_same_rates_as_botocores(events):
    clock = Clock()
    ours = RateLimiter(clock)
    theirs = ClientRateLimiter(
        rate_adjustor=CubicCalculator(starting_max_rate=0, start_time=clock.now),
        rate_clocker=RateClocker(clock),
        token_bucket=TokenBucket(max_rate=1, clock=clock),
        throttling_detector=Detector(),
        clock=clock,
    )
    for seconds, throttled in events:
        clock.now += seconds
        ours.record(throttled=throttled)
        theirs.on_receiving_response(throttled=throttled)
        assert ours.enabled is theirs._enabled
        assert ours.fill_rate == pytest.approx(theirs._token_bucket.max_rate)
        assert ours.measured_rate == pytest.approx(theirs._rate_clocker.measured_rate)
        assert ours._tokens == pytest.approx(theirs._token_bucket.available_capacity)
