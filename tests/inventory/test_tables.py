"""The tables: strings whatever is in them, missing where the portal left something out."""

from __future__ import annotations

from datetime import datetime, timezone

import pandas as pd
import pytest

from sso_magic.inventory import Account, InventorySnapshot, search_frame
from sso_magic.inventory.snapshot import accounts_of, rows_frame

MOMENT = datetime(2026, 5, 17, 9, 30, tzinfo=timezone.utc)


@pytest.fixture
def snapshot() -> InventorySnapshot:
    return InventorySnapshot(
        accounts=(
            Account("000000000002", "beta", "b@example.com"),
            Account("000000000001", None, None),
            Account("000000000003", "failed", None),
        ),
        roles={"000000000001": ("Admin",), "000000000002": ("Admin", "ReadOnly")},
        errors={"000000000003": "ForbiddenException: No access (HTTP 403)"},
        fetched_at=MOMENT,
        complete=True,
    )


def test_the_inventory_is_a_row_an_account_and_role(snapshot):
    frame = snapshot.frame()
    assert list(frame.columns) == ["account_id", "account_name", "email_address", "role_name"]
    assert frame["account_id"].tolist() == ["000000000002", "000000000002", "000000000001"]
    assert frame["role_name"].tolist() == ["Admin", "ReadOnly", "Admin"]
    assert frame["account_name"].tolist()[:2] == ["beta", "beta"]


def test_what_the_portal_left_out_is_missing_and_not_empty(snapshot):
    last = snapshot.frame().iloc[-1]
    assert last["account_name"] is pd.NA
    assert last["email_address"] is pd.NA


def test_leading_zeros_stay(snapshot):
    assert snapshot.accounts_frame()["account_id"].tolist() == ["000000000002", "000000000001", "000000000003"]


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (InventorySnapshot.frame, ["account_id", "account_name", "email_address", "role_name"]),
        (InventorySnapshot.accounts_frame, ["account_id", "account_name", "email_address"]),
        (InventorySnapshot.roles_frame, ["account_id", "account_name", "role_name"]),
    ],
)
def test_columns_are_strings_also_when_there_is_nothing(make, columns, snapshot):
    for one in (snapshot, InventorySnapshot()):
        frame = make(one)
        assert list(frame.columns) == columns
        assert {str(kind) for kind in frame.dtypes} == {"string"}
        assert isinstance(frame.index, pd.RangeIndex)


def test_tables_carry_what_failed_and_how_old_they_are(snapshot):
    for frame in (snapshot.frame(), snapshot.accounts_frame(), snapshot.roles_frame()):
        assert frame.attrs["errors"] == {"000000000003": "ForbiddenException: No access (HTTP 403)"}
        assert frame.attrs["fetched_at"] == MOMENT.isoformat()


def test_a_table_is_saved_with_what_it_carries(snapshot, tmp_path):
    frame = snapshot.frame()
    frame.to_parquet(tmp_path / "inventory.parquet")
    writes_attributes = tuple(map(int, pd.__version__.split(".")[:2])) >= (2, 1)
    assert pd.read_parquet(tmp_path / "inventory.parquet").attrs == (frame.attrs if writes_attributes else {})


def test_what_a_table_carries_can_be_changed_without_changing_the_inventory(snapshot):
    snapshot.frame().attrs["errors"].clear()
    assert snapshot.errors


@pytest.mark.parametrize("account", ["000000000002", Account("000000000002")])
def test_the_roles_of_one_account_are_a_table_too(account, snapshot):
    frame = snapshot.roles_frame(account)
    assert frame["role_name"].tolist() == ["Admin", "ReadOnly"]
    assert set(frame["account_name"]) == {"beta"}


def test_an_unknown_account_has_no_roles(snapshot):
    assert snapshot.roles_frame("999999999999").empty


def test_rows_are_what_the_table_shows(snapshot):
    rows = list(snapshot.rows())
    assert [tuple(row) for row in rows] == [
        ("000000000002", "beta", "b@example.com", "Admin"),
        ("000000000002", "beta", "b@example.com", "ReadOnly"),
        ("000000000001", None, None, "Admin"),
    ]
    assert rows[0].account == Account("000000000002", "beta", "b@example.com")
    assert rows[0].role_name == "Admin"


def test_an_account_is_known_by_its_name_or_its_digits():
    assert Account("000000000001", "beta").label == "beta"
    assert Account("000000000001", None).label == "000000000001"
    assert Account("000000000001", "be\x1b[31mta\n").label == "be\\x1b[31mta\\n"


def test_part_of_it_has_only_that_parts_errors(snapshot):
    part = snapshot.only(["000000000003"])
    assert [account.account_id for account in part.accounts] == ["000000000003"]
    assert list(part.errors) == ["000000000003"]
    assert not part.roles


def test_the_whole_inventory_is_made_from_its_columns_and_equal_to_the_one_made_from_rows(snapshot, monkeypatch):
    by_rows = rows_frame(list(snapshot.rows()))
    monkeypatch.setattr(InventorySnapshot, "rows", None)  # the slow way, for a table
    frame = search_frame(snapshot, "  ")
    pd.testing.assert_frame_equal(frame, by_rows)
    assert frame.attrs == snapshot.attrs


def test_accounts_made_from_columns_are_accounts(snapshot):
    columns = [[getattr(one, name) for one in snapshot.accounts] for name in Account.__slots__]
    made = accounts_of(*columns)
    assert made == list(snapshot.accounts)
    assert [hash(one) for one in made] == [hash(one) for one in snapshot.accounts]
    with pytest.raises(ValueError, match="different lengths"):
        accounts_of(columns[0], columns[1], columns[2][:-1])
