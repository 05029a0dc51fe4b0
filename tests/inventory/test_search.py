"""Search: all words, in any column, best first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso_magic.inventory import Account, InventorySnapshot, RoleAssignment, search, search_accounts, search_frame


def snapshot_of(*accounts: tuple[str, str | None, str | None, tuple[str, ...]]) -> InventorySnapshot:
    return InventorySnapshot(
        tuple(Account(*account[:3]) for account in accounts), {account[0]: account[3] for account in accounts}
    )


@pytest.fixture
def company() -> InventorySnapshot:
    return snapshot_of(
        ("111111111111", "payments-prod-eu", "aws-payments@example.com", ("Admin", "ReadOnly")),
        ("222222222222", "payments-prod", None, ("ReadOnly",)),
        ("333333333333", "legacy-payments", None, ("ReadOnly",)),
        ("444444444444", "prepayments", None, ("ReadOnly",)),
        ("555555555555", "billing", "payments-owner@example.com", ("ReadOnly", "payments")),
        ("666666666666", None, None, ("Admin",)),
        ("777777777777", "Zürich", None, ("Übersicht",)),
    )


def found(where, words, **settings) -> list[tuple[str, str]]:
    return [(row.account_id[0], row.role_name) for row in search(where, words, **settings)]


def test_a_whole_name_comes_first_then_beginnings_then_words_then_the_inside_then_the_address(company):
    assert found(company, "payments") == [
        ("5", "payments"),
        ("1", "Admin"),
        ("1", "ReadOnly"),
        ("2", "ReadOnly"),
        ("3", "ReadOnly"),
        ("4", "ReadOnly"),
        ("5", "ReadOnly"),
    ]


def test_all_words_must_stand_somewhere_in_any_column(company):
    assert found(company, "payments prod read") == [("1", "ReadOnly"), ("2", "ReadOnly")]
    assert found(company, "payments admin") == [("1", "Admin")]
    assert found(company, "payments nowhere") == []


def test_an_exact_name_comes_before_one_that_contains_it(company):
    assert found(company, "payments-prod")[0] == ("2", "ReadOnly")


def test_digits_find_the_account(company):
    assert found(company, "66666") == [("6", "Admin")]
    assert found(company, "666666666666") == [("6", "Admin")]


@pytest.mark.parametrize("words", ["PAYMENTS-PROD-EU admin", "Admin payments-prod-eu", ["admin", "Payments-Prod-EU"]])
def test_case_and_order_of_the_words_do_not_matter(words, company):
    assert found(company, words) == [("1", "Admin")]


@pytest.mark.parametrize("text", ["zürich", "ZÜRICH", "Zu\u0308rich", "übersicht"])
def test_letters_are_compared_as_people_read_them(text, company):
    assert found(company, text) == [("7", "Übersicht")]


@pytest.mark.parametrize("text", ["(", "[a", "\\", "*", ".", "prod$", "^pay", "\n", "pay.ents"])
def test_words_are_no_patterns(text, company):
    assert all(text.strip() in str(row).casefold() for row in search(company, text))


@pytest.mark.parametrize("words", ["", "  ", [], [" "]])
def test_no_word_finds_every_row_in_its_order(words, company):
    assert search(company, words) == list(company.rows())


def test_a_limit_keeps_the_best(company):
    assert found(company, "payments", limit=2) == [("5", "payments"), ("1", "Admin")]
    assert len(search(company, "", limit=3)) == 3


def test_rows_can_be_searched_as_well_in_any_order(company):
    rows = list(company.rows())[::-1]
    assert {tuple(row) for row in search(rows, "prod")} == {tuple(row) for row in search(company, "prod")}


def test_what_is_found_is_a_table_too(company):
    frame = search_frame(company, "payments admin")
    assert frame["account_name"].tolist() == ["payments-prod-eu"]
    assert frame.attrs["errors"] == {}
    assert search_frame(list(company.rows()), "payments admin").equals(frame)
    empty = search_frame(company, "nowhere")
    assert list(empty.columns) == list(RoleAssignment._fields)
    assert {str(kind) for kind in empty.dtypes} == {"string"}


def test_accounts_can_be_searched_alone(company):
    accounts = search_accounts(company.accounts, "payments prod")
    assert [account.account_id[0] for account in accounts] == ["1", "2"]
    assert search_accounts(company.accounts, "") == list(company.accounts)
    assert search_accounts(company.accounts, "nowhere") == []
    assert search_accounts([], "word") == []


text = st.text(alphabet="abAB-_ .@é1", max_size=6)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.none() | text, st.none() | text, st.lists(text.filter(bool), max_size=3)), max_size=6),
    st.lists(st.text(alphabet="abé1-@.", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_it_finds_just_the_rows_in_which_every_word_stands(accounts, words):
    snapshot = snapshot_of(
        *((f"{n:012}", name, address, tuple(roles)) for n, (name, address, roles) in enumerate(accounts))
    )
    expected = [
        row
        for row in snapshot.rows()
        if all(any(word in (column or "").casefold() for column in row) for word in words)
    ]
    assert sorted(map(str, search(snapshot, words))) == sorted(map(str, expected))
