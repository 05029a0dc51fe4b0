"""A fetch can be ended at once, leaves what it has, and goes on from there; also after its kernel was killed."""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading
import time

import pytest

from sso_magic.common.secret import Secret
from sso_magic.local import Organization
from sso_magic.portal import SSO


def fetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("sso-inventory")]


def all_threads_end() -> bool:
    for thread in fetch_threads():
        thread.join(5)
    return not fetch_threads()


class Gate:
    """Lets so many calls through and holds the others until it is opened."""

    def __init__(self, passes: int) -> None:
        self.passes = passes
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, asked: str, number: int) -> None:
        if number > self.passes:
            self.reached.set()
            assert self.opened.wait(20)


@pytest.fixture
def gate():
    held = Gate(50)
    yield held
    held.opened.set()
    assert all_threads_end()


def test_a_canceled_fetch_returns_what_there_is_although_calls_are_under_way(
    gate, fake_portal, inventory_of, organization
):
    portal = fake_portal(organization(200))
    portal.trouble = gate
    cancel = threading.Event()
    threading.Thread(target=lambda: (gate.reached.wait(20), cancel.set())).start()
    snapshot = inventory_of(portal).fetch(cancel=cancel)  # the gate is still shut
    assert not snapshot.complete
    assert len(snapshot.accounts) == 200
    assert 0 < len(snapshot.roles) < 50
    assert not gate.opened.is_set()


def test_an_interruption_ends_the_wait_at_once_and_what_came_is_kept(gate, fake_portal, inventory_of, organization):
    portal = fake_portal(organization(200))
    portal.trouble = gate
    inventory = inventory_of(portal)
    threading.Thread(target=lambda: (gate.reached.wait(20), _thread.interrupt_main())).start()
    with pytest.raises(KeyboardInterrupt):
        inventory.fetch()
    assert not gate.opened.is_set()
    partial = inventory.partial()
    assert not partial.complete
    assert partial.roles


def test_no_thread_is_left_behind_once_the_calls_under_way_have_ended(gate, fake_portal, inventory_of, organization):
    portal = fake_portal(organization(200))
    portal.trouble = gate
    cancel = threading.Event()
    threading.Thread(target=lambda: (gate.reached.wait(20), cancel.set())).start()
    inventory_of(portal).fetch(cancel=cancel)
    made = len(portal.calls)
    gate.opened.set()
    assert all_threads_end()
    assert len(portal.calls) == made  # and nothing more was asked


def test_a_fetch_that_ended_leaves_no_thread(fake_portal, inventory_of, organization):
    inventory_of(fake_portal(organization(50))).fetch()
    assert all_threads_end()


def test_the_threads_of_a_fetch_keep_no_interpreter_from_ending(gate, fake_portal, inventory_of, organization):
    portal = fake_portal(organization(200))
    portal.trouble = gate
    cancel = threading.Event()
    threading.Thread(target=lambda: (gate.reached.wait(20), cancel.set())).start()
    inventory_of(portal).fetch(cancel=cancel)
    assert fetch_threads()
    assert all(thread.daemon for thread in fetch_threads())


def test_a_canceled_fetch_goes_on_where_it_was(gate, fake_portal, inventory_of, organization):
    portal = fake_portal(organization(200))
    portal.trouble = gate
    cancel = threading.Event()
    threading.Thread(target=lambda: (gate.reached.wait(20), cancel.set())).start()
    inventory = inventory_of(portal)
    got = set(inventory.fetch(cancel=cancel).roles)
    portal.calls.clear()
    portal.trouble = lambda asked, number: None
    snapshot = inventory.fetch()
    assert snapshot.complete
    assert len(snapshot.roles) == 200
    assert {asked for asked, _ in portal.calls} == {account.account_id for account in snapshot.accounts} - got


def test_a_list_of_accounts_that_was_canceled_goes_on_at_its_page(gate, fake_portal, inventory_of, organization):
    portal = fake_portal(organization(30))
    portal.page = 10
    gate.passes = 10**6

    def trouble(asked, number):
        if asked == "accounts" and portal.asked("accounts") == 2:
            gate.reached.set()
            gate.opened.wait(20)

    portal.trouble = trouble
    cancel = threading.Event()
    threading.Thread(target=lambda: (gate.reached.wait(20), cancel.set())).start()
    inventory = inventory_of(portal)
    inventory.fetch(cancel=cancel)
    gate.opened.set()
    assert all_threads_end()
    portal.calls.clear()
    portal.trouble = lambda asked, number: None
    assert len(inventory.fetch().accounts) == 30
    assert [token for asked, token in portal.calls if asked == "accounts"] == ["10", "20"]


def test_what_an_unfinished_fetch_has_is_too_old_after_an_hour(
    gate, fake_portal, inventory_of, organization, monkeypatch
):
    portal = fake_portal(organization(60))
    portal.trouble = gate
    gate.passes = 20
    cancel = threading.Event()
    threading.Thread(target=lambda: (gate.reached.wait(20), cancel.set())).start()
    inventory = inventory_of(portal)
    inventory.fetch(cancel=cancel)
    portal.trouble = lambda asked, number: None
    portal.calls.clear()
    from sso_magic.inventory import inventory as module

    later = module.utc_now() + module.RESUME_WITHIN * 1.01
    monkeypatch.setattr(module, "utc_now", lambda: later)
    inventory.fetch()
    assert len(portal.calls) == 61


_CHILD = """
import sys
from sso_magic.inventory import Inventory
from sso_magic.portal import SSO
from sso_magic.common.secret import Secret
url, token = sys.argv[1:]
client = SSO(region="eu-west-1", endpoint=url, max_attempts=1)
Inventory(key="killed", client=lambda: client, access_token=lambda: Secret(token), reauthenticate=lambda _: 1/0).fetch()
"""


def test_a_kernel_that_is_killed_has_not_fetched_in_vain(local, inventory_of):
    local.organization = Organization.generated(accounts=150, roles=2)
    local.throttle = (1, 60)  # the child cannot come to the end
    token = local.access_token()
    with (
        subprocess.Popen([sys.executable, "-c", _CHILD, local.url, token]) as child,
        SSO(region=local.region, endpoint=local.url, max_attempts=1) as client,
    ):
        inventory = inventory_of(client, key="killed", access_token=lambda: Secret(token))
        while len(getattr(inventory.cached(), "roles", ())) < 40:
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()
        child.wait()
        kept = set(inventory.cached().roles)
        local.requests.clear()
        local.throttle = None
        snapshot = inventory.fetch()
    assert snapshot.complete
    assert len(snapshot.roles) == 150
    asked = {record.query["account_id"] for record in local.requests.of("ListAccountRoles")}
    assert asked == {account.account_id for account in snapshot.accounts} - kept
