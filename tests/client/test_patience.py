"""GetRoleCredentials, on which work waits: patience with throttles, and little of it with a silent connection."""

from __future__ import annotations

import pytest

from sso_magic.center.identity_center import IdentityCenter
from sso_magic.client import patience
from sso_magic.client.messages import HttpResponse
from sso_magic.client.patience import PatientRetryStrategy, add_read_timeouts
from sso_magic.errors import CredentialsError, ReadTimeoutError
from sso_magic.local import Fault
from sso_magic.portal import SSO, TooManyRequestsException

ANSWER = b"""{"roleCredentials":
    {"accessKeyId": "ASIA1", "secretAccessKey": "s", "sessionToken": "t", "expiration": 1}}"""


class Portal:
    """A handler that answers from a list, and the clock that its client sleeps by."""

    timeout = (10.0, 60.0)

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.timeouts: list[object] = []
        self.now = 0.0
        self.slept: list[float] = []
        strategy = PatientRetryStrategy(clock=lambda: self.now, uniform=lambda: 0.5)
        self.client = SSO(region="eu-west-1", retry_strategy=strategy, request_handler=self, sleep=self.sleep)
        add_read_timeouts(self.client.middleware_stack)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def handle(self, request, *, timeout=None):
        self.timeouts.append(timeout)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            self.now += timeout[1]
            raise answer
        return answer

    def close(self) -> None:
        pass

    def ask(self, **options):
        return self.client.get_role_credentials(
            access_token="t", account_id="111111111111", role_name="ReadOnly", **options
        )


def throttled(retry_after: str | None = None) -> HttpResponse:
    headers = {"x-amzn-ErrorType": "TooManyRequestsException", "x-amzn-RequestId": "1"}
    return HttpResponse(429, headers | ({"Retry-After": retry_after} if retry_after else {}), b'{"message": "slow"}')


GOOD = HttpResponse(200, {"content-type": "application/json"}, ANSWER)
SILENT = ReadTimeoutError("portal gave no answer")


def test_throttles_are_waited_for_within_a_minute():
    portal = Portal(*[throttled()] * 5, GOOD)
    portal.ask()
    assert len(portal.slept) == 5
    assert portal.slept == sorted(portal.slept)


def test_what_the_service_asks_to_wait_is_waited():
    portal = Portal(throttled("17"), GOOD)
    portal.ask()
    assert portal.slept == [17]


@pytest.mark.parametrize("asked", [None, "1", "0"])
def test_throttles_that_do_not_end_are_given_up_after_a_minute(asked):
    portal = Portal(throttled(asked))
    with pytest.raises(TooManyRequestsException):
        portal.ask()
    assert 20 < portal.now <= patience.PATIENCE


def test_a_wait_beyond_the_minute_is_not_begun():
    portal = Portal(throttled("3600"))
    with pytest.raises(TooManyRequestsException) as raised:
        portal.ask()
    assert portal.slept == []
    assert patience.throttled_text(raised.value) == (
        "AWS throttles the requests for credentials (429): 1 attempt in 0 s. Wait 3600 s, then try again."
    )


def test_a_silent_connection_is_given_up_after_seconds_and_each_attempt_waits_longer():
    portal = Portal(SILENT, SILENT, GOOD)
    portal.ask()
    assert portal.timeouts == [(10.0, 5.0), (10.0, 15.0), (10.0, 60.0)]


def test_each_call_begins_with_the_short_timeout():
    portal = Portal(SILENT, GOOD)
    portal.ask()
    portal.ask()
    assert [read for _, read in portal.timeouts] == [5, 15, 5]


def test_a_caller_may_set_the_timeout():
    portal = Portal(SILENT, GOOD)
    portal.ask(timeout=2.0)
    assert portal.timeouts == [(2.0, 2.0)] * 2


def test_a_shorter_timeout_of_the_configuration_stays():
    portal = Portal(GOOD)
    portal.timeout = (1.0, 3.0)
    portal.ask()
    assert portal.timeouts == [(1.0, 3.0)]


def test_silence_is_borne_three_times_also_between_throttles():
    portal = Portal(throttled(), SILENT, throttled(), SILENT, throttled(), SILENT)
    with pytest.raises(ReadTimeoutError):
        portal.ask()
    assert [read for _, read in portal.timeouts] == [5, 5, 15, 15, 60, 60]


def test_credentials_come_over_a_second_connection_if_the_first_stays_silent(signed_in, monkeypatch):
    monkeypatch.setattr(patience, "READ_TIMEOUTS", (0.2, 15.0))
    signed_in.faults = [Fault("GetRoleCredentials", kind="stall", times=1)]
    assert IdentityCenter("corp").role("payments-dev", "ReadOnly").credentials().account_name == "payments-dev"


def test_the_error_after_the_patience_says_how_long(signed_in):
    signed_in.faults = [Fault("GetRoleCredentials", status=429, retry_after="61")]
    with pytest.raises(CredentialsError) as raised:
        IdentityCenter("corp").role("payments-dev", "ReadOnly").credentials()
    assert str(raised.value) == (
        "AWS throttles the requests for credentials (429): 1 attempt in 0 s. Wait 61 s, then try again."
    )
