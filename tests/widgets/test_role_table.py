"""The inventory's table in a notebook: shown by the cell that asks for it, pandas' elsewhere; its buttons use roles."""

from __future__ import annotations

import copy
import pickle
import re

import pandas as pd
import pytest
from IPython.utils.capture import capture_output
from jupyter_in_browser import plant_inventory, plant_token
from panel_screen import Screen

from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Organization
from sso_magic.magics import table as tables
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session
from sso_magic.widgets import role_table
from sso_magic.widgets.view import VIEW

ROLES = 90


@pytest.fixture
def made(monkeypatch):
    """The tables that were shown; closed after the test."""
    opened = []

    class RoleTable(role_table.RoleTable):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            opened.append(self)

    monkeypatch.setattr(role_table, "RoleTable", RoleTable)
    yield opened
    for one in opened:
        one.close()


@pytest.fixture
def run(shell, center, clean_environment, monkeypatch, made):
    """Runs a cell of a notebook in front of a person, with 90 roles; what it displays, and then what it prints."""
    center.organization = Organization.generated(ROLES // 3)
    plant_token(clean_environment, center)
    plant_inventory(clean_environment, center)
    center.requests.clear()
    monkeypatch.setattr(tables, "is_notebook", lambda: True)
    monkeypatch.setattr(tables, "has_person", lambda: True)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    def one(cell):
        with capture_output() as shown:
            shell.run_cell(cell, store_history=True).raise_error()
        printed = re.sub(r"Out\[\d+\]: ", "", shown.stdout).strip()
        return [output.data for output in shown.outputs] + [printed] * bool(printed)

    return one


@pytest.fixture
def screen(run, made):
    run("%sso_inventory")
    return Screen(made[-1])


def test_the_cell_shows_pandas_table_to_be_saved_and_the_widget_after_it(run, made):
    saved, widget = run("%sso_inventory")
    assert "<table" in saved["text/html"]
    assert "30 accounts, 90 roles, fetched" in saved["text/html"]
    assert re.search(r"90 rows|\[90 rows", saved["text/plain"])
    assert VIEW not in saved
    assert widget == {VIEW: widget[VIEW], "text/plain": ""}
    assert made[0].widget.model_id == widget[VIEW]["model_id"]
    shown = made[0].widget.shown
    assert (shown["form"], shown["words"]) == ("table", "")
    assert shown["note"].startswith("30 accounts, 90 roles, fetched")


def test_it_has_the_rows_of_the_frame_in_its_order(run, made, shell):
    words = next(iter(shell.run_line_magic("sso_inventory", "").role_name))
    run("%sso_inventory")
    screen = Screen(made[-1])
    frame = shell.user_ns["_"]
    assert [(row.account_id, row.role_name) for row in screen.rows] == list(
        zip(frame.account_id, frame.role_name, strict=True)
    )
    assert run(f"%sso_inventory {words[:1]}") != []
    assert made[-1].widget.shown["words"] == words[:1]


@pytest.mark.parametrize("cell", ["df", "df.copy()", "df[df.role_name != '']", "_"])
def test_another_cell_shows_what_pandas_shows(run, made, cell):
    assert run("df = %sso_inventory") == []
    [shown] = run(cell) if cell != "_" else run("df") and run(cell)
    assert "90 rows" in shown
    assert made == []


def test_what_is_made_of_it_holds_no_kernel(run, shell):
    run("df = %sso_inventory")
    frame = shell.user_ns["df"]
    assert frame.make_list is not None
    assert type(copy.copy(frame)) is type(copy.deepcopy(frame)) is pd.DataFrame
    assert pickle.loads(pickle.dumps(frame)).make_list is None
    pd.testing.assert_frame_equal(pd.DataFrame(pickle.loads(pickle.dumps(frame))), pd.DataFrame(frame))


@pytest.mark.parametrize("lacking", ["is_notebook", "has_person"])
def test_a_terminal_and_a_run_without_a_person_show_what_pandas_shows(run, made, monkeypatch, lacking):
    monkeypatch.setattr(tables, lacking, lambda: False)
    [shown] = run("%sso_inventory")
    assert "90 rows" in shown
    assert made == []


def test_fifty_rows_need_no_search(run, made, center, clean_environment):
    center.organization = Organization.generated(16)
    plant_inventory(clean_environment, center)
    [shown] = run("%sso_inventory")
    assert "48 roles" in shown
    assert made == []


def test_use_in_a_row_uses_the_role(screen):
    row = next(row for row in screen.rows if "prod" not in row.account_name)
    screen.chosen_key = (row.account_id, row.role_name)
    screen.push("Use")
    screen.finish()
    assert (KERNEL.current.credentials.account_id, KERNEL.current.credentials.role_name) == screen.chosen_key
    assert screen.status.startswith(f"Using {row.account_name} ({row.account_id}) / {row.role_name}.")
    assert screen.shown["in_use_key"] == list(screen.chosen_key)
    assert f"account_id={row.account_id}&role_name={row.role_name}" in screen.console


def test_an_administrators_role_in_production_asks_for_a_second_press(screen):
    row = next(row for row in screen.rows if "prod" in row.account_name and "Admin" in row.role_name)
    screen.chosen_key = (row.account_id, row.role_name)
    screen.push("Use")
    screen.finish()
    assert KERNEL.current is None
    assert "Press Use or Enter again" in screen.status
    assert screen.is_error
    screen.push("Use")
    screen.finish()
    assert KERNEL.current.credentials.account_id == row.account_id


def test_without_a_sign_in_it_names_the_magic_and_no_button_that_it_lacks(screen):
    tokens.delete(find_session("corp"))
    row = next(row for row in screen.rows if "prod" not in row.account_name)
    screen.chosen_key = (row.account_id, row.role_name)
    screen.push("Use")
    screen.finish()
    assert KERNEL.current is None
    assert "%sso_login corp" in screen.status
    assert "Press Sign in" not in screen.status


def test_a_later_refresh_leaves_its_rows_and_a_closed_one_has_no_widget(screen, center, clean_environment):
    center.organization = Organization.generated(2)
    plant_inventory(clean_environment, center)
    screen.panel.look()
    assert len(screen.rows) == ROLES
    screen.panel.close()
    assert not screen.panel._view.has_widget
