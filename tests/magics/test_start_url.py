"""Signing in by a start URL that no file has, and keeping it."""

from __future__ import annotations

import pytest

from sso_magic.errors import ConfigError, UsageError

REGION = "eu-west-1"


@pytest.fixture
def no_config(center, clean_environment):
    path = clean_environment / ".aws" / "config"
    path.unlink()
    center.auto_approve = True
    return path


def test_a_start_url_needs_no_file_and_is_offered_to_be_kept(shell, center, no_config, capsys):
    shell.run_line_magic("sso_login", f"{center.start_url} --region {REGION} --device")
    out = capsys.readouterr().out
    assert f"Signed in to {center.start_url} until" in out
    command = f"%sso_login {center.start_url} --sso-region eu-west-1 --save NAME"
    assert f"To keep it as a session, for the AWS CLI too: {command}" in out
    assert not no_config.exists()
    assert len(shell.run_line_magic("sso_accounts", "")) == 14
    assert [session.name for session in shell.run_line_magic("sso_status", "").sessions] == [center.start_url]


def test_it_is_kept_where_every_tool_finds_it(shell, center, no_config, capsys):
    no_config.write_text("# mine\n[default]\nregion = us-west-2\n")
    shell.run_line_magic("sso_login", f"{center.start_url} --region {REGION} --save corp --device")
    out = capsys.readouterr().out
    assert f"Wrote [sso-session corp] to {no_config}." in out
    assert "Signed in to corp until" in out
    text = no_config.read_text()
    assert text.startswith("# mine\n[default]\nregion = us-west-2\n")
    assert f"[sso-session corp]\nsso_start_url = {center.start_url}\nsso_region = {REGION}\n" in text
    shell.run_line_magic("sso_login", f"{center.start_url} --save corp")
    assert "Wrote" not in capsys.readouterr().out


def test_another_sessions_name_is_not_taken(shell, center, no_config):
    text = "[sso-session corp]\nsso_start_url = https://other.awsapps.com/start\nsso_region = us-east-1\n"
    no_config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        shell.run_line_magic("sso_login", f"{center.start_url} --region {REGION} --save corp")
    assert str(caught.value) == (
        f"{no_config} has a session corp already, for https://other.awsapps.com/start: choose another name."
    )
    assert no_config.read_text() == text


def test_without_a_region_nothing_is_kept(shell, center, no_config):
    with pytest.raises(ConfigError, match=r"The region of .* is not known\. Add --sso-region REGION, the region"):
        shell.run_line_magic("sso_login", f"{center.start_url} --save corp")
    assert not no_config.exists()


def test_only_a_start_url_can_be_kept(shell, center):
    with pytest.raises(UsageError) as caught:
        shell.run_line_magic("sso_login", "corp --save corp2")
    assert str(caught.value) == (
        "--save keeps a start URL: %sso_login https://YOUR-PORTAL.awsapps.com/start --sso-region REGION --save NAME"
    )
