"""Which notebook a kernel runs, by the path that a Jupyter server puts into the environment of its kernels."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

# Starts the next process with these changes to its environment; the last one says which notebook it runs.
START = """
import json, os, subprocess, sys
text, *steps = sys.argv[1:]
if steps:
    changes = {name: value.replace("PID", str(os.getpid())) for name, value in json.loads(steps[0]).items()}
    command = [sys.executable, "-c", text, text, *steps[1:]]
    sys.exit(subprocess.run(command, env={**os.environ, **changes}).returncode)
from sso_magic.notebook.pin import this_notebook
print(this_notebook(None))
"""
PROCESS, KERNEL = {}, {"JPY_PARENT_PID": "PID"}


def named(name: str) -> dict[str, str]:
    return {"JPY_SESSION_NAME": name}


OUTER, INNER = named("outer.ipynb"), named("inner.ipynb")
CHAINS = {
    "a server's kernel": ([PROCESS, KERNEL | OUTER], "outer.ipynb"),
    "a server's kernel that a program starts": ([PROCESS, KERNEL | OUTER, PROCESS], "outer.ipynb"),
    "!papermill in a notebook": ([PROCESS, KERNEL | OUTER, PROCESS, PROCESS, KERNEL], "None"),
    "!papermill in a notebook that !papermill runs": ([KERNEL | OUTER, PROCESS, KERNEL, PROCESS, KERNEL], "None"),
    "!JPY_SESSION_NAME=... in a notebook": ([KERNEL | OUTER, PROCESS, INNER, KERNEL], "inner.ipynb"),
    "JPY_SESSION_NAME=... in a terminal": ([INNER, PROCESS, KERNEL], "inner.ipynb"),
    "a server that a notebook starts": ([KERNEL | OUTER, PROCESS, KERNEL | INNER], "inner.ipynb"),
    "no server": ([PROCESS, KERNEL], "None"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_path_that_is_inherited_from_another_kernel_is_not_this_kernels(tmp_path, name):
    steps, notebook = CHAINS[name]
    for one in ("outer.ipynb", "inner.ipynb"):
        (tmp_path / one).touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JPY_")}
    command = [sys.executable, "-c", START, START, *map(json.dumps, steps)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == notebook


def test_a_path_that_the_notebook_sets_counts(tmp_path, monkeypatch):
    """As the message of ``%sso_use --pinned`` says, where no path is known."""
    from sso_magic.notebook.pin import this_notebook

    path = tmp_path / "inner.ipynb"
    path.touch()
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert this_notebook(None) == path
