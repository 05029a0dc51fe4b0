"""Whatever goes wrong is one line that says what to do next, and a real error that stops Run All."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from sso_magic import errors
from sso_magic.local import Fault
from sso_magic.portal import SSOServiceException


@pytest.fixture
def fails(shell, capsys):
    """Runs a cell that must fail; what was printed, and the error."""

    def run(cell: str) -> tuple[str, Exception]:
        capsys.readouterr()
        result = shell.run_cell(cell)
        out = capsys.readouterr()
        assert result.error_in_exec is not None, "the cell went through"
        return (out.out + out.err).strip(), result.error_in_exec

    return run


def cache_file(home):
    [path] = (home / ".aws" / "sso" / "cache").glob("*.json")
    return path


def test_not_signed_in(fails, center):
    line, error = fails("%sso_accounts")
    assert isinstance(error, errors.SignInRequired)
    assert line == "SignInRequired: Not signed in to corp. Run %sso_login corp"


NOBODY = (
    "Not signed in to corp, and this run is not interactive. Run sso-magic login corp in a terminal first, or sign in "
    "from a notebook."
)


def test_nobody_to_ask_where_there_is_no_standard_input(fails, center, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    line, _ = fails("%sso_login")
    assert line == f"SignInRequired: {NOBODY}"


def test_nobody_to_ask_in_a_script_without_ipython(center):
    script = "import sys\nfrom sso_magic import IdentityCenter\nIdentityCenter('corp').sign_in()"
    done = subprocess.run([sys.executable, "-c", script], input="", capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == f"sso_magic.errors.SignInRequired: {NOBODY}"


def test_the_sign_in_is_denied(fails, center, person):
    person.denies()
    text, error = fails("%sso_login")
    assert isinstance(error, errors.SignInDenied)
    assert text.endswith("The sign-in to corp was denied in the browser. Run %sso_login to start again.")
    assert text.count("denied") == 1
    assert "stopped" not in text


def test_no_code_is_approved_in_time(fails, center):
    center.device_code_lifetime = 1
    text, error = fails("%sso_login")
    assert isinstance(error, errors.SignInExpired)
    assert text.endswith(
        "SignInExpired: 4 codes expired before one of them was approved. Run %sso_login to get a new one."
    )


def test_the_sign_in_has_ended(fails, signed_in):
    signed_in.end_session()
    line, error = fails("%sso_accounts")
    assert isinstance(error, errors.SignInRequired)
    assert line == "SignInRequired: The sign-in to corp has ended. Run %sso_login corp"


def test_the_token_file_is_corrupt(fails, signed_in, clean_environment):
    cache_file(clean_environment).write_bytes(b"{ not json")
    line, _ = fails("%sso_accounts")
    assert line == "SignInRequired: Not signed in to corp. Run %sso_login corp"


@pytest.mark.parametrize("content", [{}, {"accessToken": 3, "expiresAt": "x"}, {"accessToken": "a"}, [1]])
def test_the_token_file_holds_something_else(fails, signed_in, clean_environment, content):
    cache_file(clean_environment).write_text(json.dumps(content))
    line, _ = fails("%sso_accounts")
    assert line == "SignInRequired: Not signed in to corp. Run %sso_login corp"


def test_no_configuration(fails, center, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    line, error = fails("%sso_login")
    assert isinstance(error, errors.SessionNotFound)
    assert "Sign in with your portal's start URL: %sso_login https://" in line
    assert len(line.splitlines()) == 1


def test_an_account_that_is_not_there(fails, signed_in):
    line, error = fails("%sso_use paymets-prod ReadOnly")
    assert isinstance(error, errors.AccountNotFound)
    assert "payments-prod" in line
    assert len(line.splitlines()) == 1


def test_an_account_that_could_be_several(fails, signed_in):
    line, error = fails("%sso_use payments ReadOnly")
    assert isinstance(error, errors.Ambiguous)
    assert "payments-prod" in line
    assert "payments-dev" in line
    assert len(line.splitlines()) == 1


def test_a_role_that_is_not_there(fails, signed_in):
    line, error = fails("%sso_use payments-prod ReadOny")
    assert isinstance(error, errors.RoleNotFound)
    assert "ReadOnly" in line
    assert len(line.splitlines()) == 1


def test_a_role_that_was_withdrawn(fails, shell, signed_in):
    shell.run_line_magic("sso_roles", "payments-prod")
    account = next(item for item in signed_in.organization.accounts if item.name == "payments-prod")
    signed_in.organization.withdraw("alex", account.id, "ReadOnly")
    line, error = fails("%sso_use payments-prod ReadOnly")
    assert isinstance(error, errors.RoleNotAssigned)
    assert line == (
        f"RoleNotAssigned: The role ReadOnly in payments-prod is refused (403, No access): it is not "
        f"assigned to you, or was assigned a moment ago. %sso_roles {account.id} lists what you have."
    )
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_a_proxy_that_refuses_is_not_a_role_that_is_refused(fails, shell, signed_in):
    shell.run_line_magic("sso_roles", "payments-prod")
    page = "<html><head><title>Blocked by Example Inc.</title></head></html>"
    signed_in.faults.append(Fault("GetRoleCredentials", status=403, body=page))
    line, error = fails("%sso_use payments-prod ReadOnly")
    assert not isinstance(error, errors.RoleNotAssigned)
    assert line.partition(" (HTTP 403")[0] == (
        '403: an HTML page ("Blocked by Example Inc.") instead of an answer of AWS. A proxy, firewall or captive '
        "portal may have sent it: check HTTPS_PROXY, NO_PROXY and the network"
    )


def test_no_network(fails, signed_in, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    line, error = fails("%sso_accounts")
    assert isinstance(error, errors.ConnectError)
    lines = [one for one in line.splitlines() if one and not one.startswith("Accounts:")]  # its progress bar
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]


def test_the_service_fails(fails, signed_in, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    signed_in.faults.append(Fault("ListAccountRoles", status=500, error="InternalError"))
    line, error = fails("%sso_roles payments-prod")
    assert isinstance(error, SSOServiceException)
    assert "500" in line
    assert len(line.splitlines()) == 1


def test_a_home_that_cannot_be_written_costs_the_file_not_the_sign_in(shell, center, person, clean_environment, capsys):
    blocked = clean_environment / ".aws" / "sso"
    blocked.write_text("in the way")
    person.approves()
    shell.run_line_magic("sso_login", "")
    out = capsys.readouterr().out
    assert "Signed in to corp until" in out
    assert "cannot be written" in out
    assert "Nothing is lost in this kernel" in out
    assert len(shell.run_line_magic("sso_accounts", "")) > 5


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (
            "%sso_use",
            "UsageError: Which account? %sso_use ACCOUNT [ROLE]; %sso_accounts lists them, %sso_use? shows help.",
        ),
        ("%sso_use -", "UsageError: There is no previous role in this kernel. %sso_use ACCOUNT [ROLE]"),
        ("%sso_use --off x", "UsageError: %sso_use --off takes nothing else."),
        ("%sso_use 'x", 'UsageError: A quote is not closed. Quote names with spaces: "Team Sandbox".'),
        ("%sso_login --browser --device", "UsageError: Say --browser or --device, not both."),
        ("%sso_logout corp --all", "UsageError: Name a session or say --all, not both."),
    ],
)
def test_a_line_that_cannot_be_meant(fails, center, cell, line):
    assert fails(cell)[0] == line


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (
            "%sso_status x",
            "UsageError: %sso_status takes no 'x'. Usage: %sso_status [--notebook [FILE]]; %sso_status? shows help.",
        ),
        ("%sso_accounts -h", "UsageError: Usage: %sso_accounts [-s SESSION] [WORDS ...]; %sso_accounts? shows help."),
        (
            "%sso_roles --nope",
            "UsageError: %sso_roles has no option --nope. %sso_roles? shows help.",
        ),
    ],
)
def test_a_line_that_cannot_be_read_says_how_it_goes(fails, center, cell, line):
    assert fails(cell)[0] == line


def test_a_comment_after_the_line_is_no_argument(shell, signed_in, capsys):
    assert len(shell.run_line_magic("sso_accounts", "payments # ours")) >= 2


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
def test_an_error_is_one_line_in_every_mode_and_shows_no_token(shell, fails, signed_in, mode, capsys):
    token = json.loads(cache_file(signed_in_home()).read_text())["accessToken"]
    shell.run_line_magic("xmode", mode)
    text, _ = fails("%sso_use nowhere ReadOnly")
    shell.run_line_magic("tb", "")
    out = capsys.readouterr()
    assert token not in text + out.out + out.err
    assert len(text.splitlines()) == 1


def signed_in_home():
    from pathlib import Path

    return Path(os.environ["HOME"])


def test_stopping_the_cell_ends_the_wait_and_leaves_nothing(fails, shell, center, monkeypatch):
    before = set(threading.enumerate())
    real = threading.Event.wait

    def interrupted(event, timeout=None):
        if threading.current_thread() is threading.main_thread() and center.pending():
            raise KeyboardInterrupt
        return real(event, timeout)

    with monkeypatch.context() as patch:  # %unload_ext, which ends the test, waits too
        patch.setattr(threading.Event, "wait", interrupted)
        text, error = fails("%sso_login --device")
    assert isinstance(error, errors.SignInCanceled)
    assert text.endswith("SignInCanceled: Sign-in canceled. Run %sso_login to start again.")
    assert {thread for thread in threading.enumerate() if thread.name.startswith("sso-magic")} <= before


def test_a_run_without_a_person_fails_at_once(fails, center, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    line, error = fails("%sso_login")
    assert isinstance(error, errors.SignInRequired)
    assert line == f"SignInRequired: {NOBODY}"
