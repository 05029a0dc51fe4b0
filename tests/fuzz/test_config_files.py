"""The shared files, of any bytes: read as botocore reads them, or refused by a ConfigError that names the file.

They differ in two things: a byte order mark, and comments behind headers and values. Both are taken out of the made-up
files before botocore reads them.
"""

from __future__ import annotations

import configparser
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import botocore.configloader
import made_up
import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import BotoCoreError, ConfigParseError
from hypothesis import example, given
from hypothesis import strategies as st
from made_up import check_error

from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError
from sso_magic.inventory import Account, InventorySnapshot
from sso_magic.profiles.plan import plan, write_sso_session
from sso_magic.signin.sessions import Session, sessions, sso_profile

if TYPE_CHECKING:
    from sso_magic.profiles.planned import Plan

KEYS = ("sso_session", "sso_account_id", "sso_role_name", "sso_start_url", "sso_region", "region", "Output", "s3")
NAMES = ("a", "b", "a b", "é", "a.b/c@d+e%f", "a]b", "default", "DEFAULT")
TEXTS = (
    "a",
    "b",
    "1",
    "",
    "eu-west-1",
    "https://x/start/#/",
    "x=y",
    "x:y",
    "[z]",
    '"q"',
    "'",
    "é",
    "\\",
    "%(a)s",
    "a;b",
)


@dataclass(frozen=True)
class Written:
    """A file as it was made up, and the same without what botocore is known to read otherwise.

    Attributes:
        content: The file.
        plain: The same without a byte order mark and without comments behind headers and values.
    """

    content: bytes
    plain: bytes


def as_is(content: bytes) -> Written:
    """A file in which there is nothing that botocore reads otherwise."""
    return Written(content, content)


def spelled(draw, name: str) -> str:
    """A name as it may stand in a header: quoted in one way or another, or not."""
    return draw(st.sampled_from([f"'{name}'", f'"{name}"', name.replace(" ", "\\ "), name]))


@st.composite
def sections(draw, kinds: tuple[str, ...], names: tuple[str, ...], keys: tuple[str, ...]) -> list[str]:
    """The lines of a section; now and then a key is in it twice."""
    kind, name = draw(st.sampled_from(kinds)), draw(st.sampled_from(names))
    lines = ["[default]" if kind == "default" else f"[{kind}{spelled(draw, name) if kind else name}]"]
    indent = draw(st.sampled_from(["", "", "", " "]))
    once = draw(st.integers(0, 9)) > 0
    for key in draw(st.lists(st.sampled_from(keys), max_size=4, unique=once)):
        separator = draw(st.sampled_from([" = ", "=", ": ", "\t=  "]))
        lines.append(f"{indent}{key}{separator}{draw(st.sampled_from(TEXTS))}")
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            below = draw(st.sampled_from(["more", "x = 1", "Y=2", "z = [q]", "", "# a comment"]))
            lines.append(f"{indent}   {below}" if below else "")
    return lines


KINDS = ("profile ", "sso-session ", "services ", "default", "preview ")
QUOTES = str.maketrans("", "", "\"'\\")
NOISE = ("", "# comment", "  ; indented = comment", "\t", "", "# [x]", "# x = y", "", "nonsense", "[]", "= x")


@st.composite
def files(
    draw, kinds: tuple[str, ...] = KINDS, names: tuple[str, ...] = NAMES, keys: tuple[str, ...] = KEYS
) -> Written:
    """A file as untidy as people and tools write it."""
    lines: list[tuple[str, str]] = []
    once = (lambda section: section[0].translate(QUOTES)) if draw(st.integers(0, 9)) else None
    for section in draw(st.lists(sections(kinds, names, keys), max_size=4, unique_by=once)):
        for line in section:
            bare = not line.strip() or line.lstrip()[0] in "#;"
            comment = "" if bare else draw(st.sampled_from(["", "", "", "", " # x", "\t; x = y"]))
            lines.append((line + comment, line))
            if draw(st.integers(0, 9)) == 0:
                noise = draw(st.sampled_from(NOISE))
                lines.append((noise, noise))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    mark = draw(st.sampled_from([*[b""] * 7, b"\xef\xbb\xbf"]))
    wrong = draw(st.sampled_from([*[b""] * 20, b"\nz=\xff", b"\nz=\x00", "\nz=é".encode("latin-1")]))
    content, plain = (
        (newline.join(version).encode() + wrong for version in zip(*lines, strict=True))
        if lines
        else (
            wrong,
            wrong,
        )
    )
    return Written(mark + content, plain)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("aws") / "config"


def ours_of(config: bytes, credentials: bytes, path):
    path.write_bytes(config)
    other = path.with_name("credentials")
    other.write_bytes(credentials)
    return load_shared_config({"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": str(other)})


def theirs_of(config: bytes, credentials: bytes, path):
    """Both files as `botocore.session.Session.full_config` puts them together."""
    path.write_bytes(config)
    read = botocore.configloader.load_config(str(path))
    path.write_bytes(credentials)
    for name, values in botocore.configloader.raw_config_parse(str(path)).items():
        read["profiles"].setdefault(name, {}).update(values)
    return read


def agree(ours, theirs) -> None:
    """The same profiles, sessions and services, each with the same values."""
    assert ours.profiles == theirs["profiles"]
    assert ours.services == theirs["services"]
    assert ours.sso_sessions == {
        name: {key: value for key, value in section.items() if isinstance(value, str)}
        for name, section in theirs["sso_sessions"].items()
    }


def outcome_of(read, *arguments, **named):
    """What was read, or the error that says why not."""
    return made_up.outcome_of(read, *arguments, **named, refusal=(ConfigError, BotoCoreError))


@given(files(), files(kinds=("",)))
def test_files_are_read_as_botocore_reads_them_or_refused_by_both(path, config, credentials):
    theirs = outcome_of(theirs_of, config.plain, credentials.plain, path)
    ours = outcome_of(ours_of, config.content, credentials.content, path)
    if isinstance(theirs, ConfigParseError):
        assert isinstance(ours, ConfigError)
    else:
        agree(ours, theirs)


def resolved(find, *arguments):
    """Account, role, start URL and region of a profile; None where it has none of SSO, False where it is refused."""
    found = outcome_of(find, *arguments)
    if isinstance(found, Exception):
        return False
    if isinstance(found, dict):
        return tuple(found[key] for key in ("sso_account_id", "sso_role_name", "sso_start_url", "sso_region"))
    return found and (found.account_id, found.role_name, found.session.start_url, found.session.sso_region)


@given(files(kinds=("profile ", "sso-session ", "default")))
def test_a_profile_is_the_account_and_role_that_botocores_own_sso_provider_takes(path, config):
    read = outcome_of(ours_of, config.content, b"", path)
    if isinstance(read, ConfigError):
        return
    theirs = theirs_of(config.plain, b"", path)
    for name, section in theirs["profiles"].items():
        if any(section.get(key) == "" or isinstance(section.get(key), dict) for key in section):
            continue  # an empty setting is as good as none here, and a value that has keys below it is none
        provider = SSOProvider(lambda: theirs, None, name)
        assert resolved(sso_profile, name, read) == resolved(provider._load_sso_config)
    for session in sessions(read):
        assert session.start_url
        assert session.sso_region


PIECES = st.sampled_from(
    [
        *"[]=:#;\"'\\ \t\n\r\x00\x0b\x85\u2028\xa0éa\ufeff",
        "[profile a]",
        "[sso-session ",
        "default",
        "DEFAULT",
        "\n  ",
        "\n\n",
    ]
)
ANY_TEXT = st.lists(PIECES, max_size=25).map(lambda pieces: "".join(pieces).encode())
ANY_BYTES = ANY_TEXT | st.binary(max_size=60) | st.lists(ANY_TEXT | st.binary(max_size=3), max_size=4).map(b"".join)


@given(ANY_BYTES, ANY_BYTES)
def test_any_bytes_are_read_or_refused_in_one_line_that_names_the_file(path, config, credentials):
    read = outcome_of(ours_of, config, credentials, path)
    if isinstance(read, ConfigError):
        assert str(path.parent) in str(read)
        check_error(read)
        return
    sessions(read)
    for name in read.profiles:
        outcome_of(sso_profile, name, read)


DIFFERENT = re.compile(r"(?m)^[ \t]*\S.*\s[#;]|\ufeff")  # a comment behind something, a byte order mark
PLAIN_PIECES = st.sampled_from(
    [
        *"[]=:#\"'\\ \t\n\x00éaB\x0b\x85\u2028",
        *("[profile a]\n", "[profile ", "[sso-session ", "[services ", "default", "DEFAULT"),
        *("\n  ", "\n\n", "a = 1", "\n# a comment\n", "b =\n", "  c = 2\n"),
    ]
)


@given(st.lists(PLAIN_PIECES, max_size=14).map("".join).filter(lambda text: not DIFFERENT.search(text)))
@example("[profile a]\nx = 1\n\n  2\n")
@example("[profile a]b]\nx = 1\n")
@example("[DEFAULT]\nx = 1\n[profile a]\ny = 2\n")
def test_any_text_without_known_differences_is_read_as_botocore_reads_it(path, text):
    theirs = outcome_of(theirs_of, text.encode(), b"", path)
    ours = outcome_of(ours_of, text.encode(), b"", path)
    if isinstance(theirs, ConfigParseError):
        assert isinstance(ours, ConfigError)
    else:
        agree(ours, theirs)


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        # what Windows' editors put before the text is no part of it
        ("\ufeff[profile a]\nx = 1\n", {"a": {"x": "1"}}, None),
        # 5.2, DECISION: a comment behind white space is one, as for the SDKs other than botocore
        ("[profile a]\nx = 1 # y\n", {"a": {"x": "1"}}, {"a": {"x": "1 # y"}}),
    ],
)
def test_where_botocore_reads_otherwise_it_is_meant_so(path, text, ours, theirs):
    def profiles_of(read, found):
        return None if isinstance(found, Exception) else read(found)

    assert profiles_of(lambda one: one.profiles, outcome_of(ours_of, text.encode(), b"", path)) == ours
    assert profiles_of(lambda one: one["profiles"], outcome_of(theirs_of, text.encode(), b"", path)) == theirs


@given(
    files(kinds=("sso-session ", "preview "), names=("a", "a", "b c"), keys=("sso_start_url", "SSO_Region", "region"))
)
@example(as_is(b"[sso-session a]\n sso_start_url = x\n region = y\n"))
@example(as_is(b"[preview a]\nx = 1\n[sso-session a]\n sso_region = y\n  z\n region = q\n"))
def test_a_session_is_updated_where_it_stands_whatever_stands_around_it(path, config):
    path.write_bytes(config.content)
    before = outcome_of(botocore.configloader.load_config, str(path))
    refused = outcome_of(write_sso_session, "a", "https://new", "eu-north-1", path=path)
    if isinstance(before, ConfigParseError):
        return
    assert not isinstance(refused, ConfigError)
    now = botocore.configloader.load_config(str(path))
    updated = {"sso_start_url": "https://new", "sso_region": "eu-north-1"}
    assert now.pop("sso_sessions") == {**before["sso_sessions"], "a": before["sso_sessions"].get("a", {}) | updated}
    before.pop("sso_sessions")
    assert now == before


CORP = Session("corp", "https://corp.awsapps.com/start", "eu-west-1")
ALL = InventorySnapshot(accounts=(Account("111111111111", "prod"),), roles={"111111111111": ("Admin",)}, complete=True)


def sections_of(content: bytes) -> dict | None:
    """What botocore's parser makes of it, whatever the encoding; None where it cannot be read."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_file(io.StringIO(content.decode("utf-8", "surrogateescape"), newline=None))
    except configparser.Error:
        return None
    return {name: dict(section) for name, section in parser.items()}


@given(ANY_BYTES | files().map(lambda file: file.content))
def test_writing_keeps_every_byte_that_is_there_and_writing_again_changes_nothing(path, content):
    def write() -> Plan:
        planned = plan(ALL, CORP, path=path)
        planned.write()
        write_sso_session("other", "https://other", "eu-west-1", path=path)
        return planned

    path.write_bytes(content)
    before = sections_of(content)
    planned = outcome_of(write)
    if isinstance(planned, ConfigError):
        assert path.read_bytes() == content
        assert before is None
        check_error(planned)
        return
    after = path.read_bytes()
    assert after.startswith(content)
    assert [change.change for change in planned.changes] == ["added"]
    read = sections_of(after)
    assert {name: read[name] for name in before} == before
    assert write().changes == ()
    assert path.read_bytes() == after
