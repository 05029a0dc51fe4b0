"""What survives a restart: tokens, registrations, keys, the organization as changed, buckets and the CA."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from sso_magic.local import LocalIdentityCenter
from sso_magic.local.errors import LocalError, StateFileError
from sso_magic.local.organization import Organization
from sso_magic.local.saved_state import organization_document, organization_of_document

PROD = "731659028443"


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "deep" / "state"


def without_aws(directory):
    return LocalIdentityCenter(aws=False, state_directory=directory)


def s3_of(center, keys):
    return boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=center.aws_url,
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )


def role_keys(center, token, role="ReadOnly"):
    sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url)
    return sso.get_role_credentials(accessToken=token, accountId=PROD, roleName=role)["roleCredentials"]


def test_a_signed_in_client_goes_on_after_a_restart(directory, wire_to):
    with without_aws(directory) as center:
        wire = wire_to(center.url)
        client = wire.register()
        waiting = wire.start_device(client, center.start_url)
        device = wire.start_device(client, center.start_url)
        center.approve(device["userCode"])
        tokens = wire.poll(client, device).json
        control_token = center.control_token
    with without_aws(directory) as center:
        wire = wire_to(center.url)
        assert wire.get("/assignment/accounts", tokens["accessToken"]).status == 200
        refreshed = wire.refresh(client, tokens["refreshToken"])
        assert refreshed.status == 200, refreshed.text
        center.approve(waiting["userCode"])
        assert wire.poll(client, waiting).status == 200
        assert center.control_token == control_token
        assert len({session.id for session in center.sessions()}) == 2
    with without_aws(directory) as center:
        center.end_session()
    with without_aws(directory) as center:
        assert wire_to(center.url).get("/assignment/accounts", refreshed.json["accessToken"]).status == 401
        assert center.sessions() == []


def test_the_organization_comes_back_as_it_was_changed(directory):
    with without_aws(directory) as center:
        center.organization.add_user("kim", "Kim Park", "")
        center.organization.add_group("on call", "kim", "sam")
        center.organization.add_account("111122223333", None, None, buckets=("one-bucket",))
        center.organization.assign_group("on call", "111122223333", "Auditor")
        center.organization.add_permission_set("Auditor", "arn:aws:iam::aws:policy/SecurityAudit", description="audits")
        center.organization.add_permission_set("Inline", inline_policy='{"Statement": []}')
        center.organization.withdraw("sam", PROD)
        changed = organization_document(center.organization)
    with LocalIdentityCenter(Organization.generated(3), aws=False, state_directory=directory) as center:
        assert organization_document(center.organization) == changed
        assert center.organization.roles_of("kim", "111122223333") == ("Auditor",)
        center.reset()
    with without_aws(directory) as center:
        assert organization_document(center.organization) == organization_document(Organization.generated(3))


@pytest.mark.parametrize("organization", [Organization(), Organization.tricky(), Organization.generated(20, 15)])
def test_every_organization_is_the_same_from_its_document(organization):
    document = json.loads(json.dumps(organization_document(organization)))
    again = organization_of_document(document)
    assert organization_document(again) == organization_document(organization)
    assert again.accounts == organization.accounts
    assert again.permission_sets == organization.permission_sets


@pytest.mark.parametrize("aws", [True, "in-process"])
def test_keys_and_buckets_work_after_a_restart(directory, aws):
    with LocalIdentityCenter(aws=aws, state_directory=directory) as center:
        token = center.access_token()
        keys = role_keys(center, token)
        s3 = s3_of(center, keys)
        s3.put_object(
            Bucket="payments-prod-data", Key="mine/ä b", Body=b"\x00\xff", ContentType="x/y", Metadata={"who": "me"}
        )
        s3.delete_object(Bucket="payments-prod-data", Key="transactions/2026-11.csv")
        for one in s3.list_objects_v2(Bucket="payments-prod-reports")["Contents"]:
            s3.delete_object(Bucket="payments-prod-reports", Key=one["Key"])
        s3.delete_bucket(Bucket="payments-prod-reports")
        s3.create_bucket(Bucket="brand-new", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with LocalIdentityCenter(aws=aws, state_directory=directory) as center:
        s3 = s3_of(center, keys)
        found = s3.get_object(Bucket="payments-prod-data", Key="mine/ä b")
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"\x00\xff", "x/y", {"who": "me"})
        assert s3.get_object(Bucket="payments-prod-data", Key="transactions/2026-10.csv")["ContentType"] == "text/csv"
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket="payments-prod-data", Key="transactions/2026-11.csv")
        assert {one["Name"] for one in s3.list_buckets()["Buckets"]} == {"brand-new", "payments-prod-data"}
        assert role_keys(center, token)["accessKeyId"] != keys["accessKeyId"]
        center.reset()
    with LocalIdentityCenter(aws=aws, state_directory=directory) as center:
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            s3_of(center, keys).list_buckets()
        s3 = s3_of(center, role_keys(center, center.access_token()))
        assert "brand-new" not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
        assert s3.get_object(Bucket="payments-prod-reports", Key="2026/costs.csv")["ContentLength"] > 0


def test_the_ca_stays_the_same_so_that_clients_need_not_be_told_again(directory):
    bundles = []
    for _ in range(2):
        with LocalIdentityCenter(aws=False, tls=True, state_directory=directory) as center:
            bundle = center.environment()["AWS_CA_BUNDLE"]
            bundles.append((bundle, (directory / "ca.pem").read_bytes()))
            sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url, verify=bundle)
            assert sso.list_accounts(accessToken=center.access_token())["accountList"]
    assert bundles[0] == bundles[1]
    assert b"PRIVATE" not in bundles[0][1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_owner_can_read_it(directory):
    with LocalIdentityCenter(tls=True, state_directory=directory) as center:
        center.access_token()
        center.wait_until_ready()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert set(modes) - {"lock"} == {"state.json", "buckets.json", "ca.pem", "server.pem"}
    assert set(modes.values()) == {0o600}


def test_a_directory_is_for_one_at_a_time(directory):
    refused = pytest.raises(LocalError, match=r"state is in use by another local Identity Center. Choose another direc")
    with without_aws(directory), refused:
        without_aws(directory).start()
    with without_aws(directory):
        pass


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.json", "{"),
        ("state.json", "[]"),
        ("state.json", '{"version": 99}'),
        ("state.json", '{"version": 1}'),
        ("state.json", '{"version": 1, "organization": null}'),
        ("state.json", "[" * 100_000),
        ("buckets.json", "null"),
        ("buckets.json", '{"filled": [], "buckets": [{"name": "x"}]}'),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_and_is_left_alone(directory, name, content):
    directory.mkdir(parents=True)
    (directory / name).write_text(content)
    center = without_aws(directory)
    with pytest.raises(
        StateFileError, match=rf"{name} cannot be read \(.*\). Remove it to start without it.$"
    ) as caught:
        center.start()
    assert "\n" not in str(caught.value)
    assert (directory / name).read_text() == content
    (directory / name).unlink()
    with center:
        assert center.access_token()


def test_a_directory_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match=r"file cannot be written \(.*\). Choose another directory with --state.$"):
        without_aws(tmp_path / "file").start()


def test_a_file_that_was_not_written_whole_is_never_there(directory, monkeypatch):
    with without_aws(directory) as center:
        before = (directory / "state.json").read_bytes()
        center.access_token()

        def full(*_):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr("sso_magic.local.files.Path.replace", full)
            with pytest.raises(LocalError, match=r"^The state could not be written to .* \(No space left on device\)"):
                center.stop()
    assert (directory / "state.json").read_bytes() == before
    assert [path.name for path in directory.iterdir() if path.name.startswith(".")] == []


def test_what_is_killed_comes_back_as_it_was_a_moment_before(directory, wire_to):
    command = [
        sys.executable,
        "-m",
        "sso_magic",
        "local",
        "--port",
        "0",
        "--no-aws",
        "--json",
        "--state",
        str(directory),
    ]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        told = json.loads(running.stdout.readline())
        wire = wire_to(told["url"])
        bearer = {"Authorization": f"Bearer {told['control_token']}"}
        session = wire.call("POST", "/control/sessions", body={"user": "sam"}, headers=bearer).json
        token = session["token"]["accessToken"]
        until = time.monotonic() + 60
        while token not in (directory / "state.json").read_text() and time.monotonic() < until:
            time.sleep(0.01)
        running.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    finally:
        running.kill()
        running.wait()
        running.stdout.close()
    with without_aws(directory) as center:
        assert wire_to(center.url).get("/assignment/accounts", token).status == 200
        assert center.session_of(token).user == "sam"
        assert urlsplit(center.url).port
