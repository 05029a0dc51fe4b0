"""TLS with a throw-away CA: clients that are given its file get through, others do not."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError

from sso_magic import SSO, IdentityCenter
from sso_magic.local import LocalIdentityCenter, Network
from sso_magic.local.errors import LocalError


@pytest.fixture(scope="module", params=[True, "in-process"], ids=["process", "in-process"])
def server(request):
    with LocalIdentityCenter(aws=request.param, tls=True) as center:
        center.wait_until_ready()
        yield center


@pytest.fixture
def center(server, clean_environment):
    server.reset()
    os.environ.update(server.environment())
    return server


def keys_of(center):
    sso = boto3.client("sso", region_name="eu-west-1")
    role = sso.get_role_credentials(accessToken=center.access_token(), accountId="731659028443", roleName="ReadOnly")[
        "roleCredentials"
    ]
    return {
        "aws_access_key_id": role["accessKeyId"],
        "aws_secret_access_key": role["secretAccessKey"],
        "aws_session_token": role["sessionToken"],
    }


def test_boto3_signs_in_and_reads_with_the_printed_environment_alone(center):
    assert {urlsplit(url).scheme for url in (center.url, center.aws_url)} == {"https"}
    keys = keys_of(center)
    assert boto3.client("sts", region_name="eu-west-1", **keys).get_caller_identity()["Account"] == "731659028443"
    s3 = boto3.client("s3", region_name="eu-west-1", **keys)
    assert s3.get_object(Bucket="payments-prod-reports", Key="2026/costs.csv")["ContentLength"] > 0


def test_a_client_that_was_not_given_the_ca_does_not_connect(center):
    del os.environ["AWS_CA_BUNDLE"]
    once = Config(retries={"total_max_attempts": 1})
    sso = boto3.client("sso", region_name="eu-west-1", config=once)
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        sso.list_accounts(accessToken=center.access_token())


def test_a_sign_in_with_this_package_goes_through(center):
    home = Path(os.environ["HOME"])
    center.sign_in(home=home)
    assert len(IdentityCenter("corp").accounts()) == len(center.organization.accounts)


def test_pages_and_control_answer_under_each_name(center):
    trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    for name in ("127.0.0.1", "localhost"):
        connection = HTTPSConnection(name, urlsplit(center.url).port, context=trust, timeout=60)
        for path in ("/start", "/control/ready"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()


@pytest.mark.parametrize("kind", ["drop", "reset"])
def test_faults_break_connections_as_without_tls(center, kind):
    sso = boto3.client("sso", region_name="eu-west-1")
    center.faults = [f"ListAccounts times=1 kind={kind}"]
    assert sso.list_accounts(accessToken=center.access_token())["accountList"]
    assert center.requests.total("ListAccounts") == 2


def test_a_body_that_is_reset_in_its_middle_is_asked_for_again(center):
    # boto3 takes a body for whole that ends early. Under TLS a client may see a reset so.
    center.faults = ["ListAccounts times=1 kind=truncate-reset"]
    with SSO(region="eu-west-1") as sso:
        assert sso.list_accounts(access_token=center.access_token()).account_list
    assert center.requests.total("ListAccounts") == 2


def test_a_client_that_never_shakes_hands_or_speaks_plain_http_holds_up_nobody(center):
    ports = [urlsplit(url).port for url in (center.url, center.aws_url)]
    with contextlib.ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while plain.recv(1000):
                    pass
        keys = keys_of(center)
        with pytest.raises(ClientError, match="NoSuchBucket"):
            boto3.client("s3", region_name="eu-west-1", **keys).list_objects_v2(Bucket="not-there")


def test_the_file_of_the_ca_goes_when_it_stops_and_its_key_was_never_on_disk():
    with LocalIdentityCenter(aws=False, tls=True, network=Network(public_url="https://identity-center")) as center:
        bundle = Path(center.environment()["AWS_CA_BUNDLE"])
        assert [path.name for path in bundle.parent.iterdir()] == ["ca.pem"]
        assert "PRIVATE" not in bundle.read_text()
        assert bundle.stat().st_mode & 0o077 == 0 or os.name == "nt"
        assert "identity-center" in center.network.certificate_names
    assert not bundle.parent.exists()
    assert "AWS_CA_BUNDLE" not in center.environment()


def test_without_trustme_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    monkeypatch.delitem(sys.modules, "sso_magic.local.tls", raising=False)
    with pytest.raises(LocalError, match=r"^TLS needs trustme: pip install 'sso-magic\[local\]', or go without.$"):
        LocalIdentityCenter(aws=False, tls=True).start()


def test_the_command_prints_the_ca_and_waits_for_it(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "sso_magic", "local", "--port", port, "--aws-port", "0", "--tls"]
    running = subprocess.Popen([*command, "--no-aws", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        told = json.loads(running.stdout.readline())
        assert told["url"] == f"https://127.0.0.1:{port}"
        assert Path(told["environment"]["AWS_CA_BUNDLE"]).exists()
        assert subprocess.run([*command, "--wait"], check=False).returncode == 0
    finally:
        running.terminate()
        running.wait()
        running.stdout.close()
