"""The text of a cell, whatever it is: read, or refused as the person's own slip, as IPython and Python would."""

from __future__ import annotations

import ast
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_up import TEXTS, check_error, check_shown, examples, outcome_of

from sso_magic.common.cells import Cell
from sso_magic.each.cell import NAMES, CellWork, needed
from sso_magic.each.traps import refuse_own_names
from sso_magic.errors import UsageError

NESTED = [left * 200 + "1" + right * 200 for left, right in (("(", ")"), ("[", "]"), ("{1:", "}"))]
PIECES = st.sampled_from(
    [
        *(
            "account",
            "session",
            "x",
            "1",
            "'",
            '"',
            "'''",
            "\\",
            "\n",
            "\n    ",
            "\t",
            "\r",
            "\f",
            "\x00",
            ";",
            ":",
            "=",
        ),
        *(
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "lambda x: ",
            "def f(x):\n    ",
            "class C:\n    ",
            "return ",
            "yield ",
            "await ",
        ),
        *(
            "if x:\n    ",
            "for x in ",
            "import x",
            "from x import *",
            "f'{x!r}'",
            "f'{'",
            "b'é'",
            "'\\N{x}'",
            "0o9",
            "1_",
        ),
        *("%x", "%%x\n", "!x", "x?", "?", "x = !x", "x = %x", "# é", "\\\n", "@", "...", "-" * 3_000, "match x:\n    "),
        *(
            "boto3.client('s3')",
            "nonlocal x",
            "global x",
            "del x",
            "x := 1",
            "async ",
            "\ufeff",
            "\xa0",
            "\ud800",
            "٣",
            "²",
        ),
        *NESTED,
    ]
)
CELLS = st.lists(PIECES | TEXTS, max_size=8).map("".join)


@pytest.fixture
def quiet():
    """Python's warnings about the cell are for the person, as in any cell, and no errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def marked(name: str):
    """The examples that are tried first in each of these tests."""

    def decorate(test):
        for text in ("\ud800", "x\x00", "-" * 100_000 + "1", *NESTED, "'\\N{x}'", "x = '\ud800'", "return 1", "\f1"):
            test = example(**{name: text})(test)
        return test

    return decorate


@examples(150)
@given(text=CELLS)
@marked("text")
def test_a_cell_of_many_accounts_is_read_or_refused_in_one_line(quiet, text):
    notebook = {"x": 1, "account": "the notebook's", "f": test_a_cell_of_many_accounts_is_read_or_refused_in_one_line}
    work = outcome_of(CellWork, text, notebook, ("f",), refusal=UsageError)
    if isinstance(work, UsageError):
        check_error(work)
        return
    check_shown(work.filename)
    names = needed(work.code, notebook)
    assert not set(names) & set(NAMES)
    refuse_own_names(names, notebook, NAMES)
    assert work.parts()[0] == text


@examples(150)
@given(text=CELLS)
@marked("text")
def test_a_cell_under_a_role_is_read_or_refused_as_python_refuses_it(shell, quiet, text):
    cell = outcome_of(Cell, shell, text, refusal=(SyntaxError, UsageError))
    if isinstance(cell, UsageError):
        check_error(cell)
    elif isinstance(cell, Cell):
        assert (cell._value is None) or text.strip()


def test_a_backslash_at_the_end_is_what_python_makes_of_it(shell):
    python = outcome_of(ast.parse, "1\\\r\n", refusal=SyntaxError)  # Python 3.12 and later refuse it
    cell = outcome_of(Cell, shell, "1\\\r\n", refusal=SyntaxError)
    assert isinstance(cell, SyntaxError) if isinstance(python, SyntaxError) else cell.run({}) == 1


@pytest.mark.parametrize(
    "text", ["1;", "1", "x = 1", "", "# nothing", "1 # ;", "'''\n;'''", "1;  # quiet\n", "é = 1\ré", "é = 1\ré;"]
)
def test_the_value_of_a_cell_is_that_of_its_last_expression_unless_it_is_silenced(shell, text):
    value = Cell(shell, text).run({})
    assert value == {"1": 1, "1 # ;": 1, "'''\n;'''": "\n;", "é = 1\ré": 1}.get(text)
