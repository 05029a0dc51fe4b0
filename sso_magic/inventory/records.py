"""One boto3 call as a DataFrame: all pages, cut by JMESPath, with account and region in front."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import boto3
    import pandas as pd


def records(
    session: boto3.Session,
    service: str,
    operation: str,
    path: str,
    parameters: dict[str, Any],
    region: str | None = None,
) -> list[Any]:
    """Return what a path finds in the pages of a call.

    Args:
        session: A boto3 session.
        service: The service, as boto3 names it: ``ec2``.
        operation: The client's method: ``describe_instances``.
        path: JMESPath into an answer: ``Reservations[].Instances[]``. Empty: each answer as a whole.
        parameters: The call's.
        region: The client's; None: the session's.

    Raises:
        UsageError: The service has no such operation, or the path is not JMESPath.
        botocore.exceptions.ClientError: The service refuses the call.
    """
    import jmespath  # type: ignore[import-untyped]

    try:
        found = jmespath.compile(path) if path else None
    except jmespath.exceptions.JMESPathError as error:
        raise UsageError(f"'{path}' is not JMESPath ({str(error).splitlines()[0]}).") from None
    client = session.client(service, region_name=region)
    if not hasattr(client, operation):
        raise UsageError(f"{service} has no operation {operation}. Name it as boto3 does: describe_instances.")
    if client.can_paginate(operation):
        pages: Iterable[Any] = client.get_paginator(operation).paginate(**parameters)
    else:
        pages = [getattr(client, operation)(**parameters)]
    items: list[Any] = []
    for page in pages:
        part = page if found is None else found.search(page)
        if found is None:
            part = {name: value for name, value in page.items() if name != "ResponseMetadata"}
        if part is not None:
            items += part if isinstance(part, list) else [part]
    return items


def typed_frame(items: Sequence[Any], front: dict[str, str | None]) -> pd.DataFrame:
    """Return records as a DataFrame.

    Args:
        items: Records, or values for one column ``value``.
        front: Columns in front, the same in every row.

    Returns:
        DataFrame: texts as string, whole numbers as Int64, others as Float64, booleans as boolean, times as
        datetime64[ns, UTC]; lists and structures stay objects. A column of a record that is called as one in front is
        ``result_...``.
    """
    import pandas as pd

    from sso_magic.inventory.snapshot import strings

    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, Any] = {name: strings([value] * len(rows)) for name, value in front.items()}
    for name in names:
        columns[f"result_{name}" if name in front else name] = _typed([row.get(name) for row in rows])
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


_TYPES: tuple[tuple[Any, Any], ...] = (
    (bool, "boolean"),
    (int, "Int64"),
    ((int, float), "Float64"),
    (str, "string"),
)


def _typed(values: list[Any]) -> Any:
    import pandas as pd

    known = [value for value in values if value is not None]
    if known and all(isinstance(value, dt.datetime) for value in known):
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True)
    for kind, dtype in _TYPES:
        if known and all(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for value in known):
            return pd.array(values, dtype=dtype)
    return pd.Series(values, dtype=object)
