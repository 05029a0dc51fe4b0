"""CONTRIBUTING names files, functions and folders that there are, and every room and folder of tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sso_magic"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
STEPS = re.findall(r"`([\w/]+\.py)`\s+`([\w.]+)`", SECTIONS["Three walks through the code"])
ROWS = re.findall(r"^\| (.+?) \| (.+?) \|$", SECTIONS["Where the tests are"], re.MULTILINE)[1:]


def defined(path: Path) -> set[str]:
    """Return the names of a module's functions and classes, and of the methods as ``Class.method``."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{method.name}" for method in node.body if isinstance(method, ast.FunctionDef)}
    return found


def code(text: str) -> list[str]:
    """Return what a cell of the table sets as code."""
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize(("path", "name"), STEPS, ids=[" ".join(step) for step in STEPS])
def test_a_step_of_a_walk_is_in_the_code(path, name):
    assert name in defined(PACKAGE / path)


def test_there_are_three_walks():
    assert re.findall(r"^\*\*(.+?)\*\*", SECTIONS["Three walks through the code"], re.MULTILINE) == [
        "An access token through `list_accounts`.",
        "`%sso_use` from the line to the environment.",
        "A credential from renewal to a boto3 client.",
    ]
    assert len(STEPS) > 20


def test_the_table_names_every_room_and_where_its_tests_are():
    changed = {name for left, _ in ROWS for name in code(left)}
    folders = {name for _, right in ROWS for name in code(right)}
    rooms = {f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__")}
    modules = {path.name for path in PACKAGE.glob("*.py")}
    assert rooms | modules == changed
    tests = {
        f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if any(path.glob("*.py")) or path.name == "node"
    }
    assert tests == folders


def test_the_drawing_names_every_room():
    drawing = SECTIONS["How the code is laid out"].split("```")[1]
    rooms = {f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert {room for room in rooms if not re.search(rf"(^|[\s;]){room}", drawing)} == set()
