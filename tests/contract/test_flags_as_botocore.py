"""Settings that are true or false, in every spelling, in the environment and the file, as botocore reads them."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.utils import ensure_boolean

from sso_magic.portal import SSO

SPELLINGS = [None, "", "true", "TRUE", " true", "true ", "1", "yes", "false", "0", '"true"', "t", " "]


@pytest.mark.parametrize("flag", ["use_fips_endpoint", "use_dualstack_endpoint", "ignore_configured_endpoint_urls"])
@pytest.mark.parametrize("in_environment", SPELLINGS)
def test_a_flag_is_what_botocore_reads(clean_environment, monkeypatch, flag, in_environment):
    config = clean_environment / ".aws" / "config"
    config.parent.mkdir()
    if in_environment is not None:
        monkeypatch.setenv(f"AWS_{flag.upper()}", in_environment)
    for in_file in SPELLINGS:
        config.write_text("[default]\n" + (f"{flag} = {in_file}\n" if in_file is not None else ""))
        theirs = ensure_boolean(botocore.session.Session().get_config_variable(flag) or False)
        with SSO(region="eu-west-1") as sso:
            assert getattr(sso.config, flag) is theirs, in_file
