"""What botocore can read of the shared files is read the same here (PROTOCOL.md 5.2)."""

from __future__ import annotations

import botocore.configloader
import pytest
from botocore.exceptions import BotoCoreError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError

NAMES = st.from_regex(r"\A[A-Za-z0-9_.@/+-]{1,8}( [a-z]{1,4})?\Z")
KEYS = st.sampled_from(["region", "output", "sso_session", "sso_start_url", "Mixed_Case", "x"])
VALUES = st.from_regex(r"\A[A-Za-z0-9:/._#=-]([A-Za-z0-9:/._#=, -]{0,20}[A-Za-z0-9:/._=-])?\Z").filter(
    lambda value: " #" not in value and " ;" not in value and value[0] not in "#;"
)
LAYOUT = st.sampled_from(["{key} = {value}", "{key}={value}", "{key}: {value}", "{key}   =\t{value}  "])
NOISE = st.sampled_from(["", "# comment", "; comment", "   ", "  # indented comment"])
KINDS = st.sampled_from(["profile", "sso-session"])
QUOTES = st.sampled_from(["'", '"'])


@st.composite
def files(draw):
    """A configuration file that both have to read: every section and key once."""
    lines = []
    names = draw(st.lists(st.tuples(KINDS, NAMES), unique=True, max_size=4))
    for kind, name in names:
        quote = draw(QUOTES) if " " in name or draw(st.booleans()) else ""
        lines += [draw(NOISE), f"[{kind} {quote}{name}{quote}]"]
        for key in draw(st.lists(KEYS, unique_by=str.lower, max_size=4)):
            lines += [draw(LAYOUT).format(key=key, value=draw(VALUES)), draw(NOISE)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("aws") / "config"


def ours_of(path):
    config = load_shared_config({"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": str(path) + ".none"})
    return {"profiles": config.profiles, "sso_sessions": config.sso_sessions, "services": config.services}


def theirs_of(path):
    config = botocore.configloader.load_config(str(path))
    return {name: config.get(name, {}) for name in ("profiles", "sso_sessions", "services")}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=files())
def test_a_file_that_botocore_reads_is_read_the_same(path, text):
    path.write_text(text, encoding="utf-8")
    assert ours_of(path) == theirs_of(path)


@pytest.mark.parametrize(
    "text",
    [
        "[services a]\nsso =\n  endpoint_url = http://127.0.0.1:1\nsso_oidc =\n    endpoint_url = http://127.0.0.1:2\n",
        "[services a]\nsso =\n  endpoint_url = x\n\n  region = y\n",
        "[default]\nregion = a\n[profile default]\noutput = b\n",
        "[profile default]\nregion = a\n[default]\noutput = b\n",
        "[default]\na = 1\n  2\n  3\nb = 4\n",
        "[default]\n  a = 1\n  b = 2\n",
        "[profile a b]\nx = 1\n[profile c]\nx = 2\n",
        '[profile]\nx = 1\n[profile "open]\nx = 2\n[profile c]\nx = 3\n',
        "[plugins]\nx = 1\n[profile c]\nx = 3\n",
        "[default]\nempty =\nother = 1\n",
        "",
    ],
)
def test_a_form_of_file_that_botocore_reads_is_read_the_same(path, text):
    path.write_text(text, encoding="utf-8")
    assert ours_of(path) == theirs_of(path)


@pytest.mark.parametrize(
    "text",
    [
        "[profile a]\nx = 1\nx = 2\n",
        "[profile a]\nx = 1\nX = 2\n",
        "[profile a]\n[profile a]\n",
        "x = 1\n",
        "[profile a]\nnonsense\n",
        "[services a]\nsso =\n  nonsense\n",
    ],
)
def test_what_botocore_cannot_read_is_refused_here_too(path, text):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BotoCoreError):
        theirs_of(path)
    with pytest.raises(ConfigError):
        ours_of(path)


def test_a_comment_after_a_value_is_none_of_the_value_here_as_in_the_javascript_sdk(path):
    """A choice of PROTOCOL.md 5.2: differs from botocore on purpose."""
    path.write_text("[default]\nregion = eu-west-1 ; mine\n", encoding="utf-8")
    assert theirs_of(path)["profiles"]["default"]["region"] == "eu-west-1 ; mine"
    assert ours_of(path)["profiles"]["default"]["region"] == "eu-west-1"
