"""In processes: the same results; each has its account's role in every way, and nothing more."""

from __future__ import annotations

import os
import sys
import threading
import time

import cloudpickle
import pytest

from sso_magic import errors
from sso_magic.each.places import processes
from sso_magic.local import Fault

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # as for functions of a notebook


def test_the_same_results_as_on_threads(many, whoami, signed_in):
    center = many(24)
    here = center.each(whoami, "ReadOnly", progress=False)
    there = center.each(whoami, "ReadOnly", on="processes", progress=False)
    assert there.equals(here)
    assert (there["account_id"] == there["said"]).all()


def test_whatever_reads_the_environment_speaks_for_the_account(signed_in, monkeypatch):
    from sso_magic.center.shared import shared_center

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    center = shared_center()

    def ask(here):
        import boto3
        import pandas as pd

        costs = pd.read_csv(f"s3://{here.account.name}-reports/2026/costs.csv", dtype={"account_id": str})
        return {
            "default": boto3.client("sts").get_caller_identity()["Account"],
            "variable": os.environ["AWS_ACCOUNT_ID"],
            "file": costs["account_id"].unique().item(),
        }

    with center.role("log-archive", "ReadOnly").use():
        frame = center.each(ask, "ReadOnly", "payments", on="processes", progress=False)
    assert len(frame) == 3
    for column in ("default", "variable", "file"):
        assert (frame[column] == frame["account_id"]).all()


def test_nothing_of_one_account_is_left_for_the_next(many):
    center = many(6)

    def ask(here):
        import boto3

        global client  # noqa: PLW0603
        before = "client" in globals()
        client = boto3.client("sts")
        os.environ["AWS_PROFILE"] = "somebody"
        return {"before": before, "keys": os.environ["AWS_ACCOUNT_ID"], "pid": os.getpid()}

    frame = center.each(ask, "ReadOnly", on="processes", workers=1, progress=False)
    assert not frame["before"].any()
    assert (frame["keys"] == frame["account_id"]).all()
    assert frame["pid"].nunique() == 1


def test_a_process_never_gets_the_access_token_or_the_keys_in_use(many, signed_in, clean_environment, monkeypatch):
    center = many(3)
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write("\n[profile mine]\nregion = us-west-2\n")
    token = center.tokens.get().reveal()
    first, *_ = center.snapshot().accounts
    monkeypatch.setenv("AWS_PROFILE", "mine")
    sent: list[bytes] = []
    environments: list[dict[str, str]] = []
    write, popen = processes.write, processes.subprocess.Popen
    monkeypatch.setattr(processes, "write", lambda stream, data: sent.append(data) or write(stream, data))

    def start(*args, env, **kwargs):
        environments.append(env)
        return popen(*args, env=env, **kwargs)

    monkeypatch.setattr(processes.subprocess, "Popen", start)
    with center.role(first.account_id, "ReadOnly").use():
        in_use = os.environ["AWS_SECRET_ACCESS_KEY"]
        frame = center.each(
            lambda here: here.credentials.secret_access_key.reveal()[:4], "ReadOnly", on="processes", progress=False
        )
    assert len(frame) == 3
    assert not [data for data in sent if token.encode() in data]
    assert sum(in_use.encode() in data for data in sent) == 1  # its own task has them
    assert not [env for env in environments if {"AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} & set(env)]
    for data in sent[2:]:
        assert sum(keys.secret_access_key.encode() in data for keys in list(signed_in.keys.values())) <= 1


def test_a_long_task_asks_for_renewed_credentials(many, signed_in):
    signed_in.role_lifetime = 4
    center = many(2)

    def ask(here):
        client = here.session.client("sts")
        first = os.environ["AWS_ACCESS_KEY_ID"]
        deadline = time.monotonic() + 60
        while os.environ["AWS_ACCESS_KEY_ID"] == first or here.credentials.access_key_id.reveal() == first:
            client.get_caller_identity()
            time.sleep(0.2)
            assert time.monotonic() < deadline
        return client.get_caller_identity()["Account"]

    frame = center.each(ask, "ReadOnly", on="processes", progress=False)
    assert (frame["account_id"] == frame["value"]).all()
    assert len(frame) == 2


def test_a_process_that_dies_costs_nothing(many, tmp_path):
    center = many(6)

    def ask(here):
        died = tmp_path / here.account.id
        if here.account.name in {"team-001", "team-004"} and not died.exists():
            died.touch()
            os._exit(9)
        return {"n": 1}

    frame = center.each(ask, "ReadOnly", on="processes", progress=False)
    assert len(frame) == 6
    assert len(list(tmp_path.iterdir())) == 2


def test_one_that_dies_again_and_again_is_that_accounts_error(many):
    center = many(3)

    def ask(here):
        if here.account.name == "team-001":
            os._exit(9)
        return {"n": 1}

    frame = center.each(ask, "ReadOnly", on="processes", progress=False)
    [record] = frame.attrs["errors"]
    assert (record["account_name"], record["error"]) == ("team-001", "ProcessDied")
    assert record["message"] == "Its process died 3 times (exit status 9)."
    assert len(frame) == 2


def test_an_interrupt_kills_the_processes(many, interrupt_when, each_threads_end, tmp_path):
    center = many(4)

    def ask(here):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(600)

    interrupt_when(lambda: len(list(tmp_path.iterdir())) == 2)
    frame = center.each(ask, "ReadOnly", on="processes", workers=2, progress=False)
    assert len(frame.attrs["errors"]) == 4
    each_threads_end()
    for path in tmp_path.iterdir():
        with pytest.raises(OSError, match=r"."):
            os.kill(int(path.name), 0)


def test_what_is_stopped_before_its_credentials_have_come_starts_no_process(
    many, signed_in, interrupt_when, each_threads_end, monkeypatch
):
    center = many(2)
    center.snapshot()
    started = []
    monkeypatch.setattr(processes, "Child", lambda blob: started.append(blob) or pytest.fail("a process was started"))
    signed_in.faults.append(Fault("GetRoleCredentials", delay=2.0))
    interrupt_when(lambda: any(thread.name == "sso_magic each 2" for thread in threading.enumerate()))
    frame = center.each(lambda here: 1, "ReadOnly", on="processes", workers=2, progress=False)
    assert [record["error"] for record in frame.attrs["errors"]] == ["Stopped", "Stopped"]
    each_threads_end()
    assert started == []


def test_a_thread_that_a_task_has_left_does_not_keep_its_process(many, monkeypatch):
    monkeypatch.setattr(processes, "_ENDS_WITHIN", 0.5)

    def ask(here):
        threading.Thread(target=time.sleep, args=(600,)).start()
        return os.getpid()

    frame = many(1).each(ask, "ReadOnly", on="processes", progress=False)
    with pytest.raises(OSError, match=r"."):
        os.kill(frame["value"].item(), 0)


class Unreadable:
    """What can be sent and not be read there."""

    def __reduce__(self):
        return (_refuse, ())


def _refuse():
    raise ValueError("it cannot be read here")


def test_what_cannot_be_read_there_is_every_accounts_error(many):
    thing = Unreadable()
    with pytest.raises(errors.EachError, match=r"^All 2 accounts failed with ValueError: it cannot be read here$"):
        many(2).each(lambda here: thing, "ReadOnly", on="processes", progress=False)


def test_what_is_printed_there_comes_back(many, capsys):
    center = many(2)
    center.each(lambda here: print("hello") or os.write(1, b""), "ReadOnly", on="processes", progress=False)
    assert sorted(capsys.readouterr().out.splitlines()) == ["team-000 | hello", "team-001 | hello"]


def test_keys_that_are_in_the_environment_there_are_redacted_in_what_is_printed(many, capsys):
    center = many(1)
    center.each(
        lambda here: print("key", os.environ["AWS_SECRET_ACCESS_KEY"]), "ReadOnly", on="processes", progress=False
    )
    assert capsys.readouterr().out == "team-000 | key ***\n"


def test_a_result_that_cannot_come_back_is_that_accounts_error(many):
    center = many(2)
    frame = center.each(
        lambda here: threading.Lock() if here.account.name == "team-000" else 1,
        "ReadOnly",
        on="processes",
        progress=False,
    )
    [record] = frame.attrs["errors"]
    assert record["error"] == "TypeError"
    assert record["message"].startswith("Its result, a lock, cannot be sent back (")
    assert record["message"].endswith("Make it a DataFrame, a list of dicts or a scalar.")


def test_a_role_that_is_refused_there_is_told_by_its_name(many, signed_in):
    center = many(3)
    first, *_ = center.snapshot().accounts
    signed_in.organization.withdraw("alex", first.account_id, "ReadOnly")
    frame = center.each(lambda here: 1, "ReadOnly", on="processes", progress=False)
    assert [record["error"] for record in frame.attrs["errors"]] == ["RoleNotAssigned"]


def test_what_cannot_be_sent_is_refused_before_anything_runs(many):
    lock = threading.Lock()

    def ask(here):
        return lock

    with pytest.raises(errors.UsageError, match=r"^ask cannot be sent to another process"):
        many(2).each(ask, "ReadOnly", on="processes", progress=False)
