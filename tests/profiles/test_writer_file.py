"""Writing the file: whole or not at all, as it was kept beside it, its mode and links as they were."""

from __future__ import annotations

import os

import pytest

from sso_magic.errors import ConfigError
from sso_magic.profiles.plan import plan, write_sso_session

PROD = ("111111111111", "prod", ["Admin"])


def test_a_new_file_is_for_its_owner_alone(config, corp, snapshot_of):
    assert plan(snapshot_of(PROD), corp).write() is None  # there was nothing to keep
    file, directory = (0o600, 0o700) if os.name == "posix" else (0o666, 0o777)  # Windows has no modes
    assert config.stat().st_mode & 0o777 == file
    assert config.parent.stat().st_mode & 0o777 == directory
    assert [one.name for one in config.parent.iterdir() if one.is_file()] == ["config"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_mode_stays(mode, config, corp, snapshot_of):
    config.parent.mkdir()
    config.write_text("[default]\nregion = eu-west-1\n")
    config.chmod(mode)
    before = config.stat().st_mode
    backup = plan(snapshot_of(PROD), corp).write()
    assert config.stat().st_mode == before
    assert backup.stat().st_mode == before


def test_the_file_as_it_was_is_kept_beside_it(config, corp, snapshot_of):
    config.parent.mkdir()
    config.write_bytes(b"# mine\r\n[default]\r\nregion=eu-west-1\r\nx = \xff\r\n")  # whatever its encoding
    before = config.read_bytes()
    backup = plan(snapshot_of(PROD), corp, path=config).write()
    assert backup == config.with_name("config.sso_magic.bak")
    assert backup.read_bytes() == before
    assert config.read_bytes().startswith(before)


def test_a_link_stays_a_link(config, corp, snapshot_of, tmp_path):
    real = tmp_path / "dotfiles-config"
    real.write_text("[default]\n")
    config.parent.mkdir()
    config.symlink_to(real)
    backup = plan(snapshot_of(PROD), corp).write()
    assert config.is_symlink()
    assert "[profile prod.Admin]" in real.read_text()
    assert backup.parent == real.parent


def test_aws_config_file_names_the_file(config, corp, snapshot_of, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere" / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(elsewhere))
    plan(snapshot_of(PROD), corp).write()
    assert "[profile prod.Admin]" in elsewhere.read_text()
    assert not config.exists()


def test_a_file_that_changed_since_it_was_planned_is_left_alone(config, corp, snapshot_of):
    made = plan(snapshot_of(PROD), corp)
    config.parent.mkdir()
    config.write_text("[default]\n")
    with pytest.raises(ConfigError) as caught:
        made.write()
    assert str(caught.value) == f"{config} has changed since it was read; nothing was written. Run it again."
    assert config.read_text() == "[default]\n"


def test_a_directory_that_is_none_is_said(config, corp, snapshot_of):
    config.parent.write_text("a file")
    with pytest.raises(ConfigError, match=r"cannot be (read|written) \("):
        plan(snapshot_of(PROD), corp, path=config).write()


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_else(config, corp, snapshot_of, monkeypatch):
    config.parent.mkdir()
    config.write_text("[default]\n")
    made = plan(snapshot_of(PROD), corp)

    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ConfigError) as caught:
        made.write()
    assert str(caught.value) == (
        f"{config} cannot be written (No space left on device). It is as it was; make it and its directory writable "
        "and try again."
    )
    assert config.read_text() == "[default]\n"
    assert [one.name for one in config.parent.iterdir() if one.is_file()] == ["config"]


def test_a_session_is_added(config):
    write_sso_session("corp", "https://corp.awsapps.com/start", "eu-west-1", ["sso:account:access"])
    assert config.read_text() == (
        "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_registration_scopes = sso:account:access\n"
    )


def test_a_sessions_keys_are_updated_in_their_place(config):
    config.parent.mkdir()
    config.write_text(
        "# ours\n[sso-session corp] \n# the old one\nSSO_Region: us-east-1\nother = kept\n"
        "sso_start_url=https://old.awsapps.com/start\n  /continued\n; end\n\n[default]\nregion = x\n"
    )
    write_sso_session("corp", "https://corp.awsapps.com/start", "eu-west-1")
    assert config.read_text() == (
        "# ours\n[sso-session corp] \n# the old one\nsso_region = eu-west-1\nother = kept\n"
        "sso_start_url = https://corp.awsapps.com/start\n; end\n\n[default]\nregion = x\n"
    )


def test_writing_a_session_twice_changes_nothing(config):
    for _ in range(2):
        backup = write_sso_session("my corp", "https://corp.awsapps.com/start", "eu-west-1", ["a", "b"])
    assert backup is None
    assert config.read_text().startswith("[sso-session 'my corp']\n")
    assert "sso_registration_scopes = a,b\n" in config.read_text()
    assert not config.with_name("config.sso_magic.bak").exists()


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        (
            "a\nb",
            "https://x",
            "The name of the sso-session has a line break or a control character in it;",
        ),
        ("", "https://x", "The name of the sso-session is empty; give it one."),
        ("corp", "https://x\nsso_region = evil", "sso_start_url has a line break or a control character in it;"),
    ],
)
def test_what_would_be_another_line_is_refused(name, url, message, config):
    with pytest.raises(ConfigError) as caught:
        write_sso_session(name, url, "eu-west-1")
    assert str(caught.value).startswith(message)
    assert not config.exists()
