"""``--save`` keeps each result when it is there; ``--resume`` runs what is missing or failed, and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from sso_magic import errors
from sso_magic.each.saved import _read_journal

REGIONS = ["eu-west-1", "us-east-1", "us-west-2", "eu-central-1"]


@pytest.fixture
def ran():
    """A function for each account that notes where it ran, and fails in some."""

    class Function:
        def __init__(self):
            self.places, self.failing = [], ()

        def __call__(self, here):
            self.places.append((here.account.name, here.region))
            if here.account.name in self.failing:
                raise ValueError("not now")
            return None if here.account.name == "team-001" else {"n": int(here.account.name[-3:]), "r": here.region}

    return Function()


def test_into_and_resume_run_what_is_missing_or_failed_only(run, shell):
    run("begun, broken = [], True")
    cell = (
        "\nbegun.append(account.name)\nif broken and account.name != 'payments-dev': raise ValueError('no')\naccount.id"
    )
    run(f"%%sso_each ReadOnly payments --into got{cell}")
    run("broken = False; begun.clear()")
    _, out = run(f"%%sso_each ReadOnly payments --into got --resume{cell}")
    assert sorted(shell.user_ns["begun"]) == ["payments-prod", "payments-prod-eu"]
    got = shell.user_ns["got"]
    assert got["account_name"].tolist() == ["payments-dev", "payments-prod", "payments-prod-eu"]
    assert (got["value"] == got["account_id"]).all()
    assert len(shell.user_ns["got_errors"]) == 0
    assert out.splitlines()[0] == ("3 rows from 3 of 3 accounts as ReadOnly, in got. 1 account was done before.")
    run(f"%%sso_each ReadOnly payments --into got --resume{cell}")
    assert len(shell.user_ns["begun"]) == 2


def test_a_run_that_was_stopped_goes_on(run, shell, interrupt_when):
    run("import time\nbegun, slow = [], True")
    begun = shell.user_ns["begun"]
    interrupt_when(lambda: len(begun) == 3)
    cell = "\nbegun.append(account.name)\nwhile slow and account.name != 'analytics': time.sleep(0.01)\naccount.name"
    run(f"%%sso_each ReadOnly --into got --workers 2{cell}")
    assert shell.user_ns["got"]["value"].tolist() == ["analytics"]
    run("slow = False; begun.clear()")
    run(f"%%sso_each ReadOnly --into got --resume{cell}")
    assert "analytics" not in begun
    assert len(begun) == 11
    assert shell.user_ns["got"]["value"].tolist() == shell.user_ns["got"]["account_name"].tolist()


def test_accounts_without_rows_are_done_too(many, ran):
    center = many(4)
    first = center.each(ran, "ReadOnly", progress=False)
    assert len(first) == 3
    ran.places.clear()
    again = center.each(ran, "ReadOnly", resume=first, progress=False)
    assert ran.places == []
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(again))


def test_the_file_holds_the_results_and_is_resumed(many, ran, tmp_path):
    center, path = many(6), tmp_path / "out.parquet"
    ran.failing = ("team-002", "team-004")
    first = center.each(ran, "ReadOnly", regions=REGIONS[:2], save=path, progress=False)
    assert (len(first), len(first.attrs["errors"])) == (6, 4)
    saved = pd.read_parquet(path)
    assert (
        saved[["account_id", "region", "n", "r"]]
        .astype(object)
        .equals(pd.DataFrame(first)[["account_id", "region", "n", "r"]].astype(object))
    )
    ran.failing = ()
    ran.places.clear()
    whole = center.each(ran, "ReadOnly", regions=REGIONS[:2], save=path, resume=True, progress=False)
    assert Counter(name for name, _ in ran.places) == {"team-002": 2, "team-004": 2}
    assert len(whole) == 10
    assert (whole["region"] == whole["r"]).all()
    assert len(pd.read_parquet(path)) == 10
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.parquet"]


def test_a_new_run_does_not_take_a_former_runs_file_for_its_own(many, ran, tmp_path, monkeypatch):
    center, path = many(3), tmp_path / "out.parquet"
    center.each(ran, "ReadOnly", save=path, progress=False)
    monkeypatch.setattr("sso_magic.each.saved.SavedRun.finish", lambda self, frame: "killed")
    ran.failing = ("team-000",)
    with pytest.warns(UserWarning, match=r"The results are not in .*: killed\."):
        center.each(ran, "ReadOnly", save=path, progress=False)
    monkeypatch.undo()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    ran.failing = ()
    ran.places.clear()
    center.each(ran, "ReadOnly", save=path, resume=True, progress=False)
    assert [name for name, _ in ran.places] == ["team-000"]


def test_an_unfinished_run_is_not_overwritten(many, ran, tmp_path, monkeypatch):
    center, path = many(3), tmp_path / "out.parquet"
    monkeypatch.setattr("sso_magic.each.saved.SavedRun.finish", lambda self, frame: "killed")
    with pytest.warns(UserWarning, match="killed"):
        center.each(ran, "ReadOnly", save=path, progress=False)
    with pytest.raises(errors.UsageError, match=r"holds a run that was not finished \(3 done\)\. Add --resume"):
        center.each(ran, "ReadOnly", save=path, progress=False)


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_record_that_was_cut_off_is_run_again(many, ran, tmp_path, monkeypatch, cut):
    center, path = many(3), tmp_path / "out.parquet"
    monkeypatch.setattr("sso_magic.each.saved.SavedRun.finish", lambda self, frame: "killed")
    with pytest.warns(UserWarning, match="killed"):
        center.each(ran, "ReadOnly", save=path, workers=1, progress=False)
    monkeypatch.undo()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    journal = path.with_name("out.parquet.journal")
    journal.write_bytes(journal.read_bytes()[:-cut])
    ran.places.clear()
    whole = center.each(ran, "ReadOnly", save=path, resume=True, progress=False)
    assert len(ran.places) == 1
    assert sorted(whole["n"]) == [0, 2]


def test_values_that_arrow_has_no_type_for_are_saved_as_text(many, tmp_path):
    path = tmp_path / "out.parquet"
    many(2).each(lambda here: {"x": [1, "a"], "y": 1j, 3: here.account.name}, "ReadOnly", save=path, progress=False)
    assert pd.read_parquet(path)["y"].tolist() == ["1j", "1j"]


def test_no_key_gets_into_the_file(many, tmp_path, monkeypatch):
    path = tmp_path / "out.parquet"
    monkeypatch.setattr("sso_magic.each.saved.SavedRun.finish", lambda self, frame: "killed")
    seen = []

    def ask(here):
        seen.append(here.credentials.secret_access_key.reveal())
        return pd.DataFrame({"key": [here.credentials.secret_access_key]})

    with pytest.warns(UserWarning, match="killed"):
        many(1).each(ask, "ReadOnly", save=path, progress=False)
    assert seen[0].encode() not in path.with_name("out.parquet.journal").read_bytes()


def test_two_runs_do_not_save_to_one_file(many, ran, tmp_path):
    center, path = many(1), tmp_path / "out.parquet"

    def ask(here):
        center.each(ran, "ReadOnly", save=path, progress=False)

    with pytest.raises(errors.EachError, match=r"UsageError: Another run saves to .* Choose another file, or wait"):
        center.each(ask, "ReadOnly", save=path, progress=False)
    center.each(ran, "ReadOnly", save=path, resume=True, progress=False)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--resume", "--resume goes on with a run that --into NAME or --save PATH.parquet names. Add one of them."),
        ("--save x.csv", "--save x.csv is no Parquet file of this machine. Type --save costs.parquet, for example."),
        ("--save s3://b/x.parquet", "--save s3://b/x.parquet is no Parquet file of this machine."),
        (
            "--save /nowhere/x.parquet",
            "--save /nowhere/x.parquet: the directory /nowhere does not exist. Make it first.",
        ),
        ("--into other --resume", "Only the DataFrame of an earlier run of %%sso_each can be resumed."),
        ("--save {foreign} --resume", "was not written by a run with --save and cannot be resumed."),
    ],
)
def test_a_file_or_name_that_cannot_be_meant_says_what_to_do(run, tmp_path, line, text):
    foreign = tmp_path / "foreign.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(foreign)
    run("other = 3")
    with pytest.raises(errors.UsageError) as caught:
        run(f"%%sso_each ReadOnly payments {line.format(foreign=foreign)}\n1")
    assert text in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] in (
        ["foreign.parquet"],
        ["foreign.parquet", "foreign.parquet.journal"],
    )


def test_a_dry_run_makes_no_file(run, tmp_path):
    run(f"%%sso_each ReadOnly payments --save {tmp_path}/x.parquet --dry-run\n1")
    assert list(tmp_path.iterdir()) == []


CHILD = """
import os, sys
from sso_magic.center.shared import shared_center
sys.path.insert(0, {directory!r})
from test_resume import work
shared_center().each(work({log!r}), "ReadOnly", regions={regions!r}, save={path!r}, workers=8, progress=False)
"""


def work(log: str):
    """What is done in each account and region: it asserts both, notes its place, and fails in a tenth."""

    def do(here):
        assert here.session.client("sts").get_caller_identity()["Account"] == here.account.id
        assert here.session.region_name == here.region
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{here.account.id} {here.region}\n".encode())
        os.close(descriptor)
        if int(here.account.id) % 10 == 3:
            raise ValueError("one in ten")
        return {"said": here.account.id, "in": here.region}

    return do


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_kernel_that_is_killed_loses_nothing_and_runs_nothing_twice(many, tmp_path):
    accounts = 200
    center = many(accounts)
    center.snapshot()
    path, log = tmp_path / "out.parquet", tmp_path / "log"
    text = CHILD.format(directory=str(Path(__file__).parent), log=str(log), regions=REGIONS, path=str(path))
    child = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    while not log.exists() or len(log.read_bytes().splitlines()) < accounts * 2:
        assert child.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    child.kill()
    child.wait()
    kept, end, is_new = _read_journal(path.with_name("out.parquet.journal"))
    assert end > 0
    assert is_new
    assert len(kept) > accounts
    before = len(log.read_text().splitlines())
    whole = center.each(work(str(log)), "ReadOnly", regions=REGIONS, save=path, resume=True, progress=False)
    again = [tuple(line.split()) for line in log.read_text().splitlines()[before:]]
    assert len(again) == len(set(again)) == accounts * 4 - len(kept)
    assert not {(row.account.account_id, row.region) for row in kept} & set(again)
    failing = {account for account in center.accounts()["account_id"] if int(account) % 10 == 3}
    assert len(whole) == (accounts - len(failing)) * 4
    assert (whole["account_id"] == whole["said"]).all()
    assert (whole["region"] == whole["in"]).all()
    records = {(record["account_id"], record["region"]) for record in whole.attrs["errors"]}
    assert records == {(account, region) for account in failing for region in REGIONS}
