"""Messages about profiles, names, patterns and homes that were wrong or unclear once."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from traitlets import TraitError

from sso_magic import errors
from sso_magic.doctor.report import Finding, Report, examine
from sso_magic.kernel.kernel_role import KERNEL

START = "sso_start_url = https://d-1234567890.awsapps.com/start\n"
ROLE = "sso_account_id = 731659028443\nsso_role_name = ReadOnly\n"
KEYS = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
OVER = "role_arn = arn:aws:iam::731659028443:role/x\nsource_profile = base\n"


@pytest.fixture
def config(signed_in, clean_environment):
    return clean_environment / ".aws" / "config"


@pytest.fixture
def fails(shell, capsys):
    """The error that a cell ends in; its line is all that the cell shows."""

    def run(cell: str) -> str:
        capsys.readouterr()
        error = shell.run_cell(cell).error_in_exec
        assert isinstance(error, errors.SSOMagicError), cell
        assert capsys.readouterr().out.strip() == f"{type(error).__name__}: {error}"
        return str(error)

    return run


@pytest.mark.parametrize(
    ("section", "used", "signed_in_to"),
    [
        (START + ROLE, "lacks sso_region: add it.", "add sso_region to it, or name a session."),
        ("sso_region = eu-west-1\n" + ROLE, "lacks sso_start_url: add it.", "add sso_start_url to it, or "),
        (ROLE, "lacks sso_session: add it.", "add sso_session = NAME to it, or name a session."),
        (
            "sso_role_name = ReadOnly\n",
            "lacks sso_session and sso_account_id: add them.",
            "add sso_session = NAME to it",
        ),
        (
            "sso_account_id = 731659028443\n" + START,
            "lacks sso_region and sso_role_name: add them.",
            "add sso_region to it",
        ),
        ("sso_session =\n" + ROLE, "Profile p has an empty sso_session: name a session, or remove the key.", ""),
    ],
)
def test_a_profile_lacks_what_it_lacks(fails, config, section, used, signed_in_to):
    with config.open("a") as file:
        file.write(f"\n[profile p]\n{section}")
    line = fails("%sso_use p")
    assert line in (used, f"Profile p in {config} {used}")
    assert signed_in_to in fails("%sso_login p")


def test_a_profile_of_a_session_without_account_and_role(fails, config):
    with config.open("a") as file:
        file.write("\n[profile begun]\nsso_session = corp\n")
    assert (
        fails("%sso_use begun")
        == "Profile begun is not one of SSO: it lacks sso_account_id and sso_role_name. Add them."
    )


def test_a_role_over_static_keys_names_the_profile_that_was_asked_for(fails, config):
    with config.open("a") as file:
        file.write(f"\n[profile base]\n{KEYS}[profile over]\n{OVER}")
    assert fails("%sso_use over") == (
        "Profile base is not one of SSO, so that %sso_use cannot use profile over on top of it: it lacks sso_session, "
        "sso_account_id and sso_role_name. boto3 and the AWS CLI use it as it is, with AWS_PROFILE=over."
    )
    assert fails("%sso_login over") == (
        "Profile base, which profile over assumes its role on top of, has no SSO session: add sso_session = NAME to "
        "it, or name a session."
    )


@pytest.mark.parametrize(
    ("header", "name", "correct"),
    [
        ("profile Single'Quote", "Single'Quote", 'profile "Single\'Quote"'),
        ("profile 'open", "open", 'profile "open"'),
        ("profile my prof", "my prof", 'profile "my prof"'),
    ],
)
def test_a_header_that_names_nothing_is_pointed_at(fails, config, header, name, correct):
    before = config.read_text()
    number = before.count("\n") + 2
    config.write_text(f"{before}\n[{header}]\nsso_session = corp\n{ROLE}")
    says = (
        f". Line {number} of {config} is [{header}], which names nothing because of its quotes or spaces: write "
        f"[{correct}]."
    )
    files = f" in {config} or {config.with_name('credentials')}"
    assert fails(f'%sso_use "{name}"') == f"There is no profile {name!r}{files}{says}"
    assert fails(f'%sso_login "{name}"') == f"There is no session or profile {name!r}{says}"
    assert (f"{config}, line {number}: [{header}] names nothing: every AWS tool ignores it.") in {
        finding.text for finding in examine().findings
    }
    config.write_text(f"{before}\n[{correct}]\nsso_session = corp\n{ROLE}")  # what the message says works
    assert KERNEL.current is None
    from IPython.core.getipython import get_ipython

    get_ipython().run_line_magic("sso_use", f'"{name}"')
    assert KERNEL.current.credentials.account_id == "731659028443"


def test_a_start_url_over_http_is_refused_before_its_region_is_asked_for(fails, config):
    says = "The start URL http://example.com/start must begin with https://. Correct it."
    assert fails("%sso_login http://example.com/start") == says
    assert fails("%sso_login http://example.com/start --save x") == says
    assert fails("%sso_login http://example.com/start --region eu-west-1") == says


def test_a_start_url_is_saved_as_people_paste_it(shell, config, signed_in):
    signed_in.auto_approve = True
    shell.run_line_magic("sso_login", "SSOINS-1234.portal.eu-west-1.app.aws/?x=1#/ --save pasted --device")
    text = config.read_text()
    assert "[sso-session pasted]\nsso_start_url = https://ssoins-1234.portal.eu-west-1.app.aws\n" in text


# The pattern of production accounts


def test_a_pattern_that_is_none_is_refused_where_it_is_set(shell, signed_in, caplog):
    magics = shell.find_line_magic("sso_use").__self__
    before = magics.production
    says = (
        "SSOMagics.production is not a regular expression (missing ), unterminated subpattern at position 0). "
        "Correct it: %config SSOMagics.production = '(?i)prod'"
    )
    shell.run_cell("%config SSOMagics.production = '('")  # IPython logs the error
    assert caplog.messages == [says]
    with pytest.raises(TraitError, match="is not a regular expression"):
        magics.production = "("
    assert magics.production == before
    shell.run_cell(says.partition("Correct it: ")[2])
    assert magics.production == "(?i)prod"


def test_a_pattern_of_a_configuration_file_that_is_none_changes_no_role(fails, shell, signed_in, capsys):
    magics = shell.find_line_magic("sso_use").__self__
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    magics.__dict__.setdefault("_trait_values", {})
    magics._trait_values["production"] = "("  # as read from a file before the magics are there
    magics.identity_line = False
    for cell in ("%sso_use payments-prod ReadOnly", "%%sso_as payments-prod ReadOnly\n1", "%sso_use -"):
        assert fails(cell).startswith("SSOMagics.production is not a regular expression")
        assert KERNEL.current.credentials.account_name == "payments-dev"
    magics.identity_line = True
    capsys.readouterr()
    assert shell.run_cell("7").success
    shown = capsys.readouterr().out
    assert "Running as payments-dev" in shown
    assert "Error in callback" not in shown


# A home directory that is none


@pytest.fixture(params=["null", "a file", "cannot be written"])
def no_home(request, shell, config, tmp_path, monkeypatch):
    """HOME is no directory, or one that nobody can write; AWS_CONFIG_FILE is elsewhere."""
    home = {"null": os.devnull, "a file": str(tmp_path / "file"), "cannot be written": "/proc/self"}[request.param]
    if request.param == "cannot be written" and not sys.platform.startswith("linux"):
        home = "/dev/fd"  # a directory where no file can be made, for root neither
    if request.param == "a file":
        Path(home).touch()
    moved = tmp_path / "config"
    moved.write_bytes(config.read_bytes())
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
    monkeypatch.setattr("shutil.which", lambda _: None)
    return home, moved


def test_without_a_home_no_file_is_taken_for_one_that_cannot_be_read(no_home, fails, shell, capsys):
    home, moved = no_home
    for cell in ("%sso_accounts", "%sso_login", "%sso_logout", "%sso_use a b", "%sso_profiles --write"):
        assert fails(cell).startswith(f"No session is configured in {Path(home, '.aws', 'config')}. Sign in with your")
    os.environ["AWS_CONFIG_FILE"] = str(moved)
    assert fails("%sso_accounts") == "Not signed in to corp. Run %sso_login corp"
    capsys.readouterr()
    shell.run_line_magic("sso_logout", "")
    assert capsys.readouterr().out.strip() == "corp was not signed in."


def test_without_a_home_a_sign_in_lasts_as_long_as_the_kernel(no_home, signed_in, shell, capsys):
    home, moved = no_home
    os.environ["AWS_CONFIG_FILE"] = str(moved)
    signed_in.auto_approve = True
    shell.run_line_magic("sso_login", "--device")
    line = capsys.readouterr().out.splitlines()[-1]
    assert "Nothing is lost in this kernel; " in line
    directory = Path(home, ".aws", "sso", "cache")
    make = "set HOME to a directory" if not Path(home).is_dir() else f"make {directory} writable"
    assert line.endswith(f"{make} to keep it for the next one.")
    assert not shell.run_line_magic("sso_accounts", "").empty
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    shell.run_line_magic("sso_logout", "")
    assert "Signed out of corp." in capsys.readouterr().out


def test_the_doctor_says_once_what_is_wrong_with_the_home(no_home, shell):
    home, moved = no_home
    os.environ["AWS_CONFIG_FILE"] = str(moved)
    problems = [finding.text for finding in examine().findings if finding.level == "problem" and home in finding.text]
    wrong = "cannot be written" if Path(home).is_dir() else "is a file"
    assert problems == [f"The home directory {home} {wrong}."]


# An output that cannot show every character


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_report_can_be_printed_in_any_encoding(monkeypatch, encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr("sys.stdout", out)
    print(Report((Finding("ok", "Büro", "日"), Finding("problem", "b"), Finding("note", "c"))))
    out.flush()
    text = out.buffer.getvalue().decode(encoding)
    name = "B\\xfcro" if encoding == "ascii" else "Büro"
    assert text == f"ok: {name}\n    \\u65e5\nproblem: b\nnote: c\n"


def test_a_report_has_marks_where_they_can_be_shown(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert repr(Report((Finding("ok", "a"), Finding("problem", "b")))) == "✓ a\n✗ b"


# Profiles on top of others, and accounts that profiles name


def test_a_source_profile_that_no_file_has_names_the_profile_with_it(fails, config):
    role = OVER.replace("base", "{}")
    with config.open("a") as file:
        file.write(f"\n[profile over]\n{role.format('middle')}[profile middle]\n{role.format('basis')}[profile base]\n")
    files = f"{config} nor {config.with_name('credentials')}"
    says = f"Profile middle has source_profile = basis, which is in neither {files}. Nearest: base."
    assert fails("%sso_use over") == says
    assert fails("%sso_login over") == says


@pytest.mark.parametrize(
    "account", ["7316", "payments-prod", "73165902844", "7316590284431", "７３１６５９０２８４４３"]
)
def test_an_account_id_of_a_profile_is_never_a_part_of_one(fails, shell, config, account):
    with config.open("a") as file:
        file.write(f"\n[profile p]\nsso_session = corp\nsso_account_id = {account}\nsso_role_name = ReadOnly\n")
    shell.run_line_magic("sso_accounts", "")
    assert fails("%sso_use p") == (
        f"Profile p in {config} has sso_account_id = {account}, which is not an account's 12 digits: correct it."
    )
    assert KERNEL.current is None
