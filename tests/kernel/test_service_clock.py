"""Credentials end by AWS's clock, whatever this machine's clock shows."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import time_machine

from sso_magic.center.identity_center import IdentityCenter
from sso_magic.client import service_clock
from sso_magic.client.base import tell_time
from sso_magic.client.messages import HttpResponse
from sso_magic.client.service_clock import SERVICE_CLOCK, Moment, ServiceClock
from sso_magic.common.secret import Secret
from sso_magic.doctor.report import examine
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session

NOON = datetime(2026, 11, 27, 12, tzinfo=timezone.utc).timestamp()
HOUR = 3600.0


class Machine:
    """The machine's two clocks, set by the test; `true` is the time at the service."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, behind: float = 0.0) -> None:
        self.wall = NOON - behind
        self.elapsed = 1000.0
        self.true = NOON
        monkeypatch.setattr(service_clock, "here", lambda: Moment(self.wall, self.elapsed))
        self.clock = ServiceClock()

    def passes(self, seconds: float, *, paused: bool = False) -> None:
        self.true += seconds
        if not paused:
            self.wall += seconds
            self.elapsed += seconds

    def answers(self, on_the_wire: float = 0.0, *, paused: bool = False) -> None:
        asked = service_clock.here()
        date = format_datetime(datetime.fromtimestamp(self.true, timezone.utc), usegmt=True)
        self.passes(on_the_wire, paused=paused)
        self.clock.observe(date, asked)

    def error(self) -> float:
        return self.clock.now().timestamp() - self.true


@pytest.fixture
def machine(monkeypatch):
    return lambda **options: Machine(monkeypatch, **options)


def test_without_an_answer_this_machines_clock_counts(machine):
    here = machine(behind=HOUR)
    assert here.error() == -HOUR
    assert here.clock.skew == 0
    assert here.clock.warning() is None


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (HOUR, "This machine's clock is 60 min behind AWS. Set it (NTP)."),
        (-HOUR, "This machine's clock is 60 min ahead of AWS. Set it (NTP)."),
        (56 * 365 * 86400.0, "This machine's clock is 20440 days behind AWS. Set it (NTP)."),
    ],
)
def test_one_answer_tells_how_far_the_clock_is_off_in_either_direction(machine, behind, said):
    here = machine(behind=behind)
    here.answers()
    here.passes(600)
    assert abs(here.error()) <= 1
    assert here.clock.warning() == said


@pytest.mark.parametrize("behind", [0.4, -0.4, 5, -5, 58, -58])
def test_a_difference_of_less_than_a_minute_is_none(machine, behind):
    here = machine(behind=behind)
    here.answers()
    assert here.clock.skew == 0
    assert here.error() == pytest.approx(-behind)


@pytest.mark.parametrize("late", [35, 120, 7200])
def test_an_answer_that_comes_late_is_no_clock_error(machine, late):
    here = machine()
    here.answers(on_the_wire=late)
    assert here.clock.skew == 0
    assert here.error() == pytest.approx(0)


def test_an_answer_that_comes_late_keeps_what_is_known(machine):
    here = machine(behind=HOUR)
    here.answers()
    here.answers(on_the_wire=7200)
    assert abs(here.error()) <= 1


def test_a_clock_that_is_set_back_does_not_make_credentials_last_longer(machine):
    here = machine()
    here.answers()
    here.passes(600)
    here.wall -= HOUR
    assert here.error() == pytest.approx(0)
    assert "60 min behind" in here.clock.warning()


def test_a_clock_that_is_set_right_is_noticed_with_the_next_answer(machine):
    here = machine(behind=HOUR)
    here.answers()
    here.wall += HOUR
    assert here.error() >= 0  # so credentials are renewed, which brings an answer
    here.answers()
    assert abs(here.error()) <= 1
    assert here.clock.warning() is None


def test_a_paused_virtual_machine_whose_clock_is_then_set_right(machine):
    here = machine()
    here.answers()
    here.passes(7200, paused=True)
    here.wall += 7200
    assert here.error() == pytest.approx(0)


def test_a_pause_that_neither_clock_counts_is_noticed_with_the_next_answer(machine):
    here = machine()
    here.answers()
    here.passes(7200, paused=True)
    here.answers()
    assert abs(here.error()) <= 1


@pytest.mark.parametrize("rate", [0.5, 0.9, 1.1, 3.0])
def test_a_clock_that_runs_slow_or_fast_is_measured_again_with_each_answer(machine, rate):
    here = machine()
    for _ in range(20):
        here.true += 600
        here.wall += 600 * rate
        here.elapsed += 600 * rate
        here.answers()
        assert abs(here.error()) <= service_clock.TOLERANCE


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 99 Nov 2026 12:00:00 GMT", "0", "\x00"])
def test_what_is_no_date_measures_nothing(machine, date):
    here = machine()
    here.clock.observe(date, service_clock.here())
    assert not here.clock.is_known


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 -2300"])
def test_a_date_at_the_end_of_the_calendar_raises_nothing(machine, date):
    here = machine()
    here.clock.observe(date, service_clock.here())
    here.passes(1e6)
    here.clock.now()
    here.clock.warning()
    end = datetime.max.replace(tzinfo=timezone.utc)
    assert here.clock.to_local(end) <= end
    assert here.clock.from_local(end) <= end


class TestWithAnIdentityCenter:
    @pytest.fixture
    def signed_in_at(self, center):
        def sign_in(offset: float):
            center.clock_offset = offset
            center.access_token_lifetime = 8 * HOUR
            end = datetime.now(timezone.utc) + timedelta(hours=8)  # by this machine's clock, as a sign-in writes it
            tokens.save(find_session("corp"), tokens.Token(Secret(center.access_token()), end))
            return center

        return sign_in

    @pytest.fixture
    def behind(self, signed_in_at):
        return signed_in_at(HOUR)  # this machine is an hour behind

    @pytest.fixture
    def ahead(self, signed_in_at):
        return signed_in_at(-HOUR)

    def test_a_clock_that_is_behind_does_not_delay_the_renewal(self, behind):
        role = IdentityCenter("corp").role("payments-dev", "ReadOnly").renewing()
        first = role.get()
        assert first.seconds_left() == pytest.approx(3600, abs=5)
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(minutes=41)):
            assert role.get() is not first
            assert role.warning() == "This machine's clock is 60 min behind AWS. Set it (NTP)."

    def test_a_clock_that_is_ahead_does_not_renew_all_the_time(self, ahead):
        role = IdentityCenter("corp").role("payments-dev", "ReadOnly").renewing()
        first = role.get()
        assert first.seconds_left() == pytest.approx(3600, abs=5)
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(minutes=38)):
            assert role.get() is first
            assert role.warning() == "This machine's clock is 60 min ahead of AWS. Set it (NTP)."

    @pytest.mark.parametrize("offset", [HOUR, -HOUR])
    def test_libraries_get_the_expiry_by_the_clock_that_they_read(self, signed_in_at, offset):
        signed_in_at(offset)
        role = IdentityCenter("corp").role("payments-dev", "ReadOnly")
        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        polars_keys, polars_expiry = role.credential_provider("polars")()
        del polars_keys
        assert polars_expiry == pytest.approx(soon.timestamp(), abs=10)
        botocore_keys = role.boto3_session(region="eu-west-1").get_credentials()
        assert botocore_keys._expiry_time.timestamp() == pytest.approx(soon.timestamp(), abs=10)
        role.use()
        expiration = datetime.fromisoformat(os.environ["AWS_CREDENTIAL_EXPIRATION"].replace("Z", "+00:00"))
        assert expiration.timestamp() == pytest.approx(soon.timestamp(), abs=10)
        assert "60 min" in KERNEL.before_cell()
        assert KERNEL.before_cell() is None  # said once

    def test_credentials_in_the_shared_cache_end_by_the_services_clock(self, behind):
        center = IdentityCenter("corp")
        first = center.role("payments-dev", "ReadOnly").credentials()
        assert first.expires_at.timestamp() == pytest.approx(behind.clock.now() + 3600, abs=10)
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(minutes=46)):
            assert center.role("payments-dev", "ReadOnly").credentials().access_key_id != first.access_key_id

    def test_a_new_process_judges_cached_credentials_by_the_clock_that_they_were_fetched_with(self, behind):
        center = IdentityCenter("corp")
        first = center.role("payments-dev", "ReadOnly").credentials()
        SERVICE_CLOCK.forget()  # as in a new process
        assert center.role("payments-dev", "ReadOnly").credentials().access_key_id == first.access_key_id
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(minutes=70)):
            assert center.role("payments-dev", "ReadOnly").credentials().access_key_id != first.access_key_id

    def test_the_doctor_measures_the_clock_by_its_own_answer(self, behind):
        SERVICE_CLOCK.forget()
        found = [finding.text for finding in examine("corp").findings if "clock" in finding.text]
        assert found == ["This machine's clock is 60 min behind."]


def test_what_a_proxy_answers_tells_no_time(machine):
    here = machine(behind=HOUR)
    date = format_datetime(datetime.fromtimestamp(here.true, timezone.utc), usegmt=True)
    tell_time(HttpResponse(403, {"date": date}, b"<html>blocked</html>"), service_clock.here())
    assert not SERVICE_CLOCK.is_known
    tell_time(HttpResponse(403, {"date": date, "x-amzn-RequestId": "1"}), service_clock.here())
    assert SERVICE_CLOCK.is_known
