"""How far a fetch is: told to who waits, in the thread that waits, and gone but for one line when it is done."""

from __future__ import annotations

import io
import threading
from contextlib import redirect_stderr

import pytest

from sso_magic.inventory import FetchState, TqdmProgress


class Recorder:
    def __init__(self) -> None:
        self.states: list[FetchState] = []
        self.closed: list[FetchState] = []
        self.threads: set[threading.Thread] = set()

    def update(self, state: FetchState) -> None:
        self.states.append(state)
        self.threads.add(threading.current_thread())

    def close(self, state: FetchState) -> None:
        self.closed.append(state)
        self.threads.add(threading.current_thread())


@pytest.fixture
def slow(monkeypatch):
    """Progress is reported often enough for a short test to see it."""
    monkeypatch.setattr("sso_magic.inventory.keeper.LOOK_EVERY", 0.005)


@pytest.fixture
def halfway(fake_portal, organization):
    """A portal that answers ten accounts of twenty, and the rest when `go` is set."""
    portal = fake_portal(organization(20))
    portal.go = threading.Event()

    def trouble(asked, number):
        if number > 11:
            assert portal.go.wait(20)

    portal.trouble = trouble
    return portal


def test_progress_counts_what_is_known_done_and_found(halfway, slow, inventory_of):
    class UntilHalf(Recorder):
        def update(self, state):
            super().update(state)
            if state.accounts_done == 10:
                halfway.go.set()

    recorder = UntilHalf()
    inventory_of(halfway).fetch(progress=recorder)
    half = next(state for state in recorder.states if state.accounts_done == 10)
    assert (half.accounts_known, half.all_listed, half.roles_found, half.failed) == (20, True, 20, 0)
    assert half.seconds_left is not None
    (end,) = recorder.closed
    assert (end.accounts_done, end.accounts_known, end.roles_found) == (20, 20, 40)
    assert end.seconds > 0


def test_the_rate_is_that_of_the_last_seconds(halfway, slow, inventory_of, monkeypatch):
    monkeypatch.setattr("sso_magic.inventory.fetch.RATE_OVER", 0.01)

    class UntilStill(Recorder):
        def update(self, state):
            super().update(state)
            if state.accounts_done == 10 and state.calls_per_second == 0:
                halfway.go.set()

    recorder = UntilStill()
    assert inventory_of(halfway).fetch(progress=recorder).complete


def test_what_has_come_so_far_can_be_looked_at_meanwhile(halfway, slow, inventory_of):
    inventory = inventory_of(halfway)
    seen = []

    class UntilHalf(Recorder):
        def update(self, state):
            if state.accounts_done == 10 and not seen:
                seen.append(inventory.partial())
                halfway.go.set()

    inventory.fetch(progress=UntilHalf())
    assert (len(seen[0].accounts), len(seen[0].roles), seen[0].complete) == (20, 10, False)
    assert inventory.partial() is None


def test_progress_is_told_in_the_thread_that_waits(halfway, slow, inventory_of):
    halfway.go.set()
    recorder = Recorder()
    inventory_of(halfway).fetch(progress=recorder)
    assert recorder.threads == {threading.current_thread()}


def test_progress_is_closed_when_the_fetch_fails(fake_portal, inventory_of, organization, refusal):
    portal = fake_portal(organization(2))

    def trouble(asked, number):
        if asked != "accounts":
            raise refusal(403)

    portal.trouble = trouble
    recorder = Recorder()
    with pytest.raises(Exception, match="Not one of the 2 accounts"):
        inventory_of(portal).fetch(progress=recorder)
    assert [state.failed for state in recorder.closed] == [2]


def test_a_progress_that_fails_ends_the_fetch_and_is_told(halfway, slow, inventory_of):
    class Broken(Recorder):
        def update(self, state):
            raise RuntimeError("no display")

    with pytest.raises(RuntimeError, match="no display"):
        inventory_of(halfway).fetch(progress=Broken())
    halfway.go.set()


def test_time_left_is_not_guessed_while_accounts_are_still_listed(fake_portal, slow, inventory_of, organization):
    portal = fake_portal(organization(4))
    portal.page = 2
    go = threading.Event()

    def trouble(asked, number):
        if asked == "accounts" and portal.asked("accounts") == 2:
            assert go.wait(20)

    class UntilTwo(Recorder):
        def update(self, state):
            super().update(state)
            if state.accounts_done == 2:
                go.set()

    portal.trouble = trouble
    recorder = UntilTwo()
    inventory_of(portal).fetch(progress=recorder)
    listing = [state for state in recorder.states if not state.all_listed]
    assert listing
    assert all(state.seconds_left is None for state in listing)


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (FetchState(1000, 1000, True, 3000, 0, 50, 20.31), "1,000 accounts, 3,000 roles in 20.3 s"),  # noqa: FBT003
        (FetchState(1, 1, True, 1, 0, 50, 0.04), "1 account, 1 role in 0.0 s"),  # noqa: FBT003
        (FetchState(0, 0, True, 0, 0, 0, 0.2), "0 accounts, 0 roles in 0.2 s"),  # noqa: FBT003
        (
            FetchState(40, 50, False, 90, 2, 10, 5),  # noqa: FBT003
            "40 accounts, 90 roles, 2 failed, 10 not asked yet in 5.0 s",
        ),
    ],
)
def test_one_line_says_what_was_done(state, line):
    assert state.summary() == line


def test_the_bar_shows_accounts_roles_rate_and_time_left_and_leaves_one_line(capsys):
    bar = TqdmProgress(delay=0)
    bar.update(FetchState(300, 1000, True, 900, 1, 50.4, 6, 95.2))  # noqa: FBT003
    shown = capsys.readouterr().err
    assert "300/1000" in shown
    assert "900 roles, 1 failed, 50 calls/s, 1:35 left" in shown
    bar.update(FetchState(600, 1000, True, 1800, 1, 50.4, 12, 65.2))  # noqa: FBT003
    bar.close(FetchState(1000, 1000, True, 3000, 0, 50, 20.31))  # noqa: FBT003
    left = capsys.readouterr()
    assert left.out == "1,000 accounts, 3,000 roles in 20.3 s\n"
    assert left.err.rpartition("\r")[2] == ""  # the bar's own line is empty again
    assert "\n" not in left.err  # a second bar would have a line of its own


def test_the_bar_says_when_more_accounts_are_to_come(capsys):
    bar = TqdmProgress(delay=0)
    bar.update(FetchState(10, 100, False, 30, 0, 50, 1))  # noqa: FBT003
    assert "30 roles, 50 calls/s, more to come" in capsys.readouterr().err
    bar.close(FetchState())


def test_what_is_quick_gets_no_bar(capsys):
    bar = TqdmProgress(summary=False)
    bar.update(FetchState(seconds=0.1))
    bar.close(FetchState(seconds=0.2))
    assert capsys.readouterr() == ("", "")


def test_the_bar_keeps_no_thread():
    before = set(threading.enumerate())
    with redirect_stderr(io.StringIO()):
        bar = TqdmProgress(summary=False, delay=0)
        bar.update(FetchState(1, 2, True, 3, 0, 4, 5))  # noqa: FBT003
        assert set(threading.enumerate()) == before
        bar.close(FetchState())
