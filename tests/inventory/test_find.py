"""Which account and which role a person means: never a guess, and each error says what to type next."""

from __future__ import annotations

import pytest

from sso_magic.errors import AccountNotFound, Ambiguous, RoleNotFound
from sso_magic.inventory import Account, find_account, find_role

ACCOUNTS = (
    Account("111111111111", "payments-prod", "payments-prod@example.com"),
    Account("222222222222", "payments-prod-eu", "payments-eu@example.com"),
    Account("333333333333", "payments-test", "shared@example.com"),
    Account("444444444444", "Data Lake", "lake@example.com"),
    Account("555555555555", None, "nameless@example.com"),
    Account("012345678901", "sandbox", None),
    Account("666666666666", "Twin", None),
    Account("777777777777", "twin", None),
    Account("888888888888", "Same", None),
    Account("999999999999", "Same", None),
)
ROLES = ("Admin", "ReadOnly", "ReadOnlyBilling", "power-user")


@pytest.mark.parametrize(
    ("text", "account_id"),
    [
        ("111111111111", "111111111111"),
        ("012345678901", "012345678901"),
        ("payments-prod", "111111111111"),
        ("PAYMENTS-PROD", "111111111111"),
        ("prod-eu", "222222222222"),
        ("test", "333333333333"),
        ("lake", "444444444444"),
        ("data lake", "444444444444"),
        ("payments eu", "222222222222"),
        ("5555", "555555555555"),
        ("nameless", "555555555555"),
        ("payments-eu@example.com", "222222222222"),
        ("shared", "333333333333"),
        ("  sandbox ", "012345678901"),
        ("Twin", "666666666666"),
        ("twin", "777777777777"),
    ],
)
def test_an_account_is_its_digits_its_name_or_a_part_that_fits_it_alone(text, account_id):
    assert find_account(ACCOUNTS, text).account_id == account_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "payments",
            (
                "'payments' fits 3 accounts: payments-prod (111111111111), payments-prod-eu (222222222222), "
                "payments-test (333333333333). Type more of the name, or the 12 digits."
            ),
        ),
        (
            "TWIN",
            (
                "'TWIN' fits 2 accounts: Twin (666666666666), twin (777777777777). Type more of the name, or the 12 "
                "digits."
            ),
        ),
        ("Same", "'Same' is the name of 2 accounts: Same (888888888888), Same (999999999999). Give the 12 digits."),
    ],
)
def test_several_that_fit_are_listed_and_none_is_chosen(text, message):
    with pytest.raises(Ambiguous) as caught:
        find_account(ACCOUNTS, text)
    assert str(caught.value) == message


def test_ten_of_many_are_listed_and_the_others_counted():
    accounts = [Account(f"{n:012}", f"team-{n}", None) for n in range(1200)]
    with pytest.raises(Ambiguous) as caught:
        find_account(accounts, "team")
    assert str(caught.value).startswith("'team' fits 1200 accounts: team-0 (000000000000), team-1 (000000000001)")
    assert "team-9 (000000000009) and 1,190 more. Type" in str(caught.value)
    assert "team-10 " not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "paymnets-prod",
            (
                "No account 'paymnets-prod' among your 10. Nearest: payments-prod, payments-prod-eu, payments-test. "
                "%sso_accounts lists them."
            ),
        ),
        ("SANBDOX", "No account 'SANBDOX' among your 10. Nearest: sandbox. %sso_accounts lists them."),
        ("qqqqqqqqqq", "No account 'qqqqqqqqqq' among your 10. %sso_accounts lists them."),
        (
            "111111111112",
            "No account '111111111112' among your 10. Nearest: payments-prod (111111111111). %sso_accounts lists them.",
        ),
        ("a\x1b[2Jb\nc", "No account 'a\\x1b[2Jb\\nc' among your 10. %sso_accounts lists them."),
    ],
)
def test_none_that_fits_is_said_with_the_nearest_names(text, message):
    with pytest.raises(AccountNotFound) as caught:
        find_account(ACCOUNTS, text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", "  "])
def test_no_text_is_no_account(text):
    with pytest.raises(AccountNotFound, match="Type its name or its 12 digits"):
        find_account(ACCOUNTS, text)


def test_who_has_no_accounts_is_told_so():
    with pytest.raises(AccountNotFound) as caught:
        find_account((), "prod")
    assert str(caught.value) == ("No account 'prod': no account is assigned to you. Contact your AWS administrator.")


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("ReadOnly", "ReadOnly"),
        ("readonly", "ReadOnly"),
        ("billing", "ReadOnlyBilling"),
        ("adm", "Admin"),
        ("POWER", "power-user"),
        ("AWSReservedSSO_ReadOnly_0123456789abcdef", "ReadOnly"),
        ("AWSReservedSSO_power-user_0123456789ABCDEF", "power-user"),
        (
            (
                "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/"
                "AWSReservedSSO_Admin_0123456789abcdef"
            ),
            "Admin",
        ),
        ("arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alex", "Admin"),
    ],
)
def test_a_role_is_its_name_a_part_that_fits_it_alone_or_its_iam_role(text, role):
    assert find_role(ACCOUNTS[0], ROLES, text) == role


@pytest.mark.parametrize("text", [None, "", " "])
def test_the_only_role_needs_no_name(text):
    assert find_role(ACCOUNTS[0], ["Admin"], text) == "Admin"


def test_a_name_that_the_only_role_does_not_have_is_not_overlooked():
    with pytest.raises(RoleNotFound):
        find_role(ACCOUNTS[0], ["Admin"], "ReadOnly")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (None, Ambiguous, "payments-prod has 4 roles: Admin, ReadOnly, ReadOnlyBilling, power-user. Name one of them."),
        ("read", Ambiguous, "'read' fits 2 roles in payments-prod: ReadOnly, ReadOnlyBilling. Type more."),
        ("Admni", RoleNotFound, "You have no role 'Admni' in payments-prod. Nearest: Admin."),
        (
            "zzzz",
            RoleNotFound,
            "You have no role 'zzzz' in payments-prod. Your roles there: Admin, ReadOnly, ReadOnlyBilling, power-user.",
        ),
        (
            "AWSReservedSSO_Deploy_0123456789abcdef",
            RoleNotFound,
            (
                "'AWSReservedSSO_Deploy_0123456789abcdef' is the IAM role behind the permission set Deploy, which is "
                "not assigned to you in payments-prod. Your roles there: Admin, ReadOnly, ReadOnlyBilling, power-user."
            ),
        ),
        (
            "AWSReservedSSO_Read_0123456789abcdef",  # an IAM role's name is a whole name, no part of one
            RoleNotFound,
            (
                "'AWSReservedSSO_Read_0123456789abcdef' is the IAM role behind the permission set Read, which is not "
                "assigned to you in payments-prod. Nearest: ReadOnly."
            ),
        ),
    ],
)
def test_a_role_that_is_not_clear_is_said_with_what_there_is(text, error, message):
    with pytest.raises(error) as caught:
        find_role(ACCOUNTS[0], ROLES, text)
    assert str(caught.value) == message


def test_an_account_without_roles_is_said():
    with pytest.raises(RoleNotFound) as caught:
        find_role(ACCOUNTS[4], [], "Admin")
    assert str(caught.value) == (
        "You have no role in 555555555555. %sso_accounts lists the accounts that you have roles in."
    )


@pytest.mark.parametrize("text", ["1111-1111-1111", "1111\u20131111\u20131111", "11111111-1111"])
def test_an_id_may_have_hyphens_as_the_console_shows_it(text):
    assert find_account(ACCOUNTS, text).account_id == "111111111111"
