"""The record of the roles that each cell ran as, in the notebook that a run without JupyterLab's extension saves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import nbformat

from sso_magic.local.organization import Organization
from sso_magic.magics.magics import SSOMagics

LOAD = "%load_ext sso_magic\n%sso_login --device"
ON = "%config SSOMagics.record_identity = True\n%sso_use payments-prod ReadOnly"
LIST = "rows = %sso_status --notebook\nprint(rows.to_json(orient='records', date_unit='s', date_format='iso'))"


def recorded(cell) -> list[tuple[str, str]]:
    """The account IDs and roles in the metadata of a saved cell's outputs."""
    records = [output["metadata"]["sso_magic"] for output in cell.outputs if "sso_magic" in output.get("metadata", {})]
    return [(one["account_id"], one["role_name"]) for record in records for one in record["ran_as"]]


def test_each_cell_of_a_run_is_saved_with_the_roles_that_it_ran_as(run_cells, tmp_path, shell):
    started = datetime.now(timezone.utc) - timedelta(seconds=1)
    notebook = run_cells(
        LOAD,
        "%sso_use payments-prod ReadOnly",  # not recorded yet
        ON,
        "1 + 1",
        "%%sso_as payments-dev ReadOnly\nget_ipython().run_cell('2')",
        "print('a')\nfrom IPython.display import clear_output\nclear_output()",
        "print('kept')\nclear_output(wait=True)",
        "1 / 0",
        "%sso_use --off",
        "3",
        LIST,
        allow_errors=True,
    )
    ids = {account.name: account.id for account in Organization.sample().accounts}
    prod, dev = (ids["payments-prod"], "ReadOnly"), (ids["payments-dev"], "ReadOnly")
    found = [recorded(cell) for cell in notebook.cells]
    assert found == [[], [], [prod], [prod], [prod, dev], [prod], [], [prod], [prod], [], []]
    assert "kept" in str(notebook.cells[6].outputs)  # an output after clear_output(wait=True) would clear it
    [record] = [output for output in notebook.cells[3].outputs if output.output_type == "display_data"]
    assert record["data"] == {}
    listed = json.loads(notebook.cells[-1].outputs[0]["text"])
    assert [(row["cell"], row["account_id"]) for row in listed] == [
        (number, account) for number in range(3, 10) for account, _ in ([prod, dev] if number == 5 else [prod])
    ]
    path = tmp_path / "saved.ipynb"
    nbformat.write(notebook, path)
    rows = shell.run_line_magic("sso_status", f"--notebook {path}")
    assert list(rows.columns) == ["cell", "account_id", "role_name", "at"]
    assert [(row.cell, row.account_id, row.role_name) for row in rows.itertuples()] == [
        (number, *role) for number, roles in enumerate(found, 1) for role in roles
    ]
    assert rows["at"].between(started, datetime.now(timezone.utc)).all()
    assert repr(rows).endswith(
        f"Recorded in {path}. Record the cells from now on: %config SSOMagics.record_identity = True"
    )
    assert SSOMagics.record_identity.default_value is False
