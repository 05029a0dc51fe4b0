"""Two Identity Centers and other uses of moto in one process: nobody's buckets or identity are another's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import boto3
import psutil
import pytest

from sso_magic.local import LocalIdentityCenter

PROD, DEV = "731659028443", "220947583614"


def client(center, service, account=PROD, role="ReadOnly"):
    sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url)
    keys = sso.get_role_credentials(accessToken=center.access_token(), accountId=account, roleName=role)
    keys = keys["roleCredentials"]
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=center.aws_url,
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )


def names(s3, bucket="payments-prod-data"):
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def use_moto():
    """What a test with @mock_aws does to this process."""
    from moto import mock_aws

    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        s3.create_bucket(Bucket="payments-prod-data")


def test_two_share_no_bucket_and_a_mock_aws_test_between_them_changes_neither():
    with LocalIdentityCenter() as one, LocalIdentityCenter() as other:
        ours, theirs = client(one, "s3"), client(other, "s3")
        ours.put_object(Bucket="payments-prod-data", Key="ours", Body=b"")
        theirs.put_object(Bucket="payments-prod-data", Key="theirs", Body=b"")
        use_moto()
        assert "ours" in names(ours)
        assert "theirs" not in names(ours)
        assert "theirs" in names(theirs)
        one.reset()
        assert "theirs" in names(theirs)
        assert "ours" not in names(client(one, "s3"))


@pytest.mark.parametrize("aws", [True, "in-process"])
def test_the_identity_is_that_of_the_keys_whatever_happens_to_moto(aws):
    with LocalIdentityCenter(aws=aws) as center:
        sts = client(center, "sts")
        before = sts.get_caller_identity()
        use_moto()
        after = sts.get_caller_identity()
        assert (after["Arn"], after["UserId"]) == (before["Arn"], before["UserId"])
        assert f":{PROD}:assumed-role/AWSReservedSSO_ReadOnly_" in after["Arn"]
        role = client(center, "iam").list_roles()["Roles"][0]
        assert after["UserId"] == f"{role['RoleId']}:alex"


def test_keys_of_one_are_nothing_at_the_other():
    with LocalIdentityCenter() as one, LocalIdentityCenter() as other:
        sts = client(one, "sts")
        stranger = boto3.client("sts", region_name="eu-west-1", endpoint_url=other.aws_url)
        stranger._request_signer._credentials = sts._request_signer._credentials
        with pytest.raises(stranger.exceptions.ClientError, match="InvalidClientTokenId"):
            stranger.get_caller_identity()


def test_what_changes_at_the_identity_center_holds_at_once(local_identity_center):
    center = local_identity_center
    client(center, "s3").list_buckets()
    center.organization.add_account("111122223333", "brand new")
    center.organization.assign("alex", "111122223333", "ReadOnly")
    found = client(center, "s3", "111122223333").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in found] == ["brand-new-reports", "brand-new-data"]
    s3 = client(center, "s3", "111122223333")
    center.advance(3601)
    with pytest.raises(s3.exceptions.ClientError, match="ExpiredToken"):
        s3.list_buckets()


def test_its_process_has_no_aws_variable(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted")
    before = {child.pid for child in psutil.Process().children()}
    with LocalIdentityCenter() as center:
        [child] = [child for child in psutil.Process().children() if child.pid not in before]
        center.wait_until_ready()
        assert not [name for name in child.environ() if name.startswith("AWS_")]


OWNER = """
import sys
from sso_magic.local import LocalIdentityCenter
center = LocalIdentityCenter()
center.start()
center.wait_until_ready()
{more}
print("ready", flush=True)
sys.stdin.read()
"""
FORK = "import os, time\nif not os.fork():\n    time.sleep(600)\n"


@pytest.mark.parametrize("more", ["", pytest.param(FORK, marks=pytest.mark.skipif(os.name == "nt", reason="no fork"))])
def test_its_process_ends_with_its_owner_however_that_ends(more):
    owner = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", OWNER.format(more=more)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    children = []
    try:
        assert owner.stdout.readline() == "ready\n"
        children = psutil.Process(owner.pid).children()
        aws = [child for child in children if "aws_child" in " ".join(child.cmdline())]
        aws = [child for child in aws if "LocalIdentityCenter" not in " ".join(child.cmdline())]
        assert len(aws) == 1
        owner.kill()
        owner.wait()
        assert psutil.wait_procs(aws, timeout=60)[1] == []
    finally:
        owner.kill()
        for child in children:
            if child.is_running():
                child.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        owner.communicate()
