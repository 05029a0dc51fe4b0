"""The docstring of each room lists the modules that it has, and no others."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sso_magic

ROOT = Path(sso_magic.__file__).parent
ROOMS = sorted(path.parent for path in ROOT.rglob("__init__.py") if path.parent != ROOT)
# "name   what it is", "name, other   what they are", and behind that "; other: what that is".
FIRST = re.compile(r"^ *((?:\w+, )*\w+)(?:\.py)?  +\S", re.MULTILINE)
FURTHER = re.compile(r"[;,] (\w+)(?:\.py)?:|(\w+)\.py\b")


def listed(docstring: str) -> set[str]:
    names = {name for found in FIRST.findall(docstring) for name in found.split(", ")}
    return names | {one or other for one, other in FURTHER.findall(docstring)}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.relative_to(ROOT).as_posix())
def test_each_module_is_listed(room):
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    modules = {path.stem for path in room.glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in room.glob("*/__init__.py")}
    of_rooms_inside = {path.stem for path in room.glob("*/*.py")}
    names = listed(docstring)
    assert modules <= names
    assert names <= modules | of_rooms_inside
