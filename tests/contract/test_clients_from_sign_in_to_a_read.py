"""Programs that people use beside the AWS CLI, each from a sign-in at the local Identity Center to what it is for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sso_magic.local import LocalIdentityCenter

ROOT = Path(__file__).parents[2]
ACCOUNT, PROFILE = "731659028443", "payments-prod.ReadOnly"  # as aws-sso-util names it
OBJECT = "payments-prod-reports/2026/costs.csv"
HEADER = "month,account_id,service,region,cost_usd"
# aws2-wrap and yawsso call the AWS CLI 2, which PyPI does not have. The AWS CLI 1 has the same operations, but another
# version and no prompt to turn off.
AWS_CLI_2 = """\
#!{python}
import subprocess, sys
words = [word for word in sys.argv[1:] if word != "--no-cli-auto-prompt"]
if words == ["--version"]:
    print("aws-cli/2.35.0")
else:
    sys.exit(subprocess.call([{aws!r}, *words]))
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the AWS CLI is started by its first line, as on POSIX")


@pytest.fixture(scope="module")
def center():
    with LocalIdentityCenter(auto_approve="sam") as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def run(center, tmp_path_factory, required):
    """Runs one of the clients as a person does who has put the printed variables into the environment."""
    home = tmp_path_factory.mktemp("home")
    clients = Path(os.environ.get("SSO_MAGIC_CLIENTS") or ROOT / ".venv-clients" / "bin")
    aws = os.environ.get("SSO_MAGIC_AWS_CLI") or str(ROOT / ".venv-awscli" / "bin" / "aws")
    required("the AWS CLI (SSO_MAGIC_AWS_CLI)", present=Path(aws).exists(), how="run: make test")
    (home / "bin").mkdir()
    (home / "bin" / "aws").write_text(AWS_CLI_2.format(python=sys.executable, aws=aws))
    (home / "bin" / "aws").chmod(0o755)
    (home / ".aws").mkdir()
    environment = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), str(clients), os.environ["PATH"]]),
        "AWS_EC2_METADATA_DISABLED": "true",
        **center.environment(),
    }

    def run(name: str, *arguments: str, **variables: str) -> str:
        required(f"{name} (SSO_MAGIC_CLIENTS)", present=(clients / name).exists(), how="run: make test")
        done = subprocess.run(
            [clients / name, *arguments],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        return done.stdout

    return run


@pytest.fixture(scope="module")
def signed_in(run, center):
    """Signed in by aws-sso-util, with the device code, and profiles written by it."""
    where = (center.start_url, center.region)
    run("aws-sso-util", "login", *where, "--headless")
    populate = ["configure", "populate", "--sso-start-url", where[0], "--sso-region", where[1], "--region", where[1]]
    run("aws-sso-util", *populate, "--no-credential-process")
    return run


def test_aws_sso_util_lists_roles_and_runs_a_command_as_one(signed_in, center):
    listed = signed_in("aws-sso-util", "roles")
    roles = {tuple(line.split()) for line in listed.splitlines()[1:]}
    assert roles == {("payments-dev", "220947583614", "PowerUserAccess"), ("payments-prod", ACCOUNT, "ReadOnly")}
    who = ("--account-id", ACCOUNT, "--role-name", "ReadOnly", "--region", "eu-west-1")
    assert ACCOUNT in signed_in("aws-sso-util", "run-as", *who, "--", "aws", "sts", "get-caller-identity")


def test_aws2_wrap_runs_a_command_with_a_profile_s_keys(signed_in):
    assert ACCOUNT in signed_in("aws2-wrap", "--profile", PROFILE, "aws", "sts", "get-caller-identity")


def test_yawsso_writes_a_profile_s_keys_where_others_read_them(signed_in, center):
    signed_in("yawsso", "-p", PROFILE)
    copied = signed_in("s5cmd", "--profile", PROFILE, "--endpoint-url", center.aws_url, "cat", f"s3://{OBJECT}")
    assert copied.splitlines()[0] == HEADER


def test_s3cmd_reads_under_aws2_wrap(signed_in, center):
    host = center.aws_url.partition("//")[2]
    where = ("--host", host, "--host-bucket", host, "--no-ssl")
    read = signed_in("aws2-wrap", "--profile", PROFILE, "s3cmd", *where, "get", f"s3://{OBJECT}", "-")
    assert HEADER in read.splitlines()


def test_s5cmd_reads_under_aws2_wrap(signed_in, center):
    where = ("--endpoint-url", center.aws_url)
    read = signed_in("aws2-wrap", "--profile", PROFILE, "s5cmd", *where, "cat", f"s3://{OBJECT}")
    assert read.splitlines()[0] == HEADER


def test_rclone_reads_with_the_profile_itself(signed_in):
    remote = f":s3,provider=AWS,env_auth,region=eu-west-1:{OBJECT}"
    assert signed_in("rclone", "cat", remote, AWS_PROFILE=PROFILE).splitlines()[0] == HEADER
    listed = signed_in("rclone", "lsf", remote.rpartition("/")[0], AWS_PROFILE=PROFILE)
    assert "costs.csv" in listed.splitlines()
