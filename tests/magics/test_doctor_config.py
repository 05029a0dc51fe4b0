"""%sso_doctor says what AWS tools read differently than it was meant."""

from __future__ import annotations

import os
from datetime import datetime, timezone

import pytest

from sso_magic.center.shared import shared_center
from sso_magic.common.times import clock
from sso_magic.doctor.report import examine
from sso_magic.errors import TransportError
from sso_magic.kernel.kernel_role import KERNEL


@pytest.fixture(autouse=True)
def no_aws_cli(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)


@pytest.fixture
def config(signed_in, clean_environment):
    return clean_environment / ".aws" / "config"


def found(level: str) -> dict[str, str]:
    return {finding.text: finding.fix for finding in examine().findings if finding.level == level}


def test_a_byte_order_mark(config):
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    assert found("problem")[f"{config} begins with a byte order mark, so that boto3 and the AWS CLI refuse it."] == (
        "Save it as UTF-8 without a byte order mark (BOM)."
    )


def test_a_profile_in_two_spellings(config):
    lines = config.read_text().count("\n")
    config.write_text(config.read_text() + "[profile p]\nregion = a\n[profile 'p']\nregion = b\n")
    assert found("note")[
        f"{config} has the profile p twice: [profile p] in line {lines + 1} and [profile 'p'] in line {lines + 3}. "
        "Only the later one counts."
    ] == ("Keep one of them.")


def test_a_comment_behind_a_value(config):
    lines = config.read_text().count("\n")
    config.write_text(config.read_text() + "[profile p]\nregion = eu-west-1 # mine\n")
    text = f"{config}, line {lines + 2}: boto3 and the AWS CLI take the comment for a part of region."
    assert found("note")[text] == "Write the comment on a line of its own."


@pytest.mark.parametrize("value", ["1", "yes", "on", "no"])
@pytest.mark.parametrize("flag", ["use_fips_endpoint", "use_dualstack_endpoint", "ignore_configured_endpoint_urls"])
def test_a_flag_that_is_neither_true_nor_false_and_stops_nobody(config, monkeypatch, flag, value):
    variable = f"AWS_{flag.upper()}"
    monkeypatch.setenv(variable, value)
    config.write_text(f"{config.read_text()}[default]\n{flag} = {value}\n")
    assert found("problem") == {}
    notes = found("note")
    assert notes[f"{variable} is {value}, which boto3 and the AWS CLI read as false."] == "Set it to true or false."
    assert f"{flag} of profile default is {value}, which boto3 and the AWS CLI read as false." in notes


def test_two_profile_variables(config, monkeypatch):
    config.write_text(config.read_text() + "[profile a]\n[profile b]\n")
    monkeypatch.setenv("AWS_PROFILE", "a")
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "b")
    text = "AWS_DEFAULT_PROFILE is b and AWS_PROFILE is a: boto3 uses the former, the AWS CLI the latter."
    assert found("note")[text] == "Set one of them."


def test_a_profile_that_no_file_has_is_a_problem_that_stops_nobody(config, monkeypatch, shell):
    monkeypatch.setenv("AWS_PROFILE", "gone")
    assert "There is no profile 'gone' (named by AWS_PROFILE)" in found("problem")["The active profile cannot be used."]
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    assert KERNEL.current is not None
    assert KERNEL.set_aside() == ("AWS_PROFILE",)


@pytest.mark.parametrize(
    ("is_there", "fix"),
    [
        (True, "boto3 can use such a profile; %sso_use cannot."),
        (False, 'boto3 needs the CRT for such a profile: pip install "botocore[crt]". %sso_use cannot use it.'),
    ],
)
def test_a_profile_of_aws_login(config, monkeypatch, is_there, fix):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if is_there else None)
    config.write_text(config.read_text() + "[profile mine]\nlogin_session = arn:aws:iam::111111111111:user/me\n")
    assert found("note")["mine: signed in by `aws login` (login_session), not by IAM Identity Center."] == fix


def test_a_home_that_cannot_be_written(config, clean_environment, monkeypatch):
    # an administrator may write everywhere, and tests may run as one: so the system's answer is made up
    monkeypatch.setattr("os.access", lambda path, mode: os.fspath(path) != str(clean_environment))
    assert found("problem")[f"The home directory {clean_environment} cannot be written."].startswith("Set HOME to a")


def test_a_home_that_is_not_there(config, monkeypatch, clean_environment):
    monkeypatch.setenv("HOME", str(clean_environment / "gone"))
    monkeypatch.setenv("USERPROFILE", str(clean_environment / "gone"))
    text = f"The home directory {clean_environment / 'gone'} does not exist."
    assert found("problem")[text] == "Set HOME to a directory that you can write."


def test_a_refresh_that_fails(config, shell):
    provider = shared_center("corp").tokens
    provider._failure = "InvalidGrantException (HTTP 400)"
    text = "The sign-in to corp could not be refreshed: InvalidGrantException (HTTP 400)"
    assert found("problem")[text].endswith("run %sso_login corp --force")


def test_a_renewal_that_fails(config, shell):
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    role = KERNEL.current.role
    role._failure = TransportError("The network is down.")
    end = role.latest.expires_at.astimezone()
    assert role.latest.expires_at > datetime.now(timezone.utc)
    text = f"The last renewal of {role.label} failed; its credentials last until {clock(end, seconds=True)}."
    assert "The network is down." in found("problem")[text]
