"""429: a bucket a session, and what happens when the throttle is turned."""

from __future__ import annotations

import pytest

from sso_magic.local import Throttle
from sso_magic.local.errors import KnobError
from sso_magic.local.throttle import Throttling


def statuses(wire, token, number):
    return [wire.get("/assignment/accounts", token).status for _ in range(number)]


def test_the_burst_is_let_through_and_the_rest_refused(local, wire):
    local.throttle = Throttle(0.001, 3)
    assert statuses(wire, local.access_token(), 5) == [200, 200, 200, 429, 429]


def test_a_refusal_reads_as_the_live_service_writes_it(local, wire):
    local.throttle = (0.001, 1)
    token = local.access_token()
    wire.get("/assignment/accounts", token)
    answer = wire.get("/assignment/accounts", token)
    assert answer.error == "TooManyRequestsException"
    assert answer.json == {
        "message": "HTTP 429 Unknown Code",
        "__type": "com.amazonaws.switchboard.portal#TooManyRequestsException",
    }
    assert "retry-after" not in answer.headers


def test_each_session_has_a_bucket_of_its_own(local, wire):
    local.throttle = (0.001, 1)
    assert statuses(wire, local.access_token(), 2) == [200, 429]
    assert statuses(wire, local.access_token(), 2) == [200, 429]


def test_the_tokens_of_a_session_share_its_bucket(local, wire):
    local.throttle = (0.001, 1)
    session = local.sign_in()
    assert statuses(wire, local.access_token(session=session), 1) == [200]
    assert statuses(wire, local.access_token(session=session), 1) == [429]


def test_an_unknown_token_is_401_even_when_throttled(local, wire):
    local.throttle = (0.001, 1)
    assert statuses(wire, "aoaUnknown", 3) == [401, 401, 401]


def test_signing_in_is_not_throttled(local, wire):
    local.throttle = (0.001, 1)
    assert [wire.post("/client/register", clientName="x", clientType="public").status for _ in range(3)] == [200] * 3


def test_it_can_be_turned_off_while_it_refuses(local, wire):
    local.throttle = (0.001, 1)
    token = local.access_token()
    assert statuses(wire, token, 2) == [200, 429]
    local.throttle = None
    assert statuses(wire, token, 2) == [200, 200]


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test says so."""
    now = [100.0]
    monkeypatch.setattr("sso_magic.local.throttle.time.monotonic", lambda: now[0])
    return now


def allowed(throttling, throttle, calls):
    return sum(throttling.allows(1, throttle) for _ in range(calls))


def test_the_bucket_fills_at_the_rate_up_to_the_burst(clock):
    throttling, throttle = Throttling(), Throttle(10, 5)
    assert allowed(throttling, throttle, 100) == 5
    clock[0] += 0.35
    assert allowed(throttling, throttle, 100) == 3
    clock[0] += 3600
    assert allowed(throttling, throttle, 100) == 5


def test_what_was_earned_before_a_change_was_earned_at_the_old_rate(clock):
    throttling = Throttling()
    assert allowed(throttling, Throttle(10, 50), 100) == 50
    clock[0] += 2
    assert allowed(throttling, Throttle(1000, 50), 100) == 20
    clock[0] += 0.0305
    assert allowed(throttling, Throttle(1000, 50), 100) == 30


def test_a_smaller_burst_takes_effect_at_once(clock):
    throttling = Throttling()
    allowed(throttling, Throttle(10, 50), 1)
    assert allowed(throttling, Throttle(10, 5), 100) == 5


def test_the_burst_is_a_seconds_worth_unless_it_is_given():
    assert (Throttle(20).burst, Throttle(0.5).burst, Throttle.parse("50:100").burst) == (20, 1, 100)


@pytest.mark.parametrize("text", ["", "x", "10:x", "1:2:3"])
def test_a_throttle_that_cannot_be_read_says_what_is_expected(text):
    with pytest.raises(KnobError, match=r"^throttle: RATE or RATE:BURST is expected, such as 20 or 50:100, not "):
        Throttle.parse(text)


@pytest.mark.parametrize("numbers", [(0, 1), (-1, 1), (1, -1)])
def test_a_throttle_that_would_never_open_is_refused(numbers):
    with pytest.raises(KnobError, match=r"^throttle: rate and burst must be above 0"):
        Throttle(*numbers)
