"""Which accounts a run is for."""

from __future__ import annotations

import pandas as pd
import pytest

from sso_magic import errors
from sso_magic.each.accounts import select
from sso_magic.inventory import Account
from sso_magic.local import Fault


def names(selection) -> list[str]:
    return [job.account.name for job in selection.jobs]


@pytest.fixture
def sample(signed_in):
    """The sample organization of a dozen accounts."""
    from sso_magic.center.shared import shared_center

    return shared_center()


def test_accounts_without_the_role_are_left_out(sample):
    selection = select(sample, "DataScientist")
    assert names(selection) == ["analytics", "data-lake", "payments-dev", "payments-prod", "payments-prod-eu"]
    assert selection.without_role == 9


def test_words_select_accounts_by_id_name_and_email(sample):
    assert names(select(sample, "ReadOnly", "payments PROD")) == ["payments-prod", "payments-prod-eu"]
    assert names(select(sample, "ReadOnly", ["example.com", "lake"])) == ["data-lake"]
    assert names(select(sample, "ReadOnly", "220947583614")) == ["payments-dev"]


def test_an_account_without_a_name_is_labelled_by_its_id(sample, signed_in):
    signed_in.organization.add_account("560283419977", None, "old-intranet@example.com")
    [job] = select(sample, "ReadOnly", "intranet").jobs
    assert (job.account.name, job.label) == (None, "560283419977")


def test_accounts_of_one_name_are_told_apart(many, signed_in):
    center = many(3)
    for account in list(signed_in.organization.accounts):
        signed_in.organization.add_account(account.id, "twin", account.email)
    labels = [job.label for job in select(center, "ReadOnly").jobs]
    assert labels == [f"twin ({account.id})" for account in sorted(signed_in.organization.accounts, key=lambda a: a.id)]


@pytest.mark.parametrize(
    "accounts",
    [
        ["data-lake", "034817265590"],
        ("data-lake", 34817265590),
        pd.DataFrame({"account_id": ["645098217733", "034817265590"], "cost": [1, 2]}),
        pd.DataFrame({"account_id": [645098217733, 34817265590]}),
        pd.Series(["645098217733", "log-archive", "645098217733"]),
        [{"account_id": "645098217733", "error": "x"}, {"account_id": "034817265590", "error": "y"}],
        (name for name in ["data-lake", "log-archive"]),
        [Account("645098217733"), Account("034817265590", "another name")],
    ],
    ids=["list", "numbers", "frame", "frame of numbers", "series", "errors", "generator", "accounts"],
)
def test_accounts_can_be_named_in_many_ways_and_keep_their_order(sample, accounts):
    assert names(select(sample, "ReadOnly", accounts=accounts)) == ["data-lake", "log-archive"]


def test_one_account_can_be_named_alone(sample):
    assert names(select(sample, "ReadOnly", accounts="data-lake")) == ["data-lake"]
    assert names(select(sample, "ReadOnly", accounts=34817265590)) == ["log-archive"]


def test_a_few_named_accounts_cost_a_few_calls(sample, signed_in):
    select(sample, "ReadOnly", accounts=["data-lake", "log-archive"])
    assert signed_in.requests.total("ListAccountRoles") == 2


def test_no_accounts_named_are_none(sample):
    frame = sample.each(lambda here: 1, "ReadOnly", accounts=[], progress=False)
    assert list(frame.columns) == ["account_id", "account_name", "role_name"]
    assert len(frame) == 0


def test_a_young_inventory_is_used_without_a_call(sample, signed_in):
    sample.snapshot()
    signed_in.requests.clear()
    select(sample, "ReadOnly", "payments", accounts=["payments-dev", "data-lake"])
    assert signed_in.requests.total() == 0


def test_the_role_may_be_a_part_that_fits_one_role_alone(sample):
    assert select(sample, "scientist").role_name == "DataScientist"


def test_an_account_whose_roles_cannot_be_listed_is_among_the_errors(sample, signed_in):
    signed_in.faults.append(Fault("ListAccountRoles", times=1, status=400, error="Broken"))
    frame = sample.each(lambda here: 1, "ReadOnly", progress=False)
    [record] = frame.attrs["errors"]
    assert record["error"] == "RolesUnknown"
    assert record["message"].startswith("Its roles could not be listed: ")
    assert record["account_id"] not in set(frame["account_id"])


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("ReadOny",), errors.RoleNotFound, "You have no role 'ReadOny' in your 14 accounts. Nearest: ReadOnly"),
        (
            ("Access",),
            errors.Ambiguous,
            "'Access' fits 2 roles in your 14 accounts: AdministratorAccess, PowerUserAccess. Type more.",
        ),
        (
            ("ReadOnly", "nowhere"),
            errors.AccountNotFound,
            "No account contains 'nowhere'. %sso_accounts lists all 14.",
        ),
        (
            ("Billing", "payments"),
            errors.AccountNotFound,
            "Billing is not granted to you in the 3 accounts that contain the words. %sso_roles lists your roles.",
        ),
        (
            ("Billing", "", ["payments-dev"]),
            errors.AccountNotFound,
            "Billing is not granted to you in any of these accounts. %sso_roles lists your roles.",
        ),
        (
            ("ReadOnly", "", ["payments-dve"]),
            errors.AccountNotFound,
            "No account 'payments-dve' among your 14. Nearest",
        ),
        (("ReadOnly", "", [None]), errors.UsageError, "None is neither the id nor the name of an account."),
        (
            ("ReadOnly", "", 1.5),
            errors.UsageError,
            "Accounts are ids or names, or a DataFrame with account_id, not float.",
        ),
        (
            ("ReadOnly", "", pd.DataFrame({"id": [1]})),
            errors.UsageError,
            "The DataFrame that names the accounts has no column account_id.",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line_that_says_what_to_do(sample, arguments, error, text):
    sample.snapshot()
    with pytest.raises(error) as caught:
        select(sample, *arguments)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)
