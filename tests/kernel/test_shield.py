"""The default profile's credentials are kept from child processes while the endpoint is what they are to use."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sso_magic.shield import shield, without_default_credentials

CONFIG = """\
# mine
[default]
region = eu-west-1
sso_session = corp
sso_account_id = 333333333333
sso_role_name = Admin
s3 =
    max_concurrent_requests = 20

[profile other]
role_arn = arn:aws:iam::444444444444:role/x
source_profile = default

[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
"""


def test_only_the_default_profile_loses_what_gives_credentials():
    assert without_default_credentials(CONFIG) == CONFIG.replace(
        "sso_session = corp\nsso_account_id = 333333333333\nsso_role_name = Admin\n", ""
    )


@pytest.mark.parametrize(
    "line",
    [
        "aws_access_key_id = AKIA",
        "AWS_SECRET_ACCESS_KEY=x",
        "aws_session_token : x",
        "role_arn = arn",
        "source_profile = other",
        "credential_source = Environment",
        "credential_process = /bin/keys",
        "web_identity_token_file = /token",
        "sso_start_url = https://example.awsapps.com/start",
        "login_session = arn",
    ],
)
@pytest.mark.parametrize("header", ["[default]", "[profile default]", '[profile "default"]', "[ default ]"])
def test_every_way_to_credentials_goes(header, line):
    text = f"{header}\n{line}\n  continued = x\nregion = eu-west-1\n"
    assert without_default_credentials(text) == f"{header}\nregion = eu-west-1\n"


@pytest.mark.parametrize(
    "text", ["", "[default]\nregion = eu-west-1\n", "[profile x]\nrole_arn = arn\n", "[broken 'x\n"]
)
def test_what_gives_none_stays_as_it_is(text):
    assert without_default_credentials(text) == text


class TestVariables:
    def test_no_file_is_copied_that_is_not_in_the_way(self, clean_environment, tmp_path):
        (clean_environment / ".aws").mkdir()
        (clean_environment / ".aws" / "config").write_text("[default]\nregion = eu-west-1\n")
        assert shield({}, tmp_path) == {}
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("sdk", [None, "elsewhere"], ids=["one file", "the SDKs have another"])
    @pytest.mark.parametrize("gdal", [None, "gdal"], ids=["default", "a file named for GDAL"])
    def test_gdal_reads_a_copy_too(self, clean_environment, tmp_path, sdk, gdal):
        """GDAL reads ~/.aws/credentials whatever AWS_SHARED_CREDENTIALS_FILE says; it has a variable of its own."""
        before = {"AWS_SHARED_CREDENTIALS_FILE": sdk, "CPL_AWS_CREDENTIALS_FILE": gdal}
        before = {name: value and str(clean_environment / value) for name, value in before.items()}
        read = Path(before["CPL_AWS_CREDENTIALS_FILE"] or clean_environment / ".aws" / "credentials")
        read.parent.mkdir(exist_ok=True)
        read.write_text("[default]\naws_access_key_id = AKIA\n[other]\naws_access_key_id = AKIB\n")
        variables = shield(before, tmp_path)
        copy = Path(variables["CPL_AWS_CREDENTIALS_FILE"])
        assert copy.read_text() == "[default]\n[other]\naws_access_key_id = AKIB\n"
        assert variables.get("AWS_SHARED_CREDENTIALS_FILE") != str(read)

    def test_gdals_variable_is_restored(self, clean_environment, kernel, role_a, monkeypatch):
        given = clean_environment / "gdal"
        given.write_text("[default]\naws_access_key_id = AKIA\n")
        monkeypatch.setenv("CPL_AWS_CREDENTIALS_FILE", str(given))
        kernel.use(role_a.use(serve=True))
        assert Path(os.environ["CPL_AWS_CREDENTIALS_FILE"]).read_text() == "[default]\n"
        kernel.release()
        assert os.environ["CPL_AWS_CREDENTIALS_FILE"] == str(given)

    def test_a_file_that_is_in_the_way_is_copied_for_its_owner_only(self, clean_environment, tmp_path):
        (clean_environment / ".aws").mkdir()
        original = clean_environment / ".aws" / "config"
        original.write_text(CONFIG)
        variables = shield({}, tmp_path)
        copy = Path(variables["AWS_CONFIG_FILE"])
        assert list(variables) == ["AWS_CONFIG_FILE"]
        assert copy.read_text() == without_default_credentials(CONFIG)
        assert original.read_text() == CONFIG
        if os.name == "posix":
            assert stat.S_IMODE(copy.stat().st_mode) == 0o600

    def test_the_files_that_variables_name_are_looked_at(self, tmp_path):
        given = tmp_path / "given"
        given.write_text("[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n")
        variables = shield({"AWS_SHARED_CREDENTIALS_FILE": str(given)}, tmp_path)
        assert Path(variables["AWS_SHARED_CREDENTIALS_FILE"]).read_text() == "[default]\n"

    def test_boto_2s_file_is_put_out_of_sight(self, clean_environment, tmp_path):
        (clean_environment / ".boto").write_text("[Credentials]\naws_access_key_id = AKIA\n")
        assert Path(shield({}, tmp_path)["BOTO_CONFIG"]).read_text() == ""


def test_a_use_of_the_endpoint_sets_them_and_a_release_brings_back_what_was_there(
    kernel, role_a, clean_environment, monkeypatch
):
    mine = clean_environment / "mine"
    mine.write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(mine))
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/pod/token")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::555555555555:role/pod")
    before = dict(os.environ)
    kernel.use(role_a.use(serve=True))
    assert os.environ["AWS_CONFIG_FILE"] != str(mine)
    assert not {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"} & set(os.environ)
    assert kernel.set_aside() == ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")
    assert kernel.own("AWS_CONFIG_FILE") == str(mine)
    kernel.release()
    assert dict(os.environ) == before
