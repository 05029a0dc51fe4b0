"""The session in use of the magics changes when a sign-in succeeds, and at no other time."""

from __future__ import annotations

import pytest

from sso_magic.common import cache
from sso_magic.errors import SSOMagicError


@pytest.fixture
def other(center, clean_environment):
    """A second session in the configuration, [sso-session second], that nobody is signed in to."""
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(center.config_text("second"))


@pytest.mark.parametrize(
    "line",
    [
        "https://example.invalid/start --sso-region eu-west-1 --device",
        "second --device",
        "https://d-1234567890.awsapps.com/start --sso-region eu-west-1 --device --save third",
        "https://nobody.awsapps.com/start",
        "no-such-session",
    ],
)
def test_a_failed_sign_in_changes_nothing(line, signed_in, other, shell, clean_environment):
    signed_in.faults = ["RegisterClient status=400", "StartDeviceAuthorization status=400"]
    shell.run_line_magic("sso_login", "corp")
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    config = (clean_environment / ".aws" / "config").read_text()
    tokens = sorted(path.name for path in cache.sso_directory().glob("*.json"))
    with pytest.raises(SSOMagicError):
        shell.run_line_magic("sso_login", line)
    signed_in.faults = []
    assert len(shell.run_line_magic("sso_accounts", "")) > 5
    assert "corp" in repr(shell.run_line_magic("sso_doctor", ""))
    assert (clean_environment / ".aws" / "config").read_text() == config
    assert sorted(path.name for path in cache.sso_directory().glob("*.json")) == tokens


def test_a_session_named_for_one_line_is_not_kept(signed_in, other, shell):
    shell.run_line_magic("sso_login", "corp")
    with pytest.raises(SSOMagicError, match="Not signed in to second"):
        shell.run_line_magic("sso_accounts", "--session second")
    assert len(shell.run_line_magic("sso_accounts", "")) > 5


def test_a_sign_in_that_succeeds_is_kept(center, other, shell, capsys):
    center.auto_approve = True
    shell.run_line_magic("sso_login", "second --device")
    shell.run_line_magic("sso_logout", "")
    assert "Signed out of second." in capsys.readouterr().out


@pytest.mark.parametrize("is_in_file", [False, True])
def test_a_sign_in_to_a_start_url_that_is_in_no_file_names_the_next_magics(center, shell, capsys, is_in_file):
    center.auto_approve = True
    url = center.start_url if is_in_file else "https://d-9999999999.awsapps.com/start"
    shell.run_line_magic("sso_login", f"{url} --sso-region eu-west-1 --device")
    line = (
        "Next: %sso_accounts lists accounts, %sso_use ACCOUNT [ROLE] uses a role, %sso_use --off releases it, "
        "%sso_logout signs out."
    )
    assert (line in capsys.readouterr().out) is not is_in_file
    shell.run_line_magic("sso_login", "")  # nobody is asked
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    shell.run_line_magic("sso_login", "--device --force")  # who uses a role knows how
    assert "Next:" not in capsys.readouterr().out


def test_save_writes_the_session_once_the_sign_in_has_succeeded(center, shell, clean_environment, capsys):
    center.auto_approve = True
    config = clean_environment / ".aws" / "config"
    config.write_text("")
    shell.run_line_magic("sso_login", f"{center.start_url} --sso-region {center.region} --save third --device")
    assert "[sso-session third]" in config.read_text()
    assert capsys.readouterr().out.count("Wrote [sso-session third]") == 1
    assert len(shell.run_line_magic("sso_accounts", "")) > 5


def test_a_start_url_that_another_kernel_signed_in_to_need_not_be_typed_again(center, shell, clean_environment, capsys):
    (clean_environment / ".aws" / "config").unlink()
    center.auto_approve = True
    with pytest.raises(SSOMagicError, match="No session is configured in"):
        shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    shell.run_line_magic("sso_login", f"{center.start_url} --sso-region eu-west-1 --device")
    restarted(shell)
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    shell.run_line_magic("sso_login", "--device --force")
    assert center.requests.of("RegisterClient")[-1].body["scopes"] == ["sso:account:access"]  # can be refreshed
    shell.run_line_magic("sso_logout", "")
    assert f"Signed out of {center.start_url}." in capsys.readouterr().out


def test_of_two_start_urls_that_are_signed_in_to_none_is_guessed(center, shell, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    center.auto_approve = True
    for url in (center.start_url, "https://d-9999999999.awsapps.com/start"):
        shell.run_line_magic("sso_login", f"{url} --sso-region eu-west-1 --device")
    restarted(shell)
    with pytest.raises(SSOMagicError, match=r"^Which session\? Name one: https://d-\d+.awsapps.com/start, https://d-"):
        shell.run_line_magic("sso_use", "payments-dev ReadOnly")


def restarted(shell):
    """Forget what the process knows, as a new kernel."""
    from sso_magic.center.identity_center import SHARED

    SHARED.clear()
    shell.magics_manager.registry["SSOMagics"]._center = None
