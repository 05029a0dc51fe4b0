"""The shared files are read at each use and parsed when their content has changed."""

from __future__ import annotations

import os

import pytest

from sso_magic.config import grammar as ini
from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError


@pytest.fixture
def files(tmp_path):
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    credentials.write_text("")
    environ = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    return config, credentials, lambda: load_shared_config(environ)


@pytest.fixture
def parsed(monkeypatch):
    """The number of lines of each parse."""
    lines = []
    parse = ini.parse
    monkeypatch.setattr(ini, "parse", lambda given: lines.append(len(given)) or parse(given))
    return lines


def test_a_file_is_parsed_once_as_long_as_it_stays_the_same(files, parsed):
    config, _, load = files
    config.write_text("[profile a]\nregion = eu-west-1\ns3 =\n  max_queue_size = 1\n")
    first = load()
    parsed.clear()
    assert load().profiles == first.profiles
    assert parsed == []


def test_a_file_too_many_costs_the_oldest_alone(files, parsed, monkeypatch):
    config, credentials, load = files
    config.write_text("[default]\nregion = eu-west-1\n")
    monkeypatch.setattr(ini, "_MOST_KNOWN", 3)
    monkeypatch.setattr(ini, "_known", {})
    for oldest in (config.with_name("one"), config.with_name("two")):
        oldest.write_text("[default]\nregion = eu-west-2\n")
        list(ini.read_sections(oldest))
    load()
    parsed.clear()
    load()
    assert parsed == []
    assert list(ini._known) == [config.with_name("two"), config, credentials]


def test_a_change_counts_at_once_also_with_the_same_time_and_size(files):
    config, _, load = files
    config.write_text("[profile a]\nregion = eu-west-1\n")
    status = config.stat()
    load()
    config.write_text("[profile a]\nregion = us-west-1\n")
    os.utime(config, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load().profiles["a"]["region"] == "us-west-1"
    config.unlink()
    assert load().profiles == {}


def test_what_one_reader_changes_no_other_reader_sees(files):
    config, _, load = files
    config.write_text("[profile a]\nregion = eu-west-1\ns3 =\n  max_queue_size = 1\n")
    for _ in range(2):
        profile = load().profiles["a"]
        assert profile == {"region": "eu-west-1", "s3": {"max_queue_size": "1"}}
        profile["s3"]["max_queue_size"] = "2"
        profile["region"] = "changed"


@pytest.mark.parametrize("name", ["config", "credentials"])
@pytest.mark.parametrize("key", ["aws_access_key_id", "AWS_SECRET_ACCESS_KEY", "aws_session_token"])
def test_the_keys_of_a_file_are_not_kept(files, name, key):
    config, credentials, load = files
    config.write_text("")
    path = config if name == "config" else credentials
    path.write_text(f"[default]\n{key} = planted-in-a-file\n")
    assert load().profiles["default"][key.lower()] == "planted-in-a-file"
    assert "planted" not in repr(ini._known)


def test_keys_that_a_file_gets_replace_what_was_kept_of_it(files):
    config, _, load = files
    config.write_text("[profile a]\nregion = eu-west-1\n")
    load()
    config.write_text("[profile a]\naws_access_key_id = planted\n")
    load()
    assert config not in ini._known


def test_a_file_in_error_is_refused_each_time(files):
    config, _, load = files
    config.write_text("region = eu-west-1\n")
    for _ in range(2):
        with pytest.raises(ConfigError, match="line 1: is before the first"):
            load()
