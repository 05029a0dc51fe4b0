"""The credential endpoint gives a role's credentials to who has path and token, and nothing to anybody else."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine

from sso_magic.errors import ConnectError, SignInRequired
from sso_magic.kernel.kernel_role import KERNEL


@pytest.fixture
def served(kernel, role_a):
    """Role A, used by its address."""
    use = role_a.use(serve=True)
    kernel.use(use)
    return use


def ask(url=None, *, method="GET", token="ours", host=None, path=None):
    """Status, headers and body of a request; what is not said is as it should be."""
    parts = urlsplit(url or os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.putrequest(method, path or parts.path, skip_host=True)
    connection.putheader("Host", host or parts.netloc)
    if token == "ours":
        token = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    if token is not None:
        connection.putheader("Authorization", token)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), json.loads(body) if body else None


def test_it_answers_as_the_container_endpoint_does(served):
    status, headers, body = ask()
    keys = served.credentials
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    assert body == {
        "AccessKeyId": keys.access_key_id.reveal(),
        "SecretAccessKey": keys.secret_access_key.reveal(),
        "Token": keys.session_token.reveal(),
        "Expiration": f"{keys.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "AccountId": "111111111111",
    }


def test_the_environment_has_the_address_and_no_keys(served):
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(os.environ)
    assert os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")


def test_the_token_is_in_a_file_too_for_its_owner_only_and_without_a_newline(served):
    path = Path(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
    assert path.read_text() == os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"token": None}, 403),
        ({"token": "guessed"}, 403),
        ({"token": ""}, 403),
        ({"token": "ünicode"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "localhost"}, 403),
        ({"host": "127.0.0.1"}, 403),
        ({"method": "POST"}, 405),
        ({"method": "PUT"}, 405),
        ({"method": "DELETE"}, 405),
        ({"method": "OPTIONS"}, 405),
        ({"method": "HEAD"}, 405),
        ({"method": "TRACE"}, 405),
        ({"path": "/"}, 404),
        ({"path": "/role/"}, 404),
        ({"path": "/role/guessed"}, 404),
        ({"path": "/../etc/passwd"}, 404),
    ],
)
def test_whatever_is_not_right_is_refused_without_a_key(served, wrong, status):
    answer = ask(**wrong)
    assert answer[0] == status
    assert "ASIA" not in str(answer)


def test_it_does_not_listen_outside_loopback(served):
    assert KERNEL.endpoint._server.socket.getsockname()[0] == "127.0.0.1"
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        outside.connect(("192.0.2.1", 9))  # sends nothing; says which address of this machine would
        address = outside.getsockname()[0]
    except OSError:
        address = "127.0.0.2"  # a machine without a network has no address outside
    finally:
        outside.close()
    with pytest.raises(OSError, match=r"."):
        socket.create_connection((address, KERNEL.endpoint.port), timeout=5)


def test_each_role_has_a_path_of_its_own_that_stays_with_it(served, kernel, role_b):
    url_a = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    kernel.use(role_b.use(serve=True))
    url_b = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    assert len(urlsplit(url_a).path) > 40
    assert ask(url_a)[2]["AccountId"] == "111111111111"
    assert ask(url_b)[2]["AccountId"] == "222222222222"
    kernel.use(served)
    assert os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == url_a


def test_it_goes_on_for_those_who_have_the_address_after_a_release(served, kernel):
    url, token = (os.environ[f"AWS_CONTAINER_{name}"] for name in ("CREDENTIALS_FULL_URI", "AUTHORIZATION_TOKEN"))
    kernel.release()
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in os.environ
    assert ask(url, token=token)[0] == 200


def test_a_role_that_is_signed_out_of_is_served_no_longer(served, kernel):
    url, token = (os.environ[f"AWS_CONTAINER_{name}"] for name in ("CREDENTIALS_FULL_URI", "AUTHORIZATION_TOKEN"))
    kernel.forget("another")
    assert ask(url, token=token)[0] == 200
    kernel.forget("corp")
    assert ask(url, token=token)[0] == 404


def test_it_renews_what_has_ended_before_it_answers(served, role_a):
    with time_machine.travel(served.credentials.expires_at + timedelta(hours=1)):
        body = ask()[2]
    assert body["AccessKeyId"] == role_a.issued[-1].access_key_id.reveal()
    assert role_a.fetched == 1


def test_what_still_holds_is_given_at_once_and_renewed_behind(served, role_a, until):
    first = served.credentials
    role_a.in_the_way.clear()
    with time_machine.travel(first.expires_at - timedelta(minutes=10)):
        assert ask()[2]["AccessKeyId"] == first.access_key_id.reveal()
        role_a.in_the_way.set()
        until(lambda: role_a.fetched == 1)
        until(lambda: served.credentials is not first)
        assert ask()[2]["AccessKeyId"] == role_a.issued[-1].access_key_id.reveal()


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (SignInRequired("corp is not signed in. Run %sso_login corp"), 403, "SignInRequired"),
        (ConnectError("portal refused the connection"), 503, "ConnectError"),
    ],
)
def test_why_there_are_none_is_said(served, role_a, failure, status, code):
    role_a.failure = failure
    with time_machine.travel(served.credentials.expires_at + timedelta(seconds=1)):
        assert ask()[::2] == (status, {"Code": code, "Message": str(failure)})


def test_shutdown_closes_the_port_and_removes_the_file(served, kernel):
    url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    path = Path(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
    kernel.shutdown()
    assert not path.parent.exists()
    with pytest.raises(OSError, match=r"."):
        ask(url, token="any")


SERVE_AND_FORK = """
import os, sys, time
from datetime import datetime, timedelta, timezone
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.common.secret import Secret

soon = datetime.now(timezone.utc) + timedelta(hours=1)
keys = Credentials("111111111111", "dev", "ReadOnly", Secret("ASIA1"), Secret("s"), Secret("t"), soon)
KERNEL.use(Use(keys, None, "corp", lambda: keys, serve=True))
print(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], flush=True)
kernel = os.getpid()
if hasattr(os, "fork"):
    if os.fork() == 0:
        print("worker", flush=True)
        while os.getppid() == kernel:
            time.sleep(0.01)
        sys.stdin.read()  # a worker that outlives the kernel
        os._exit(0)
else:
    print("no worker", flush=True)
sys.stdin.readline()
os._exit(0)
"""


def test_it_dies_with_the_kernel_also_if_a_forked_worker_lives_on():
    kernel = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVE_AND_FORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url = kernel.stdout.readline().strip()
    assert "worker" in kernel.stdout.readline()
    assert ask(url, token="wrong")[0] == 403
    kernel.stdin.write("end\n")
    kernel.stdin.flush()
    kernel.wait(20)
    try:
        with pytest.raises(ConnectionRefusedError):
            ask(url, token="wrong")
    finally:
        kernel.stdin.close()
        kernel.stdout.close()
