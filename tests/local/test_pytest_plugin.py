"""The fixtures that come with the package, used as somebody else's tests use them: in a pytest of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SUITE = """
import os
import pathlib
import urllib.request

import boto3
import pytest


def test_sign_in(local_identity_center):
    local_identity_center.page_size = 3
    local_identity_center.organization.remove_account("731659028443")
    local_identity_center.access_token()
    urllib.request.urlopen(local_identity_center.portal_url).close()
    assert len(local_identity_center.sessions()) == len(local_identity_center.requests) == 1


def test_each_test_gets_it_as_new(local_identity_center):
    assert local_identity_center.page_size == 20
    assert local_identity_center.sessions() == []
    assert local_identity_center.organization.account("731659028443")
    assert list(local_identity_center.requests) == []


def test_every_sdk_is_led_to_it(local_aws_environment):
    assert "AWS_PROFILE" not in os.environ
    assert "[sso-session corp]" in pathlib.Path("~/.aws/config").expanduser().read_text()
    token = local_aws_environment.access_token()
    keys = boto3.client("sso").get_role_credentials(
        accessToken=token, accountId="731659028443", roleName="ReadOnly"
    )["roleCredentials"]
    sts = boto3.client(
        "sts",
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )
    assert sts.get_caller_identity()["Account"] == "731659028443"


def test_it_is_signed_in(local_aws_environment):
    from sso_magic import IdentityCenter

    center = IdentityCenter()
    assert len(center.accounts()) > 5
    assert center.tokens.peek().can_refresh(center.tokens.peek().expires_at)


def test_the_environment_is_as_it_was():
    assert os.environ["AWS_PROFILE"] == "mine"
    assert "AWS_ENDPOINT_URL" not in os.environ
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")

    def run(*arguments, suite=SUITE):
        (tmp_path / "test_somebody.py").write_text(suite)
        command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_the_fixtures_give_every_test_a_clean_identity_center(run):
    done = run()
    assert (done.returncode, "5 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_fixtures_are_listed_with_what_they_are(run):
    listed = run("--fixtures").stdout
    assert "local_identity_center" in listed
    assert "local_aws_environment" in listed


def test_a_run_that_does_not_use_them_imports_nothing_heavy(run):
    suite = """
import sys

def test_light():
    heavy = {"tornado", "jinja2", "moto", "boto3", "botocore", "requests", "pandas", "IPython", "werkzeug"}
    assert not heavy & set(sys.modules)
"""
    done = run(suite=suite)
    assert done.returncode == 0, done.stdout
