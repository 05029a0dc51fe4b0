"""Who answers a sign-in: the caller says, or the terminal and the notebook do; a local service may need nobody."""

from __future__ import annotations

import io

import pytest

from sso_magic import IdentityCenter
from sso_magic.center import sign_in
from sso_magic.errors import ParamValidationError, SignInRequired

NOBODY = (
    "Not signed in to corp, and this run is not interactive. Run sso-magic login corp in a terminal first, or sign in "
    "from a notebook."
)


@pytest.fixture
def corp(center, monkeypatch):
    """Not signed in, and standard input is no terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return IdentityCenter("corp")


@pytest.fixture
def remote_service(monkeypatch):
    """The service counts as one on another machine."""
    monkeypatch.setattr(sign_in, "is_loopback", lambda host: False)


@pytest.mark.parametrize("interactive", [None, False])
@pytest.mark.parametrize("method", ["auto", "device", "browser"])
def test_a_local_service_that_approves_every_sign_in_needs_nobody(corp, center, interactive, method):
    center.auto_approve = True
    corp.sign_in(interactive=interactive, method=method)
    assert len(corp.accounts()) > 5


@pytest.mark.parametrize("interactive", [None, False])
def test_a_local_service_that_waits_for_approval_fails_at_once(corp, center, interactive, capsys):
    with pytest.raises(SignInRequired) as caught:
        corp.sign_in(interactive=interactive)
    assert str(caught.value) == NOBODY
    assert capsys.readouterr().out == ""
    assert center.requests.total("CreateToken") == 1


@pytest.mark.parametrize("interactive", [None, False])
def test_any_other_service_is_not_asked(corp, center, interactive, remote_service):
    center.auto_approve = True
    with pytest.raises(SignInRequired) as caught:
        corp.sign_in(interactive=interactive)
    assert str(caught.value) == NOBODY
    assert center.requests.total() == 0


def test_a_start_url_is_named_with_its_region(center, monkeypatch, remote_service, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    with pytest.raises(SignInRequired) as caught:
        IdentityCenter(start_url=center.start_url, sso_region="eu-west-1").sign_in(interactive=False)
    arguments = f"{center.start_url} --sso-region eu-west-1"
    assert f"Run sso-magic login {arguments} in a terminal first, or sign in from a notebook." in str(caught.value)


def test_the_caller_says_that_a_person_is_there(corp, person, capsys, remote_service):
    person.approves()
    corp.sign_in(interactive=True, method="device")
    shown = capsys.readouterr().out
    assert "  Code   " in shown
    assert shown.splitlines()[-1].startswith("Signed in to corp until")


def test_a_terminal_is_a_person(corp, person, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    person.approves()
    corp.sign_in(method="device")
    assert "  Code   " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        (print, "'builtin_function_or_method' without the method device, browser, close."),
        (io.StringIO(), "'StringIO' without the method device, browser."),
    ],
)
def test_a_prompt_without_its_methods_is_refused_before_any_request(corp, center, prompt, line):
    center.sign_in()
    with pytest.raises(ParamValidationError) as caught:
        corp.sign_in(prompt=prompt)
    assert str(caught.value) == f"prompt is {line} sso_magic.signin.prompt.Prompt describes what it needs."
    assert center.requests.total() == 0


def test_a_run_without_a_person_says_that_it_is_signed_in(corp, center, shell, capsys):
    center.auto_approve = True
    shell.run_line_magic("sso_login", "corp")
    assert capsys.readouterr().out.startswith("Signed in to corp until ")
    shell.run_line_magic("sso_login", "corp --force")
    assert capsys.readouterr().out.startswith("Signed in to corp until ")
