"""The shared files are read by the union of what botocore and the JavaScript SDK accept (PROTOCOL.md 5)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sso_magic
from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError, ProfileNotFound


def read(tmp_path: Path, config: str, credentials: str = "", **environ: str):
    (tmp_path / "config").write_text(config, encoding="utf-8")
    (tmp_path / "credentials").write_text(credentials, encoding="utf-8")
    return load_shared_config(
        {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            **environ,
        }
    )


def test_a_session_and_its_profile_are_read_as_aws_writes_them(tmp_path):
    config = read(
        tmp_path,
        """
[profile dev]
sso_session = my-sso
sso_account_id = 000000000001
sso_role_name = Admin

[sso-session my-sso]
sso_start_url = https://d-1234567890.awsapps.com/start
sso_region = us-east-1
""",
    )
    assert config.profiles == {
        "dev": {"sso_session": "my-sso", "sso_account_id": "000000000001", "sso_role_name": "Admin"}
    }
    assert config.sso_sessions == {
        "my-sso": {"sso_start_url": "https://d-1234567890.awsapps.com/start", "sso_region": "us-east-1"}
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("region = eu-west-1", "eu-west-1"),
        ("region=eu-west-1", "eu-west-1"),
        ("region: eu-west-1", "eu-west-1"),
        ("REGION = eu-west-1", "eu-west-1"),
        ("  region = eu-west-1", "eu-west-1"),
        ("region = eu-west-1 ; mine", "eu-west-1"),
        ("region = eu-west-1\t# mine", "eu-west-1"),
        ("region = eu-west-1# not a comment", "eu-west-1# not a comment"),
        ("region =#1", "#1"),
        ("region = # nothing", ""),
        ("region =", ""),
    ],
)
def test_a_line_may_be_written_as_either_tool_writes_it(tmp_path, line, value):
    assert read(tmp_path, f"[default]\n# a comment\n; another\n{line}\n").profiles == {"default": {"region": value}}


def test_the_hash_of_a_start_url_is_no_comment_and_its_colon_no_separator(tmp_path):
    config = read(tmp_path, "[sso-session a]\nsso_start_url = https://a.awsapps.com/start/#\n")
    assert config.sso_sessions["a"]["sso_start_url"] == "https://a.awsapps.com/start/#"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("[profile dev]", "dev"),
        ('[profile "my prof"]', "my prof"),
        ("[profile 'my prof']", "my prof"),
        ("[profile a.b@c+d%e:f/g]", "a.b@c+d%e:f/g"),
        ("[profile dev] # mine", "dev"),
        ("[profile\tdev]", "dev"),
        ('[profile "a #b]"]', "a #b]"),
        ("[profile größe]", "größe"),
    ],
)
def test_a_header_may_be_quoted_and_commented(tmp_path, header, name):
    assert read(tmp_path, f"{header}\nregion = x\n").profiles == {name: {"region": "x"}}


@pytest.mark.parametrize(
    "header", ["[profile]", "[ profile a ]", "[profile a b]", '[profile "a]', "[other x]", "[preview]"]
)
def test_a_header_that_names_no_profile_is_passed_over(tmp_path, header):
    assert read(tmp_path, f"{header}\nregion = x\n[profile b]\nregion = y\n").profiles == {"b": {"region": "y"}}


def test_an_empty_value_with_deeper_lines_holds_nested_keys(tmp_path):
    config = read(
        tmp_path,
        """
[services local]
sso =
    endpoint_url = http://127.0.0.1:1 # mine
    # a comment
    Other = x
sso_oidc =
  endpoint_url = http://127.0.0.1:2
[profile dev]
services = local
""",
    )
    assert config.services == {
        "local": {
            "sso": {"endpoint_url": "http://127.0.0.1:1", "Other": "x"},
            "sso_oidc": {"endpoint_url": "http://127.0.0.1:2"},
        }
    }
    assert config.profiles == {"dev": {"services": "local"}}


def test_a_deeper_line_continues_a_value(tmp_path):
    text = "[default]\na = 1\n  2 ; mine\nb = 3\n"
    assert read(tmp_path, text).profiles == {"default": {"a": "1\n2", "b": "3"}}


def test_the_credentials_file_is_laid_over_the_configuration(tmp_path):
    config = read(
        tmp_path,
        "[profile dev]\nregion = config\noutput = json\n[default]\nregion = d\n",
        "[dev]\nregion = credentials\naws_access_key_id = AKIA\n[only there]\nregion = x\n",
    )
    assert config.profiles == {
        "dev": {"region": "credentials", "output": "json", "aws_access_key_id": "AKIA"},
        "default": {"region": "d"},
        "only there": {"region": "x"},
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[profile a]\nregion = x\nregion = y\n",
            "line 3: gives region of [profile a] a second time (first in line 2)",
        ),
        ("[profile a]\nRegion = x\nregion = y\n", "line 3: gives region of [profile a] a second time"),
        ("[profile a]\n[profile b]\n[profile a]\n", "line 3: gives [profile a] a second time (first in line 1)"),
        ("[profile a]\nnonsense\n", "line 2: is neither a [section] nor a key = value"),
        ("[profile a]\n = x\n", "line 2: is neither a [section] nor a key = value"),
        ("[services s]\nsso =\n  nonsense\n", "line 2: sso has a line below it that is not a nested key = value."),
        ("[services s]\nsso =\n  a: b\n", "line 2: sso has a line below it that is not a nested key = value."),
        ("region = x\n", "line 1: is before the first [section]"),
    ],
)
def test_a_line_that_two_tools_would_read_differently_is_an_error_that_names_it(tmp_path, text, told):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'config'}, {told}")
    assert "\n" not in str(error.value)


def test_of_default_and_profile_default_the_later_one_counts_as_in_botocore(tmp_path):
    assert read(tmp_path, "[default]\na = 1\n[profile default]\nb = 2\n").profiles == {"default": {"b": "2"}}


def test_of_two_spellings_of_a_name_the_later_one_counts_as_in_botocore(tmp_path):
    config = read(tmp_path, "[profile p]\na = 1\n[profile 'p']\nb = 2\n[services s]\nsso =\n  a = 1\n  a = 2\n")
    assert config.profiles == {"p": {"b": "2"}}
    assert config.services == {"s": {"sso": {"a": "2"}}}


def test_files_that_do_not_exist_are_as_good_as_empty(clean_environment):
    config = load_shared_config({})
    assert (config.profiles, config.sso_sessions, config.services) == ({}, {}, {})
    assert config.config_path == clean_environment / ".aws" / "config"
    assert config.credentials_path == clean_environment / ".aws" / "credentials"
    assert config.profile() == {}


def test_a_path_may_begin_with_the_home_and_hold_variables(clean_environment, monkeypatch):
    monkeypatch.setenv("PLACE", "here")
    (clean_environment / "here").write_text("[default]\nregion = x\n")
    assert load_shared_config({"AWS_CONFIG_FILE": "~/$PLACE"}).profiles == {"default": {"region": "x"}}


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    (tmp_path / "config").write_bytes(b"\xef\xbb\xbf[default]\r\nregion = x\r\n")
    assert load_shared_config({"AWS_CONFIG_FILE": str(tmp_path / "config")}).profiles == {"default": {"region": "x"}}


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "config").write_bytes(b"[default]\nregion = \xff\n")
    with pytest.raises(ConfigError, match=r"config is not UTF-8 text \(byte 19\); save it as UTF-8\.$"):
        load_shared_config({"AWS_CONFIG_FILE": str(tmp_path / "config")})


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "config").mkdir()
    with pytest.raises(ConfigError, match=r"config cannot be read \(.+\); make it a readable file\.$"):
        load_shared_config({"AWS_CONFIG_FILE": str(tmp_path / "config")})


@pytest.mark.parametrize(
    ("environ", "active"),
    [
        ({}, "default"),
        ({"AWS_DEFAULT_PROFILE": "b"}, "b"),
        ({"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"}, "b"),
        ({"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": ""}, "a"),
        ({"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "b"}, "b"),
    ],
)
def test_the_active_profile_is_the_one_the_environment_names(tmp_path, environ, active):
    assert read(tmp_path, "", **environ).active_profile == active


def test_an_unknown_profile_is_an_error_with_the_nearest_names(tmp_path):
    config = read(tmp_path, "[profile payments-prod]\n[profile payments-dev]\n[profile zoo]\n")
    with pytest.raises(ProfileNotFound) as error:
        config.profile("payment-prod")
    assert str(error.value) == (
        f"There is no profile 'payment-prod' in {tmp_path / 'config'} or {tmp_path / 'credentials'}. "
        "Nearest: payments-prod, payments-dev."
    )


def test_an_unknown_profile_that_a_variable_names_is_an_error_that_names_the_variable(tmp_path):
    config = read(tmp_path, "", AWS_DEFAULT_PROFILE="gone")
    with pytest.raises(
        ProfileNotFound, match=r"no profile 'gone' \(named by AWS_DEFAULT_PROFILE\) .+; no file names any"
    ):
        config.profile()


def test_it_imports_nothing_that_is_not_of_the_standard_library():
    program = (
        "import sys; before = set(sys.modules)\n"
        "from sso_magic.config.files import load_shared_config; load_shared_config({})\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names)))\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(sso_magic.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['sso_magic']"
