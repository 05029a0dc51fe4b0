"""The sample organization has what trips up clients; generated ones are what was asked for."""

from __future__ import annotations

import re

import pytest

from sso_magic.local import Account, Organization
from sso_magic.local.errors import KnobError, NoSuchUser


@pytest.fixture
def sample():
    return Organization.sample()


def test_the_sample_has_what_clients_stumble_over(sample):
    accounts = sample.accounts
    names = [account.name for account in accounts]
    assert 10 <= len(accounts) <= 15
    assert {"payments-prod", "payments-prod-eu", "payments-dev"} <= set(names)
    assert None not in names
    assert len(set(names)) == len(names)
    assert any(name and not name.isascii() for name in names)
    assert any(account.id.startswith("0") for account in accounts)
    assert sum(len(sample.roles_of("alex", account.id)) == 1 for account in accounts) >= 3
    assert "ReadOnly" in sample.roles_of("alex", "731659028443")


def test_every_id_is_12_digits_and_every_address_is_one(sample):
    assert all(re.fullmatch("[0-9]{12}", account.id) for account in sample.accounts)
    assert all(account.email and "@example.com" in account.email for account in sample.accounts)


def test_a_generated_one_has_the_numbers_asked_for():
    organization = Organization.generated(1000, 5)
    accounts = organization.accounts_of("alex")
    assert len({account.id for account in accounts}) == len({account.name for account in accounts}) == 1000
    assert {len(set(organization.roles_of("alex", account.id))) for account in accounts} == {5}


def test_a_generated_one_is_the_same_for_the_same_seed():
    def key(organization):
        return [(account, organization.roles_of("alex", account.id)) for account in organization.accounts]

    assert key(Organization.generated(50, 3, 7)) == key(Organization.generated(50, 3, 7))
    assert key(Organization.generated(50, 3, 7)) != key(Organization.generated(50, 3, 8))


def test_more_accounts_than_names_and_more_roles_than_usual():
    organization = Organization.generated(4000, 40)
    assert len({account.name for account in organization.accounts}) == 4000
    assert len(set(organization.roles_of("alex", organization.accounts[0].id))) == 40


@pytest.mark.parametrize(("accounts", "roles"), [(-1, 1), (1, -1), (1_000_001, 1), (1, 501)])
def test_numbers_out_of_reason_are_refused(accounts, roles):
    with pytest.raises(KnobError, match=f"can be generated, not {accounts} with {roles}.$"):
        Organization.generated(accounts, roles)


def test_an_empty_one_is_possible():
    assert Organization.generated(0).accounts_of("alex") == []
    assert Organization.generated(3, 0).accounts_of("alex") == []


def test_assignments_come_and_go(sample):
    sample.assign("robin", "731659028443", "ReadOnly", "Billing", "ReadOnly")
    assert sample.roles_of("robin", "731659028443") == ("ReadOnly", "Billing")
    sample.withdraw("robin", "731659028443", "Billing")
    assert sample.roles_of("robin", "731659028443") == ("ReadOnly",)
    sample.withdraw("robin", "731659028443")
    assert sample.accounts_of("robin") == []


def test_a_closed_account_is_gone_for_everybody(sample):
    sample.remove_account("731659028443")
    assert sample.account("731659028443") is None
    assert sample.roles_of("sam", "731659028443") == ()


def test_a_copy_changes_alone(sample):
    copy = sample.copy()
    copy.remove_account("731659028443")
    assert sample.account("731659028443") is not None


def test_mistakes_are_told(sample):
    with pytest.raises(KnobError, match=r"^An account's id is 12 digits, as text, not '123'.$"):
        sample.add_account("123")
    with pytest.raises(KnobError, match=r"^There is no account 000000000009 in this organization: add_account first.$"):
        sample.assign("alex", "000000000009", "ReadOnly")
    with pytest.raises(NoSuchUser, match=r"^There is no user 'bob' in this organization. Users: alex, sam, robin.$"):
        sample.assign("bob", "731659028443", "ReadOnly")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("payments-prod", "payments-prod"),
        ("Büro Zürich", "buro-zurich"),
        (None, "123456789012"),
        ("日本", "123456789012"),
    ],
)
def test_a_name_that_can_stand_in_a_buckets_name(name, slug):
    assert Account("123456789012", name).slug == slug
