"""Messages name what their reader can run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sso_magic.__main__ import main
from sso_magic.common import hints
from sso_magic.errors import SignInRequired, TransportError


@pytest.fixture
def style():
    yield hints.use_style
    hints.use_style("magics")


@pytest.mark.parametrize(
    ("message", "python", "command"),
    [
        (
            "Not signed in to corp. Run %sso_login corp",
            'Not signed in to corp. Run IdentityCenter("corp").sign_in()',
            "Not signed in to corp. Run sso-magic login corp",
        ),
        (
            "The code ran out. Run %sso_login to start again.",
            "The code ran out. Run center.sign_in() to start again.",
            "The code ran out. Run sso-magic login to start again.",
        ),
        (
            "Sign in again: %sso_login --force",
            "Sign in again: center.sign_in(force=True)",
            "Sign in again: sso-magic login --force",
        ),
        (
            "Run %sso_login again, or %sso_login --device for a code.",
            'Run center.sign_in() again, or center.sign_in(method="device") for a code.',
            "Run sso-magic login again, or sso-magic login --device for a code.",
        ),
        (
            "Check both: %sso_login https://corp.awsapps.com/start --sso-region REGION",
            'Check both: IdentityCenter("https://corp.awsapps.com/start", sso_region="REGION").sign_in()',
            "Check both: sso-magic login https://corp.awsapps.com/start --sso-region REGION",
        ),
        (
            "It is refused. %sso_roles 111111111101 lists what you have.",
            'It is refused. center.roles("111111111101") lists what you have.',
            'It is refused. center.roles("111111111101") lists what you have.',
        ),
        (
            "Run it again; %sso_doctor looks for the cause.",
            "Run it again; sso_magic.doctor.report.examine() looks for the cause.",
            "Run it again; sso_magic.doctor.report.examine() looks for the cause.",
        ),
        ("%sso_inventory --refresh goes on.", "center.inventory(refresh=True) goes on.", None),
        ("AWS_PROFILE is ignored until %sso_use --off.", "AWS_PROFILE is ignored until sso_magic.release().", None),
        ("Use it by %sso_use data ReadOnly.", 'Use it by center.role("data", "ReadOnly").use().', None),
        ("%sso_panel again", "%sso_panel again", None),
        ("100 %", "100 %", None),
    ],
)
def test_a_magic_becomes_a_call_or_a_command(style, message, python, command):
    style("python")
    assert hints.for_caller(message) == python
    style("command")
    assert hints.for_caller(message) == (command or python)
    style("magics")
    assert hints.for_caller(message) == message


def test_errors_of_both_roots_are_translated(style):
    style("python")
    for kind in (SignInRequired, TransportError):
        assert str(kind("Run %sso_login corp")) == 'Run IdentityCenter("corp").sign_in()'


def test_a_script_names_calls_and_the_command_commands(center, capsys, style, clean_environment):
    style(None)
    script = "from sso_magic import IdentityCenter\nIdentityCenter('corp').accounts()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        'sso_magic.errors.SignInRequired: Not signed in to corp. Run IdentityCenter("corp").sign_in()'
    )
    (clean_environment / ".aws" / "config").unlink()
    assert main(["login", "nosuch"]) == 1
    assert "sso-magic login https://" in capsys.readouterr().err


def test_a_shell_names_magics(shell, style):
    style(None)
    assert hints.for_caller("Run %sso_login corp") == "Run %sso_login corp"
