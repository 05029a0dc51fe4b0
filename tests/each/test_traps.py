"""A cell that would find the notebook's own session in every account is refused before anything runs."""

from __future__ import annotations

import pytest

from sso_magic import errors


@pytest.fixture
def run(shell, many):
    many(1)

    def do(cell: str):
        result = shell.run_cell(cell)
        if result.error_in_exec is not None:
            raise result.error_in_exec
        return result.result

    return do


LOOKS_UP_SESSION = {
    "a method": "class Tool:\n    def ask(self): return session",
    "a property": "class Tool:\n    @property\n    def ask(self): return session",
    "a class method": "class Tool:\n    @classmethod\n    def ask(cls): return [session for _ in range(1)]",
    "a function in a method": "class Tool:\n    def ask(self): return lambda: session",
    "an object": "class Kind:\n    def ask(self): return session\nTool = Kind()",
    "a subclass": "class Base:\n    def ask(self): return session\nclass Tool(Base): pass",
    "a cached function": "import functools\n@functools.cache\ndef Tool(): return session",
}


@pytest.mark.parametrize("lines", LOOKS_UP_SESSION.values(), ids=LOOKS_UP_SESSION)
def test_what_would_find_the_notebooks_own_session_is_refused(run, lines):
    run(f"session = 'mine'\n{lines}")
    with pytest.raises(errors.UsageError) as caught:
        run("%%sso_each ReadOnly\nTool")
    assert str(caught.value) == (
        "Tool looks up session, and would find the notebook's own session in every account. Define Tool in the cell, "
        "give it session as an argument, or rename the notebook's."
    )


@pytest.mark.parametrize("lines", LOOKS_UP_SESSION.values(), ids=LOOKS_UP_SESSION)
def test_without_a_session_in_the_notebook_there_is_nothing_to_mistake(run, lines):
    run(lines)
    run("%%sso_each ReadOnly --into got\nstr(Tool)")


@pytest.mark.parametrize(
    "lines",
    [
        "class Tool:\n    def ask(self): return self.session",
        "class Tool:\n    def ask(self, session): return session",
        "def Tool(): return session",
        "import boto3\nTool = boto3.Session",
        "Tool = 5",
    ],
)
def test_what_means_another_session_is_not_refused(run, lines):
    run(f"session = 'mine'\n{lines}")
    run("%%sso_each ReadOnly --into got\nstr(Tool)")
