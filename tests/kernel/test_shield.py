"""The default profile's credentials are kept from child processes while the endpoint is what they are to use."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import botocore.configloader
import pytest
from botocore.exceptions import ConfigParseError
from hypothesis import given
from hypothesis import strategies as st

from sso_magic.errors import ConfigError
from sso_magic.kernel.config_copies import ConfigCopies
from sso_magic.kernel.shield import SharedFile, gives_credentials, shielded

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
source_profile = third

[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
"""
KEYS = "aws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n"


def shielded_config(config: str, profile: str = "default", credentials: str = "") -> str:
    files = [SharedFile(Path("config"), config, is_config=True), SharedFile(Path("keys"), credentials, is_config=False)]
    return shielded(files, profile)[0]


def shielded_credentials(credentials: str, profile: str = "default", config: str = "") -> str:
    files = [SharedFile(Path("config"), config, is_config=True), SharedFile(Path("keys"), credentials, is_config=False)]
    return shielded(files, profile)[1]


def test_only_the_default_profile_loses_what_gives_credentials():
    assert shielded_config(CONFIG) == CONFIG.replace(
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
    assert shielded_config(f"{header}\n{line}\n  continued = x\nregion = eu-west-1\n") == (
        f"{header}\nregion = eu-west-1\n"
    )
    assert shielded_config(f"{header}\n  {line}\n  region = eu-west-1\n") == f"{header}\n  region = eu-west-1\n"


@pytest.mark.parametrize(
    "text", ["", "[default]\nregion = eu-west-1\n", "[profile x]\nrole_arn = arn\n", "[broken 'x]\n"]
)
def test_what_gives_none_stays_as_it_is(text):
    assert shielded_config(text) == text


def test_a_profile_on_top_of_the_default_one_still_has_it_under_another_name():
    config = "[profile other]\nrole_arn = x\nsource_profile = default\n[default]\nregion = r\n"
    credentials = f"[default]\n{KEYS}"
    assert shielded_config(config, credentials=credentials) == config.replace(
        "source_profile = default", "source_profile = sso_magic-default"
    )
    assert shielded_credentials(credentials, config=config) == f"[default]\n\n[sso_magic-default]\n{KEYS}"


def test_keys_of_the_default_section_stay_those_of_the_other_profiles():
    read = as_botocore_reads(shielded_credentials(f"[DEFAULT]\n{KEYS}[default]\nregion = r\n[other]\nregion = s\n"))
    assert read["default"] == {"region": "r"}
    assert read["other"] == {"region": "s", "aws_access_key_id": "AKIAWRONG", "aws_secret_access_key": "wrong"}


def test_the_chosen_profiles_settings_become_the_defaults_and_nothing_else_does():
    config = (
        f"[default]\nregion = eu-west-1\noutput = json\n{KEYS}[profile work]\nregion = us-west-2\n{KEYS}s3 =\n"
        "  addressing_style = path\nca_bundle = /ca\n"
    )
    read = as_botocore_reads(shielded_config(config, "work"))
    assert read["default"] == {"region": "us-west-2", "s3": {"addressing_style": "path"}, "ca_bundle": "/ca"}
    assert read["profile work"] == as_botocore_reads(config)["profile work"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{KEYS}[default]\n", "line 1, is before the first [section]: no AWS tool for Python reads the file."),
        (f"[default]\nnonsense\n{KEYS}", "line 2, cannot be understood: no AWS tool for Python reads the file."),
        (f"[default]\n{KEYS}[default]\n", "line 4, repeats [default]: no AWS tool for Python reads the file."),
        (f"[other]\nregion = x\n  [default]\n{KEYS}", "cannot be copied so that all AWS tools find no credentials"),
    ],
)
def test_a_file_that_cannot_be_made_safe_is_refused_in_one_line(text, told):
    with pytest.raises(ConfigError) as error:
        shielded_credentials(text)
    assert told in str(error.value)
    assert str(error.value).startswith("keys")
    assert "\n" not in str(error.value)
    assert "wrong" not in str(error.value)


def as_botocore_reads(text: str) -> dict[str, dict[str, object]]:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "file")
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return botocore.configloader.raw_config_parse(str(path))


SPACE = st.sampled_from(["", "", "", " ", "  ", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\xa0"])
END = st.sampled_from(["\n", "\n", "\r\n", "\r", "\x0b\n", "\x85\n", "\u2028\n"])
DEFAULTS = ["[default]", "[default]", "[DEFAULT]", "[profile default]", "[ default ]", "[profile 'default']"]
OTHERS = ["[other]", "[profile other]", "[default] # x", "[default", "[sso-session x]", "[default ]"]
HEADER = st.sampled_from([*DEFAULTS, *OTHERS])
KEY = st.sampled_from(["aws_access_key_id", "AWS_SECRET_ACCESS_KEY", "role_arn", "sso_x", "region", "s3", "output"])
OPTION = st.builds("{}{}{}".format, KEY, st.sampled_from(["=", " = ", ":", " : "]), st.sampled_from(["", "x", "[o]"]))
OTHER = st.sampled_from(["", "# x", "; role_arn = x", "# \udcfc", "\udcfc = x"])
FILE = st.lists(st.builds("{}{}{}".format, SPACE, st.one_of(HEADER, OPTION, OPTION, OTHER), END), max_size=10).map(
    "".join
)


@given(config=FILE, credentials=FILE, mark=st.sampled_from(["", "", "\ufeff"]))
def test_no_made_up_file_leaves_a_credential_in_the_default_profile(config, credentials, mark):
    files = [
        SharedFile(Path("config"), mark + config, is_config=True),
        SharedFile(Path("keys"), credentials, is_config=False),
    ]
    try:
        copies = shielded(files)
    except ConfigError:
        return
    for text in copies:
        try:
            read = as_botocore_reads(text)
        except ConfigParseError:
            continue  # not UTF-8: botocore takes nothing from it
        profiles = botocore.configloader.build_profile_map(read)["profiles"]
        for keys in (profiles.get("default", {}), read.get("default", {})):
            assert not [key for key in keys if gives_credentials(key)]


class TestCopies:
    def variables(self, before=None):
        return self.copies.variables(before or {}, serve=True)

    @pytest.fixture(autouse=True)
    def made(self, clean_environment):
        (clean_environment / ".aws").mkdir()
        self.config = clean_environment / ".aws" / "config"
        self.credentials = clean_environment / ".aws" / "credentials"
        self.copies = ConfigCopies()
        yield
        self.copies.close()

    def test_copies_are_named_also_of_files_that_do_not_exist_yet(self):
        variables = self.variables()
        assert set(variables) == {
            "AWS_CONFIG_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "CPL_AWS_CREDENTIALS_FILE",
            "BOTO_CONFIG",
        }
        assert all(Path(path).read_text() == "" for path in variables.values())

    def test_a_copy_is_for_its_owner_only(self):
        self.config.write_text(CONFIG)
        copy = Path(self.variables()["AWS_CONFIG_FILE"])
        assert copy.read_text() == shielded_config(CONFIG)
        assert self.config.read_text() == CONFIG
        if os.name == "posix":
            assert stat.S_IMODE(copy.stat().st_mode) == 0o600
            assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700

    def test_the_files_that_variables_name_are_copied(self, tmp_path):
        given = tmp_path / "given"
        given.write_text(f"[default]\n{KEYS}")
        variables = self.variables({"AWS_SHARED_CREDENTIALS_FILE": str(given)})
        assert Path(variables["AWS_SHARED_CREDENTIALS_FILE"]).read_text() == "[default]\n"

    def test_a_copy_follows_its_original_without_the_default_profiles_credentials(self):
        copy = Path(self.variables()["AWS_SHARED_CREDENTIALS_FILE"])
        self.credentials.write_text(f"[default]\n{KEYS}[other]\n{KEYS}")  # as `aws configure` does in a terminal
        self.copies.refresh()
        assert copy.read_text() == f"[default]\n[other]\n{KEYS}"
        self.credentials.unlink()
        self.copies.refresh()
        assert copy.read_text() == ""

    def test_an_original_that_becomes_unreadable_leaves_the_last_copy_and_is_told_once(self):
        self.credentials.write_text(f"[default]\n{KEYS}[other]\n{KEYS}")
        copy = Path(self.variables()["AWS_SHARED_CREDENTIALS_FILE"])
        assert self.copies.news() is None
        self.credentials.write_text(f"{KEYS}[default]\n")
        self.copies.refresh()
        assert copy.read_text() == f"[default]\n[other]\n{KEYS}"
        told = self.copies.news()
        assert told.startswith(f"Child processes use an older copy of the AWS files: {self.credentials}, line 1,")
        assert self.copies.news() is None

    def test_a_file_that_cannot_be_made_safe_refuses_the_use(self, kernel, role_a):
        self.credentials.write_text(f"{KEYS}[default]\n")
        before = dict(os.environ)
        with pytest.raises(ConfigError, match="is before the first"):
            kernel.use(role_a.use(serve=True))
        assert kernel.current is None
        assert dict(os.environ) == before
        kernel.use(role_a.use())  # by keys no file is in the way


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


CHILD = "import botocore.session as b; c = b.get_session().get_credentials(); print(c.method, c.access_key)"


@pytest.mark.parametrize("ask_by", ["before_cell", "endpoint"])
def test_keys_configured_in_a_terminal_later_are_not_a_childs(kernel, role_a, clean_environment, ask_by):
    kernel.use(role_a.use(serve=True))
    (clean_environment / ".aws").mkdir()
    (clean_environment / ".aws" / "credentials").write_text(f"[default]\n{KEYS}")
    (clean_environment / ".aws" / "config").write_text("[default]\nregion = ap-south-1\n")
    if ask_by == "before_cell":
        kernel.before_cell()
    else:
        child()  # its request refreshes the copies
    assert child() == f"container-role {role_a.newest()[0]}"
    assert Path(os.environ["AWS_CONFIG_FILE"]).read_text() == "[default]\nregion = ap-south-1\n"


def child() -> str:
    return subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout.strip()
