"""Settings that are true or false, in every spelling, in the environment and the file, as botocore reads them."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.utils import ensure_boolean

from sso_magic.portal import SSO

SPELLINGS = [None, "", "true", "TRUE", " true", "true ", "1", "yes", "false", "0", '"true"', "t", " "]
WITH_MORE = [
    "true # x", "true ; x", "true #", "true#x", "true\t# x", "# true", "false # true", "TRUE ;x", "true\n  # x",
    "true\n  true", "\n  a = true", "True\n", "true\r", "true\u00a0", "\u00a0true", "true,",
]  # fmt: skip
FLAGS = ["use_fips_endpoint", "use_dualstack_endpoint", "ignore_configured_endpoint_urls"]


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("in_environment", SPELLINGS)
def test_a_flag_is_what_botocore_reads(clean_environment, monkeypatch, flag, in_environment):
    if in_environment is not None:
        monkeypatch.setenv(f"AWS_{flag.upper()}", in_environment)
    for in_file in SPELLINGS:
        assert_same(clean_environment, flag, in_file)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_with_more_in_its_lines_is_what_botocore_reads(clean_environment, monkeypatch, flag):
    for text in WITH_MORE:
        assert_same(clean_environment, flag, text)
    monkeypatch.setenv(f"AWS_{flag.upper()}", "true # x")
    assert_same(clean_environment, flag, "true")


def assert_same(home, flag, in_file):
    """Write the file, and compare the flag with what botocore reads."""
    config = home / ".aws" / "config"
    config.parent.mkdir(exist_ok=True)
    line = f"{flag} = {in_file}\n" if in_file is not None else ""
    config.write_bytes(f"[default]\n{line}".encode())
    theirs = ensure_boolean(botocore.session.Session().get_config_variable(flag) or False)
    with SSO(region="eu-west-1") as sso:
        assert getattr(sso.config, flag) is theirs, in_file
