"""botocore reads old and new profiles; the old content stays byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError
from hypothesis import given, settings
from hypothesis import strategies as st

from sso_magic.inventory import Account, InventorySnapshot
from sso_magic.profiles.plan import plan, plan_text, write_sso_session
from sso_magic.signin.sessions import Session

CORP = Session("corp", "https://corp.awsapps.com/start", "eu-west-1")
ALL = InventorySnapshot(
    accounts=(Account("111111111111", "prod"), Account("222222222222", "new one")),
    roles={"111111111111": ("Admin",), "222222222222": ("Admin", "ReadOnly")},
    complete=True,
)
NONE = InventorySnapshot(complete=True)

name = st.text(alphabet="abé1.-_ '", min_size=1, max_size=6).filter(str.strip)
word = st.text(alphabet="abé=:#;[]% /.", min_size=1, max_size=8)
blank = st.sampled_from(["", " ", "\t", "# a comment", ";another", "  # an indented one"])
end = st.sampled_from(["\n", "\r\n"])


@st.composite
def sections(draw) -> list[str]:
    """The lines of a section that botocore can read, as untidy as people write them."""
    import shlex

    kind = draw(st.sampled_from(["profile", "sso-session", "services", "preview"]))
    title = shlex.quote(f"{draw(name)}NUMBER")
    lines = [draw(st.sampled_from(["", " "])) + f"[{kind} {title}]" + draw(st.sampled_from(["", " ", " # x"]))]
    indent = draw(st.sampled_from(["", "", " "]))
    for number in range(draw(st.integers(0, 3))):
        separator = draw(st.sampled_from([" = ", "=", ":", " : "]))
        lines.append(f"{indent}k{number}{separator}{draw(word)}")
        if draw(st.booleans()):
            lines += [f"{indent}   more {draw(word)}" for _ in range(draw(st.integers(0, 2)))]
        if draw(st.booleans()):
            lines.append(draw(blank))
    return lines


@st.composite
def configs(draw) -> str:
    """The text of a configuration file."""
    lines = draw(st.lists(blank, max_size=2))
    for number, section in enumerate(draw(st.lists(sections(), max_size=4))):
        lines += [section[0].replace("NUMBER", str(number)), *section[1:]]  # no two of one name
    newline = draw(end)
    text = newline.join(lines)
    return text + newline if draw(st.booleans()) else text


def is_readable(text: str) -> bool:
    """An indented header after an indented key is a piece of its value, and its keys may then come twice."""
    try:
        read_by_botocore(text)
    except ConfigParseError:
        return False
    return True


def read_by_botocore(text: str) -> dict:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config"
        path.write_bytes(text.encode())
        return load_config(str(path))


def planned(text: str, snapshot: InventorySnapshot, region: str | None = None):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config"
        path.write_bytes(text.encode())
        return plan(snapshot, CORP, region=region, path=path)


@settings(deadline=None)
@given(configs().filter(is_readable))
def test_any_text_survives_byte_for_byte_and_botocore_reads_old_and_new(text):
    after = planned(text, ALL, "eu-central-1").after
    assert after.startswith(text)
    before, now = read_by_botocore(text), read_by_botocore(after)
    for profile, keys in before["profiles"].items():
        assert now["profiles"][profile] == keys
    assert {key: now[key] for key in before if key not in {"profiles", "sso_sessions", "services"}} == {
        key: before[key] for key in before if key not in {"profiles", "sso_sessions", "services"}
    }
    assert now["profiles"]["new-one.ReadOnly"] == {
        "sso_session": "corp",
        "sso_account_id": "222222222222",
        "sso_role_name": "ReadOnly",
        "region": "eu-central-1",
    }
    assert now["sso_sessions"]["corp"] == {"sso_start_url": CORP.start_url, "sso_region": "eu-west-1"}


@settings(deadline=None)
@given(configs().filter(is_readable), configs())
def test_profiles_that_are_taken_out_again_leave_the_text_as_it_was(first, second):
    added = planned(first, ALL).after
    gap = "\n" if added.endswith("\n") and not second.startswith((" ", "\t")) else ""
    text = added + gap + "".join(f"# {line}\n" for line in second.splitlines())
    after = planned(text, NONE).after
    session = "[sso-session corp]"
    assert "kept by sso_magic" not in after
    assert after.split(session)[0] == added.split(session)[0]
    assert after.endswith(text[len(added) + len(gap) :])
    assert planned(after, NONE).after == after


@settings(deadline=None)
@given(configs().filter(is_readable), st.sampled_from(["eu-west-1", "eu-north-1"]))
def test_changing_what_was_written_changes_those_lines_only(text, region):
    once = planned(text, ALL, "us-east-1").after
    twice = planned(once, ALL, region).after
    assert twice.replace(f"region = {region}", "region = us-east-1").replace(
        "sso_region = us-east-1", "sso_region = eu-west-1"
    ) == once.replace("sso_region = us-east-1", "sso_region = eu-west-1")
    assert planned(twice, ALL, region).changes == ()


@settings(deadline=None)
@given(configs().filter(is_readable), name, word)
def test_a_session_can_be_added_to_any_text_and_updated(text, session, url):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config"
        path.write_bytes(text.encode())
        write_sso_session(session, f"https://{url}", "eu-west-1", path=path)
        write_sso_session(session, "https://new", "us-east-1", ["a"], path=path)
        read = load_config(str(path))
    assert path.name == "config"
    assert read["sso_sessions"][session] == {
        "sso_start_url": "https://new",
        "sso_region": "us-east-1",
        "sso_registration_scopes": "a",
    }
    assert set(read_by_botocore(text)["profiles"]) == set(read["profiles"])


def test_an_indented_section_gets_its_key_where_botocore_sees_it():
    text = "[sso-session corp]\n  sso_region = eu-west-1\n  # why\n  other = x\n   y\n\n[profile a]\nregion = r\n"
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config"
        path.write_text(text)
        write_sso_session("corp", "https://new", "eu-west-1", path=path)
        read = load_config(str(path))
        assert path.read_text() == text.replace("   y\n", "   y\n  sso_start_url = https://new\n")
    assert read["sso_sessions"]["corp"] == {
        "sso_region": "eu-west-1",
        "other": "x\ny",
        "sso_start_url": "https://new",
    }
    assert read["profiles"]["a"] == {"region": "r"}


@pytest.mark.parametrize("existing", ["", "[default]\nregion = eu-west-1\n"])
def test_botocores_own_sso_provider_takes_the_profile(existing, config, corp, snapshot_of):
    import botocore.session

    config.parent.mkdir()
    config.write_text(existing)
    plan(snapshot_of(("111111111111", "prod", ["Admin"])), corp).write()
    session = botocore.session.Session(profile="prod.Admin")
    scoped = session.get_scoped_config()
    assert (scoped["sso_account_id"], scoped["sso_role_name"]) == ("111111111111", "Admin")
    assert session.full_config["sso_sessions"][scoped["sso_session"]]["sso_start_url"] == corp.start_url


def test_thousands_of_profiles_can_be_planned_twice(config, corp, tmp_path):
    many = InventorySnapshot(
        accounts=tuple(Account(f"{n:012}", f"team-{n}") for n in range(1_000)),
        roles={f"{n:012}": ("Admin", "Billing", "ReadOnly") for n in range(1_000)},
        complete=True,
    )
    made = plan(many, corp)
    assert len(made.changes) == 3_000
    made.write()
    assert plan(many, corp).changes == ()


def test_a_profile_of_no_session_is_written_by_no_one(corp):
    made = plan_text("", [], corp, path=Path("config"))
    assert made.changes == ()
