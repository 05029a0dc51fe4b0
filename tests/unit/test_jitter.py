"""The package draws random numbers from generators of its own: the user's `random.seed` goes on to hold."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import sso_magic
from sso_magic.common.jitter import JITTER


def test_no_module_draws_from_the_shared_generator():
    drawn = []
    for path in Path(sso_magic.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "random":
                drawn.append(f"{path.name}:{node.lineno}")
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random":
                drawn += [f"{path.name}:{node.lineno}"] if node.attr != "Random" else []
    assert drawn == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # Python 3.12, where other threads run
def test_a_forked_child_draws_other_numbers():
    state = JITTER.getstate()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, repr(JITTER.random()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    drawn = float(os.read(reader, 100))
    os.close(reader)
    os.close(writer)
    JITTER.setstate(state)
    assert drawn != JITTER.random()
