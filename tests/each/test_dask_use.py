"""The role in use, on every worker: those that join later too, renewed with the kernel's, gone when it is released."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pickle
import sys
import threading
import time
import warnings
from datetime import datetime, timedelta, timezone

import cloudpickle
import pytest
from distributed import Client, LocalCluster

from sso_magic import dask_cluster, errors
from sso_magic.dask_cluster import clients
from sso_magic.dask_cluster import cluster_role as dask
from sso_magic.dask_cluster import worker as dask_worker
from sso_magic.kernel.handover import Handover
from sso_magic.kernel.kernel_role import KERNEL

cloudpickle.register_pickle_by_value(sys.modules[__name__])

PROD, DEV = "731659028443", "220947583614"
EXPIRED = (
    f"The credentials of payments-prod ({PROD}) / ReadOnly on this Dask cluster have expired, and the notebook that "
    "put the role there has not renewed it or has taken it out. Use the role in the notebook again and run "
    "dask.use(client)."
)


@pytest.fixture
def sample(signed_in, monkeypatch):
    from sso_magic.center.shared import shared_center

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield shared_center()
    KERNEL.forget()


def account_there() -> str:
    import boto3

    try:
        return boto3.client("sts").get_caller_identity()["Account"]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what there was instead
        return type(error).__name__


def keys_there() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_ACC", "AWS_SEC", "AWS_SESS"))}


def eventually(check) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_role_in_use_speaks_on_every_worker_until_it_is_released(sample, client):
    sample.role("payments-prod", "ReadOnly").use()
    there = dask.use(client)
    assert set(client.run(account_there).values()) == {PROD}
    assert there.line().endswith("2 workers and any that join")
    assert there.line().startswith(f"payments-prod ({PROD}) / ReadOnly is on the Dask cluster tcp://127.0.0.1:")
    KERNEL.release()
    assert set(client.run(account_there).values()) == {"NoCredentialsError"}
    assert list(client.run(keys_there).values()) == [{}, {}]
    assert "is not on the Dask cluster" in repr(there)


def test_a_block_ends_the_role_on_the_cluster_and_keeps_the_kernels(sample, client):
    sample.role("payments-dev", "ReadOnly").use()
    with dask_cluster.use(client, region="us-west-2"):
        assert set(client.run(account_there).values()) == {DEV}
        assert set(client.run(os.getenv, "AWS_REGION").values()) == {"us-west-2"}
    assert set(client.run(account_there).values()) == {"NoCredentialsError"}
    assert KERNEL.current.credentials.account_id == DEV


def test_the_cluster_follows_the_kernel(sample, client):
    sample.role("payments-prod", "ReadOnly").use()
    dask.use(client)
    with sample.role("payments-dev", "ReadOnly").use():
        assert set(client.run(account_there).values()) == {"NoCredentialsError"}
    assert set(client.run(account_there).values()) == {PROD}
    sample.role("payments-dev", "ReadOnly").use()
    assert set(client.run(account_there).values()) == {"NoCredentialsError"}
    dask.use(client)
    assert set(client.run(account_there).values()) == {DEV}
    sample.sign_out()
    assert set(client.run(account_there).values()) == {"NoCredentialsError"}


def test_another_role_takes_the_place_of_the_one_before(sample, client):
    sample.role("payments-prod", "ReadOnly").use()
    first = dask.use(client)
    sample.role("payments-dev", "ReadOnly").use()
    dask.use(client)
    assert set(client.run(account_there).values()) == {DEV}
    first.release()
    assert set(client.run(account_there).values()) == {DEV}


def test_workers_that_join_later_have_the_role_and_lose_it_too(sample, signed_in, monkeypatch):
    """Also those that a LocalCluster starts while the role is in the environment of the kernel."""
    sample.role("payments-prod", "ReadOnly").use()
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        dask.use(client)
        cluster.scale(2)
        client.wait_for_workers(2, timeout=60)
        assert list(client.run(account_there).values()) == [PROD, PROD]
        assert list(client.run(_uses).values()) == [f"payments-prod ({PROD}) / ReadOnly"] * 2
        KERNEL.release()
        assert list(client.run(account_there).values()) == ["NoCredentialsError"] * 2
        assert list(client.run(keys_there).values()) == [{}, {}]


def _uses() -> str:
    from sso_magic.kernel.kernel_role import KERNEL

    return KERNEL.current.label


def test_a_long_read_goes_on_across_an_expiry(sample, client, signed_in):
    signed_in.role_lifetime = 4
    sample.role("payments-prod", "ReadOnly").use()
    dask.use(client)
    import dask.dataframe as dd

    first = os.environ["AWS_ACCESS_KEY_ID"]

    def slowly(part):
        time.sleep(1.2)
        return part

    table = dd.read_csv("s3://payments-prod-data/transactions/2026-1*.csv", blocksize=500)
    assert table.npartitions > 16  # four are read at a time, the last of them after the first keys have ended
    assert len(table.map_partitions(slowly, meta=table._meta).compute()) == 400
    assert os.environ["AWS_ACCESS_KEY_ID"] != first
    assert signed_in.keys[first].expires_at < signed_in.clock.now()
    eventually(
        lambda: (
            {keys["AWS_ACCESS_KEY_ID"] for keys in client.run(keys_there).values()} == {os.environ["AWS_ACCESS_KEY_ID"]}
        )
    )


def test_a_client_made_there_goes_on_with_renewed_credentials(sample, client, signed_in):
    signed_in.role_lifetime = 4
    sample.role("payments-prod", "ReadOnly").use()
    dask.use(client)

    def ask_for_long():
        import boto3

        aws, said, seen = boto3.client("sts"), set(), set()
        deadline = time.monotonic() + 60
        while len(seen) < 3:
            said.add(aws.get_caller_identity()["Account"])
            seen.add(os.environ["AWS_ACCESS_KEY_ID"])
            time.sleep(0.1)
            assert time.monotonic() < deadline
        return said

    assert client.submit(ask_for_long, pure=False).result(90) == {PROD}


@pytest.fixture
def held(sample):
    """The roles of a worker's process, with one that ends in a moment in use."""
    keys = sample.role("payments-prod", "ReadOnly").credentials()
    held = dask_worker._Held()

    def give(seconds: float, number: int) -> None:
        until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        handover = Handover(dataclasses.replace(keys, expires_at=until))
        held.add(dask_worker.RolePlugin(f"sso_magic-x-{number}", "x", handover, None), "tcp://127.0.0.1:1")

    held.give = give
    yield held
    KERNEL.forget()


def test_a_task_whose_credentials_have_ended_waits_for_the_notebook(held, monkeypatch):
    monkeypatch.setattr(dask_worker, "PATIENCE", 10_000)  # it goes on when they come, not when its patience ends
    held.give(-1, 1)
    late = threading.Timer(0.3, held.give, (600, 2))
    late.start()
    assert KERNEL.current.role.get().seconds_left() > 500
    late.join()


def test_a_notebook_that_does_not_renew_is_said_to_be_gone(held, monkeypatch):
    monkeypatch.setattr(dask_worker, "PATIENCE", 0.1)
    held.give(-1, 1)
    with pytest.raises(errors.CredentialsError) as caught:
        KERNEL.current.role.get()
    assert str(caught.value) == EXPIRED


@pytest.mark.parametrize("is_another_there", [False, True], ids=["none", "another role"])
def test_a_client_of_a_role_that_was_taken_out_says_to_use_it_again(held, sample, is_another_there):
    held.give(-1, 1)
    role = KERNEL.current.role
    held.discard(dask_worker.RolePlugin("sso_magic-x-1", "x", None, None), "tcp://127.0.0.1:1")
    if is_another_there:
        sample.role("payments-dev", "ReadOnly").use()
    with pytest.raises(errors.CredentialsError) as caught:
        role.get()
    assert str(caught.value) == EXPIRED


def test_a_task_whose_credentials_hold_does_not_wait(held, monkeypatch):
    monkeypatch.setattr(dask_worker, "PATIENCE", 10_000)
    held.give(600, 1)
    assert KERNEL.current.role.get().seconds_left() > 500


def test_workers_in_this_process_are_left_alone(sample):
    before = dict(os.environ)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")  # nothing leaves the process: nothing to warn of
        sample.role("payments-prod", "ReadOnly").use()
        used = KERNEL.current
        dask.use(client)
        assert KERNEL.current is used
        KERNEL.release()
    assert dict(os.environ) == before


def test_the_workers_get_the_roles_keys_and_never_the_access_token(sample, client, monkeypatch):
    sample.role("payments-prod", "ReadOnly").use()
    token = sample.tokens.get().reveal()
    sent = []
    register = type(client).register_plugin
    monkeypatch.setattr(
        type(client), "register_plugin", lambda self, plugin, name: sent.append(plugin) or register(self, plugin, name)
    )
    with dask.use(client):
        data = pickle.dumps(sent[0])
        assert os.environ["AWS_SECRET_ACCESS_KEY"].encode() in data
        assert token.encode() not in data
        assert os.environ["AWS_SECRET_ACCESS_KEY"] not in repr(sent[0]) + str(vars(sent[0]))


def test_no_thread_and_no_listener_are_left(sample, client):
    sample.role("payments-prod", "ReadOnly").use()
    listeners = len(KERNEL.switched._listeners)
    dask.use(client).release()
    assert len(KERNEL.switched._listeners) == listeners
    assert not [thread for thread in threading.enumerate() if thread.name == "sso_magic dask"]
    assert client.id not in dask._ACTIVE


def test_a_client_that_is_closed_ends_it(sample, cluster):
    sample.role("payments-prod", "ReadOnly").use()
    with Client(cluster) as client:
        there = dask.use(client)
    eventually(lambda: client.id not in dask._ACTIVE)
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "sso_magic dask"])
    assert "until this client was closed" in repr(there)
    KERNEL.release()
    with Client(cluster) as other:
        for name in other.run_on_scheduler(_plugins):
            other.unregister_worker_plugin(name)


def _plugins(dask_scheduler) -> list[str]:
    return [name for name in dask_scheduler.worker_plugins if name.startswith("sso_magic")]


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("tcp://[::1]:8786", True),
        ("tcp://localhost:8786", True),
        ("tls://10.0.0.5:8786", True),
        ("inproc://10.0.0.5/1/1", True),
        ("gateway://gateway.example.com:443/x", True),
        ("tcp://10.0.0.5:8786", False),
        ("tcp://scheduler.example.com:8786", False),
        ("ucx://10.0.0.5:8786", False),
        ("ws://10.0.0.5:80", False),
        ("10.0.0.5:8786", False),
    ],
)
def test_what_can_be_read_on_the_way_is_told_from_what_cannot(address, is_private):
    assert clients.is_private(address) is is_private


@pytest.fixture
def open_cluster():
    """A scheduler that is reached over a network, as far as its address tells."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; only tells which of this machine's addresses it would be
            host = probe.getsockname()[0]
        except OSError:
            host = "0.0.0.0"
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, host=host, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_before_credentials_go_over_a_network_without_tls_there_is_a_warning(sample, open_cluster):
    if "127.0.0.1" in open_cluster.scheduler.address:
        open_cluster.scheduler_info = lambda **_: {"address": "tcp://10.0.0.5:8786", "workers": {}}
    sample.role("payments-prod", "ReadOnly").use()
    with pytest.warns(clients.InsecureSchedulerWarning, match=r"^The Dask cluster is reached at tcp://.* without TLS"):
        dask.use(open_cluster).release()
    with pytest.raises(clients.InsecureSchedulerWarning):  # where warnings are errors nothing has travelled
        dask.use(open_cluster)
    assert list(open_cluster.run(_uses_none).values()) == [True]
    with pytest.raises(clients.InsecureSchedulerWarning):
        sample.each(lambda here: 1, "ReadOnly", on="dask", progress=False)


def _uses_none() -> bool:
    from sso_magic.kernel.kernel_role import KERNEL

    return KERNEL.current is None


def test_what_is_missing_is_said(sample, client):
    with pytest.raises(errors.UsageError, match=r"^No role is in use: %sso_use ACCOUNT ROLE --dask, or role.use\("):
        dask.use(client)
    with pytest.raises(errors.UsageError, match=r"^A distributed.Client is needed, not str.$"):
        dask.use("tcp://127.0.0.1:1")


def test_a_client_that_is_asynchronous_is_refused(sample, cluster):
    async def use() -> None:
        async with Client(cluster.scheduler_address, asynchronous=True) as client:
            dask.use(client)

    with pytest.raises(errors.UsageError) as caught:
        asyncio.run(use())
    assert str(caught.value) == (
        "The Dask client is asynchronous: make one with Client(address), without asynchronous=True."
    )


def test_workers_without_the_package_are_told_of(sample, client, without_the_package):
    sample.role("payments-prod", "ReadOnly").use()
    with without_the_package(), pytest.raises(errors.CredentialsError) as caught:
        dask.use(client)
    assert str(caught.value).startswith("The Dask workers lack a module (")
    assert "No module named 'sso_magic" in str(caught.value)
    assert str(caught.value).endswith("): install sso-magic there, as in this kernel.")
    _assert_that_it_is_nowhere(client)


def test_workers_that_do_not_take_the_role_are_an_error(sample, client):
    sample.role("payments-prod", "ReadOnly").use()
    with pytest.raises(errors.CredentialsError) as caught:
        dask.use(client, region="eu-west-1\0")
    assert str(caught.value) == (
        "The Dask cluster did not take the role (ValueError: embedded null byte). client.get_worker_logs() tells more; "
        "dask.use(client) tries again."
    )
    _assert_that_it_is_nowhere(client)


def _assert_that_it_is_nowhere(client) -> None:
    """And that it can be put there again."""
    assert client.id not in dask._ACTIVE
    assert list(client.run(keys_there).values()) == [{}, {}]
    with dask.use(client):
        assert set(client.run(account_there).values()) == {PROD}
    assert list(client.run(keys_there).values()) == [{}, {}]


def test_workers_that_cannot_follow_are_told_of_and_tried_again(sample, client, without_the_package):
    sample.role("payments-prod", "ReadOnly").use()
    there = dask.use(client)
    elsewhere = sample.role("payments-dev", "ReadOnly").use().__enter__()
    with without_the_package():
        elsewhere.__exit__(None, None, None)
        eventually(lambda: there.failure is not None)
        line = there.line()
    assert line.startswith(f"payments-prod ({PROD}) / ReadOnly may be on the Dask cluster tcp://127.0.0.1:")
    assert " or not: The Dask workers lack a module (" in line
    eventually(lambda: there.failure is None)
    assert set(client.run(account_there).values()) == {PROD}
    assert there.line().endswith("2 workers and any that join")


def test_a_renewal_that_the_workers_do_not_take_leaves_nothing_there_either(
    sample, client, signed_in, without_the_package
):
    signed_in.role_lifetime = 4
    sample.role("payments-prod", "ReadOnly").use()
    there = dask.use(client)
    with without_the_package():
        eventually(lambda: there.failure is not None)
    eventually(lambda: there.failure is None)
    KERNEL.release()
    assert client.run_on_scheduler(_plugins) == []
    assert list(client.run(keys_there).values()) == [{}, {}]


def test_a_client_that_is_closed_is_refused(sample, cluster):
    with Client(cluster) as gone:
        pass
    with pytest.raises(errors.UsageError, match=r"^The Dask client is not connected. Make a new one: client = dis"):
        dask.use(gone)


def test_without_a_client_it_says_how_to_make_one(sample):
    with pytest.raises(
        errors.UsageError, match=r"^There is no Dask client in this kernel. Make one first: client = dis"
    ):
        dask.use()
