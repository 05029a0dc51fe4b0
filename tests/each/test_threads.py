"""Two hundred accounts on threads: complete, rightly labelled, each under its own credentials and no others."""

from __future__ import annotations

import io
import os
import random
import re
import sys
import threading
import time

import pytest

from sso_magic import errors
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Fault, Throttle


def test_two_hundred_accounts_are_complete_and_rightly_labelled_whatever_the_order(many, whoami, signed_in):
    center = many(200)
    done: list[str] = []

    def ask(here):
        time.sleep(random.uniform(0, 0.05))
        done.append(here.account.id)
        return whoami(here)

    frame = center.each(ask, "ReadOnly", workers=16, progress=False)
    accounts = {account.id: account.name for account in signed_in.organization.accounts}
    assert list(frame.columns) == ["account_id", "account_name", "role_name", "said", "arn"]
    assert dict(zip(frame["account_id"], frame["account_name"], strict=True)) == accounts
    assert (frame["account_id"] == frame["said"]).all()
    assert set(frame["role_name"]) == {"ReadOnly"}
    assert list(frame["account_name"]) == sorted(accounts.values())
    assert done != list(frame["account_id"])
    assert frame.attrs["errors"] == []


def test_with_a_tenth_failing_there_are_nine_tenths_of_the_rows_and_every_error(many, signed_in):
    center = many(200)
    center.snapshot()
    ids = [account.account_id for account in center.snapshot().accounts]
    withdrawn, raising = set(ids[::20]), set(ids[5::20])
    for account_id in withdrawn:
        signed_in.organization.withdraw("alex", account_id, "ReadOnly")

    def ask(here):
        if here.account.id in raising:
            raise ValueError(f"nothing in {here.account.name}")
        return {"n": 1}

    frame = center.each(ask, "ReadOnly", progress=False)
    failed = {record["account_id"]: record for record in frame.attrs["errors"]}
    assert len(frame) == 180
    assert set(failed) == withdrawn | raising
    assert set(frame["account_id"]) == set(ids) - set(failed)
    assert {failed[account_id]["error"] for account_id in withdrawn} == {"RoleNotAssigned"}
    for account_id in raising:
        record = failed[account_id]
        assert (record["error"], record["message"]) == ("ValueError", f"nothing in {record['account_name']}")
        assert 'raise ValueError(f"nothing in {here.account.name}")' in record["traceback"]
        assert f"sso_magic{os.sep}each" not in record["traceback"]


def test_the_environment_is_not_touched_and_the_role_in_use_stays(many, whoami):
    center = many(3)
    first, *_ = center.snapshot().accounts
    with center.role(first.account_id, "ReadOnly").use():
        before, used = dict(os.environ), KERNEL.current
        seen = []

        def ask(here):
            seen.append(dict(os.environ))
            return whoami(here)

        frame = center.each(ask, "ReadOnly", progress=False)
        assert len(frame) == 3
        assert seen == [before] * 3
        assert dict(os.environ) == before
        assert KERNEL.current is used


def test_a_boto3_session_is_made_only_where_it_is_touched(many, monkeypatch):
    from sso_magic.kernel.libraries import boto_session

    center = many(4)
    made = []
    real = boto_session.boto3_session
    monkeypatch.setattr(boto_session, "boto3_session", lambda *args, **named: made.append(1) or real(*args, **named))
    center.each(lambda here: here.credentials.account_id, "ReadOnly", progress=False)
    assert made == []
    center.each(lambda here: [here.session.region_name, here.session.region_name], "ReadOnly", progress=False)
    assert len(made) == 4


def test_a_long_task_is_given_renewed_credentials(many, signed_in):
    signed_in.role_lifetime = 2
    center = many(2)
    begun = threading.Barrier(2)

    def ask(here):
        client = here.session.client("sts")
        first = here.credentials.access_key_id.reveal()
        begun.wait(20)
        deadline = here.credentials.expires_at
        while here.credentials.expires_at == deadline or here.credentials.access_key_id.reveal() == first:
            time.sleep(0.05)
        return client.get_caller_identity()["Account"]

    frame = center.each(ask, "ReadOnly", progress=False)
    assert (frame["account_id"] == frame["value"]).all()
    assert len(frame) == 2


def test_credentials_are_fetched_at_the_pace_that_the_portal_allows(many, signed_in):
    center = many(40)
    center.snapshot()
    signed_in.throttle = Throttle(20, 5)
    frame = center.each(lambda here: here.credentials.account_id, "ReadOnly", progress=False)
    assert len(frame) == 40
    assert frame.attrs["errors"] == []
    assert signed_in.requests.total("GetRoleCredentials", status=429) > 0


def test_cached_credentials_are_used_without_a_request(many, signed_in):
    center = many(5)
    center.each(lambda here: None, "ReadOnly", progress=False)
    signed_in.requests.clear()
    center.each(lambda here: here.credentials.account_id, "ReadOnly", progress=False)
    assert signed_in.requests.total() == 0


def test_failing_everywhere_is_an_error_with_every_accounts_own(many):
    center = many(12)
    with pytest.raises(errors.EachError, match=r"^All 12 accounts failed with ZeroDivisionError: division by zero \(l"):
        center.each(lambda here: 1 / 0, "ReadOnly", progress=False)
    with pytest.raises(errors.EachError) as caught:
        center.each(lambda here: int(here.account.name[-3:]) // 0 if here else 0, "ReadOnly", progress=False)
    assert len(caught.value.errors) == 12


def test_without_a_sign_in_it_is_asked_for(many, signed_in):
    center = many(3)
    center.snapshot()
    signed_in.end_session()
    with pytest.raises(errors.SignInRequired, match=r"corp"):
        center.each(lambda here: 1, "ReadOnly", progress=False)


def test_a_portal_that_fails_in_passing_costs_nothing(many, signed_in):
    center = many(6)
    center.snapshot()
    signed_in.faults.append(Fault("GetRoleCredentials", times=2, status=500, error="InternalError"))
    frame = center.each(lambda here: 1, "ReadOnly", progress=False)
    assert len(frame) == 6


def test_a_portal_that_refuses_again_and_again_for_speed_is_that_accounts_error(many, signed_in, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("sso_magic.client.patience.PATIENCE", 0.0)  # seconds
    center = many(2)
    center.snapshot()
    signed_in.faults.append(Fault("GetRoleCredentials", times=3, status=429, message="Rate exceeded"))
    frame = center.each(lambda here: 1, "ReadOnly", workers=1, progress=False)
    [record] = frame.attrs["errors"]
    assert record["error"] == "CredentialsThrottled"
    assert record["message"] == (
        "AWS throttles the requests for credentials (429): 1 attempt in 0 s. Wait a minute, then try again."
    )
    assert len(frame) == 1
    assert signed_in.requests.total("GetRoleCredentials") == 4


def test_a_portal_that_refuses_for_another_reason_is_asked_once(many, signed_in):
    center = many(2)
    center.snapshot()
    signed_in.faults.append(Fault("GetRoleCredentials", times=1, status=400, error="Broken", message="no"))
    frame = center.each(lambda here: 1, "ReadOnly", workers=1, progress=False)
    [record] = frame.attrs["errors"]
    assert re.fullmatch(r"Broken: no \(HTTP 400, request id [\w-]+\)", record["message"])
    assert signed_in.requests.total("GetRoleCredentials") == 2


def test_what_tasks_print_comes_back_with_the_account_before_it(many, capsys):
    center = many(6)

    def ask(here):
        print("one")
        sys.stdout.writelines(["10%\r", "90%\rtwo\n"])

    frame = center.each(ask, "ReadOnly", progress=False)
    assert len(frame) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(f"team-{n:03} | {text}" for n in range(6) for text in ("one", "two"))
    assert all(lines[n].partition(" |")[0] == lines[n + 1].partition(" |")[0] for n in range(0, 12, 2))


def test_a_stream_that_a_task_has_put_in_place_of_the_notebooks_stays(many, monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # and is gone after the test
    mine = io.StringIO()

    def ask(here):
        sys.stdout = mine

    many(1).each(ask, "ReadOnly", progress=False)
    assert sys.stdout is mine


def test_its_own_keys_are_redacted_in_what_a_task_prints_and_raises(many, capsys):
    center = many(1)

    def ask(here):
        secret = here.credentials.secret_access_key.reveal()
        print("key", secret)
        raise ValueError(f"bad {secret}")

    with pytest.raises(errors.EachError, match=r"ValueError: bad \*\*\* "):
        center.each(ask, "ReadOnly", progress=False)
    assert "| key ***" in capsys.readouterr().out


def test_a_generator_runs_while_its_account_is_there(many):
    center = many(2)

    def ask(here):
        for n in range(2):
            yield {"n": n, "said": here.session.client("sts").get_caller_identity()["Account"]}

    frame = center.each(ask, "ReadOnly", progress=False)
    assert (frame["account_id"] == frame["said"]).all()
    assert len(frame) == 4


def test_progress_is_shown_and_taken_away(many, capsys):
    center = many(8)
    center.each(lambda here: time.sleep(0.4), "ReadOnly", workers=4)
    err = capsys.readouterr().err
    assert "Accounts:" in err
    assert "/8 [" in err


def test_no_thread_is_left(many, each_threads_end):
    many(5).each(lambda here: 1, "ReadOnly", progress=False)
    each_threads_end()


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_make_no_sense(many, workers):
    with pytest.raises(errors.UsageError, match=f"^workers is how many accounts at a time, 1 or more, not {workers}.$"):
        many(1).each(lambda here: 1, "ReadOnly", workers=workers)


def test_another_place_is_refused_with_those_there_are(many):
    with pytest.raises(errors.UsageError, match=r"^It runs on threads, processes, dask or an executor, not on 'gpu'.$"):
        many(1).each(lambda here: 1, "ReadOnly", on="gpu")
