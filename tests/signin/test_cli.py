"""``sso-magic login`` and ``sso-magic logout``."""

from __future__ import annotations

import io

import pytest

from sso_magic import IdentityCenter
from sso_magic.__main__ import main
from sso_magic.common import cache
from sso_magic.signin import opener


@pytest.fixture(autouse=True)
def no_terminal(center, monkeypatch):
    """Standard input is no terminal, and no browser can be opened."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(opener, "COMMAND", ("false",))


def test_login_asks_and_then_is_silent(person, capsys):
    person.approves()
    assert main(["login", "--device"]) == 0
    shown = capsys.readouterr().out
    assert "  Code   " in shown
    assert shown.splitlines()[-1].startswith("Signed in to corp until")
    assert main(["login", "corp"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("Signed in to corp until")


def test_a_start_url_signs_in_and_is_kept(center, person, clean_environment, capsys):
    config = clean_environment / ".aws" / "config"
    config.unlink()
    person.approves()
    arguments = [center.start_url, "--sso-region", "eu-west-1", "--save", "mine"]
    assert main(["login", "--device", *arguments]) == 0
    assert f"Wrote [sso-session mine] to {config}." in capsys.readouterr().out
    assert f"[sso-session mine]\nsso_start_url = {center.start_url}\n" in config.read_text()
    assert main(["login", *arguments]) == 0
    assert "Wrote" not in capsys.readouterr().out


def test_non_interactive_refreshes_or_fails_and_says_what_to_run(center, monkeypatch, capsys):
    assert main(["login", "--non-interactive"]) == 1
    assert capsys.readouterr().err == (
        "sso-magic: Not signed in to corp, and this run is not interactive. Run sso-magic login corp in a terminal "
        "first, or sign in from a notebook.\n"
    )
    center.auto_approve = True
    assert main(["login", "--non-interactive"]) == 0
    assert capsys.readouterr().out.startswith("Signed in to corp until")


def test_a_denied_sign_in_is_one_line_and_status_1(person, capsys):
    person.denies()
    assert main(["login", "--device"]) == 1
    assert capsys.readouterr().err == (
        "sso-magic: The sign-in to corp was denied in the browser. Run sso-magic login to start again.\n"
    )


def test_an_interrupt_is_status_130(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("sso_magic.signin.device.poll", interrupted)
    assert main(["login", "--device"]) == 130
    assert capsys.readouterr().err == "Sign-in canceled.\n"


def test_logout_ends_one_session_or_all(center, capsys):
    center.sign_in()
    assert main(["logout"]) == 0
    assert capsys.readouterr().out == "Signed out of corp.\n"
    assert not cache.token_path("corp").exists()
    assert main(["logout", "corp"]) == 0
    assert capsys.readouterr().out == "corp was not signed in.\n"
    center.sign_in()
    assert main(["logout", "--all"]) == 0
    assert capsys.readouterr().out == "Signed out of corp.\n"
    assert main(["logout", "--all"]) == 0
    assert capsys.readouterr().out == "No session was signed in.\n"
    assert center.sessions() == []


def test_a_start_url_that_is_kept_later_stays_signed_in(center, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    center.auto_approve = True
    bare = IdentityCenter(start_url=center.start_url, sso_region="eu-west-1")
    bare.sign_in(interactive=False)
    bare.save("mine")
    assert IdentityCenter("mine").sign_in_silently()


def test_what_a_magic_can_python_can(center, clean_environment):
    import sso_magic

    center.sign_in()
    corp = IdentityCenter("corp")
    config = clean_environment / ".aws" / "config"
    assert corp.save("again") == config
    assert corp.save("again") is None
    plan = corp.plan_profiles("payments-prod", region="eu-west-1")
    assert "payments-prod" in plan.frame().to_string()
    plan.write()
    assert "[profile payments-prod" in config.read_text()
    corp.role("payments-prod", "ReadOnly").use()
    assert sso_magic.release() is True
    assert sso_magic.release() is False
    assert sso_magic.sign_out_all() == ["corp"]
    with pytest.raises(sso_magic.SignInRequired):
        corp.sign_in(interactive=False)
