"""The results of all accounts in one DataFrame, the account's columns in front; the errors in a second.

| what an account gave                         | its rows                                                              |
|----------------------------------------------|-----------------------------------------------------------------------|
| a DataFrame                                  | its rows; an index that has a name, or is not of numbers, is a column |
| a Series                                     | a row an item: its index and its values                               |
| a dict                                       | one row                                                               |
| a list, set, iterator ... of dicts           | a row a dict                                                          |
| one of DataFrames                            | all their rows                                                        |
| one of anything else; a one-column array     | a row an item, in the column ``value``                                |
| None                                         | no row                                                                |
| anything else                                | one row, in the column ``value``                                      |

A `Secret` becomes ``***``, and so do the values of ``credentials.environment()``: the table is shown and saved.
The account's columns are account_id, account_name and role_name, and region in a run with a list of regions. A column
of the result with one of these names is kept as ``result_account_id`` and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common.secret import REDACTED, Secret, Unshown
from sso_magic.each.task import Failure, failure_of
from sso_magic.inventory.snapshot import strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from sso_magic.inventory import Account

_REST = ("error", "message", "line", "traceback")  # columns of the errors


class Row(NamedTuple):
    """An account, or a region of it, and its outcome: a value, or a failure."""

    account: Account
    role_name: str
    value: Any
    failure: Failure | None
    region: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What identifies it among the rows of a run, as `Job.key`."""
        return (self.account.account_id, self.region)


def labels(*, has_regions: bool) -> tuple[str, ...]:
    """Return the columns in front of the results."""
    return ("account_id", "account_name", "role_name", *(["region"] if has_regions else []))


class Tables(NamedTuple):
    """The two tables.

    Attributes:
        frame: The results.
        errors: A record for each account that failed: account_id, account_name, role_name, region in a run with a
            list of regions, error, message, line, traceback.
        succeeded: The rows that gave a result, if only None, by their places.
    """

    frame: pd.DataFrame
    errors: list[dict[str, Any]]
    succeeded: list[int]


def put_together(rows: Iterable[Row], *, has_regions: bool = False) -> Tables:
    """Return the two tables, both in the order of the rows."""
    good: list[tuple[Row, Any]] = []
    errors: list[dict[str, Any]] = []
    places: list[int] = []
    for place, row in enumerate(rows):
        failure, part = row.failure, None
        if failure is None:
            try:
                part = part_of(row.value)
            except Exception as error:  # noqa: BLE001 - a value that no table can be made of is that account's failure
                failure = failure_of(error)
        if failure is None:
            good.append((row, part))
            places.append(place)
        else:
            errors.append(_record(row, failure, has_regions=has_regions))
    frame = _labelled(good, labels(has_regions=has_regions))
    # Records and not a DataFrame: pandas compares and saves what is in attrs, and a DataFrame there makes both fail.
    frame.attrs["errors"] = errors
    frame.attrs["done"] = [
        [row.account.account_id, row.account.account_name, row.role_name, row.region] for row, _ in good
    ]
    return Tables(frame, errors, places)


def errors_frame(errors: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the records as a table.

    Returns:
        DataFrame: account_id, account_name, role_name, region if a record has one, error, message, traceback (strings;
        name and region may be missing) and line (integer, may be missing).
    """
    import pandas as pd

    from sso_magic.common.escaped_frame import frame_class

    names = (*labels(has_regions=any("region" in record for record in errors)), *_REST)
    columns: dict[str, Any] = {name: strings(record.get(name) for record in errors) for name in names if name != "line"}
    columns["line"] = pd.array([record["line"] for record in errors], dtype="Int64")
    make = frame_class(record["account_name"] for record in errors)
    frame: pd.DataFrame = make({name: columns[name] for name in names})
    return frame


def _record(row: Row, failure: Failure, *, has_regions: bool) -> dict[str, Any]:
    return {
        "account_id": row.account.account_id,
        "account_name": row.account.account_name,
        "role_name": row.role_name,
        **({"region": row.region} if has_regions else {}),
        "error": failure.error,
        "message": failure.message,
        "line": failure.line,
        "traceback": failure.traceback,
    }


def part_of(value: Any) -> Any:  # noqa: PLR0911 - a line for each line of the table above
    """Return the rows of an account: records (a list of dicts), or a DataFrame."""
    import pandas as pd

    if value is None:
        return []
    if isinstance(value, pd.DataFrame):
        return _plain(value)
    if isinstance(value, pd.Series):
        return _plain(value.to_frame("value" if value.name is None else value.name))
    if isinstance(value, Mapping):
        hidden = isinstance(value, Unshown)
        return [{name: REDACTED if hidden else _shown(item) for name, item in value.items()}]
    if hasattr(value, "to_pandas"):  # polars, pyarrow
        return _plain(value.to_pandas())
    if getattr(value, "ndim", 1) > 1:
        return _plain(pd.DataFrame(value))
    if hasattr(value, "_asdict"):
        return [value._asdict()]
    if isinstance(value, Collection) and not isinstance(value, (str, bytes, bytearray)):
        return _of_items(list(value))
    return [{"value": _shown(value)}]


def _shown(item: Any) -> Any:
    """Return the item; ``***`` for a secret, which pandas would show as any other text."""
    return REDACTED if isinstance(item, Secret) else item


def _of_items(items: list[Any]) -> Any:
    import pandas as pd

    parts = [part_of(item) for item in items if isinstance(item, (pd.DataFrame, Mapping)) or hasattr(item, "_asdict")]
    if len(parts) < len(items):
        return [{"value": _shown(item)} for item in items]
    if all(isinstance(part, list) for part in parts):
        return [record for part in parts for record in part]
    return pd.concat([_frame(part) for part in parts], ignore_index=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its index as columns, and with one text as the name of each column."""
    import pandas as pd

    index = frame.index
    has_name = any(name is not None for name in index.names)
    if has_name or (len(frame) and not pd.api.types.is_integer_dtype(index.dtype)):
        frame = frame.reset_index(drop=all(name in frame.columns for name in index.names))
    if isinstance(frame.columns, pd.MultiIndex):
        frame = frame.set_axis(
            ["_".join(str(part) for part in name if part != "") for name in frame.columns], axis="columns"
        )
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"Its DataFrame has more than one column {twice!r}: name them apart.")
    return frame


def _frame(part: Any) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(part) if isinstance(part, list) else part
    return frame


def _labelled(good: Sequence[tuple[Row, Any]], names: Sequence[str]) -> pd.DataFrame:
    """Return all rows, with the account's columns in front."""
    import numpy as np
    import pandas as pd

    from sso_magic.common.escaped_frame import frame_class

    body = _body([part for _, part in good])
    body = body.rename(columns={name: f"result_{name}" for name in names if name in body.columns})
    lengths = [len(part) for _, part in good]
    which = np.repeat(np.arange(len(good)), lengths)
    front = {
        "account_id": strings(row.account.account_id for row, _ in good).take(which),
        "account_name": strings(row.account.account_name for row, _ in good).take(which),
        "role_name": strings(row.role_name for row, _ in good).take(which),
        "region": strings(row.region for row, _ in good).take(which),
    }
    make = frame_class(row.account.account_name for row, _ in good)
    labelled: pd.DataFrame = make(
        pd.concat([pd.DataFrame({name: front[name] for name in names}), body], axis="columns")
    )
    return labelled


def _body(parts: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    if all(isinstance(part, list) for part in parts):
        return _frame([record for part in parts for record in part])
    frames = [_frame(part) for part in parts]
    filled = [frame for frame in frames if len(frame)]
    body: pd.DataFrame = pd.concat(_with_values(filled) or frames, ignore_index=True)
    columns = list(dict.fromkeys(name for frame in frames for name in frame.columns))  # also of those without a row
    whole: pd.DataFrame = body.reindex(columns=columns)
    return whole


def _with_values(frames: Sequence[pd.DataFrame]) -> Sequence[pd.DataFrame]:
    """Return the frames without columns of nothing but missing values that pandas leaves out of a result's types.

    pandas 2.1 to 2.3 leave them out where other frames have values that can be missing, and warn that pandas 3 counts
    them. A column that a frame lacks gives the same result without a warning. `warnings.catch_warnings` would change
    the filters of every thread.
    """
    import numpy as np
    import pandas as pd

    if not (2, 1) <= tuple(map(int, pd.__version__.split(".")[:2])) < (3, 0):
        return frames
    has_values = [frame.notna().any() for frame in frames]

    def is_left_out(name: Any) -> bool:
        types = [frame[name].dtype for frame, has in zip(frames, has_values, strict=True) if has.get(name)]
        is_lacking = any(name not in frame.columns for frame in frames)
        full = (np.bool_,) if is_lacking else (np.bool_, np.integer)  # a column that lacks an integer is of floats
        return any(not isinstance(one, np.dtype) or not issubclass(one.type, full) for one in types)

    return [
        frame.loc[:, [bool(has[name]) or not is_left_out(name) for name in frame.columns]]
        for frame, has in zip(frames, has_values, strict=True)
    ]
