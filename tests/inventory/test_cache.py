"""The cache: there at once, never the network, 0600, and nothing else's file."""

from __future__ import annotations

import json
import os

import pytest

from sso_magic.common import cache
from sso_magic.inventory.part import Part
from sso_magic.inventory.store import Store


@pytest.fixture
def fetched(fake_portal, inventory_of, organization):
    """An inventory that has fetched, its portal, and the path of its file."""
    portal = fake_portal(organization(5))
    inventory = inventory_of(portal, key="corp")
    inventory.fetch()
    return inventory, portal, Store("corp").path


def test_what_was_fetched_is_there_in_another_kernel_without_a_call(fetched, inventory_of):
    _, portal, _ = fetched
    portal.calls.clear()
    snapshot = inventory_of(portal, key="corp").cached()
    assert snapshot.complete
    assert len(list(snapshot.rows())) == 10
    assert snapshot.accounts[0].email_address == "team-1@example.com"
    assert portal.calls == []


def test_nothing_is_cached_before_something_was_fetched(fake_portal, inventory_of):
    inventory = inventory_of(fake_portal({}))
    assert inventory.cached() is None
    assert inventory.cached_accounts() is None
    assert inventory.cached_roles("000000000001") is None
    assert inventory.partial() is None
    assert inventory.is_stale


def test_it_is_one_file_a_session_under_the_packages_own_directory(fetched):
    _, _, path = fetched
    assert path == cache.own_directory() / "inventory" / f"{cache.sha1('corp')}.json"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_only_its_owner_may_read_it(fetched):
    _, _, path = fetched
    file, directory = (0o600, 0o700) if os.name == "posix" else (0o666, 0o777)  # Windows has no modes
    assert path.stat().st_mode & 0o777 == file
    assert path.parent.stat().st_mode & 0o777 == directory


def test_it_says_its_version_and_session_and_holds_no_token(fetched):
    _, _, path = fetched
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["version"], content["key"]) == (1, "corp")
    assert "planted" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "[" * 10000,
        '{"version": 1, "key": "corp", "changes": "[]", "whole": 3}',
        '{"version": 1, "key": "corp", "changes": [["added", "1", null, null]]}',
        '{"version": 1, "key": "corp"}',
        '{"version": 1, "key": "corp", "changes": "[]", "whole": {"started_at": "never", "role_names": []}}',
        (
            '{"version": 1, "key": "corp", "changes": "[]", "whole": {"started_at": "2026-01-01T00:00:00Z",'
            ' "listed": true, "next_token": null, "role_names": [], "combinations": [], "sorted": true, "errors": {},'
            ' "account_ids": ["1"], "account_names": [null], "email_addresses": [null], "roles": [7]}}'
        ),
        (
            '{"version": 1, "key": "corp", "changes": "[]", "whole": {"started_at": "2026-01-01T00:00:00Z",'
            ' "listed": true, "next_token": null, "role_names": [], "combinations": [], "sorted": true, "errors": {},'
            ' "account_ids": [1], "account_names": [null], "email_addresses": [null], "roles": [null]}}'
        ),
        (
            '{"version": 1, "key": "corp", "changes": "[]", "whole": {"started_at": "2026-01-01T00:00:00Z",'
            ' "listed": true, "next_token": null, "role_names": [], "combinations": [], "sorted": true, "errors": {},'
            ' "account_ids": ["1"], "account_names": [3], "email_addresses": [null], "roles": [null]}}'
        ),
        (
            '{"version": 1, "key": "corp", "changes": "[]", "whole": {"started_at": "2026-01-01T00:00:00Z",'
            ' "listed": true, "next_token": 3, "role_names": [], "combinations": [], "sorted": true, "errors": {},'
            ' "account_ids": ["1"], "account_names": [null], "email_addresses": [null], "roles": [null]}}'
        ),
    ],
)
def test_a_file_that_is_not_what_it_should_be_counts_as_none(text, fetched):
    inventory, _, path = fetched
    path.write_text(text, encoding="utf-8")
    assert inventory.cached() is None
    assert inventory.fetch().complete  # and is replaced


@pytest.mark.parametrize("other", [{"version": 2}, {"version": None}, {"key": "another session"}])
def test_another_versions_or_sessions_file_counts_as_none(other, fetched):
    inventory, _, path = fetched
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | other), encoding="utf-8")
    assert inventory.cached() is None


def test_a_file_that_did_not_change_is_not_read_again(fetched, monkeypatch):
    inventory, _, _ = fetched
    snapshot = inventory.cached()
    monkeypatch.setattr(cache, "read", lambda path: pytest.fail("read again"))
    assert inventory.cached() is snapshot


def test_what_another_kernel_fetched_is_seen(fetched, inventory_of, fake_portal, organization):
    inventory, _, _ = fetched
    inventory_of(fake_portal(organization(7)), key="corp").fetch()
    assert len(inventory.cached().accounts) == 7


def test_a_directory_that_cannot_be_written_keeps_it_in_this_kernel(fake_portal, inventory_of, organization):
    own = cache.own_directory()
    own.parent.mkdir(parents=True)
    own.write_text("a file where a directory should be", encoding="utf-8")
    inventory = inventory_of(fake_portal(organization(3)))
    assert inventory.fetch().complete
    assert len(inventory.cached().accounts) == 3
    assert "cannot be written" in inventory.warning


def test_a_file_that_can_be_written_leaves_no_warning(fetched):
    assert fetched[0].warning is None


def test_forgetting_removes_it_here_and_for_other_kernels(fetched, inventory_of):
    inventory, portal, path = fetched
    inventory.forget()
    assert not path.exists()
    assert inventory.cached() is None
    assert inventory_of(portal, key="corp").cached() is None


def test_forgetting_what_is_not_there_is_no_error(fake_portal, inventory_of):
    inventory_of(fake_portal({})).forget()


def test_sessions_do_not_see_each_others(fetched, fake_portal, inventory_of):
    assert inventory_of(fetched[1], key="other").cached() is None


def test_it_is_stale_after_its_age(fetched):
    inventory, _, _ = fetched
    assert not inventory.is_stale
    inventory.max_age = 0
    assert inventory.is_stale


def test_a_clock_that_was_put_back_makes_it_stale(fetched, monkeypatch):
    from datetime import timedelta

    from sso_magic.inventory import cached as module

    earlier = module.utc_now() - timedelta(days=1)
    monkeypatch.setattr(module, "utc_now", lambda: earlier)
    assert fetched[0].is_stale


def test_a_part_comes_back_from_the_file_as_it_was(clean_environment):
    from datetime import datetime, timezone

    from sso_magic.inventory.rows import Account
    from sso_magic.inventory.store import Stored

    part = Part(
        started_at=datetime(2026, 5, 17, 9, 30, tzinfo=timezone.utc),
        accounts={
            "012345678901": Account("012345678901", "Zürich «prod»", None),
            "000000000002": Account("000000000002", None, "a@example.com"),
            "000000000003": Account("000000000003", "\U0001f600 \\ud800", None),
        },
        roles={"012345678901": ("Admin", "Übersicht"), "000000000002": ()},
        errors={"000000000003": "ForbiddenException: No access (HTTP 403)"},
        listed=False,
        next_token="a+b/c==&d",
    )
    Store("k").update(lambda _: Stored(unfinished=part))
    assert Store("k").load().unfinished == part


def test_two_writers_lose_nothing_of_each_other(fake_portal, inventory_of, organization):
    portal = fake_portal(organization(3))
    one, other = inventory_of(portal, key="shared"), inventory_of(portal, key="shared")
    one.cached()
    other.fetch()
    one.roles("000000000002")
    assert one.cached().complete
    assert other.cached().complete


def test_the_file_is_small(fake_portal, inventory_of, organization):
    inventory = inventory_of(fake_portal(organization(1000, roles=["A", "B", "C", "D", "E"])), key="big")
    inventory.fetch()
    assert Store("big").path.stat().st_size < 100 * 1000
