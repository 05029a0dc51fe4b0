"""`LocalIdentityCenter.sign_in` leaves a HOME that SDKs find signed in, and damages no other sign-in."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sso_magic.local.errors import HomeInUse

ACCOUNT = "731659028443"


@pytest.fixture
def home(local, monkeypatch, clean_environment):
    for name, value in local.environment().items():
        monkeypatch.setenv(name, value)
    return clean_environment


def files(home):
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


def test_boto3_reads_through_a_profile_of_the_session(local, home):
    local.sign_in()
    with (home / ".aws" / "config").open("a") as config:
        config.write(f"[profile p]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = ReadOnly\n")
    program = (
        "import boto3; print(boto3.Session(profile_name='p').get_credentials().get_frozen_credentials().access_key)"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed.startswith("ASIA")


def test_files_are_the_owners_alone_and_nothing_else_is_left(local, home):
    local.sign_in()
    assert len(files(home)) == 2
    if sys.platform != "win32":
        for name in files(home):
            assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_what_is_in_the_configuration_stays(local, home):
    config = home / ".aws" / "config"
    config.parent.mkdir(exist_ok=True)
    config.write_text("[default]\nregion = eu-north-1")
    local.sign_in(session_name="test")
    local.sign_in("sam", session_name="test")
    assert config.read_text() == f"[default]\nregion = eu-north-1\n\n{local.config_text('test')}"
    assert len(files(home)) == 2


def test_another_directory_can_be_signed_in(local, home, tmp_path):
    local.sign_in(home=tmp_path)
    assert files(home) == set()
    assert {Path(name).parts[1] for name in files(tmp_path)} == {"config", "sso"}


def test_another_portals_session_of_that_name_is_not_touched(local, home):
    config = home / ".aws" / "config"
    config.parent.mkdir(exist_ok=True)
    text = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n"
    config.write_text(text)
    with pytest.raises(HomeInUse) as caught:
        local.sign_in()
    assert str(caught.value) == (
        f"{config} has [sso-session corp] for https://corp.awsapps.com/start. Set HOME to an empty directory, "
        "or choose another session_name."
    )
    assert (config.read_text(), len(files(home))) == (text, 1)


def test_another_portals_token_is_not_overwritten(local, home):
    local.sign_in()
    [token] = [home / name for name in files(home) if "cache" in name]
    (home / ".aws" / "config").unlink()
    token.write_text('{"startUrl": "https://corp.awsapps.com/start", "accessToken": "planted"}')
    with pytest.raises(HomeInUse) as caught:
        local.sign_in()
    assert str(caught.value) == (
        f"{token} has a token for https://corp.awsapps.com/start. Set HOME to an empty directory, "
        "or choose another session_name."
    )
    assert "planted" in token.read_text()


def test_a_session_without_a_refresh_token_has_none(local, home):
    local.sign_in(refreshable=False)
    [token] = [home / name for name in files(home) if "cache" in name]
    assert "refreshToken" not in token.read_text()
    assert os.environ["HOME"] == str(home)
