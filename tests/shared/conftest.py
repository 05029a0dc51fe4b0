"""The real clients beside this package. One that is missing is a failure in CI, where everything is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NODE_PACKAGES = Path(__file__).parents[1] / "node" / "node_modules"


def missing(what: str) -> None:
    """Skips where a developer has not installed it; fails in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed, and in CI every real client is")
    pytest.skip(f"{what} is not installed")


@pytest.fixture
def aws_cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the AWS CLI that SSO_MAGIC_AWS_CLI names; it pins its own botocore and so lives in an environment apart."""
    program = os.environ.get("SSO_MAGIC_AWS_CLI") or str(Path(__file__).parents[2] / ".venv-awscli" / "bin" / "aws")
    if not Path(program).exists():
        missing("the AWS CLI (SSO_MAGIC_AWS_CLI)")

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def run_node() -> Callable[[str], Any]:
    """Runs a script in Node with the packages of tests/node; what it printed, read as JSON."""
    node = shutil.which("node")
    if node is None or not NODE_PACKAGES.exists():
        missing("Node with the packages of tests/node")

    def run(script: str) -> Any:
        environment = os.environ | {"NODE_PATH": str(NODE_PACKAGES)}
        done = subprocess.run(
            [node, "-e", script], capture_output=True, text=True, check=False, env=environment, cwd=NODE_PACKAGES.parent
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
