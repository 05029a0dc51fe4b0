"""The page "Testing against Identity Center": what it shows is carried out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "notebooks" / "testing.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("sh") is None, reason="needs sh and curl")
def test_every_curl_line_works_in_the_order_shown(local, wire):
    [block] = [block for block in blocks("sh") if "curl" in block]
    block = block.replace("curl -s", "curl -sf")
    [function] = re.findall(r"^control\(\).*$", block, re.MULTILINE)
    lines = [line for line in block.splitlines() if re.match(r"(curl|control) ", line)]
    assert len(lines) > 15
    local.start_session()
    used = set()
    for line in lines:
        if "approve" in line or "deny" in line:
            wire.start_device(wire.register(), local.start_url)
        script = f"CONTROL={local.control_url}\nTOKEN={local.control_token}\n{function}\n{line}"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, line
        used |= set(re.findall(r"CONTROL/([a-z-]+(?:/[a-z]+)?)", line))
    assert {f"/control/{path}" for path in used} == set(local._control.paths)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_the_javascript_example_is_a_test_that_passes(local, tmp_path):
    [block] = blocks("js")
    path = tmp_path / "example.test.mjs"
    path.write_text(f'import {{ beforeEach, test }} from "node:test";\n{block}', encoding="utf-8")
    variables = {"CONTROL": local.control_url, "TOKEN": local.control_token, **local.environment()}
    done = subprocess.run(
        ["node", "--test", str(path)], capture_output=True, text=True, check=False, env=os.environ | variables
    )
    assert (done.returncode, "# pass 1" in done.stdout) == (0, True), done.stdout
    assert local.requests.total("ListAccounts") == 2


def test_the_python_examples_are_tests_that_pass(tmp_path):
    shown = blocks("python")
    assert len(shown) == 3
    for number, block in enumerate(shown):
        text = block
        if sys.version_info < (3, 11):  # enterContext is newer
            text = text if "enterContext" not in text else ""
        (tmp_path / f"test_{number}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
