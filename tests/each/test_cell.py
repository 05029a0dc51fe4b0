"""A cell runs in a copy of the notebook's namespace, and what is called session there is the account's."""

from __future__ import annotations

import functools
import threading
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic import errors
from sso_magic.each.cell import CellWork, own_functions
from sso_magic.each.here import EachAccount, Here
from sso_magic.each.task import perform
from sso_magic.each.work import packed, unpacked
from sso_magic.kernel.libraries import boto_session

HOUR = timedelta(hours=1)


class Role:
    """Stands for a role that nobody may ask for."""

    def __call__(self):
        pytest.fail("the role was asked for")


def here(name: str = "one") -> Here:
    return Here(EachAccount("000000000001", name, "a@example.com"), "ReadOnly", Role())


def notebook(text: str) -> dict:
    """A namespace as a notebook has it after these lines."""
    space = {"__name__": "__main__"}
    exec(text, space)
    return space


def work(cell: str, space: dict) -> CellWork:
    return CellWork(cell, dict(space), own_functions(space))


@pytest.fixture(params=["here", "in another process"])
def run(request):
    """Runs a cell, as it is and as another process would get it."""

    def do(cell: str, lines: str = "", where: Here | None = None):
        made = work(cell, notebook(lines))
        if request.param != "here":
            made = unpacked(packed(made))
        return made.run(where or here())

    return do


def test_the_last_expression_is_the_result(run):
    assert run("x = 1\nx + 1") == 2
    assert run("x = 1") is None
    assert run("") is None
    assert run("# nothing") is None
    assert run("    if True:\n        x = 3\n    x") == 3


def test_the_cell_has_the_account(run):
    assert run("(account.id, account.name, account.email)") == ("000000000001", "one", "a@example.com")
    assert run("account.account_id, account.label") == ("000000000001", "one")


def test_the_cell_sees_the_notebook(run):
    assert run("limit * double(factor)", "import math\nlimit = 3\nfactor = 2\ndef double(n): return 2 * n") == 12


def test_what_the_cell_assigns_stays_in_its_copy():
    space = notebook("total = 1")
    made = work("total = total + 1\nglobals()['other'] = 5\ntotal", space)
    assert [made.run(here()), made.run(here())] == [2, 2]
    assert space["total"] == 1
    assert "other" not in space


def test_functions_of_the_notebook_see_the_account_and_what_the_cell_assigns(run):
    lines = "name = 'notebook'\ndef ask():\n    return account.name, name, inner()\ndef inner(): return account.id"
    assert run("name = 'cell'\nask()", lines) == ("one", "cell", "000000000001")


def test_a_session_that_the_notebook_has_is_never_taken_for_the_accounts(run):
    lines = "session = credentials = account = 'the notebook'\ndef ask(): return session"
    with pytest.raises(pytest.fail.Exception, match=r"the role was asked for"):
        run("session", lines)
    with pytest.raises(pytest.fail.Exception, match=r"the role was asked for"):
        run("ask()", lines)
    assert run("account.name", lines) == "one"
    assert run("account.name", "def account(): return 'the notebook'") == "one"


def test_a_decorated_function_of_the_notebook_sees_the_account_too(run):
    lines = (
        "account = 'the notebook'\n"
        "def loud(f):\n"
        "    def call(*a): return f(*a)\n"
        "    return call\n"
        "@loud\n"
        "def ask(): return account.name\n"
    )
    assert run("ask()", lines) == "one"


def test_functions_keep_what_else_they_are(run):
    lines = "def ask(a, *, b=2):\n    'Says.'\n    return a + b\nask.tag = 5"
    assert run("ask(1), ask(1, b=3), ask.tag, ask.__doc__, ask.__name__", lines) == (3, 4, 5, "Says.", "ask")


def test_functions_that_call_each_other_are_moved_together(run):
    lines = "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n > 0 and even(n - 1)"
    assert run("even(10)", lines) is True


def test_functions_that_close_over_each_other_see_the_account_too(run):
    lines = (
        "account = 'the notebook'\n"
        "def make(least):\n"
        "    def even(n): return account.name if n == least else odd(n - 1)\n"
        "    def odd(n): return even(n - 1)\n"
        "    return even\n"
        "ask = make(0)\n"
    )
    assert run("ask(10)", lines) == "one"


def test_a_function_that_closes_over_what_was_never_set_goes_as_far_as_it_does_in_the_notebook(run):
    lines = (
        "def make():\n"
        "    def ask(deep): return later if deep else account.name\n"
        "    return ask\n"
        "    later = 1\n"
        "ask = make()\n"
    )
    assert run("ask(False)", lines) == "one"
    with pytest.raises(NameError, match="later"):
        run("ask(True)", lines)


def test_classes_and_functions_that_the_cell_defines_see_the_account(run):
    assert (
        run("class A:\n    x = account.id\n    def f(self): return self.x, account.id\nA().f()")
        == ("000000000001",) * 2
    )
    assert run("[account.id for _ in range(1)][0]") == "000000000001"
    assert run("(lambda: account.id)()") == "000000000001"


def test_session_and_credentials_are_asked_for_only_where_they_are_touched():
    made = work("def f(): return session\n'done'", {})
    assert made.run(here()) == "done"


def test_a_cell_may_call_something_of_its_own_session(run):
    assert run("session = 5\ncredentials = 6\nsession + credentials") == 11


def test_errors_tell_the_line_of_the_cell_and_show_it(run):
    made = work("x = 1\n\ny = x / 0\n", {})
    failure = perform(made, here(), "errors").failure
    assert (failure.error, failure.message, failure.line) == ("ZeroDivisionError", "division by zero", 3)
    assert "y = x / 0" in failure.traceback
    assert "sso_magic/" not in failure.traceback


@pytest.mark.parametrize(
    "cell", ["raise SystemExit", "exit_code = 3\nraise SystemExit(exit_code)", "raise KeyboardInterrupt"]
)
def test_what_would_end_a_program_is_that_accounts_error(cell):
    assert perform(work(cell, {}), here(), "exit").failure.error in {"SystemExit", "KeyboardInterrupt"}


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("x = 1\ny = = 2", "Line 2 of the cell is not Python (invalid syntax): y = = 2"),
        ("return 1", "Line 1 of the cell is not Python ('return' outside function): return 1"),
        (
            "x = 1\n!aws s3 ls",
            (
                "Line 2 of the cell is IPython's, not Python: !aws s3 ls. Magics and ! run as the whole notebook; "
                "run a program by subprocess.run(..., env={**os.environ, **credentials.environment()})."
            ),
        ),
        ("%sso_use a b", "Line 1 of the cell is IPython's, not Python: %sso_use a b. Magics and ! run"),
        ("files = !ls", "Line 1 of the cell is IPython's, not Python: files = !ls. Magics and ! run"),
        ("len?", "Line 1 of the cell is IPython's, not Python: len?. Magics and ! run"),
    ],
)
def test_a_cell_that_is_not_python_is_refused_before_anything_runs(cell, text):
    with pytest.raises(errors.UsageError) as caught:
        work(cell, {})
    assert str(caught.value).startswith(text)


def test_what_cannot_be_sent_to_another_process_is_named():
    space = {"lock": threading.Lock(), "n": 1}
    with pytest.raises(
        errors.UsageError, match=r"^lock cannot be sent to another process \(TypeError: .*\)\. Make it in"
    ):
        packed(work("n, lock", space))
    assert unpacked(packed(work("n", space))).run(here()) == 1


def test_what_cannot_be_sent_now_and_can_a_moment_later_is_told_without_a_name():
    class Moody:
        asked = 0

        def __reduce__(self):
            Moody.asked += 1
            if Moody.asked == 1:
                raise ValueError("not now")
            return (int, ())

    line = r"^This cannot be sent to another process \(ValueError: not now\)\. Run it in threads\.$"
    with pytest.raises(errors.UsageError, match=line):
        packed(work("thing", {"thing": Moody()}))


def test_the_package_that_sends_work_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cloudpickle", None)
    with pytest.raises(
        errors.UsageError, match=r"^Work for other processes is sent by cloudpickle: pip install cloudpi"
    ):
        packed(work("1", {}))


def test_boto3_is_named_where_it_is_missing(monkeypatch):
    boto_session.role_session_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "boto3.session", None)
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    where = Here(EachAccount("000000000001"), "ReadOnly", lambda: None)
    failure = perform(work("session", {}), where, "session").failure
    assert failure.error == "CredentialsError"
    assert failure.message.startswith("A boto3 session needs boto3: pip install boto3.")


def test_a_cell_is_compiled_once():
    from sso_magic.each.cell import compiled

    compiled.cache_clear()
    for _ in range(5):
        work("1 + 1", {}).run(here())
    assert compiled.cache_info().misses == 1


def test_only_what_the_cell_needs_is_sent():
    space = notebook("big = 'x' * 10_000_000\nsmall = 2\ndef use(): return small\ndef other(): return big")
    assert len(packed(work("use()", space))) < 10_000
    assert unpacked(packed(work("use()", space))).run(here()) == 2
    assert functools.reduce(lambda a, b: a + b, [1, 2]) == 3


@pytest.mark.parametrize(
    "cell",
    [
        "credentials",
        "[credentials for _ in range(1)][0]",
        "(lambda: credentials)()",
        "def f():\n    def g(): return credentials\n    return g()\nf()",
        "class A:\n    x = credentials\nA.x",
        "class A:\n    def f(self): return credentials\nA().f()",
        "import json\ncredentials",
    ],
)
def test_credentials_are_found_wherever_a_name_may_stand(cell):
    from sso_magic.common.secret import Secret
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.renewal import RenewingRole

    keys = Credentials(
        "000000000001", "one", "ReadOnly", Secret("a"), Secret("b"), Secret("c"), datetime.now(timezone.utc) + HOUR
    )
    where = Here(EachAccount("000000000001", "one"), "ReadOnly", lambda: RenewingRole(keys, lambda: keys))
    assert work(cell, {"credentials": "the notebook's"}).run(where) is keys
