"""Role credentials are fetched again before they end."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

import pytest
import time_machine

from sso_magic.common.times import clock
from sso_magic.errors import ConnectError, CredentialsError, RoleNotAssigned, SignInRequired
from sso_magic.kernel import endpoint as serve
from sso_magic.kernel.renewal import RenewingRole, lead

SIGN_IN = SignInRequired("corp is not signed in. Run %sso_login corp")


def renewing(role) -> RenewingRole:
    return RenewingRole(role.credentials(), role.fetch)


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


@pytest.mark.parametrize(
    ("lifetime", "expected"),
    [(12 * 3600, 4 * 3600), (3600, 1200), (2400, 900), (1000, 1000 * 2 / 3), (6, 4)],
)
def test_they_are_renewed_when_a_third_or_fifteen_minutes_are_left_but_never_at_once(lifetime, expected):
    assert lead(lifetime) == pytest.approx(expected)


def test_nothing_is_fetched_while_there_is_time(role_a):
    renewing(role_a).get()
    assert role_a.fetched == 0


def test_what_is_due_is_fetched_when_it_is_asked_for(role_a):
    role = renewing(role_a)
    with time_machine.travel(role.latest.expires_at - timedelta(minutes=19)):
        assert role.get() is role_a.issued[-1]
    assert role_a.fetched == 1


def test_what_cannot_be_renewed_is_used_until_it_ends_and_then_says_why(role_a):
    role = renewing(role_a)
    role_a.failure = SIGN_IN
    first = role.latest
    with time_machine.travel(first.expires_at - timedelta(minutes=5)):
        assert role.get() is first
    with time_machine.travel(first.expires_at + timedelta(seconds=1)), pytest.raises(SignInRequired, match="sso_login"):
        role.get()


def test_credentials_of_another_account_are_not_taken(role_a, role_b):
    role = RenewingRole(role_a.credentials(), role_b.fetch)
    with (
        time_machine.travel(role.latest.expires_at + timedelta(seconds=1)),
        pytest.raises(
            CredentialsError, match=r"prod \(222222222222\) / ReadOnly came for dev \(111111111111\) / ReadOnly"
        ),
    ):
        role.get()
    assert role.latest.account_id == "111111111111"


def test_many_that_ask_at_once_fetch_once(role_a):
    role = renewing(role_a)
    role_a.in_the_way.clear()
    got = []
    with time_machine.travel(role.latest.expires_at + timedelta(seconds=1)):
        askers = [threading.Thread(target=lambda: got.append(role.get())) for _ in range(20)]
        for asker in askers:
            asker.start()
        role_a.in_the_way.set()
        for asker in askers:
            asker.join()
    assert role_a.fetched == 1
    assert len(set(map(id, got))) == 1


def test_who_can_go_on_does_not_wait_for_the_one_who_fetches(role_a, until):
    role = renewing(role_a)
    first = role.latest
    role_a.in_the_way.clear()
    with time_machine.travel(first.expires_at - timedelta(minutes=10)):
        fetching = threading.Thread(target=role.get)
        fetching.start()
        until(lambda: role_a.fetched == 1)
        assert role.get() is first
        role_a.in_the_way.set()
        fetching.join()
    assert role.latest is not first


def test_attempts_in_vain_come_ever_further_apart(role_a):
    role = renewing(role_a)
    role_a.failure = ConnectError("portal refused the connection")
    pauses = []
    with time_machine.travel(role.latest.expires_at - timedelta(minutes=15)):
        for _ in range(8):
            role._tried_at = -1e9  # the pause is over
            role.renew()
            pauses.append(role._pause)
    assert role_a.fetched == 8
    assert pauses[0] < 1.3
    assert pauses[:6] == sorted(pauses[:6])
    assert all(45 < pause <= 72 for pause in pauses[-2:])


def test_a_sign_in_ends_the_pause(role_a):
    role = renewing(role_a)
    role_a.failure = SIGN_IN
    with time_machine.travel(role.latest.expires_at - timedelta(minutes=5)):
        role.get()
        role.get()
        assert role_a.fetched == 1
        role_a.failure = None
        role.retry_now()
        assert role.get() is role_a.issued[-1]


def test_credentials_that_expire_before_they_arrive_are_fetched_again_at_once(role_a):
    role = renewing(role_a)
    issue = role_a.fetch

    def stopped_while_it_fetched():
        role_a.lifetime = -25 if role_a.fetched == 0 else 10  # 10 s credentials, and 35 s on the wire
        return issue()

    role._fetch = stopped_while_it_fetched
    with time_machine.travel(role.latest.expires_at + timedelta(seconds=1)):
        assert role.get() is role_a.issued[-1]
        assert role.get().seconds_left() > 0
        assert role.warning() is None
    assert role_a.fetched == 2


def test_credentials_that_expire_before_they_arrive_time_after_time_are_an_error_and_not_fetched_without_a_pause(
    role_a,
):
    role = renewing(role_a)
    first = role.latest
    role_a.lifetime = -7200
    with time_machine.travel(first.expires_at + timedelta(seconds=1)):
        for _ in range(50):
            with pytest.raises(
                CredentialsError,
                match=r"The credentials of dev \(111111111111\) / ReadOnly had expired before they arrived, 3 times in "
                r"a row\. Check this machine's clock and its network with %sso_doctor\.",
            ):
                role.get()
    assert role.latest is first
    assert role_a.fetched == 3


def test_credentials_that_expire_between_their_arrival_and_their_use_are_an_error_too(role_a, monkeypatch):
    role = renewing(role_a)
    monkeypatch.setattr(role, "renew", lambda: None)  # it has brought some, and this process was then stopped
    with (
        time_machine.travel(role.latest.expires_at + timedelta(seconds=1)),
        pytest.raises(CredentialsError, match="expired before they arrived"),
    ):
        role.get()


def test_an_attempt_that_was_not_urgent_does_not_delay_the_one_that_is(role_a):
    role = renewing(role_a)
    end = role.latest.expires_at
    role_a.failure = ConnectError("the notebook is busy")
    with time_machine.travel(end - timedelta(seconds=1)):
        assert role.get() is role_a.issued[0]
    role_a.failure = None
    with time_machine.travel(end + timedelta(seconds=1)):  # not a second later by the clock that pauses follow
        assert role.get() is role_a.issued[-1]
    assert role_a.fetched == 2


def test_an_urgent_attempt_is_not_repeated_at_once(role_a):
    role = renewing(role_a)
    role_a.failure = ConnectError("no network")
    with time_machine.travel(role.latest.expires_at + timedelta(seconds=1)):
        for _ in range(50):
            with pytest.raises(ConnectError):
                role.get()
    assert role_a.fetched == 1


def test_a_portal_that_repeats_the_same_keys_is_asked_at_the_pace_of_failed_attempts(role_a):
    role = renewing(role_a)
    first = role.latest
    fetched = []
    role._fetch = lambda: fetched.append(1) or first
    with time_machine.travel(first.expires_at - timedelta(minutes=10)):
        for _ in range(50):
            assert role.get() is first
        assert len(fetched) == 1
        pauses = []
        for _ in range(8):
            role._tried_at = -1e9  # the pause is over
            role.renew()
            pauses.append(role._pause)
        assert pauses[-1] > 45


@pytest.mark.parametrize("lifetime", [3600, 12 * 3600])
def test_a_permission_set_whose_duration_changes_is_renewed_by_the_new_duration(role_a, lifetime):
    role = renewing(role_a)
    role_a.lifetime = lifetime
    with time_machine.travel(role.latest.expires_at - timedelta(minutes=5)):
        role.get()
        assert role.seconds_until_due() == pytest.approx(lifetime - lead(lifetime), abs=5)


def test_a_role_whose_first_credentials_have_expired_does_not_ask_without_a_pause(role_a):
    role_a.lifetime = -100
    role = renewing(role_a)
    role_a.failure = ConnectError("no network")
    for _ in range(20):
        with pytest.raises(ConnectError):
            role.get()
    assert role_a.fetched == 1


class TestWhatItSays:
    def test_nothing_while_all_is_well(self, role_a):
        assert renewing(role_a).warning() is None

    def test_at_once_that_somebody_has_to_sign_in(self, role_a):
        role = renewing(role_a)
        role_a.failure = SIGN_IN
        with time_machine.travel(role.latest.expires_at - timedelta(minutes=19)):
            role.get()
            end = f"{clock(role.latest.expires_at, seconds=True)}"
            assert role.warning() == (
                f"dev (111111111111) / ReadOnly is not renewed; its credentials last until {end}. "
                "corp is not signed in. Run %sso_login corp"
            )

    def test_at_once_that_the_role_is_withdrawn(self, role_a):
        role = renewing(role_a)
        role_a.failure = RoleNotAssigned("The role ReadOnly in dev is refused (403).")
        with time_machine.travel(role.latest.expires_at - timedelta(minutes=19)):
            role.get()
            assert role.warning().endswith("The role ReadOnly in dev is refused (403).")

    def test_nothing_of_what_passes_by_itself_until_half_the_time_is_gone(self, role_a):
        role = renewing(role_a)
        role_a.failure = ConnectError("portal refused the connection")
        with time_machine.travel(role.latest.expires_at - timedelta(minutes=19)):
            role.get()
            assert role.warning() is None
        with time_machine.travel(role.latest.expires_at - timedelta(minutes=9)):
            assert "portal refused the connection" in role.warning()

    def test_that_they_have_ended(self, role_a):
        role = renewing(role_a)
        role_a.failure = SIGN_IN
        with time_machine.travel(role.latest.expires_at + timedelta(seconds=1)):
            role.renew()
            assert "ReadOnly ended at" in role.warning()
            assert "could not be renewed. corp is not signed in." in role.warning()

    def test_no_more_once_they_are_renewed(self, role_a):
        role = renewing(role_a)
        role_a.failure = SIGN_IN
        with time_machine.travel(role.latest.expires_at - timedelta(minutes=5)):
            role.get()
            role_a.failure = None
            role.retry_now()
            role.get()
            assert role.warning() is None


class TestInUse:
    def test_the_environment_gets_the_new_keys_by_itself(self, kernel, role_a, until):
        role_a.lifetime = 1.5
        kernel.use(role_a.use())
        until(lambda: role_a.fetched >= 3)
        role_a.lifetime = 3600
        fetched = role_a.fetched
        until(lambda: role_a.fetched > fetched)
        until(role_a.is_in_environment)

    def test_keys_that_somebody_else_has_set_stay(self, kernel, role_a, until, monkeypatch):
        use = role_a.use()
        kernel.use(use)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
        with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):
            use.role.get()
        assert os.environ["AWS_ACCESS_KEY_ID"] == "AKIAOWN"
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == role_a.issued[0].secret_access_key.reveal()

    def test_a_role_that_is_no_longer_in_use_is_not_written(self, kernel, role_a, role_b, until):
        use = role_a.use()
        kernel.use(use)
        kernel.use(role_b.use())
        with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):
            use.role.get()
        assert role_a.fetched == 1
        until(role_b.is_in_environment)  # the renewal of the role in use may have been under way

    def test_the_thread_sleeps_while_there_is_nothing_to_do(self, kernel, role_a, monkeypatch):
        looks = []
        monkeypatch.setattr(
            "sso_magic.kernel.renewal.RenewingRole.seconds_until_due", lambda role: looks.append(1) or 1e6, raising=True
        )
        kernel.use(role_a.use())
        threads("sso_magic renewal")[0].join(0.3)
        assert len(looks) <= 2

    def test_the_wall_clock_is_looked_at_although_waits_stand_still_in_sleep(self, kernel, role_a, until, monkeypatch):
        monkeypatch.setattr("sso_magic.kernel.renewal_thread._LONGEST_WAIT", 0.02)
        use = role_a.use()
        kernel.use(use)
        with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):  # the laptop has slept
            until(lambda: role_a.fetched == 1)
            until(role_a.is_in_environment)

    @pytest.mark.parametrize("end", ["release", "forget", "shutdown"])
    def test_the_thread_ends_with_the_role(self, kernel, role_a, until, end):
        kernel.use(role_a.use())
        assert len(threads("sso_magic renewal")) == 1
        getattr(kernel, end)()
        until(lambda: threads("sso_magic renewal") == [])

    def test_one_thread_serves_every_switch(self, kernel, role_a, role_b):
        for role in [role_a, role_b] * 20:
            kernel.use(role.use())
        assert len(threads("sso_magic renewal")) == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_can_renew_and_switch(self, kernel, role_a, role_b):
        use = role_a.use()
        kernel.use(use)
        with kernel._changes._turn, use.role._fetching:  # held by a thread that does not exist in the child
            child = os.fork()
            if child == 0:
                try:
                    with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):
                        done = use.role.get() is role_a.issued[-1]
                    kernel.use(role_b.use())
                    os._exit(0 if done and role_b.is_in_environment() else 1)
                finally:
                    os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class TestBeforeACell:
    def test_nothing_is_said_while_all_is_well(self, kernel, role_a):
        assert kernel.before_cell() is None
        kernel.use(role_a.use())
        assert kernel.before_cell() is None

    def test_it_says_once_that_renewal_cannot_go_on(self, kernel, role_a):
        use = role_a.use()
        kernel.use(use)
        role_a.failure = SIGN_IN
        with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):
            use.role.get()
            assert "Run %sso_login corp" in kernel.before_cell()
            assert kernel.before_cell() is None

    def test_it_says_before_each_cell_that_they_have_ended(self, kernel, role_a):
        use = role_a.use()
        kernel.use(use)
        role_a.failure = SIGN_IN
        with time_machine.travel(use.credentials.expires_at + timedelta(hours=1)):
            assert "ended at" in kernel.before_cell()
            assert "ended at" in kernel.before_cell()

    def test_after_a_long_sleep_they_are_renewed_before_the_cell_runs(self, kernel, role_a):
        use = role_a.use()
        kernel.use(use)
        with time_machine.travel(use.credentials.expires_at + timedelta(hours=8)):
            assert kernel.before_cell() is None
            assert role_a.is_in_environment()
        assert role_a.fetched == 1

    def test_after_a_short_sleep_what_still_holds_is_renewed_behind_the_cell(self, kernel, role_a, until):
        use = role_a.use()
        kernel.use(use)
        role_a.in_the_way.clear()
        with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):
            assert kernel.before_cell() is None  # it does not wait
            role_a.in_the_way.set()
            until(lambda: role_a.fetched == 1)
            until(role_a.is_in_environment)

    def test_a_sign_in_wakes_the_renewal(self, kernel, role_a, until):
        use = role_a.use()
        kernel.use(use)
        role_a.failure = SIGN_IN
        with time_machine.travel(use.credentials.expires_at - timedelta(minutes=5)):
            use.role.get()
            role_a.failure = None
            kernel.retry_now()
            until(lambda: use.role.warning() is None)
            until(role_a.is_in_environment)


def test_the_endpoint_answers_although_no_thread_can_be_started_for_the_renewal(role_a, monkeypatch):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    role = renewing(role_a)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with time_machine.travel(role.latest.expires_at - timedelta(minutes=5)):
        status, _ = serve._credentials(role)
    assert status == 200
