"""Whatever the accounts give is put together in one table, and what failed in another."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from sso_magic.common.secret import Secret, Unshown
from sso_magic.each import table
from sso_magic.each.table import Row, errors_frame, put_together
from sso_magic.each.task import Failure
from sso_magic.inventory import Account

FRONT = ["account_id", "account_name", "role_name"]
ACCOUNTS = [Account("000000000001", "one"), Account("000000000002", None), Account("000000000003", "three")]


class Pair(NamedTuple):
    a: int
    b: int


def tables_of(*values):
    return put_together([Row(ACCOUNTS[n], "ReadOnly", value, None) for n, value in enumerate(values)])


def rest_of(*values) -> pd.DataFrame:
    return tables_of(*values).frame.drop(columns=FRONT)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, [{"value": 3}]),
        ("text", [{"value": "text"}]),
        (b"bytes", [{"value": b"bytes"}]),
        (np.float64(1.5), [{"value": 1.5}]),
        (None, []),
        ([], []),
        ({"a": 1, "b": [2]}, [{"a": 1, "b": [2]}]),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
        (({"a": 1},), [{"a": 1}]),
        ({"x": 1}.keys(), [{"value": "x"}]),
        ([1, "b"], [{"value": 1}, {"value": "b"}]),
        ([{"a": 1}, 2], [{"value": {"a": 1}}, {"value": 2}]),
        (range(2), [{"value": 0}, {"value": 1}]),
        (Pair(1, 2), [{"a": 1, "b": 2}]),
        ([Pair(1, 2)], [{"a": 1, "b": 2}]),
        (np.array([1, 2]), [{"value": 1}, {"value": 2}]),
        (np.array([[1, 2]]), [{0: 1, 1: 2}]),
        (pd.DataFrame({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        (pd.DataFrame({"a": [1, 2]}, index=[7, 9]), [{"a": 1}, {"a": 2}]),
        (pd.DataFrame({"a": [1]}, index=["x"]), [{"index": "x", "a": 1}]),
        (pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="k")), [{"k": "x", "a": 1}]),
        (pd.DataFrame({"k": ["x"], "a": [1]}).set_index("k", drop=False), [{"k": "x", "a": 1}]),
        (pd.DataFrame({("a", "b"): [1], ("a", ""): [2]}), [{"a_b": 1, "a": 2}]),
        (pd.Series([5, 6]), [{"value": 5}, {"value": 6}]),
        (pd.Series(["p", "p"], name="c").value_counts(), [{"c": "p", "count": 2}]),
        ([pd.DataFrame({"a": [1]}), {"a": 2}], [{"a": 1}, {"a": 2}]),
    ],
)
def test_each_kind_of_value_becomes_its_rows(value, expected):
    assert rest_of(value).to_dict("records") == expected


SECRET = Secret("planted")


@pytest.mark.parametrize(
    "value", [SECRET, [SECRET], {"key": SECRET}, [{"key": SECRET}], Unshown(key="planted"), [Unshown(key="planted")]]
)
def test_a_secret_in_a_result_is_not_text_that_a_table_shows(value):
    assert rest_of(value).to_numpy().tolist() == [["***"]]


def test_polars_and_arrow_tables_become_rows():
    import polars as pl
    import pyarrow as pa

    for value in (pl.DataFrame({"a": [1, 2]}), pa.table({"a": [1, 2]})):
        assert rest_of(value).to_dict("records") == [{"a": 1}, {"a": 2}]


def test_rows_are_labelled_in_the_order_of_the_accounts():
    frame = tables_of([{"a": 1}, {"a": 2}], [], pd.DataFrame({"a": [3], "b": ["x"]})).frame
    assert list(frame.columns) == [*FRONT, "a", "b"]
    assert list(frame["account_id"]) == ["000000000001", "000000000001", "000000000003"]
    assert list(frame["a"]) == [1, 2, 3]
    assert frame["account_id"].dtype == frame["account_name"].dtype == frame["role_name"].dtype == "string"


def test_a_missing_name_is_missing():
    frame = tables_of(1, 2).frame
    assert list(frame["account_name"].isna()) == [False, True]


def test_values_of_several_kinds_stand_beside_each_other():
    frame = rest_of(pd.DataFrame({"a": [1]}), 5, [{"b": "x"}])
    assert frame.columns.tolist() == ["a", "value", "b"]
    assert frame["value"].tolist()[1] == 5


def test_a_column_called_as_one_of_ours_is_kept_beside_it():
    frame = tables_of(pd.DataFrame({"account_id": [9], "cost": [1]}), {"role_name": "r"}).frame
    assert list(frame.columns) == [*FRONT, "result_account_id", "cost", "result_role_name"]
    assert frame["result_account_id"].tolist()[0] == 9


def test_columns_of_an_empty_table_are_kept():
    empty = pd.DataFrame({"a": pd.array([], dtype="Int64")})
    assert list(tables_of(empty, empty).frame.columns) == [*FRONT, "a"]
    assert list(tables_of(empty, pd.DataFrame({"b": [1]})).frame.columns) == [*FRONT, "a", "b"]


def test_nothing_at_all_is_a_table_with_our_columns():
    assert list(put_together([]).frame.columns) == FRONT


def test_a_table_that_cannot_be_read_is_that_accounts_error():
    tables = tables_of(pd.DataFrame([[1, 2]], columns=["a", "a"]), 1)
    [record] = tables.errors
    assert record["message"] == "Its DataFrame has more than one column 'a': name them apart."
    assert list(tables.frame["account_id"]) == ["000000000002"]


def test_errors_are_a_second_table_in_the_same_order():
    failure = Failure("ValueError", "no", 3, "Traceback")
    tables = put_together([Row(ACCOUNTS[0], "R", 1, None), Row(ACCOUNTS[1], "R", None, failure)])
    table = errors_frame(tables.frame.attrs["errors"])
    assert list(table.columns) == [*FRONT, "error", "message", "line", "traceback"]
    assert table["account_id"].tolist() == ["000000000002"]
    assert table["line"].tolist() == [3]
    assert len(errors_frame([])) == 0
    assert errors_frame([])["line"].dtype == "Int64"


def test_a_result_with_errors_can_be_joined_and_saved(tmp_path):
    failure = Failure("ValueError", "no")
    frame = put_together([Row(ACCOUNTS[0], "R", 1, None), Row(ACCOUNTS[1], "R", None, failure)]).frame
    assert len(pd.concat([frame, frame])) == 2
    frame.to_parquet(tmp_path / "result.parquet")
    assert pd.read_parquet(tmp_path / "result.parquet")["value"].tolist() == [1]


def test_putting_together_ignores_no_warning(monkeypatch):
    used = []
    monkeypatch.setattr(warnings, "simplefilter", lambda *arguments: used.append(arguments))
    monkeypatch.setattr(warnings, "filterwarnings", lambda *arguments: used.append(arguments))
    frame = rest_of(pd.DataFrame({"n": ["a"]}), pd.DataFrame({"n": [None]}, dtype=object))
    assert frame["n"].isna().tolist() == [False, True]
    assert not [arguments for arguments in used if FutureWarning in arguments]  # a filter is that of every thread


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ({"n": [1.5]}, []),
        ({"n": ["a"]}, []),
        ({"n": pd.to_datetime(["2026-01-01"], utc=True)}, []),
        ({"n": pd.array([1], dtype="Int64")}, []),
        ({"n": [1]}, ["n"]),  # an integer that is large stays one beside None
        ({"n": [True]}, ["n"]),
        ({"n": [None]}, ["n"]),
        ({"other": [1]}, ["n"]),
    ],
)
def test_a_column_of_missing_values_is_left_out_where_pandas_2_leaves_it_out(monkeypatch, values, columns):
    monkeypatch.setattr(pd, "__version__", "2.3.3")
    _, missing = table._with_values([pd.DataFrame(values), pd.DataFrame({"n": [None]})])
    assert list(missing.columns) == columns


@pytest.mark.parametrize("version", ["2.0.3", "3.0.0"])
def test_other_releases_of_pandas_get_every_column(monkeypatch, version):
    monkeypatch.setattr(pd, "__version__", version)
    _, missing = table._with_values([pd.DataFrame({"n": ["a"]}), pd.DataFrame({"n": [None]})])
    assert list(missing.columns) == ["n"]
