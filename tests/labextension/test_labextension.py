"""JupyterLab's extension: its TypeScript is in order, and what is built and installed is what its sources say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sso_magic.notebook import identity_comm

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/node"))

import labextension  # noqa: E402 - beside the other Node programs


@pytest.fixture(scope="module")
def npm():
    """Runs npm's commands in a copy of the sources, which the type check has passed."""
    if not labextension.is_installed():
        message = "the extension's Node packages are missing (make build/labextension/installed.json)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    labextension.copy_sources()
    labextension.npm("run", "compile")
    return labextension.npm


def test_the_typescript_passes_linter_and_type_check(npm):
    npm("run", "lint")


def test_the_typescript_passes_its_own_tests(npm):
    passed = re.search(r"^# pass (\d+)$", npm("test"), re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 15


def test_what_is_built_is_what_the_sources_build(npm):
    built = labextension.build()
    committed = labextension.files_of(labextension.BUILT)
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == [], "run: make labextension"


def test_both_halves_mean_the_same_comm():
    text = (labextension.SOURCE / "src/identity.ts").read_text(encoding="utf-8")
    assert f'export const COMM = "{identity_comm.COMM}";' in text


def test_the_builder_shares_what_the_extension_imports():
    package, core = (
        json.loads((labextension.SOURCE / name).read_text()) for name in ("package.json", "core/package.json")
    )
    assert core["dependencies"] == package["dependencies"]
    assert core["jupyterlab"]["singletonPackages"] == list(package["dependencies"])


def test_jupyterlab_finds_the_installed_extension_enabled(clean_environment):
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(clean_environment) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert re.search(r"^\s*sso-magic v\S+ enabled OK \(python, sso-magic\)$", plain, re.MULTILINE), plain


def test_the_installed_copy_is_the_present_one():
    installed = Path(sys.prefix) / "share/jupyter/labextensions/sso-magic"
    copy = labextension.files_of(installed)
    copy.pop("install.json")
    assert copy == labextension.files_of(labextension.BUILT), "install the project again: it was built since"
