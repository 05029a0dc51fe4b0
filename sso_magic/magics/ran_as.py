"""What ``%sso_status --notebook`` lists: the roles that the cells of a notebook ran as.

pandas is imported at the top: this module is imported when the table is about to be shown.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sso_magic.common.escaped_frame import EscapedFrame
from sso_magic.common.text import printable
from sso_magic.errors import UsageError
from sso_magic.magics.settings import checked
from sso_magic.magics.table import noted
from sso_magic.notebook.identity_record import Row, recorded
from sso_magic.notebook.pin import KEY, this_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso_magic.magics.family import Magics


def ran_as(file: str | None, magics: Magics) -> pd.DataFrame:
    """Return the roles that cells ran as: cell, account_id, role_name, at.

    ``cell`` is the execution count (Int64; missing if the cell has none), ``at`` the time at which the cell began to
    use the role (UTC). The rows are those of the saved notebook, in its order, then those that only this kernel knows.

    Args:
        file: The notebook; by default the one that this kernel runs, with what is not saved yet.
        magics: Have the setting `record_identity`.

    Raises:
        UsageError: The file cannot be read, is no notebook, or the setting has a wrong value.
    """
    is_on = checked(magics, "record_identity")
    rows: list[Row] = []
    where = "this kernel"
    path = Path(file).expanduser() if file else this_notebook(magics.shell)
    if path is not None:
        rows += _saved(path)
        where = str(path)
    if file is None:
        rows += [row for row in recorded() if row not in rows]
    frame = EscapedFrame(rows, columns=list(Row._fields)).astype({"cell": "Int64"})
    frame["at"] = pd.to_datetime(frame["at"], utc=True, errors="coerce")
    note = f"Recorded in {where}." if rows else f"Nothing is recorded in {where}."
    if not is_on:
        note += " Record the cells from now on: %config SSOMagics.record_identity = True"
    return noted(frame, note)


def _saved(path: Path) -> list[Row]:
    """Return the records in a notebook's file; what has another form is left out.

    Raises:
        UsageError: The file cannot be read, or is no notebook.
    """
    try:
        notebook = json.loads(path.read_bytes())
        cells = notebook["cells"]
        return [row for cell in cells for row in _of_cell(cell)]
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        reason = "it is not a notebook of format 4"
    raise UsageError(
        f"{printable(str(path))} cannot be read: {reason}. Name a notebook: %sso_status --notebook FILE.ipynb"
    )


def _of_cell(cell: dict[str, Any]) -> list[Row]:
    """Return the newest record of a cell: a run in another program may have written another one beside it."""
    places = [cell, *cell.get("outputs", [])]
    found = [list(_rows(cell.get("execution_count"), place.get("metadata"))) for place in places]
    return max(found, key=lambda rows: max((row.at for row in rows), default=""))


def _rows(count: object, metadata: Any) -> Iterator[Row]:
    record = metadata.get(KEY) if isinstance(metadata, dict) else None
    ran = record.get("ran_as") if isinstance(record, dict) else None
    for one in ran if isinstance(ran, list) else []:
        values = [one.get(name) for name in Row._fields[1:]] if isinstance(one, dict) else [None]
        if all(isinstance(value, str) for value in values):
            yield Row(count if isinstance(count, int) else None, *values)
