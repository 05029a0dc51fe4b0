"""What is tested is the installed wheel; `suite.py` runs this file, which pytest does not find on its own."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from urllib.parse import unquote

import sso_magic

INSTALLED = Path(sysconfig.get_path("purelib")) / "sso_magic" / "__init__.py"


def test_this_process_imports_the_installed_package():
    assert Path(sso_magic.__file__) == INSTALLED


def test_a_child_process_imports_the_installed_package():
    code = "import sso_magic; print(sso_magic.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == INSTALLED


def test_it_was_installed_from_a_wheel():
    origin = json.loads(importlib.metadata.distribution("sso-magic").read_text("direct_url.json"))
    assert unquote(origin["url"]).endswith(f"/sso_magic-{sso_magic.__version__}-py3-none-any.whl")
    assert "archive_info" in origin
