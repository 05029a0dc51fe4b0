"""Starting and stopping: nothing is left, whichever connection is still open, and a port in use is one clear line."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import socket
import sys
import threading
import warnings
from pathlib import Path

import boto3
import psutil
import pytest

from sso_magic.local import LocalIdentityCenter
from sso_magic.local.errors import LocalError, NotRunning, PortInUse


def used():
    """What a server that was not stopped would still hold: threads, ports, files and child processes.

    Each by its identity, not by its number: what earlier tests have left may go meanwhile, as the connections of their
    clients do that a server of the whole run closes when it gets to it.
    """
    gc.collect()
    process = psutil.Process()
    ports = [found.laddr.port for found in listening(process)]
    children = [child.pid for child in process.children(recursive=True)]
    return {
        *(("thread", thread) for thread in threading.enumerate()),
        *(("port", port) for port in ports),
        *(("child", pid) for pid in children),
        *(("file", name) for name in open_files(process)),
    }


def listening(process):
    """Return the connections on which the process listens."""
    connections = process.net_connections
    return [found for found in connections("inet") if found.status == "LISTEN"]


def open_files(process):
    """Return each open file of the process; where the system has no list of them, as many numbers."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return range(process.num_handles() if os.name == "nt" else process.num_fds())
    found = set()
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # closed since it was listed, as the list itself is
            found.add((path.name, str(path.readlink())))
    return found


@pytest.mark.parametrize(("aws", "times"), [(False, 10), ("in-process", 10), (True, 2)])
def test_starts_and_stops_leave_nothing(wire_to, aws, times):
    def once():
        with LocalIdentityCenter(aws=aws) as center:
            client = wire_to(center.url)
            token = center.access_token()
            query = {"role_name": "ReadOnly", "account_id": "731659028443"}
            assert client.get("/federation/credentials", token, **query).status == 200
            if aws:
                assert wire_to(center.aws_url).get("/").status == 403
        client.connection.close()

    once()  # imports and caches of the first time are not what this is about
    before = used()
    for _ in range(times):
        once()
    assert used() - before == set()


def test_stopping_does_not_wait_for_clients_that_hang_on(wire_to):
    with LocalIdentityCenter() as center:
        idle = wire_to(center.url)
        idle.get("/start")
        half = socket.create_connection(("127.0.0.1", int(center.aws_url.rpartition(":")[2])))
        half.sendall(b"GET / HTTP/1.1\r\n")
        center.faults = ["ListAccounts kind=stall"]
        stalled = socket.create_connection(("127.0.0.1", int(center.url.rpartition(":")[2])))
        stalled.sendall(b"GET /assignment/accounts HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while not center.requests.total("ListAccounts"):
            pass
    for client in (stalled, half):
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    stalled.close()
    half.close()


@pytest.mark.parametrize("aws", [False, True, "in-process"])
def test_it_can_be_started_again_and_again(wire_to, aws):
    center = LocalIdentityCenter(aws=aws)
    center.stop()
    for _ in range(2):
        center.start()
        center.start()
        assert wire_to(center.url).get("/start").status == 200
        center.stop()
        center.stop()


def test_it_stops_after_an_error_inside_the_with(wire_to):
    urls = []

    def fail():
        with LocalIdentityCenter(aws=False) as center:
            urls.append(center.url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(ConnectionRefusedError):
        wire_to(urls[0]).get("/start")


def test_two_run_side_by_side_and_share_nothing(wire_to):
    with LocalIdentityCenter(aws=False) as one, LocalIdentityCenter(aws=False) as other:
        token = one.access_token()
        assert wire_to(one.url).get("/assignment/accounts", token).status == 200
        assert wire_to(other.url).get("/assignment/accounts", token).status == 401


@pytest.mark.parametrize("aws", [True, "in-process"])
def test_one_that_stops_leaves_the_others_buckets_alone(wire_to, aws):
    query = {"role_name": "ReadOnly", "account_id": "731659028443"}
    with LocalIdentityCenter(aws=aws) as one:
        answer = wire_to(one.url).get("/federation/credentials", one.access_token(), **query)
        keys = answer.json["roleCredentials"]
        s3 = boto3.client(
            "s3",
            endpoint_url=one.aws_url,
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
        )
        s3.put_object(Bucket="payments-prod-data", Key="mine", Body=b"")
        with LocalIdentityCenter(aws=aws) as other:
            wire_to(other.url).get("/federation/credentials", other.access_token(), **query)
        assert s3.get_object(Bucket="payments-prod-data", Key="mine")["ContentLength"] == 0


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        yield somebody.getsockname()[1]


@pytest.mark.parametrize(("argument", "flag"), [("port", "--port"), ("aws_port", "--aws-port")])
def test_a_port_in_use_is_one_line_that_names_it_and_the_flag(taken, argument, flag):
    expected = (
        f"Port {taken} is in use by another program or not allowed. Choose another with {flag}, 0 for any free one."
    )
    with pytest.raises(PortInUse, match=f"^{re.escape(expected)}$"):
        LocalIdentityCenter(**{argument: taken}).start()


def test_a_port_that_is_none_is_one_line_too():
    with pytest.raises(PortInUse, match=r"^Port 70000 cannot be listened on \(.*\). Choose another with --port"):
        LocalIdentityCenter(aws=False, port=70000).start()


def test_a_start_that_failed_leaves_nothing(taken):
    before = used()
    center = LocalIdentityCenter(aws_port=taken)
    with pytest.raises(PortInUse):
        center.start()
    assert used() - before == set()


def test_it_listens_on_loopback_only():
    with LocalIdentityCenter() as center:
        center.wait_until_ready()
        ports = {int(url.rpartition(":")[2]) for url in (center.url, center.aws_url)}
        found = [
            at.laddr.ip
            for process in [psutil.Process(), *psutil.Process().children()]
            for at in listening(process)
            if at.laddr.port in ports
        ]
    assert found == ["127.0.0.1", "127.0.0.1"]


def test_before_it_runs_it_has_no_address():
    center = LocalIdentityCenter()
    with pytest.raises(NotRunning, match=r"^The local Identity Center is not running: use it in a with statement, or"):
        center.start_url  # noqa: B018
    with pytest.raises(NotRunning, match=r"^The local AWS accounts are not running: start\(\) the Identity Center fir"):
        center.aws_url  # noqa: B018
    with pytest.raises(NotRunning, match=r"^There are no AWS accounts behind this Identity Center: it was made with "):
        LocalIdentityCenter(aws=False).aws_url  # noqa: B018


def test_the_environment_leads_to_it():
    with LocalIdentityCenter() as center:
        assert center.environment() == {
            "AWS_ENDPOINT_URL_SSO": center.url,
            "AWS_ENDPOINT_URL_SSO_OIDC": center.url,
            "AWS_ENDPOINT_URL": center.aws_url,
        }
    with LocalIdentityCenter(aws=False) as center:
        assert "AWS_ENDPOINT_URL" not in center.environment()


def test_without_moto_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("sso_magic.local.aws.find_spec", lambda name: None if name == "moto" else object())
    with pytest.raises(LocalError, match=r"^AWS accounts need moto: pip install 'sso-magic\[local\]', or go without"):
        LocalIdentityCenter()
    LocalIdentityCenter(aws=False)


def test_aws_that_cannot_be_started_says_why_and_stops_all_the_same(monkeypatch, wire_to):
    monkeypatch.setitem(sys.modules, "sso_magic.local.accounts", None)
    with LocalIdentityCenter(aws="in-process") as center:
        with pytest.raises(LocalError, match=r"^The AWS accounts could not be started: .*sso_magic.local.accounts"):
            center.wait_until_ready()
        assert wire_to(center.url).get("/assignment/accounts", center.access_token()).status == 200


def test_aws_in_a_process_that_cannot_be_started_says_why_too(monkeypatch, tmp_path, wire_to):
    (tmp_path / "moto.py").write_text("raise ImportError('broken moto')")
    monkeypatch.syspath_prepend(tmp_path)
    with LocalIdentityCenter() as center:
        with pytest.raises(
            LocalError, match=r"^The AWS accounts could not be started: ImportError: broken moto. Go wi"
        ):
            center.wait_until_ready()
        assert wire_to(center.url).get("/assignment/accounts", center.access_token()).status == 200
        with pytest.raises(ConnectionRefusedError):
            wire_to(center.aws_url).get("/")


@pytest.mark.parametrize("executable", ["", "/nowhere/python"])
def test_without_a_python_program_it_says_how_to_go_without_a_process(monkeypatch, executable):
    before = used()
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(
        LocalError, match=r"^The process of the AWS accounts cannot be started \(.*\). Use aws='in-proc"
    ):
        LocalIdentityCenter().start()
    assert used() - before == set()


def test_nothing_is_written_to_home():
    with LocalIdentityCenter() as center:
        center.access_token()
    assert list(Path(os.environ["HOME"]).rglob("*")) == []


def test_no_warning_is_raised_in_its_life(wire_to):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with LocalIdentityCenter() as center:
            wire_to(center.url).get("/start")
        gc.collect()
