"""Names of profiles: of characters that every SDK reads, each once, the same whatever the order."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso_magic.inventory import RoleAssignment
from sso_magic.profiles.names import TEMPLATE, named


def role(name: str | None, role_name: str, account_id: str = "111111111111") -> RoleAssignment:
    return RoleAssignment(account_id, name, None, role_name)


@pytest.mark.parametrize(
    ("account_name", "role_name", "name"),
    [
        ("prod", "Admin", "prod.Admin"),
        ("Data Lake", "Read Only", "Data-Lake.Read-Only"),
        ("a - b", "R", "a-b.R"),
        ("a--b", "R", "a--b.R"),
        ("Zürich (prod)", "Übersicht", "Zurich-prod.Ubersicht"),
        ("東京", "Admin", "111111111111.Admin"),
        (None, "Admin", "111111111111.Admin"),
        ("a=b,c", "power+user@corp", "a-b-c.power+user@corp"),
        ("]\n[profile x", "R", "profile-x.R"),
    ],
)
def test_signs_that_some_sdk_cannot_read_are_replaced(account_name, role_name, name):
    assert named([role(account_name, role_name)], TEMPLATE, "corp") == [name]


def test_rows_that_would_share_a_name_get_their_accounts_ids_all_of_them():
    rows = [role("prod", "Admin", "111111111111"), role("prod", "Admin", "222222222222"), role("prod", "ReadOnly")]
    assert named(rows, TEMPLATE, "corp") == ["prod.Admin.111111111111", "prod.Admin.222222222222", "prod.ReadOnly"]
    assert named(rows[::-1], TEMPLATE, "corp") == [
        "prod.ReadOnly",
        "prod.Admin.222222222222",
        "prod.Admin.111111111111",
    ]


def test_two_roles_of_an_account_that_differ_in_a_sign_only_are_numbered():
    rows = [role("prod", "a=b"), role("prod", "a,b"), role("prod", "a-b.111111111111-2")]
    assert named(rows, TEMPLATE, "corp") == [
        "prod.a-b.111111111111",
        "prod.a-b.111111111111-3",
        "prod.a-b.111111111111-2",
    ]


def test_no_profile_becomes_the_default_one():
    rows = [role("de", "fault")]
    assert named(rows, "{account_name}{role_name}", "corp") == ["default.111111111111"]


def test_the_session_can_stand_in_a_name():
    assert named([role("prod", "Admin")], "{session}/{account_name}/{role_name}", "my corp") == ["my-corp/prod/Admin"]


rows = st.lists(
    st.builds(
        role,
        st.none() | st.text(max_size=5),
        st.text(min_size=1, max_size=5),
        st.sampled_from(["111111111111", "222222222222"]),
    ),
    max_size=8,
    unique=True,
)


@settings(deadline=None)
@given(rows)
def test_every_name_is_readable_and_there_once(some):
    names = named(some, TEMPLATE, "corp")
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w\-@+.%:/]+", name, re.ASCII) for name in names)
