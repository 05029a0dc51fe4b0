"""``%%sso_each``, as it is typed."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from IPython.core import oinspect

from sso_magic import errors
from sso_magic.local import Fault


def test_the_cell_runs_in_each_account_and_gives_a_table(run):
    frame, out = run("%%sso_each DataScientist\nsession.client('sts').get_caller_identity()['Account']")
    assert list(frame.columns) == ["account_id", "account_name", "role_name", "value"]
    assert list(frame["account_name"]) == [
        "analytics",
        "data-lake",
        "payments-dev",
        "payments-prod",
        "payments-prod-eu",
    ]
    assert (frame["account_id"] == frame["value"]).all()
    assert out.startswith(
        "5 rows from 5 of 5 accounts as DataScientist. 9 accounts were left out: no DataScientist there.\n"
    )


def test_words_narrow_it_down_and_the_notebook_is_there(run, shell):
    run("factor = 3\ndef size(n): return n * factor")
    frame, _ = run("%%sso_each ReadOnly payments prod\nx = size(2)\n{'name': account.name, 'x': x}")
    assert frame[["account_name", "x"]].to_dict("list") == {
        "account_name": ["payments-prod", "payments-prod-eu"],
        "x": [6, 6],
    }
    assert "x" not in shell.user_ns
    assert "account" not in shell.user_ns


def test_into_puts_results_and_errors_in_two_names(run, shell):
    result, out = run(
        "%%sso_each ReadOnly payments --into costs\nif account.name == 'payments-dev':\n    raise KeyError('none')\n7"
    )
    costs, failed = shell.user_ns["costs"], shell.user_ns["costs_errors"]
    assert result is None
    assert list(costs["value"]) == [7, 7]
    assert failed[["account_name", "error", "message", "line"]].to_dict("records") == [
        {"account_name": "payments-dev", "error": "KeyError", "message": "'none'", "line": 2}
    ]
    assert out.splitlines()[0] == "2 rows from 2 of 3 accounts as ReadOnly, in costs."
    assert "payments-dev  KeyError  'none' (line 2)" in out
    assert "All of it, with tracebacks, is in costs_errors; --accounts costs_errors runs them again." in out


def test_what_failed_can_be_run_again(run, shell):
    run("first = True")
    run("%%sso_each ReadOnly payments --into costs\n1 / 0 if first and account.name != 'payments-dev' else 1")
    run("first = False")
    run("%%sso_each ReadOnly --accounts costs_errors --into more\n1 / 0 if first else 1")
    assert list(shell.user_ns["more"]["account_name"]) == ["payments-prod", "payments-prod-eu"]
    assert len(shell.user_ns["more_errors"]) == 0


@pytest.mark.parametrize(
    "expression",
    [
        "ids",
        "645098217733",
        "\"'data-lake'\"",
        "\"['data-lake']\"",
        "frame",
        "frame.account_id",
        '"[i for i in ids]"',
        "{'ids'}",
    ],
)
def test_accounts_are_an_expression_of_the_notebook(run, expression):
    run("import pandas as pd\nids = ['645098217733']\nframe = pd.DataFrame({'account_id': ids})")
    frame, _ = run(f"%%sso_each ReadOnly --accounts {expression}\n1")
    assert list(frame["account_name"]) == ["data-lake"]


def test_a_dry_run_lists_the_accounts_and_asks_nothing_of_them(run, signed_in):
    run("%sso_inventory")
    signed_in.requests.clear()
    frame, out = run("%%sso_each DataScientist payments --dry-run\nraise SystemExit")
    assert list(frame.columns) == ["account_id", "account_name", "email_address", "role_name"]
    assert list(frame["account_name"]) == ["payments-dev", "payments-prod", "payments-prod-eu"]
    assert out.splitlines()[0] == "Would run in 3 accounts as DataScientist."
    assert signed_in.requests.total() == 0


def test_the_region_of_session_can_be_named(run):
    frame, _ = run("%%sso_each ReadOnly data-lake --region us-west-2\nsession.region_name")
    assert frame["value"].item() == "us-west-2"


def test_it_runs_in_processes_too(run):
    run("import os\nfactor = 2")
    frame, _ = run("%%sso_each ReadOnly payments --on processes --workers 1\n(os.getpid(), factor)")
    assert len(frame) == 6
    assert os.getpid() not in set(frame["value"])
    assert (frame["value"] == 2).sum() == 3


def test_failing_everywhere_stops_run_all_and_leaves_the_errors(run, shell, capsys):
    with pytest.raises(errors.EachError) as caught:
        run("%%sso_each ReadOnly payments --into x\nsize(1)")
    assert str(caught.value) == "All 3 accounts failed with NameError: name 'size' is not defined (line 1)"
    assert len(shell.user_ns["x_errors"]) == 3


def test_a_call_without_a_region_says_how_to_choose_one(run, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(errors.EachError) as caught:
        run("%%sso_each ReadOnly payments\nsession.client('ec2').describe_vpcs()")
    assert str(caught.value) == (
        "All 3 accounts failed with NoRegionError: You must specify a region. (line 1) Choose one with --region or "
        "--regions; region= or regions= in Python."
    )


def test_many_errors_are_told_in_few_lines(run):
    _, out = run("%%sso_each ReadOnly\nif account.name != 'data-lake': raise ValueError('broken')\n1")
    lines = out.splitlines()
    assert lines[1].split() == ["failed", "error", "message"]
    assert lines[2].endswith("and 8 more  ValueError  broken (line 1)")
    assert lines[3] == 'All of it, with tracebacks, is in attrs["errors"] of the result.'


def test_errors_of_many_kinds_are_told_as_far_as_a_screen_shows_them(run):
    _, out = run("%%sso_each ReadOnly\nif account.name != 'data-lake': raise ValueError(account.id)\n1")
    lines = out.splitlines()
    assert lines[12].split() == ["1", "more", "..."]
    assert lines[13] == 'All of it, with tracebacks, is in attrs["errors"] of the result.'


@pytest.mark.parametrize(
    ("options", "rest"),
    [("", ""), ("--dry-run", "Would run in 11 accounts as ReadOnly. 2 accounts were left out: no ReadOnly there.")],
)
def test_accounts_whose_roles_cannot_be_listed_are_told(run, signed_in, options, rest):
    signed_in.faults.append(Fault("ListAccountRoles", times=1, status=400, error="Broken"))
    _, out = run(f"%%sso_each ReadOnly {options}\n1")
    assert out.splitlines()[0].endswith(" The roles in 1 account could not be listed.")
    assert out.startswith(rest)


def test_an_interrupt_returns_what_is_there(run, shell, interrupt_when, each_threads_end):
    run("import time\nbegun = []")
    begun = shell.user_ns["begun"]
    interrupt_when(lambda: len(begun) == 3)  # at two at a time the third begins when the first is done
    frame, out = run(
        "%%sso_each ReadOnly --into got --workers 2\n"
        "begun.append(account.name)\nwhile account.name != 'analytics': time.sleep(0.01)\n'ok'"
    )
    assert frame is None
    assert list(shell.user_ns["got"]["account_name"]) == ["analytics"]
    assert set(shell.user_ns["got_errors"]["error"]) == {"Stopped"}
    assert out.startswith("Stopped: 1 row from 1 of 12 accounts as ReadOnly, in got.")
    each_threads_end()


def test_the_environment_and_the_role_in_use_are_not_touched(run):
    run("%sso_use log-archive ReadOnly")
    before = dict(os.environ)
    frame, _ = run(
        "%%sso_each ReadOnly payments\nimport os\n"
        "(os.environ['AWS_ACCOUNT_ID'], session.client('sts').get_caller_identity()['Account'])"
    )
    assert dict(os.environ) == before
    assert set(frame["value"][0::2]) == {"034817265590"}
    assert list(frame["value"][1::2]) == list(frame["account_id"][1::2])


def test_boto3_client_in_a_cell_is_the_accounts(run):
    run("%sso_use log-archive ReadOnly")
    run("import boto3")
    frame, out = run("%%sso_each ReadOnly payments\nboto3.client('sts').get_caller_identity()['Account']")
    assert list(frame["value"]) == list(frame["account_id"])
    assert len(set(frame["value"])) > 1
    assert "notebook" not in out


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("%%sso_each\n1", "ROLE is missing. Usage: %%sso_each ["),
        (
            "%%sso_each ReadOnly --into 3x\n1",
            "--into 3x is not a valid Python name. Type --into costs, for example.",
        ),
        ("%%sso_each ReadOnly --into class\n1", "--into class is not a valid Python name."),
        ("%%sso_each ReadOnly --on gpu\n1", "--on cannot be 'gpu'. Type threads, processes or dask."),
        ("%%sso_each ReadOnly --workers x\n1", "--workers needs a whole number, not 'x'."),
        ("%%sso_each ReadOnly --workers 0\n1", "workers is how many accounts at a time, 1 or more, not 0."),
        (
            "%%sso_each ReadOnly --accounts nope\n1",
            "--accounts nope: NameError: name 'nope' is not defined. It is Python for ids or names, as in",
        ),
        ("%%sso_each ReadOnly\nx =", "Line 1 of the cell is not Python (invalid syntax): x ="),
        ("%%sso_each ReadOnly\n!ls", "Line 1 of the cell is IPython's, not Python: !ls."),
        ("%%sso_each ReadOnly --on dask\n1", "There is no Dask client in this kernel. Make one first: client = "),
    ],
)
def test_a_line_that_cannot_be_meant_says_what_to_do(run, cell, line):
    with pytest.raises(errors.UsageError) as caught:
        run(cell)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dask_is_named_where_it_is_missing(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sso_magic.dask_cluster.clients", None)
    with pytest.raises(errors.UsageError, match=r'^Dask is not installed: pip install "sso-magic\[dask\]"$'):
        run("%%sso_each ReadOnly --on dask\n1")


def test_help_tells_what_is_in_the_cell(shell):
    text = oinspect.getdoc(shell.find_cell_magic("sso_each"))
    for word in ("ROLE", "WORDS", "--accounts", "--into", "--on", "--dry-run", "session", "credentials"):
        assert word in text


def test_it_goes_with_the_extension(shell):
    assert shell.find_cell_magic("sso_each") is not None
    shell.run_line_magic("unload_ext", "sso_magic")
    assert shell.find_cell_magic("sso_each") is None
    shell.run_line_magic("load_ext", "sso_magic")
    shell.run_line_magic("reload_ext", "sso_magic")
    assert sum(type(item).__name__ == "EachMagics" for item in shell.configurables) == 1


def test_the_result_is_a_plain_table(run):
    frame, _ = run("%%sso_each ReadOnly payments\n[{'n': 1}, {'n': 2}]")
    assert type(frame) is pd.DataFrame
    assert len(frame) == 6
