"""``sso-magic local``, as somebody types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from sso_magic.__main__ import main
from sso_magic.local.knobs import knobs

FREE = ("--port", "0", "--aws-port", "0")
STOP = signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT


@contextmanager
def running(*arguments):
    """The command in a process of its own, and the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sso_magic", "local", *FREE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_help_names_every_knob_and_every_kind_of_fault(capsys):
    from sso_magic.local.faults import KINDS

    with pytest.raises(SystemExit) as caught:
        main(["local", "--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    for knob in knobs():
        flag = "--" + knob.name.replace("_", "-")
        assert (flag in text) == (knob.name not in {"log_requests", "redact_log"})
    assert all(kind in text for kind in KINDS)


def test_it_prints_what_to_put_where():
    with running() as (process, first):
        assert first.startswith("Local Identity Center with 14 accounts, until Ctrl-C")
        process.send_signal(STOP)
        text = first + process.stdout.read()
    start_url = text.split("start URL")[1].split()[0]
    url = text.split("portal ")[1].split()[0].removesuffix("/start")
    assert start_url == f"https://d-{int(url.rpartition(':')[2]):010}.awsapps.com/start"
    assert f"  export AWS_ENDPOINT_URL_SSO={url}\n" in text
    assert f'  $Env:AWS_ENDPOINT_URL_SSO_OIDC = "{url}"\n' in text
    assert f"  [sso-session corp]\n  sso_start_url = {start_url}\n  sso_region = eu-west-1\n" in text
    assert "  [profile corp-management-Billing]\n  sso_session = corp\n  sso_account_id = 402618935571\n" in text
    assert f"%sso_login {start_url} --sso-region eu-west-1" in text
    assert text.endswith("\nStopped.\n")


def test_a_reader_of_its_output_that_has_ended_ends_it_without_a_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sso_magic", "local", *FREE]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("number", [STOP, signal.SIGTERM])
def test_it_stops_cleanly_and_leaves_nothing(number):
    with running("--json") as (process, line):
        [aws] = psutil.Process(process.pid).children()
        ports = [int(url.rpartition(":")[2]) for url in json.loads(line)["environment"].values()]
        process.send_signal(number)
        out, errors = process.stdout.read(), process.stderr.read()
        assert (process.wait(), out, errors) == (0, "", "")
        psutil.wait_procs([aws], timeout=60)
        assert not aws.is_running()
    listening = {at.laddr.port for at in psutil.net_connections("inet") if at.status == "LISTEN"}
    assert not listening & set(ports)


def test_without_content_the_accounts_have_no_buckets(wire_to):
    with running("--json", "--no-content", "--auto-approve", "--poll-interval", "0") as (_, line):
        told = json.loads(line)
        wire = wire_to(told["url"])
        client = wire.register()
        token = wire.poll(client, wire.start_device(client, told["start_url"])).json["accessToken"]
        query = {"role_name": "ReadOnly", "account_id": "731659028443"}
        keys = wire.get("/federation/credentials", token, **query).json["roleCredentials"]
        s3 = boto3.client(
            "s3",
            region_name="eu-west-1",
            endpoint_url=told["environment"]["AWS_ENDPOINT_URL"],
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
        )
        assert s3.list_buckets()["Buckets"] == []
        with pytest.raises(ClientError, match="NoSuchBucket"):
            s3.list_objects_v2(Bucket="payments-dev-data")


def test_its_settings_take_effect(wire_to):
    arguments = ["--json", "--no-aws", "--accounts", "30", "--roles", "2", "--page-size", "7", "--auto-approve"]
    arguments += ["--poll-interval", "0", "--fault", "Logout status=503", "--region", "eu-north-1"]
    with running(*arguments) as (_, line):
        told = json.loads(line)
        assert (told["region"], set(told["environment"])) == (
            "eu-north-1",
            {"AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"},
        )
        wire = wire_to(told["url"])
        client = wire.register()
        token = wire.poll(client, wire.start_device(client, told["start_url"])).json["accessToken"]
        accounts = wire.get("/assignment/accounts", token).json["accountList"]
        assert len(accounts) == 7
        roles = wire.get("/assignment/roles", token, account_id=accounts[0]["accountId"]).json["roleList"]
        assert len(roles) == 2
        assert wire.call("POST", "/logout", token=token).status == 503


def test_verbose_prints_a_line_a_request(wire_to):
    with running("--json", "--no-aws", "--verbose") as (process, line):
        wire_to(json.loads(line)["url"]).get("/assignment/accounts?max_result=1")
        process.send_signal(STOP)
        assert process.stderr.read().split()[1:] == ["ListAccounts", "GET", "/assignment/accounts", "401"]


def test_a_port_in_use_is_one_line(local, capsys):
    port = local.url.rpartition(":")[2]
    assert main(["local", "--no-aws", "--port", port]) == 1
    assert capsys.readouterr().err == (
        f"sso-magic: Port {port} is in use by another program or not allowed. "
        "Choose another with --port, 0 for any free one.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--latency", "soon"], "argument --latency: a number of seconds, 0 or more, is expected, not 'soon'"),
        (["--page-size", "101"], "argument --page-size: a whole number from 1 to 100 is expected, not '101'"),
        (["--throttle", "x"], "argument --throttle: throttle: RATE or RATE:BURST is expected, such as 20 or 50:100, "),
        (["--fault", "* kind=x"], "argument --fault: fault: there is no kind 'x'. Kinds: error, body, "),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line(capsys, arguments, line):
    with pytest.raises(SystemExit):
        main(["local", *arguments])
    usage, error = capsys.readouterr().err.splitlines()
    assert usage == "usage: sso-magic local [options]"
    assert error.startswith(f"sso-magic local: error: {line}")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--accounts", "-1"],
            "sso-magic: 0 to 1,000,000 accounts with 0 to 500 roles can be generated, not -1 with 3.",
        ),
        (["--auto-approve", "bob"], "sso-magic: There is no user 'bob' in this organization. Users: alex, sam, robin."),
    ],
)
def test_what_cannot_be_made_is_one_line(capsys, arguments, line):
    assert main(["local", *FREE, *arguments]) == 1
    assert capsys.readouterr().err == f"{line}\n"


def test_looking_at_the_help_imports_nothing_heavy():
    program = (
        "import sys; from sso_magic.__main__ import parser; parser().format_help();"
        "print(sorted({'tornado', 'jinja2', 'moto', 'boto3', 'requests', 'pandas', 'werkzeug'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
