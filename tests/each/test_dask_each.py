"""On a Dask cluster of processes: the same results whatever happens to its workers, and to each its own keys alone."""

from __future__ import annotations

import os
import pickle
import re
import signal
import sys
import threading
import time

import cloudpickle
import pytest
from distributed.cfexecutor import ClientExecutor

from sso_magic import errors
from sso_magic.each.places import dask as venue

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def test_the_same_results_as_on_threads(many, whoami, client):
    center = many(30)
    frame = center.each(whoami, "ReadOnly", on="dask", progress=False)
    assert frame.equals(center.each(whoami, "ReadOnly", progress=False))
    assert (frame["account_id"] == frame["said"]).all()
    pids = center.each(lambda here: os.getpid(), "ReadOnly", on=client.get_executor(), progress=False)["value"]
    assert os.getpid() not in set(pids)


def test_a_worker_killed_in_the_middle_costs_nothing(many, client, tmp_path):
    center = many(12)

    def ask(here):
        killed = tmp_path / "killed"
        if here.account.name == "team-005" and not killed.exists():
            assert here.credentials
            killed.touch()
            os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        return {"said": here.session.client("sts").get_caller_identity()["Account"]}

    frame = center.each(ask, "ReadOnly", on="dask", progress=False)
    assert (tmp_path / "killed").exists()
    assert frame.attrs["errors"] == []
    assert (frame["account_id"] == frame["said"]).all()
    assert len(frame) == 12


def test_a_long_task_is_given_renewed_credentials(many, client, signed_in):
    signed_in.role_lifetime = 4
    center = many(4)

    def ask(here):
        aws = here.session.client("sts")
        first = here.credentials.access_key_id.reveal()
        deadline = time.monotonic() + 60
        while here.credentials.access_key_id.reveal() == first:
            aws.get_caller_identity()
            time.sleep(0.2)
            assert time.monotonic() < deadline
        found = []
        thread = threading.Thread(target=lambda: found.append(aws.get_caller_identity()["Account"]))
        thread.start()
        thread.join()
        return found[0]

    frame = center.each(ask, "ReadOnly", on="dask", progress=False)
    assert (frame["account_id"] == frame["value"]).all()
    assert len(frame) == 4


def test_no_keys_travel_but_to_the_worker_that_asked(many, client, signed_in, monkeypatch):
    center = many(6)
    token = center.tokens.get().reveal()
    parcels, delivered = [], []
    run, submit = type(client).run, ClientExecutor.submit

    def spy(self, function, *args, workers=None, **kwargs):
        if args:  # the question whether the package is there has none
            delivered.append((args, workers))
        return run(self, function, *args, workers=workers, **kwargs)

    monkeypatch.setattr(type(client), "run", spy)
    monkeypatch.setattr(ClientExecutor, "submit", lambda *args: parcels.append(args[3]) or submit(*args))
    frame = center.each(
        lambda here: here.credentials.access_key_id.reveal() if here.account.name < "team-003" else None,
        "ReadOnly",
        on="dask",
        progress=False,
    )
    secrets = {keys.account_id: keys.secret_access_key for keys in list(signed_in.keys.values())}
    assert len(frame) == len(delivered) == 3
    assert len(parcels) == len(secrets) == 6
    for parcel in parcels:
        data = pickle.dumps(parcel)
        assert not [secret for secret in [token, *secrets.values()] if secret.encode() in data]
        assert not [secret for secret in secrets.values() if secret in repr(parcel)]
    for args, workers in delivered:
        data = pickle.dumps(args)
        assert sum(secret.encode() in data for secret in secrets.values()) == 1
        assert len(workers) == 1
        assert token.encode() not in data


def test_what_a_worker_asks_by_says_nothing_secret(many, client, signed_in):
    many(3).each(lambda here: here.credentials.role_name, "ReadOnly", on="dask", progress=False)
    topics = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler._broker._topics))
    events = [event for topic in topics if str(topic).startswith("sso_magic") for event in client.get_events(topic)]
    assert len(events) >= 3
    assert {name for _, event in events for name in event} == {"ticket", "worker"}
    assert not [keys for keys in list(signed_in.keys.values()) if keys.secret_access_key in repr(events)]


def test_a_refusal_comes_back_by_its_name_and_a_failure_with_its_line(many, client, signed_in):
    center = many(6)
    first, second, *_ = center.snapshot().accounts
    signed_in.organization.withdraw("alex", first.account_id, "ReadOnly")
    frame = center.each(
        lambda here: 1 / 0 if here.account.id == second.account_id else 1, "ReadOnly", on="dask", progress=False
    )
    assert len(frame) == 4
    assert [record["error"] for record in frame.attrs["errors"]] == ["RoleNotAssigned", "ZeroDivisionError"]
    assert frame.attrs["errors"][1]["line"] is not None


def test_an_interrupt_stops_what_runs_there(many, client, interrupt_when, each_threads_end, tmp_path):
    center = many(8)

    def ask(here):
        (tmp_path / f"begun {here.account.id}").touch()
        try:
            while True:
                time.sleep(0.01)
        finally:
            (tmp_path / f"ended {here.account.id}").touch()

    interrupt_when(lambda: len(list(tmp_path.glob("begun *"))) >= 2)
    frame = center.each(ask, "ReadOnly", on="dask", progress=False)
    assert len(frame.attrs["errors"]) == 8
    each_threads_end()
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("ended *"))) < len(list(tmp_path.glob("begun *"))):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.submit(lambda: 5, pure=False).result(30) == 5


def test_a_cell_runs_there_with_the_notebook(shell, many, client):
    many(6)
    shell.run_cell("factor = 2\ndef size(n): return n * factor + (0 if account else 1)")
    shell.run_cell("%%sso_each ReadOnly --on dask --into got\nprint('hi')\nsize(4)")
    assert list(shell.user_ns["got"]["value"]) == [8] * 6


def test_workers_without_the_package_are_told_of_before_anything_is_sent(many, client, without_the_package):
    center = many(2)
    with without_the_package(), pytest.raises(errors.UsageError) as caught:
        center.each(lambda here: 1, "ReadOnly", on="dask", progress=False)
    told = re.sub(r"tcp://127\.0\.0\.1:\d+", "ADDRESS", str(caught.value))
    assert told == (
        "Workers of the Dask cluster lack sso-magic (ADDRESS, ADDRESS): install it there, as in this kernel."
    )
    assert len(center.each(lambda here: 1, "ReadOnly", on="dask", progress=False)) == 2


def test_another_module_that_workers_lack_is_told_as_it_is(many, client):
    def ask(here):
        import no_such_module  # noqa: F401

    with pytest.raises(errors.EachError, match=r"with ModuleNotFoundError: No module named 'no_such_module' \(line"):
        many(2).each(ask, "ReadOnly", on="dask", progress=False)


def test_a_thread_that_a_task_has_made_gets_its_accounts_credentials(many, client):
    def ask(here):
        found = []
        thread = threading.Thread(target=lambda: found.append(here.credentials.account_id))
        thread.start()
        thread.join()
        return found[0]

    frame = many(3).each(ask, "ReadOnly", on="dask", progress=False)
    assert (frame["account_id"] == frame["value"]).all()
    assert len(frame) == 3


def test_credentials_that_are_asked_for_here_are_refused_with_where_they_come_to(many, client):
    frame = many(1).each(
        lambda here: cloudpickle.dumps(here._get_role.__self__.source), "ReadOnly", on="dask", progress=False
    )
    asking = cloudpickle.loads(frame["value"].item())
    with pytest.raises(errors.CredentialsError) as caught:
        asking.fetch("ticket")
    assert str(caught.value) == (
        "Its credentials come to the workers of a Dask cluster only, and this is none: use them in the task itself."
    )


def test_a_notebook_that_does_not_answer_is_told_by_each_that_asked(client):
    def hurry(seconds: float) -> float:
        from sso_magic.each.places import dask as cluster

        before, cluster.ANSWERED_WITHIN = cluster.ANSWERED_WITHIN, seconds
        return before

    def left() -> int:
        from sso_magic.each.places import dask as cluster

        return len(cluster._WAITING)

    [worker, _] = client.run(hurry, 0.2)
    asking = venue.Asking("sso_magic-nobody-listens")
    try:
        tasks = [client.submit(asking.fetch, "ticket", workers=[worker], pure=False) for _ in range(2)]
        told = {str(task.exception(30)) for task in tasks}
    finally:
        client.run(hurry, venue.ANSWERED_WITHIN)
    line = (
        "The notebook sent no credentials within 0.2 s: its kernel is busy or gone. Run it again when the kernel has "
        "time."
    )
    assert told == {line}
    assert client.run(left)[worker] == 0
