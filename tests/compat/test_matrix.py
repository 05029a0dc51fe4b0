"""The compatibility matrix, row by row: what signs as whom after a switch, a release and an expiry.

`SSO_MAGIC_COMPAT` names the group of rows; without it, the rows of what the test extra has. `environments.py` runs the
other groups, each in an environment of its own.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "rows")]

import matrix  # noqa: E402 - it lies beside this file
import table  # noqa: E402
from signers import Signers  # noqa: E402

# What libraries warn of is not what is tested here. The first test of a mode waits for the whole timeline.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

GROUP = os.environ.get("SSO_MAGIC_COMPAT", "core")
ROWS = importlib.import_module(GROUP).NAMES
UNDER_A = ("made under A reads", "made under A reads again", "new under A")
EXPIRY = ("across the expiry", "new across the expiry")
UNDER_B = ("new under B", "new under B, later")
LEFT_OVER = (
    "made under A, under B",
    "made under A and not used, under B",
    "made under A, under B, across A's expiry",
    "made under A and not used, across A's expiry",
)


@pytest.fixture(scope="module")
def signers(here):
    with pytest.MonkeyPatch.context() as patch:
        server = Signers(here)
        for name, value in list(os.environ.items()):
            if name.startswith("AWS_ENDPOINT_URL") and value == here.aws_url:
                patch.setenv(name, server.url)
        patch.setenv("ANTHROPIC_BEDROCK_BASE_URL", server.url)
        yield server
        server.close()


@pytest.fixture(scope="module")
def rows(here, signers):
    found = importlib.import_module(GROUP).rows(signers.url)
    assert [row.name for row in found] == ROWS
    matrix.prepare(here, found)
    return {row.name: row for row in found}


@pytest.fixture(scope="module", params=["keys", "serve"])
def measured(request, here, signers, rows):
    lifetime = matrix.LIFETIME.get(GROUP, 10)
    found = matrix.Timeline(here, signers, rows.values(), lifetime, serve=request.param == "serve").run()
    matrix.keep(GROUP, request.param, found, rows.values())
    return found


def cells(measured, name, steps):
    return {step: measured.rows[name][step] for step in steps if step in measured.rows[name]}


@pytest.mark.parametrize("name", ROWS)
def test_under_a_it_signs_as_a(measured, rows, request, name):
    mode = request.node.callspec.params["measured"]
    for step, cell in cells(measured, name, UNDER_A).items():
        assert set(cell.signers) <= {"A", "none"}, (step, cell)
        assert cell.reads == (mode not in rows[name].blind), (step, cell)


@pytest.mark.parametrize("name", ROWS)
def test_across_an_expiry_it_goes_on_as_a_or_a_new_object_does(measured, rows, request, name):
    mode = request.node.callspec.params["measured"]
    for step, cell in cells(measured, name, EXPIRY).items():
        assert set(cell.signers) <= {"A", "none"}, (step, cell)
        assert cell.reads == (mode not in (rows[name].ends if step == EXPIRY[0] else rows[name].blind)), (step, cell)


@pytest.mark.parametrize("name", ROWS)
def test_new_after_a_switch_it_signs_as_b_or_is_named_in_the_switchs_line(measured, rows, request, name):
    mode = request.node.callspec.params["measured"]
    for step, cell in cells(measured, name, UNDER_B).items():
        if "A" in cell.signers:
            assert rows[name].noun, (step, cell)
            assert rows[name].noun in measured.line, (step, cell, measured.line)
        else:
            assert cell.reads == (mode not in rows[name].blind), (step, cell)
        assert set(cell.signers) <= {"A", "B", "none"}, (step, cell)


@pytest.mark.parametrize("name", ROWS)
def test_made_under_a_it_never_signs_as_b_nor_as_the_default_profile(measured, rows, name):
    for step, cell in cells(measured, name, LEFT_OVER).items():
        if "B" in cell.signers:  # processes that are started later; they have to be named
            assert rows[name].noun == "process pool", (step, cell)
            assert "process pool" in measured.line, (step, cell, measured.line)
        assert set(cell.signers) <= {"A", "B", "none"}, (step, cell)


@pytest.mark.parametrize("name", ROWS)
def test_in_a_task_of_sso_each_it_signs_as_the_tasks_account_or_raises(measured, rows, request, name):
    mode = request.node.callspec.params["measured"]
    for step, cell in cells(measured, name, ("in a task for A, under B",)).items():
        assert set(cell.signers) <= {"A", "none"}, (step, cell)
        assert cell.reads == (mode not in rows[name].blind), (step, cell)


@pytest.mark.parametrize("name", ROWS)
def test_after_off_no_role_signs(measured, name):
    cell = measured.rows[name]["new after off"]
    assert not set(cell.signers) & {"A", "B"}, cell


@pytest.mark.parametrize("name", [name for name in ROWS if name in importlib.import_module(GROUP).NAMED])
def test_what_outlives_a_switch_is_named(measured, rows, name):
    assert rows[name].noun in measured.line


@pytest.mark.skipif("SSO_MAGIC_COMPAT_WRITE" in os.environ, reason="the table is written from this run")
@pytest.mark.parametrize("name", ROWS)
def test_the_table_says_what_was_measured(measured, request, name):
    mode = request.node.callspec.params["measured"]
    kept = table.kept()[f"{GROUP} {mode}"]["rows"][name]
    found = table.outline({name: {step: vars(cell) for step, cell in measured.rows[name].items()}})[name]
    assert table.cells(found) == table.cells(kept), (
        f"run `make compat` ({GROUP}): tests/compat/README.md is out of date"
    )


@pytest.mark.skipif("SSO_MAGIC_COMPAT_WRITE" in os.environ, reason="the table is written from this run")
def test_the_tables_file_is_made_of_what_is_kept():
    assert table.README.read_text(encoding="utf-8") == table.text(table.kept())
