"""The shared files are read as botocore reads them, whatever their lines look like."""

from __future__ import annotations

import botocore.configloader
import pytest
from botocore.exceptions import ConfigNotFound, ConfigParseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError

SPACE = st.sampled_from(["", "", "", " ", "  ", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\xa0"])
END = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\x0b\n", "\x85\n", "\u2028\n"])
NAME = st.sampled_from(["default", "DEFAULT", "p", "'p'", '"p q"', "'p", "work", "default ", "Default", "größe"])
HEADER = st.builds(
    "[{}{}{}]{}".format,
    SPACE,
    st.sampled_from(["", "", "profile ", "profile ", "profile\t", "sso-session ", "services ", "profiles ", "preview"]),
    NAME,
    st.sampled_from(["", "", "]", "x", " [x]", "#"]),  # no comment: behind a value botocore takes it for the value
)
KEY = st.sampled_from(["region", "Region", "aws_access_key_id", "AWS_ACCESS_KEY_ID", "s3", "sso_session", "a b", ""])
VALUE = st.sampled_from(["", "", "x", "x = y", "[default]", "[other]", "https://h/start/#/", "x#y", "a:b", "\x0bx"])
OPTION = st.builds("{}{}{}{}".format, KEY, st.sampled_from(["=", " = ", ":", " : ", " "]), SPACE, VALUE)
OTHER = st.sampled_from(["", "# comment", "; comment = x", "nonsense", "#", "=", "[", "]", "[]"])
LINE = st.builds("{}{}{}".format, SPACE, st.one_of(HEADER, HEADER, OPTION, OPTION, OPTION, OTHER), END)
FILE = st.lists(LINE, max_size=12).map("".join)


def as_botocore_reads(config, credentials):
    """What a botocore session has as its full configuration."""
    full = botocore.configloader.load_config(str(config))
    for name, keys in botocore.configloader.raw_config_parse(str(credentials)).items():
        full["profiles"].setdefault(name, {}).update(keys)
    return full["profiles"], full["sso_sessions"], full["services"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=FILE, credentials=FILE)
def test_profiles_sessions_and_services_are_those_of_botocore(tmp_path, config, credentials):
    paths = tmp_path / "config", tmp_path / "credentials"
    for path, text in zip(paths, (config, credentials), strict=True):
        path.write_bytes(text.encode())
    environ = {"AWS_CONFIG_FILE": str(paths[0]), "AWS_SHARED_CREDENTIALS_FILE": str(paths[1])}
    try:
        profiles, sessions, services = as_botocore_reads(*paths)
    except ConfigParseError:
        with pytest.raises(ConfigError):
            load_shared_config(environ)
        return
    ours = load_shared_config(environ)
    assert ours.profiles == profiles
    assert ours.services == services
    assert ours.sso_sessions == {
        name: {key: value for key, value in keys.items() if isinstance(value, str)} for name, keys in sessions.items()
    }


def test_botocore_refuses_a_byte_order_mark_and_this_package_reads_the_file_all_the_same(tmp_path):
    path = tmp_path / "config"
    path.write_bytes(b"\xef\xbb\xbf[default]\nregion = x\n")
    with pytest.raises(ConfigParseError):
        botocore.configloader.load_config(str(path))
    assert load_shared_config({"AWS_CONFIG_FILE": str(path)}).profiles == {"default": {"region": "x"}}


def test_a_missing_file_is_botocores_empty_one(tmp_path):
    with pytest.raises(ConfigNotFound):
        botocore.configloader.load_config(str(tmp_path / "none"))
    assert load_shared_config({"AWS_CONFIG_FILE": str(tmp_path / "none")}).profiles == {}
