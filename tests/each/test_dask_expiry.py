"""Roles that expire on a Dask cluster: no worker is lost, and the work goes on as soon as the notebook has renewed.

The cluster is a LocalCluster, and a scheduler and workers in processes of their own, of which the scheduler knows no
role: it unpickles the graph all the same.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import pytest
from distributed import Client, LocalCluster

from sso_magic import errors
from sso_magic.dask_cluster import calls as dask_calls
from sso_magic.dask_cluster import cluster_role as dask
from sso_magic.dask_cluster import worker as dask_worker
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.kernel.libraries.arrow_filesystems import LAZY, ROLES
from sso_magic.kernel.libraries.boto_session import boto3_session

cloudpickle.register_pickle_by_value(sys.modules[__name__])

PROD, DEV = "731659028443", "220947583614"
LABEL = f"payments-prod ({PROD}) / ReadOnly"
REGION = "eu-west-1"
KEY = "payments-prod-data/transactions/2026-10"


def eventually(check) -> None:
    """Fails if it does not come true: a bound on a hang, not on speed."""
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


class Processes:
    """A scheduler and workers in processes of their own, as on other machines: they inherit no role."""

    def __init__(self, environment: dict[str, str], file: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._environment = kept | environment
        self._file = file
        self._started: list[subprocess.Popen[bytes]] = []
        self.address = ""
        self.scheduler = self.start_scheduler("0")
        self.workers = [self.start_worker() for _ in range(2)]

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}", *arguments]
        made = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._started.append(made)
        return made

    def start_scheduler(self, port: str) -> subprocess.Popen[bytes]:
        with contextlib.suppress(FileNotFoundError):
            Path(self._file).unlink()
        made = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--scheduler-file", self._file
        )
        eventually(Path(self._file).exists)
        with Client(scheduler_file=self._file) as client:
            self.address = client.scheduler.address
        return made

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self._start(
            "dask_worker", self.address, "--host", "127.0.0.1", "--nthreads", "4", "--no-dashboard", "--no-nanny"
        )

    def close(self) -> None:
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def environment(local_identity_center_server):
    return {
        **local_identity_center_server.environment(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ALLOW_HTTP": "true",
    }


@pytest.fixture
def processes(environment, tmp_path):
    made = Processes(environment, str(tmp_path / "scheduler.json"))
    yield made
    made.close()


@pytest.fixture(params=["LocalCluster", "processes"])
def client(request, environment):
    if request.param == "processes":
        with Client(request.getfixturevalue("processes").address) as made:
            made.wait_for_workers(2, timeout=60)
            yield made
            KERNEL.forget()
        return
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=4,
            processes=True,
            dashboard_address="127.0.0.1:0",
            env=environment,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as made,
    ):
        made.wait_for_workers(2, timeout=60)
        yield made
        KERNEL.forget()


class Notebook:
    """A role in use here whose credentials are renewed until a test says otherwise."""

    def __init__(self, center) -> None:
        self._center = center
        self.may_renew = True
        self.use = Use(self._fetched(), REGION, "corp", self._fetch)
        KERNEL.use(self.use)

    def _fetched(self):
        return self._center.role("payments-prod", "ReadOnly").credentials(refresh=True)

    def _fetch(self):
        if not self.may_renew:
            raise errors.ConnectError("The portal cannot be reached.")
        return self._fetched()

    def expire(self) -> None:
        """Renew them no more, and wait until they have ended."""
        self.may_renew = False
        eventually(lambda: self.use.credentials.seconds_left() <= 0)

    def renew(self) -> None:
        """Renew them now, and from now on."""
        self.may_renew = True
        self.use.role.retry_now()
        self.use.role.get()


@pytest.fixture
def sample(signed_in, monkeypatch, environment):
    from sso_magic.center.shared import shared_center

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield shared_center()
    KERNEL.forget()


@pytest.fixture
def notebook(sample, signed_in):
    signed_in.role_lifetime = 6
    return Notebook(sample)


def account_there() -> str:
    import boto3

    try:
        return boto3.client("sts").get_caller_identity()["Account"]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what there was instead
        return f"{type(error).__name__}: {error}"


def keys_there() -> str | None:
    return os.environ.get("AWS_ACCESS_KEY_ID")


def with_s3fs(filesystem) -> object:
    filesystem.invalidate_cache()
    return len(filesystem.cat(f"{KEY}.csv"))


def with_pyarrow(filesystem) -> object:
    with filesystem.open_input_file(f"{KEY}.csv") as file:
        return len(file.read())


def with_polars(query) -> object:
    return query.collect().height


def with_boto3(session) -> object:
    return session.client("sts").get_caller_identity()["Account"]


def with_deltalake(options) -> object:
    import deltalake

    return deltalake.DeltaTable("s3://payments-prod-data/delta", storage_options=options).to_pyarrow_table().num_rows


@pytest.fixture
def graph(sample):
    """Yields what a graph may carry, made now: a name, the function that a task runs, and its argument."""
    import deltalake
    import polars as pl
    import pyarrow as pa
    import pyarrow.fs
    import s3fs

    keys = sample.role("payments-prod", "ReadOnly").credentials(refresh=True).as_storage_options("deltalake")
    unsafe = {"AWS_S3_ALLOW_UNSAFE_RENAME": "true"}
    deltalake.write_deltalake(
        "s3://payments-prod-data/delta", pa.table({"x": [1]}), storage_options=keys | unsafe, mode="overwrite"
    )

    def make():
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ["AWS_ENDPOINT_URL"]
        return {
            "s3fs": (with_s3fs, s3fs.S3FileSystem()),
            "pyarrow": (with_pyarrow, pyarrow.fs.S3FileSystem(endpoint_override=endpoint)),
            "polars": (with_polars, pl.scan_parquet(f"s3://{KEY}.parquet")),
            "boto3": (with_boto3, boto3_session(KERNEL.current.role, REGION)),
            "deltalake": (with_deltalake, None),
        }

    yield make
    # Dask's scheduler, in this process, keeps what it unpickled last: no later test's switch is to name that.
    ROLES.clear()
    LAZY.clear()


def submitted(client, work):
    return {name: client.submit(function, made, pure=False) for name, (function, made) in work.items()}


def outcomes(futures) -> dict[str, object]:
    found = {}
    for name, future in futures.items():
        try:
            found[name] = future.result(90)
        except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, it is what there was instead
            found[name] = f"{type(error).__name__}: {error}"
    return found


def read(client, work) -> dict[str, object]:
    """Do the work; deltalake's again if the keys that it reads once, for all of its requests, ended among these."""
    found = outcomes(submitted(client, work))
    for _ in range(20):
        if "ExpiredToken" not in str(found["deltalake"]):
            break
        found |= outcomes(submitted(client, {"deltalake": work["deltalake"]}))
    return found


def patience(seconds: float) -> None:
    dask_worker.PATIENCE = seconds


def test_work_that_meets_an_expiry_fails_by_name_and_goes_on_after_the_renewal(client, notebook, graph):
    dask.use(client)
    workers = set(client.nthreads())
    early = graph()
    before = read(client, early)
    assert {name: outcome for name, outcome in before.items() if type(outcome) is not int and outcome != PROD} == {}

    notebook.expire()
    client.run(patience, 0.2)
    late = graph()
    for work in (early, late):
        ended = outcomes(submitted(client, work))
        for name in ("s3fs", "pyarrow", "polars", "boto3"):
            assert f"The credentials of {LABEL} on this Dask cluster have expired" in str(ended[name]), ended[name]
        assert "Error" in str(ended["deltalake"])
    assert set(client.nthreads()) == workers

    client.run(patience, 10_000)  # these wait for the renewal, not for the end of their patience
    work = {name: made for name, made in early.items() if name != "deltalake"}
    waiting = submitted(client, work)
    notebook.renew()
    assert outcomes(waiting) == {name: before[name] for name in work}
    eventually(lambda: set(client.run(keys_there).values()) == {os.environ["AWS_ACCESS_KEY_ID"]})
    for again in (early, late, graph()):
        assert read(client, again) == before
    assert set(client.nthreads()) == workers


def test_a_call_on_a_workers_event_loop_does_not_wait(client, notebook):
    dask.use(client)
    assert set(client.run(account_there).values()) == {PROD}
    notebook.expire()
    client.run(patience, 10_000)
    for said in client.run(account_there).values():
        assert said.startswith(f"CredentialsError: The credentials of {LABEL} on this Dask cluster have expired")
    notebook.renew()
    eventually(lambda: set(client.run(keys_there).values()) == {os.environ["AWS_ACCESS_KEY_ID"]})
    assert set(client.run(account_there).values()) == {PROD}


def test_a_worker_that_does_not_answer_delays_no_renewal_and_no_release(client, notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_calls, "ANSWER_WITHIN", 0.5)
    there = dask.use(client)
    blocked, free = sorted(client.nthreads())
    end = tmp_path / "end"

    def block() -> None:
        while not end.exists():
            time.sleep(0.02)

    blocking = threading.Thread(target=client.run, args=(block,), kwargs={"workers": [blocked]})
    blocking.start()
    try:
        for _ in range(2):
            notebook.renew()
            eventually(lambda: client.run(keys_there, workers=[free])[free] == os.environ["AWS_ACCESS_KEY_ID"])
            eventually(lambda: there.line().endswith("2 workers and any that join; not all of them have answered yet"))
            notebook.expire()
        KERNEL.release()
        eventually(lambda: client.run(keys_there, workers=[free])[free] is None)
    finally:
        end.touch()
        blocking.join()
    eventually(lambda: set(client.run(keys_there).values()) == {None})
    eventually(lambda: not any(name.startswith("sso_magic") for name in client.run_on_scheduler(plugins)))


def plugins(dask_scheduler) -> list[str]:
    return list(dask_scheduler.worker_plugins)


@pytest.mark.parametrize("client", ["LocalCluster"], indirect=True)  # only a nanny restarts a worker
def test_workers_that_are_restarted_have_the_role_again(client, notebook):
    dask.use(client)
    client.restart()
    notebook.renew()
    assert set(client.run(account_there).values()) == {PROD}


def test_a_scheduler_that_is_restarted_gets_the_role_again(processes, notebook):
    with Client(processes.address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        dask.use(client)
        port = processes.address.rpartition(":")[2]
        for process in (*processes.workers, processes.scheduler):
            process.kill()
            process.wait()
        processes.start_scheduler(port)
        processes.start_worker()
        eventually(lambda: client.status == "running" and len(client.scheduler_info()["workers"]) == 1)
        notebook.renew()
        eventually(lambda: set(client.run(account_there).values()) == {PROD})
        KERNEL.forget()


OTHER_NOTEBOOK = """
import os, sys
from distributed import Client
from sso_magic.dask_cluster import cluster_role as dask
from sso_magic.center.shared import shared_center

client = Client(sys.argv[1])
shared_center().role(sys.argv[2], "ReadOnly").use(region="eu-west-1")
try:
    dask.use(client)
    print("taken", flush=True)
except Exception as error:
    print(f"{type(error).__name__}: {error}", flush=True)
if sys.argv[3] == "stay":
    sys.stdin.readline()
os._exit(0)
"""


def other_notebook(client, account: str, ends: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", OTHER_NOTEBOOK, client.scheduler.address, account, ends]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_another_notebooks_role_does_not_take_over(client, sample, graph):
    sample.role("payments-prod", "ReadOnly").use(region=REGION)
    dask.use(client)
    work = graph()
    running = submitted(client, work)
    other = other_notebook(client, "payments-dev", "end")
    said, _ = other.communicate()
    assert said == (
        f"UsageError: Another notebook has put ReadOnly of account {PROD} on this Dask cluster, where only one role "
        "can be in use. Release it there (sso_magic.release()), or use a cluster for each role.\n"
    )
    assert all("Error" not in str(outcome) for outcome in outcomes(running).values())
    assert set(client.run(account_there).values()) == {PROD}
    assert all("Error" not in str(outcome) for outcome in outcomes(submitted(client, work)).values())
    same, _ = other_notebook(client, "payments-prod", "end").communicate()
    assert same == "taken\n"
    assert set(client.run(account_there).values()) == {PROD}


def test_a_notebook_that_ended_without_a_release_is_in_nobodys_way(client, sample):
    other = other_notebook(client, "payments-prod", "stay")
    assert other.stdout.readline() == "taken\n"
    sample.role("payments-dev", "ReadOnly").use(region=REGION)
    with pytest.raises(errors.UsageError, match=r"^Another notebook has put ReadOnly of account"):
        dask.use(client)
    other.kill()
    other.communicate()
    eventually(lambda: len(client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.clients))) <= 2)
    with dask.use(client):
        assert set(client.run(account_there).values()) == {DEV}
    eventually(lambda: set(client.run(keys_there).values()) == {None})


def test_an_object_of_a_role_that_the_cluster_does_not_have_never_uses_another(client, sample, graph):
    sample.role("payments-prod", "ReadOnly").use(region=REGION)
    work = {name: made for name, made in graph().items() if name != "deltalake"}
    sample.role("payments-dev", "ReadOnly").use(region=REGION)
    dask.use(client)
    for said in outcomes(submitted(client, work)).values():
        assert f"This object was made for {LABEL}, which is not in use in this process." in str(said)
    assert set(client.run(account_there).values()) == {DEV}


def test_workers_come_and_go_under_a_role_that_expires(sample, signed_in, environment, graph):
    signed_in.role_lifetime = 5
    sample.role("payments-prod", "ReadOnly").use(region=REGION)

    def read(filesystem, number: int) -> int:
        time.sleep(0.3)
        return number if with_s3fs(filesystem) else -1

    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=True,
            dashboard_address="127.0.0.1:0",
            env=environment,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        dask.use(client)
        cluster.adapt(minimum=1, maximum=3, interval="200ms", wait_count=2)
        filesystem = graph()["s3fs"][1]
        futures = client.map(lambda number: read(filesystem, number), range(60), pure=False)
        assert client.gather(futures) == list(range(60))
        KERNEL.forget()
