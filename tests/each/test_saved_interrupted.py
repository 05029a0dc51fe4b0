"""One Ctrl-C at any place of a run with ``--save`` leaves files that ``--resume`` reads, with each result once."""

from __future__ import annotations

import sys
from pathlib import Path

import interrupting
import pandas as pd
import pytest

import sso_magic
from sso_magic.each.accounts import select
from sso_magic.each.run import run
from sso_magic.each.saved import SavedRun
from sso_magic.each.task import Outcome
from sso_magic.each.work import FunctionWork

# A file whose object was just made when the interrupt came is closed by its destructor, which Python reports.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

EACH = Path(sso_magic.__file__).parent / "each"


class Interrupt(interrupting.Interrupt):
    """An interrupt in one of these modules.

    Functions that only compute leave no state: an interrupt in them is one at their call.
    """

    COMPUTE = frozenset(
        {"rows_of", "_text", "_record", "_row", "_read_journal", "_read_parquet", "_storable", "_arrow", "_checked"}
    )

    def __init__(self, number: int, *modules: str) -> None:
        super().__init__(number)
        self.files = {str(EACH / module) for module in modules}

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if code.co_filename not in self.files or (code.co_name in self.COMPUTE and event != "call"):
            return None
        traced = self.count(frame, event, argument)
        return None if code.co_name in self.COMPUTE else traced


@pytest.fixture
def selection(many):
    """Three accounts; their credentials are cached, so that no request is interrupted."""
    center = many(3)
    found = select(center, "ReadOnly")
    for job in found.jobs:
        center.role(job.account.account_id, "ReadOnly").credentials()
    return center, found


def value_of(job) -> pd.DataFrame:
    return pd.DataFrame({"n": [1, 2], "account": [job.account.account_id] * 2})


def frame_of(*jobs) -> pd.DataFrame:
    """Return the table of a run in which these jobs gave a result."""
    rows = [value_of(job).assign(account_id=job.account.account_id, role_name="ReadOnly") for job in jobs]
    frame = pd.concat(rows, ignore_index=True)
    frame.attrs.update(done=[[job.account.account_id, None, "ReadOnly", None] for job in jobs], errors=[])
    return frame


def ids(*jobs) -> set[str]:
    return {job.account.account_id for job in jobs}


class Attempt:
    """A run of three jobs that goes on with the file of the third one, with one interrupt.

    Each call is made in spite of the interrupt of another one: one task's error does not end the others.

    Attributes:
        place: The place of the interrupt; empty if the calls are over before it.
        kept: The jobs whose results were appended without an interrupt.
    """

    def __init__(self, path, jobs, number: int) -> None:
        self.path, self.jobs = path, jobs
        self.interrupt = Interrupt(number, "saved.py")
        self.saved: SavedRun | None = None
        self.kept = [jobs[2]]
        self.make(self.open)
        if self.saved is not None:
            for job in jobs[:2]:
                self.make(lambda job=job: self.append(job))
            self.make(lambda: self.saved.finish(frame_of(*jobs)))
            self.make(self.saved.close)
            self.saved.close()  # again, as `Site.close` does

    @property
    def place(self) -> str:
        return self.interrupt.where

    def make(self, call) -> None:
        try:
            sys.settrace(None if self.place else self.interrupt)
            call()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)

    def open(self) -> None:
        self.saved = SavedRun(self.path, resume=True)

    def append(self, job) -> None:
        self.saved.append(job, Outcome(value=value_of(job)))
        self.kept.append(job)


def test_an_interrupt_at_every_place_of_the_file(selection, tmp_path):
    jobs = selection[1].jobs
    path = tmp_path / "out.parquet"
    saved = SavedRun(path, resume=False)
    saved.finish(frame_of(jobs[2]))
    saved.close()
    earlier = path.read_bytes()
    number, finished = 0, False
    while not finished:
        number += 1
        clear(tmp_path)
        path.write_bytes(earlier)
        attempt = Attempt(path, jobs, number)
        where = f"{number}, {attempt.place}"
        assert names(tmp_path) <= {"out.parquet", "out.parquet.journal"}, where
        resumed = SavedRun(path, resume=True)
        resumed.close()
        got = [row.key[0] for row in resumed.earlier]
        assert len(got) == len(set(got)), where
        assert ids(*attempt.kept) <= set(got) <= ids(*jobs), where
        for row in resumed.earlier:
            assert row.value["n"].tolist() == [1, 2], where
            assert row.value["account"].tolist() == [row.key[0]] * 2, where
        finished = not attempt.place
    assert number > 50


def clear(directory: Path) -> None:
    for entry in directory.iterdir():
        entry.unlink()


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def test_an_interrupt_at_every_place_of_a_run_that_saves(selection, tmp_path):
    center, accounts = selection
    path = tmp_path / "out.parquet"
    everyone = sorted(job.account.account_id for job in accounts.jobs)
    calls: list[str] = []

    def function(here):
        calls.append(here.account.id)
        return {"n": here.account.id}

    def start(*, resume: bool):
        for job in accounts.jobs:
            job.stopped = False
            job.wake.clear()
        return run(center, FunctionWork(function), accounts, save=path, resume=resume, progress=False)

    start(resume=False)  # whatever is imported once
    number, finished = 0, False
    while not finished:
        number += 1
        clear(tmp_path)
        interrupt, error = Interrupt(number, "run.py", "saved.py", "site.py"), None
        try:
            sys.settrace(interrupt)
            start(resume=False)
        except KeyboardInterrupt as interruption:
            error = interruption  # it keeps the frames, as `sys.last_value` does
        finally:
            sys.settrace(None)
        where = f"{number}, {interrupt.where}"
        assert names(tmp_path) <= {"out.parquet", "out.parquet.journal"}, where
        calls.clear()
        result = start(resume=True)
        del error
        assert sorted(result.frame["account_id"]) == everyone, where
        assert (result.frame["n"] == result.frame["account_id"]).all(), where
        assert sorted(pd.read_parquet(path)["account_id"]) == everyone, where
        assert result.earlier + len(calls) == len(everyone), where
        assert names(tmp_path) == {"out.parquet"}, where
        finished = not interrupt.where
    assert number > 50
