"""The page on runs without a person: its commands and its Python do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sso_magic import IdentityCenter
from sso_magic.__main__ import main
from sso_magic.errors import SignInRequired

PAGE = (Path(__file__).parents[2] / "notebooks" / "scheduled_runs.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r'sso-magic"? (login corp[^&\n`]*)', PAGE)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def corp(center, prompt) -> IdentityCenter:
    center.auto_approve = True
    found = IdentityCenter("corp")
    found.sign_in(force=True, method="device", prompt=prompt)
    return found


@pytest.fixture
def remote_service(monkeypatch):
    """The service counts as one that needs a person."""
    monkeypatch.setattr("sso_magic.center.sign_in.is_loopback", lambda host: False)


def test_the_page_has_commands():
    assert len(COMMANDS) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_succeeds_if_somebody_has_signed_in(corp, command, capsys):
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out.startswith("Signed in to corp until")


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--non-interactive" in command])
def test_each_command_of_a_job_fails_if_nobody_has(center, command, remote_service, capsys):
    assert main(shlex.split(command)) == 1
    assert "Not signed in to corp, and this run is not interactive." in capsys.readouterr().err


def test_its_python_runs_and_fails_if_nobody_has_signed_in(corp, remote_service):
    exec(PYTHON[0], {})
    corp.sign_out()
    with pytest.raises(SignInRequired):
        exec(PYTHON[0], {})


def test_its_airflow_task_fails_without_a_retry(corp, remote_service):
    class AirflowFailException(Exception):
        pass

    namespace = {"AirflowFailException": AirflowFailException}
    exec(PYTHON[1].replace("from airflow.exceptions import AirflowFailException\n", ""), namespace)
    namespace["begin"]()
    corp.sign_out()
    with pytest.raises(AirflowFailException, match="Not signed in to corp"):
        namespace["begin"]()
