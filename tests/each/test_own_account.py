"""Whatever a task on threads makes and reads is its own account's, or raises: never the notebook's, never another's."""

from __future__ import annotations

import _thread
import asyncio
import os
import pickle
import queue
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import boto3
import botocore.session
import cloudpickle
import pandas as pd
import pytest
from s3_by_signer import S3BySigner

from sso_magic import errors
from sso_magic.kernel.kernel_role import KERNEL

cloudpickle.register_pickle_by_value(sys.modules[__name__])

HELPER = """
import functools
import boto3

def account():
    return boto3.client("sts").get_caller_identity()["Account"]

@functools.lru_cache
def kept():
    return boto3.client("sts")

def by_kept():
    return kept().get_caller_identity()["Account"]
"""
URI = "s3://bucket/key.csv"
ONE_LINE = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
NUMBER = 12


def said(client) -> str:
    return client.get_caller_identity()["Account"]


def by_a_session() -> str:
    return said(boto3.Session().client("sts"))


def by_boto3_client() -> str:
    return said(boto3.client("sts"))


def by_boto3_resource() -> str:
    return boto3.resource("s3").Object("bucket", "key.csv").get()["Body"].read().decode().split()[1]


def by_botocore() -> str:
    return said(botocore.session.get_session().create_client("sts"))


def by_the_default_session() -> str:
    return said((boto3.DEFAULT_SESSION or boto3.Session()).client("sts"))


def by_a_default_session_of_its_own() -> str:
    boto3.setup_default_session(region_name="us-east-2")
    assert boto3.client("sts").meta.region_name == "us-east-2"
    return said(boto3.client("sts"))


def by_frozen_keys() -> str:
    keys = boto3.Session().get_credentials().get_frozen_credentials()
    explicit = boto3.Session(keys.access_key, keys.secret_key, keys.token)
    return said(explicit.client("sts"))


def by_a_helper() -> str:
    import account_helper

    return account_helper.account()


def by_pandas() -> str:
    return str(pd.read_csv(URI, dtype=str)["account"][0])


def by_s3fs() -> str:
    import s3fs

    return s3fs.S3FileSystem().cat("bucket/key.csv").decode().split()[1]


def by_the_current_s3fs() -> str:
    import s3fs

    return s3fs.S3FileSystem.current().cat("bucket/key.csv").decode().split()[1]


def by_pyarrow() -> str:
    from pyarrow import fs

    with fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL_S3"]).open_input_file("bucket/key.csv") as file:
        return file.read().decode().split()[1]


def by_polars() -> str:
    import polars as pl

    return pl.read_csv(URI, infer_schema=False)["account"][0]


def by_a_lazy_polars() -> str:
    import polars as pl

    options = {"aws_endpoint_url": os.environ["AWS_ENDPOINT_URL_S3"], "aws_allow_http": "true"}
    return pl.scan_csv(URI, storage_options=options, infer_schema=False).collect()["account"][0]


def by_a_child() -> str:
    return subprocess.run([sys.executable, "-c", ONE_LINE], capture_output=True, text=True, check=True).stdout.strip()


def by_a_child_with_a_copy_of_the_environment() -> str:
    env = {**os.environ, "MINE": "1"}
    return subprocess.check_output([sys.executable, "-c", ONE_LINE], env=env, text=True).strip()


def by_a_thread() -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(by_boto3_client()))
    thread.start()
    thread.join()
    return found[0]


def by_a_pool_of_threads() -> str:
    with ThreadPoolExecutor(2) as pool:
        [one, other] = pool.map(lambda _: by_a_session(), range(2))
    assert one == other
    return one


def by_multiprocessings_threads() -> str:
    with ThreadPool(2) as pool:
        return pool.map(lambda _: by_a_session(), [1])[0]


def by_asyncio() -> str:
    async def ask() -> str:
        loop = asyncio.get_running_loop()
        found = {await asyncio.to_thread(by_boto3_client), await loop.run_in_executor(None, by_boto3_client)}
        found.add(by_s3fs())
        [one] = found
        return one

    return asyncio.run(ask())


def by_a_thread_of_the_c_level() -> str:
    found = queue.SimpleQueue()
    _thread.start_new_thread(lambda: found.put(by_a_session()), ())
    return found.get(timeout=60)


IN_PROCESS = (
    by_a_session, by_boto3_client, by_boto3_resource, by_botocore, by_the_default_session,
    by_a_default_session_of_its_own, by_frozen_keys, by_a_helper, by_pandas, by_s3fs, by_the_current_s3fs, by_pyarrow,
    by_polars, by_a_lazy_polars, by_a_thread, by_a_thread_of_the_c_level, by_a_pool_of_threads,
    by_multiprocessings_threads, by_asyncio,
)  # fmt: skip
CHILDREN = (by_a_child, by_a_child_with_a_copy_of_the_environment)


@pytest.fixture
def s3(many, signed_in, monkeypatch):
    server = S3BySigner(signed_in)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")  # for polars
    yield server
    server.close()


@pytest.fixture
def helper(tmp_path, monkeypatch):
    (tmp_path / "account_helper.py").write_text(HELPER)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("account_helper", None)


@pytest.fixture
def center(many, s3, helper):
    made = many(NUMBER)
    made.snapshot()
    return made


@pytest.fixture(params=["no role", "a role", "a role that is served", "AWS_PROFILE"])
def state(request, center, clean_environment, monkeypatch):
    """The kernel in each of its states; what it had made before is what a task must not find."""
    account = center.snapshot().accounts[0].account_id
    if request.param == "AWS_PROFILE":
        path = clean_environment / ".aws" / "credentials"
        path.write_text("[mine]\naws_access_key_id = AKIAMINE\naws_secret_access_key = mine\nregion = eu-west-1\n")
        monkeypatch.setenv("AWS_PROFILE", "mine")
        yield request.param
        return
    if request.param == "no role":
        yield request.param
        return
    with center.role(account, "ReadOnly").use(serve="served" in request.param):
        for way in (by_s3fs, by_pandas, by_boto3_client, by_polars):
            assert way() == account
        yield request.param
    assert KERNEL.current is None


def check(frame, ways) -> None:
    assert frame.attrs["errors"] == []
    assert len(frame) == NUMBER
    wrong = {
        way.__name__: int((frame[way.__name__] != frame["account_id"]).sum())
        for way in ways
        if (frame[way.__name__] != frame["account_id"]).any()
    }
    assert wrong == {}


def reading(ways):
    return lambda here: {way.__name__: way() for way in ways}


@pytest.mark.parametrize("state", ["a role"], indirect=True)
def test_each_way_of_reading_is_the_tasks_account(center, state):
    check(center.each(reading(IN_PROCESS), "ReadOnly", workers=4, progress=False), IN_PROCESS)


SOME = (by_a_session, by_boto3_client, by_pandas, by_s3fs, by_pyarrow, by_polars)


def test_in_each_state_of_the_kernel_a_read_is_the_tasks_account(center, state):
    check(center.each(reading(SOME), "ReadOnly", workers=4, progress=False), SOME)


def test_on_a_pool_of_threads_a_read_is_the_tasks_account(center):
    ways = (by_boto3_client, by_s3fs, by_a_pool_of_threads)
    account = center.snapshot().accounts[0].account_id
    with center.role(account, "ReadOnly").use(), ThreadPoolExecutor(3) as pool:
        check(center.each(reading(ways), "ReadOnly", on=pool, progress=False), ways)
        assert pool.submit(by_boto3_client).result() == account
        assert (by_boto3_client(), by_s3fs(), by_pandas(), by_polars()) == (account,) * 4


@pytest.mark.parametrize("state", ["a role", "no role", "AWS_PROFILE"], indirect=True)
def test_a_child_process_is_the_tasks_account(center, state):
    check(
        center.each(reading(CHILDREN[: 1 + (state == "a role")]), "ReadOnly", workers=4, progress=False), CHILDREN[:1]
    )


def test_on_a_dask_cluster_a_read_is_the_tasks_account(center):
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=4, processes=False, dashboard_address=None) as cluster,
        cluster.get_client() as own,
    ):
        own.wait_for_workers(1)
        own.as_current()
        ways = (by_a_session, by_boto3_client)
        check(center.each(reading(ways), "ReadOnly", on=own.get_executor(), progress=False), ways)


def one_task(center, ask, **options):
    """Run it in one account; its value, or the error that it raised."""
    account = center.snapshot().accounts[-1].account_id
    frame = center.each(
        lambda here: [{"value": ask(here), "mine": here.account.id}],
        "ReadOnly",
        accounts=[account],
        progress=False,
        **options,
    )
    return frame["value"][0]


def refusal(center, ask) -> str:
    with pytest.raises(errors.EachError) as caught:
        one_task(center, ask)
    [record] = caught.value.errors
    assert record["error"] == "TaskError"
    return record["message"]


def test_a_client_that_a_helper_keeps_raises_in_the_next_task_and_after_it(center):
    import account_helper

    frame = center.each(lambda here: account_helper.by_kept(), "ReadOnly", workers=1, progress=False)
    assert list(frame["account_id"]) == list(frame["value"])
    assert len(frame) == 1
    own, other = frame["account_name"][0], frame.attrs["errors"][0]
    assert {record["error"] for record in frame.attrs["errors"]} == {"TaskError"}
    assert other["message"] == (
        f"This client or session was made in the task of {own} ({frame['account_id'][0]}) / ReadOnly and is used in "
        f"the task of {other['account_name']} ({other['account_id']}) / ReadOnly. Make it where it is used; a cached "
        "helper returns the first task's."
    )
    with pytest.raises(errors.TaskError, match=r"^This client or session was made in .* and is used after its end\. "):
        account_helper.by_kept()


def test_what_the_notebook_has_made_stays_the_notebooks_in_a_task(center):
    import s3fs

    account = center.snapshot().accounts[0].account_id
    for before in (False, True):
        unused, filesystem = boto3.Session(), s3fs.S3FileSystem(skip_instance_cache=True)
        with center.role(account, "ReadOnly").use():
            if before:
                unused, filesystem = boto3.Session(), s3fs.S3FileSystem()
            frame = center.each(
                lambda here, unused=unused, filesystem=filesystem: {
                    "session": said(unused.client("sts")),
                    "filesystem": filesystem.cat("bucket/key.csv").decode().split()[1],
                },
                "ReadOnly",
                workers=1,  # a session is not thread-safe
                progress=False,
            )
            assert [record["traceback"] for record in frame.attrs["errors"]] == []
            assert set(frame["session"]) == set(frame["filesystem"]) == {account}
            assert len(frame) == NUMBER


def test_explicit_keys_and_profiles_stay_the_callers_choice(center, clean_environment):
    path = clean_environment / ".aws" / "credentials"
    path.write_text("[mine]\naws_access_key_id = AKIAMINE\naws_secret_access_key = mine\n")

    def ask(here):
        profile = boto3.Session(profile_name="mine").get_credentials().access_key
        given = boto3.Session("AKIAGIVEN", "secret").get_credentials().access_key
        env = {**os.environ, "AWS_ACCESS_KEY_ID": "AKIAGIVEN", "AWS_SECRET_ACCESS_KEY": "secret"}
        line = "import os; print(os.environ['AWS_ACCESS_KEY_ID'])"
        child = subprocess.check_output([sys.executable, "-c", line], env=env, text=True).strip()
        return f"{profile} {given} {child}"

    assert one_task(center, ask) == "AKIAMINE AKIAGIVEN AKIAGIVEN"


def test_a_child_with_an_environment_without_keys_has_no_credentials(center, clean_environment):
    path = clean_environment / ".aws" / "credentials"
    path.write_text("[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = mine\n")
    line = "import boto3; print(boto3.Session().get_credentials())"

    def ask(here):
        bare = {name: os.environ[name] for name in ("PATH", "HOME")}
        return subprocess.check_output([sys.executable, "-c", line], env=bare, text=True).strip()

    with center.role(center.snapshot().accounts[0].account_id, "ReadOnly").use():
        assert one_task(center, ask) == "None"


def test_a_child_with_the_tasks_environment_is_the_tasks(center):
    def ask(here):
        env = {**os.environ, **here.credentials.environment()}
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "import boto3"], env)
        assert os.waitpid(pid, 0)[1] == 0
        return subprocess.check_output([sys.executable, "-c", ONE_LINE], env=env, text=True).strip() == here.account.id

    assert one_task(center, ask)


ADVICE = (
    r"has the notebook's environment, not the keys of .* / ReadOnly\. Use subprocess with "
    r"env=\{\*\*os\.environ, \*\*credentials\.environment\(\)\}, or run with --on processes\.$"
)


def start_multiprocessing(here):
    import multiprocessing

    multiprocessing.get_context("spawn").Process(target=print).start()


def map_in_processes(here):
    with ProcessPoolExecutor(1) as pool:
        return list(pool.map(str, [1]))


STARTS = {
    "os.system": lambda here: os.system("true"),
    "os.posix_spawn": lambda here: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ),
    "os.fork": lambda here: os.fork(),
    "os.exec": lambda here: os.execv(sys.executable, [sys.executable, "-c", ""]),
    "A SpawnProcess": start_multiprocessing,
    "A ProcessPoolExecutor": map_in_processes,
}


@pytest.mark.skipif(os.name == "nt", reason="these are of POSIX")
@pytest.mark.parametrize("what", STARTS)
def test_a_start_with_the_notebooks_environment_is_refused(center, what):
    import re

    assert re.search(f"^{re.escape(what)} {ADVICE}", refusal(center, STARTS[what]))
    assert os.system("true") == 0  # outside of tasks nothing is refused


def test_a_thread_that_outlives_its_task_gets_no_other_role(center):
    go_on, found, threads = threading.Event(), [], []

    def late():
        go_on.wait(60)
        try:
            found.append(by_a_session())
        except errors.TaskError as error:
            found.append(str(error))

    def ask(here):
        threads.append(threading.Thread(target=late))
        threads[0].start()
        return f"{here.account.name} ({here.account.id})"

    label = one_task(center, ask)
    with center.role(center.snapshot().accounts[0].account_id, "ReadOnly").use():
        go_on.set()
        threads[0].join()
    [said_there] = found
    assert said_there == (
        f"The task of {label} / ReadOnly that started this thread has ended. Wait for the thread in the task, or give "
        "it role.boto3_session()."
    )


def test_the_threads_of_a_pool_of_the_notebook_follow_each_task(center):
    with ThreadPoolExecutor(2) as pool, ThreadPool(2) as other:
        ways = {"one": lambda: pool.submit(by_boto3_client).result(), "two": lambda: other.apply(by_boto3_client)}
        frame = center.each(
            lambda here: {name: way() for name, way in ways.items()}, "ReadOnly", workers=3, progress=False
        )
        assert len(frame) == NUMBER
        assert (frame["one"] == frame["account_id"]).all()
        assert (frame["two"] == frame["account_id"]).all()
        account = center.snapshot().accounts[0].account_id
        with center.role(account, "ReadOnly").use():
            assert {pool.submit(by_boto3_client).result(), other.apply(by_boto3_client)} == {account}


@pytest.mark.parametrize("before", [False, True])
def test_the_kernels_role_cannot_be_changed_in_a_task(center, before):
    role = center.role(center.snapshot().accounts[0].account_id, "ReadOnly")
    changes = [lambda: center.role(role.account_id, "ReadOnly").use(), role.use, KERNEL.release]
    used = role.use() if before else None
    for change in changes:
        assert refusal(center, lambda here, change=change: change()) == (
            "The role in use belongs to the whole kernel and cannot be changed in a task of %%sso_each. Take "
            "role.boto3_session() of the other role, or run with --on processes."
        )
        assert KERNEL.current is (used.use if used else None)


def test_another_roles_own_session_works_in_a_task(center):
    other = center.role(center.snapshot().accounts[0].account_id, "ReadOnly")
    assert one_task(center, lambda here: said(other.boto3_session().client("sts"))) == other.account_id


def test_a_polars_that_keeps_stores_for_any_role_is_refused_in_a_task(center, s3, monkeypatch):
    monkeypatch.setattr("polars.__version__", "1.38.1")
    with pytest.raises(errors.EachError) as caught:
        one_task(center, lambda here: by_a_lazy_polars())
    assert "polars 1.38.1 would use the notebook's keys, not those of " in str(caught.value)
    assert "Install polars 1.40 or newer." in str(caught.value)


def test_deltalake_opens_a_table_with_the_tasks_keys(center, s3, monkeypatch):
    import deltalake

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)

    def ask(here):
        with pytest.raises(deltalake.exceptions.DeltaError):
            deltalake.DeltaTable("s3://bucket/table")
        return here.account.id

    with center.role(center.snapshot().accounts[0].account_id, "ReadOnly").use():
        s3.signers.clear()
        assert one_task(center, ask) in s3.signers
        assert len(set(s3.signers)) == 1


def test_a_task_leaves_no_instance_of_a_filesystem_in_the_cache(center):
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    assert one_task(center, lambda here: by_s3fs() and len(s3fs.S3FileSystem._cache)) == 0  # the run empties it too


def test_boto3_in_the_notebook_can_be_sent_to_another_process(center):
    one_task(center, lambda here: boto3.__name__)
    assert type(boto3) is not type(os)
    assert pickle.loads(pickle.dumps(boto3)) is pickle.loads(cloudpickle.dumps(boto3)) is boto3
    assert pickle.loads(cloudpickle.dumps(lambda: boto3.Session))() is boto3.Session


def test_the_hooks_are_out_after_the_extension_is_unloaded(center):
    one_task(center, lambda here: 1)
    assert hasattr(threading.Thread.start, "__wrapped__")
    KERNEL.shutdown()
    import concurrent.futures
    import multiprocessing.process

    import fsspec

    for function in (
        threading.Thread.start, subprocess.Popen.__init__, concurrent.futures.ThreadPoolExecutor.submit,
        multiprocessing.process.BaseProcess.start, boto3._get_default_session, boto3.setup_default_session,
        type(fsspec.AbstractFileSystem).__call__, fsspec.AbstractFileSystem.current, ThreadPool.apply_async,
    ):  # fmt: skip
        assert not hasattr(function, "__wrapped__"), function
    assert type(boto3) is type(os)


def test_duckdb_raises_where_it_would_read_with_the_notebooks_keys(center):
    import duckdb

    text = "DuckDB would use the notebook's keys, not those of "
    for ask in (
        lambda here: duckdb.sql(f"select * from '{URI}'"),
        lambda here: duckdb.read_parquet([URI]),
        lambda here: duckdb.connect().execute(f"select * from read_csv('{URI}')"),
        lambda here: duckdb.connect().execute("create secret (type s3, provider credential_chain)"),
    ):
        assert refusal(center, ask).startswith(text)
    assert one_task(center, lambda here: duckdb.sql("select 5").fetchall()[0][0]) == 5


def test_obstore_raises_where_it_would_read_with_the_notebooks_keys(center):
    from obstore import store

    for ask in (
        lambda here: store.S3Store("bucket", region="eu-west-1"),
        lambda here: store.from_url("s3://bucket", region="eu-west-1"),
        lambda here: store.S3Store.from_url("s3://bucket", region="eu-west-1"),
    ):
        assert refusal(center, ask).startswith("obstore would use the notebook's keys, not those of ")
    role = center.role(center.snapshot().accounts[-1].account_id, "ReadOnly")
    provider = role.credential_provider("obstore")
    one_task(center, lambda here: str(store.S3Store("bucket", region="eu-west-1", credential_provider=provider)))
    store.S3Store("bucket", region="eu-west-1")
