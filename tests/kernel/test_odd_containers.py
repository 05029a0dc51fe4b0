"""Containers without a passwd entry, HOME or temporary directory: every magic works or says in one line what to set."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import shutil
import tempfile
from pathlib import Path

import pytest

import sso_magic
from sso_magic.center import shared as centers
from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

NOBODY = 12345  # a user that no passwd file has
LINES = (
    *("sso_status", "sso_accounts", "sso_roles payments-dev", "sso_inventory", "sso_doctor"),
    *("sso_use payments-dev ReadOnly", "sso_use payments-dev ReadOnly --serve", "sso_use --off"),
    *("sso_console payments-dev ReadOnly", "sso_profiles", "sso_profiles --write", "sso_panel"),
)
CELLS = (
    ("sso_as", "payments-dev ReadOnly", "1 + 1"),
    ("sso_each", "ReadOnly payments-dev", "account.account_name"),
    ("sso_each", "ReadOnly payments-dev --on processes", "1"),
)


@pytest.fixture
def place():
    """A directory that everybody may enter and nobody but root may write."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


_warm: list[bool] = []


@pytest.fixture
def warm(center, shell):
    """A notebook that has imported what the magics import: the child may not read this environment's files."""
    for module in pkgutil.walk_packages(sso_magic.__path__, "sso_magic."):
        if not any(word in module.name for word in ("dask", "iceberg", "__main__")):
            importlib.import_module(module.name)
    center.auto_approve = True
    if not _warm:
        _warm.append(True)
        run(shell, ["sso_login --device", *LINES[:6], *LINES[7:], *CELLS, "sso_logout"])
    return center, shell


def run(shell, lines) -> dict[str, str]:
    """Run each line; what it printed, or its error."""
    answers = {}
    for line in lines:
        words = (*line.partition(" ")[::2],) if isinstance(line, str) else line
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                result = (shell.run_line_magic if len(words) == 2 else shell.run_cell_magic)(*words)
            answer = f"{out.getvalue()}{result!r}" if words[0] in ("sso_doctor", "sso_as") else out.getvalue()
        except SSOMagicError as error:
            answer = f"{type(error).__name__}: {error}"
        except BaseException as error:  # noqa: BLE001 - the test is that there is none
            answer = f"RAW {type(error).__name__}: {error}"
        answers[" ".join(words).rstrip()] = answer
    return answers


def as_nobody(warm, lines, environ, *, can_have_temporary=True, directory="/") -> dict[str, str]:
    """Run the lines in a child process as a user without a name, with this environment and nothing else."""
    center, shell = warm
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answers = _in_child(center, shell, lines, environ, can_have_temporary, directory)
        except BaseException as error:  # noqa: BLE001 - a forked child must not come back
            answers = {"": f"RAW {error!r}"}
        os.write(write, json.dumps(answers).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        answers = json.loads(answer.read())
    os.waitpid(child, 0)
    assert [line for line, answer in answers.items() if answer.startswith("RAW")] == [], answers
    return answers


def _in_child(center, shell, lines, environ, can_have_temporary, directory) -> dict[str, str]:
    KERNEL.forget()
    centers.SHARED.clear()
    shell.magics_manager.registry["SSOMagics"]._center = None
    os.environ.clear()
    os.environ.update({**center.environment(), **environ})
    os.chdir(directory)
    if directory != "/":
        Path(directory).rmdir()
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    tempfile.tempdir = None
    if not can_have_temporary:
        tempfile._candidate_tempdir_list = lambda: ["/"]
    return run(shell, lines)


def test_without_a_home_a_sign_in_by_start_url_lasts_as_long_as_the_kernel(warm):
    login = f"sso_login {warm[0].start_url} --sso-region eu-west-1 --device"
    answers = as_nobody(warm, [login, *LINES, *CELLS, "sso_logout"], {})
    assert f"Signed in to {warm[0].start_url} until" in answers[login]
    assert "set HOME" in answers[login]
    assert "Using payments-dev" in answers["sso_use payments-dev ReadOnly --serve"]
    assert answers["sso_as payments-dev ReadOnly 1 + 1"].endswith("2")
    assert (
        "✗ This user has no home directory.\n    Set HOME to a directory that you can write." in answers["sso_doctor"]
    )
    assert answers["sso_doctor"].count("✗") == 1
    assert answers["sso_profiles --write"].endswith(
        "this user has no home directory. Set HOME to a directory that you can write."
    )
    assert f"Signed out of {warm[0].start_url}." in answers["sso_logout"]


def test_without_a_home_nothing_is_configured_and_home_is_named(warm):
    answers = as_nobody(warm, ["sso_login", "sso_use payments-dev"], {})
    for answer in answers.values():
        assert answer.startswith("SessionNotFound: This user has no home directory, so no session is configured.")
        assert "Set HOME, or sign in with your portal's start URL: %sso_login https://" in answer


@pytest.mark.parametrize("mode", [0o755, 0o700], ids=["read-only", "closed"])
def test_a_home_that_cannot_be_written_is_named(warm, place, mode):
    (place / "home/.aws/sso/cache").mkdir(parents=True)
    (place / "config").write_text(warm[0].config_text())
    (place / "config").chmod(0o644)
    (place / "home/.aws").chmod(mode)
    environ = {"HOME": f"{place}/home", "AWS_CONFIG_FILE": f"{place}/config"}
    environ["AWS_SHARED_CREDENTIALS_FILE"] = f"{place}/credentials"
    answers = as_nobody(warm, ["sso_login --device", *LINES, *CELLS, "sso_logout"], environ)
    assert "Signed in to corp until" in answers["sso_login --device"]
    assert "cannot be written (Permission denied). Nothing is lost in this kernel" in answers["sso_login --device"]
    assert "Using payments-dev" in answers["sso_use payments-dev ReadOnly --serve"]
    assert f"✗ The home directory {place}/home cannot be written." in answers["sso_doctor"]
    assert f"{place}/config cannot be written (Permission denied)." in answers["sso_profiles --write"]
    signed_out = {0o755: "Signed out of corp.", 0o700: "cannot be removed (Permission denied). Remove it by hand."}
    assert signed_out[mode] in answers["sso_logout"]


def test_a_home_whose_config_cannot_be_read_is_named(warm, place):
    (place / "home/.aws").mkdir(parents=True)
    (place / "home/.aws/config").write_text(warm[0].config_text())
    (place / "home/.aws").chmod(0o700)
    answers = as_nobody(warm, ["sso_login --device", *LINES, *CELLS, "sso_logout"], {"HOME": f"{place}/home"})
    assert f"{place}/home/.aws/config cannot be read" in answers["sso_login --device"]


def test_without_a_temporary_directory_what_needs_one_names_tmpdir(warm, place):
    (place / "home/.aws").mkdir(parents=True)
    (place / "home/.aws/config").write_text(warm[0].config_text())
    for path in ("home", "home/.aws", "home/.aws/config"):
        os.chown(place / path, NOBODY, NOBODY)
    answers = as_nobody(
        warm, ["sso_login --device", *LINES, *CELLS], {"HOME": f"{place}/home"}, can_have_temporary=False
    )
    assert "Signed in to corp until" in answers["sso_login --device"]
    assert "Using payments-dev" in answers["sso_use payments-dev ReadOnly"]
    assert answers["sso_use payments-dev ReadOnly --serve"] == (
        "ConfigError: No directory can be made for the files of child processes (no directory for temporary files can "
        "be written). Set TMPDIR to a directory that you can write."
    )
    assert answers["sso_each ReadOnly payments-dev --on processes 1"] == (
        "CredentialsError: No socket for tasks in other processes can be opened: no directory for temporary files can "
        "be written. Set TMPDIR to a directory that you can write."
    )
    assert "✗ No directory for temporary files can be written.\n    Set TMPDIR" in answers["sso_doctor"]


def test_without_anything_and_in_a_directory_that_is_gone_every_magic_says_what_to_set(warm, place):
    gone = place / "gone"
    gone.mkdir()
    login = f"sso_login {warm[0].start_url} --sso-region eu-west-1 --device"
    answers = as_nobody(warm, [login, *LINES, *CELLS], {}, can_have_temporary=False, directory=gone)
    assert "Signed in" in answers[login]
    assert answers["sso_use payments-dev ReadOnly --serve"].endswith("Set TMPDIR to a directory that you can write.")
