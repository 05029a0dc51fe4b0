"""%sso_status --notebook: the roles that cells ran as, from the notebook's file and from this kernel."""

from __future__ import annotations

import json

import pytest

from sso_magic.errors import UsageError
from sso_magic.magics.ran_as import ran_as
from sso_magic.notebook.identity_comm import COMM

DEV = {"account_id": "111111111111", "role_name": "ReadOnly", "at": "2026-01-02T03:04:05+00:00"}
PROD = {"account_id": "222222222222", "role_name": "Admin\u202e", "at": "2026-01-02T03:04:06+00:00"}


def run(kernel, text: str, number: int, session: str = "a") -> None:
    kernel.parent = {"msg_id": f"run-{number}", "session": session}
    kernel.shell.run_cell(text, store_history=True)


def roles(record: list[dict]) -> list[str]:
    return [one["role_name"] for one in record]


def notebook(path, *cells: dict):
    path.write_text(json.dumps({"nbformat": 4, "cells": list(cells)}))
    return path


def cell(count: int | None, *outputs: list[dict], metadata: list[dict] | None = None) -> dict:
    shown = [{"output_type": "display_data", "data": {}, "metadata": {"sso_magic": {"ran_as": one}}} for one in outputs]
    kept = {} if metadata is None else {"sso_magic": {"ran_as": metadata}}
    return {"cell_type": "code", "execution_count": count, "metadata": kept, "outputs": shown}


def test_the_cell_that_loads_the_extension_is_recorded_too(kernel, signed_in):
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    assert [roles(one) for one in kernel.sent] == [["ReadOnly"]]


def test_a_cell_inside_another_one_belongs_to_its_record(kernel, signed_in):
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    inner = "get_ipython().run_cell('%sso_use ml-sandbox PowerUserAccess')\n%sso_use payments-dev AdministratorAccess"
    run(kernel, inner, 2)
    assert roles(kernel.sent[-1]) == ["ReadOnly", "PowerUserAccess", "AdministratorAccess"]
    assert len(kernel.sent) == 2


def test_a_front_end_that_writes_records_gets_no_output(kernel, signed_in):
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    message = {"header": {"session": "lab"}, "content": {"comm_id": COMM, "data": {"writes_records": True}}}
    kernel.manager.comms[COMM].handle_msg(message)
    run(kernel, "1", 2, "lab")
    run(kernel, "2", 3, "another")
    assert len(kernel.sent) == 3
    assert kernel.outputs.metadata == [{"sso_magic": {"ran_as": kernel.sent[number]}} for number in (0, 2)]


def test_no_output_clears_those_of_a_cell_that_waits_for_the_next_one(kernel, signed_in):
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    run(kernel, "get_ipython().display_pub.clear_output(wait=True)", 2)
    run(kernel, "get_ipython().display_pub.clear_output()", 3)
    run(kernel, "get_ipython().display_pub.clear_output(wait=True)\ndisplay(1)", 4)
    assert [len(kernel.sent), len(kernel.outputs.metadata)] == [4, 3]


def test_nothing_is_recorded_unless_it_is_asked_for_and_nothing_after_unloading(kernel, signed_in):
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    run(kernel, "%config SSOMagics.record_identity = False", 2)
    run(kernel, "%config SSOMagics.record_identity = True\n%unload_ext sso_magic", 3)
    run(kernel, "1", 4)
    assert len(kernel.sent) == len(kernel.outputs.metadata) == 1
    assert kernel.outputs.hooks == []


def test_a_record_that_cannot_be_sent_is_no_error_of_the_cell(kernel, signed_in, monkeypatch, capsys):
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    monkeypatch.setattr(kernel.manager.comms[COMM], "send", None)
    run(kernel, "print('fine')", 2)
    assert capsys.readouterr().out == "fine\n"
    assert len(kernel.outputs.metadata) == 2


def test_the_records_of_the_file_come_before_those_of_the_kernel(kernel, signed_in, tmp_path, monkeypatch):
    path = notebook(tmp_path / "saved.ipynb", cell(7, [DEV], metadata=[PROD]), cell(None, [DEV, PROD]), cell(8))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    run(kernel, "%sso_use payments-dev ReadOnly", 1)
    table = kernel.shell.run_line_magic("sso_status", "--notebook")
    assert table["role_name"].tolist() == ["Admin\u202e", "ReadOnly", "Admin\u202e", "ReadOnly"]
    assert table["cell"].fillna(0).tolist() == [7, 0, 0, kernel.shell.execution_count - 1]
    assert str(table["at"].dtype).endswith(", UTC]")
    assert "\u202e" not in repr(table) + table._repr_html_()
    assert table.note == f"Recorded in {path}."
    assert len(kernel.shell.run_line_magic("sso_status", f"--notebook {path}")) == 3
    kernel.shell.user_ns["__vsc_ipynb_file__"] = str(notebook(tmp_path / "code.ipynb"))
    assert len(kernel.shell.run_line_magic("sso_status", "--notebook")) == 1


def test_an_empty_table_says_how_to_record(shell):
    table = shell.run_line_magic("sso_status", "--notebook")
    assert list(table.columns) == ["cell", "account_id", "role_name", "at"]
    assert repr(table) == (
        "Nothing is recorded in this kernel. Record the cells from now on: %config SSOMagics.record_identity = True"
    )


@pytest.mark.parametrize(
    "record", [None, 5, [], {"ran_as": 5}, {"ran_as": [5]}, {"ran_as": [{"account_id": 1, "role_name": "", "at": ""}]}]
)
def test_a_record_of_another_form_is_left_out(shell, tmp_path, record):
    path = notebook(tmp_path / "odd.ipynb", {"cell_type": "code", "metadata": {"sso_magic": record}}, cell(1, [DEV]))
    assert shell.run_line_magic("sso_status", f"--notebook {path}")["account_id"].tolist() == ["111111111111"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file or directory"),
        ("{", "it is not a notebook of format 4"),
        ("[]", "it is not a notebook of format 4"),
        ('{"worksheets": []}', "it is not a notebook of format 4"),
        ('{"cells": [5]}', "it is not a notebook of format 4"),
    ],
)
def test_a_file_that_is_no_notebook_is_an_error_in_one_line(shell, tmp_path, text, reason):
    path = tmp_path / "no.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as caught:
        ran_as(str(path), shell.find_line_magic("sso_status").__self__)
    assert str(caught.value) == (f"{path} cannot be read: {reason}. Name a notebook: %sso_status --notebook FILE.ipynb")
