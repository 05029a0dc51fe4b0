"""A profile that asks for an MFA code fails at once where nobody can enter one, whatever standard input is."""

from __future__ import annotations

import io
import os
import sys
import types
from pathlib import Path

import pytest

from sso_magic import errors
from sso_magic.kernel.kernel_role import KERNEL

MFA = "mfa_serial = arn:aws:iam::111111111111:mfa/me"
CHAINS = {
    "me": f"[profile me]\nrole_arn = arn:aws:iam::222222222222:role/Deployer\nsource_profile = base\n{MFA}\n",
    "above": (
        "[profile above]\nrole_arn = arn:aws:iam::222222222222:role/Second\nsource_profile = me\n"
        f"[profile me]\nrole_arn = arn:aws:iam::222222222222:role/Deployer\nsource_profile = base\n{MFA}\n"
    ),
    "machine": (
        "[profile machine]\nrole_arn = arn:aws:iam::222222222222:role/Deployer\ncredential_source = Environment\n"
        f"{MFA}\n"
    ),
}


def no_stdin(monkeypatch, shell):
    monkeypatch.setattr("sys.stdin", None)


def closed(monkeypatch, shell):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr("sys.stdin", stream)


def dev_null(monkeypatch, shell):
    monkeypatch.setattr("sys.stdin", Path(os.devnull).open(encoding="utf-8"))  # noqa: SIM115 - the test closes it


def a_pipe(monkeypatch, shell):
    monkeypatch.setattr("sys.stdin", io.StringIO("123456\n"))


def no_input_in_the_kernel(monkeypatch, shell):
    monkeypatch.setattr(shell, "kernel", types.SimpleNamespace(_allow_stdin=False), raising=False)


def a_kernel_that_says_nothing(monkeypatch, shell):
    monkeypatch.setattr(shell, "kernel", types.SimpleNamespace(), raising=False)


@pytest.mark.parametrize("profile", CHAINS)
@pytest.mark.parametrize(
    "nobody", [no_stdin, closed, dev_null, a_pipe, no_input_in_the_kernel, a_kernel_that_says_nothing]
)
@pytest.mark.parametrize("magic", ["%sso_use {0}", "%%sso_as {0}\n1"])
def test_a_code_that_nobody_can_enter_is_refused_before_any_request(
    shell, center, clean_environment, monkeypatch, nobody, profile, magic
):
    base = "[profile base]\nsso_session = corp\nsso_account_id = 220947583614\nsso_role_name = ReadOnly\n"
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(base + CHAINS[profile])
    for asks in ("getpass.getpass", "builtins.input"):
        monkeypatch.setattr(asks, lambda question="", stream=None: pytest.fail(f"asked: {question}"))
    center.requests.clear()
    before = dict(os.environ)
    nobody(monkeypatch, shell)
    result = shell.run_cell(magic.format(profile))
    if nobody is dev_null:
        sys.stdin.close()
    error = result.error_in_exec
    assert isinstance(error, errors.CredentialsError)
    asking = profile if profile == "machine" else "me"
    assert str(error) == (
        f"Profile {asking} asks for MFA (mfa_serial), and no one can enter the code here. Run %sso_use {profile} in a "
        "notebook or a terminal."
    )
    assert center.requests.total() == 0
    assert dict(os.environ) == before
    assert KERNEL.current is None
