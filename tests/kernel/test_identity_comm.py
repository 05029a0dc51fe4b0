"""What the kernel tells front ends of the role in use: at every change, without a question, and never a secret."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from types import SimpleNamespace

import comm
import pytest
import time_machine
from comm.base_comm import BaseComm, CommManager

from sso_magic.errors import ConnectError, SignInRequired
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.notebook import identity_comm
from sso_magic.notebook.identity_comm import COMM

PLAIN, SECOND = "payments-dev ReadOnly", "ml-sandbox PowerUserAccess"


@pytest.fixture
def told(shell, monkeypatch):
    """The data of every message, from `%load_ext` in a shell that is a kernel's."""
    sent: list[dict] = []

    class Comm(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            assert (msg_type, self.comm_id, self.target_name) == ("comm_msg", COMM, COMM)
            sent.append(json.loads(json.dumps(data)))

    shell.run_line_magic("unload_ext", "sso_magic")
    monkeypatch.setattr(comm, "create_comm", Comm)
    monkeypatch.setattr(shell, "kernel", SimpleNamespace(comm_manager=CommManager()), raising=False)
    shell.run_line_magic("load_ext", "sso_magic")
    yield sent
    shell.run_line_magic("unload_ext", "sso_magic")
    monkeypatch.undo()
    shell.run_line_magic("load_ext", "sso_magic")


def roles(told) -> list[str | None]:
    """The role of each message, without repetitions."""
    names = [f"{one['role']['account_name']} {one['role']['role_name']}" if one["role"] else None for one in told]
    return [name for number, name in enumerate(names) if number == 0 or name != names[number - 1]]


def test_a_kernel_says_at_once_that_no_role_is_in_use(told):
    assert told == [{"loaded": True, "role": None, "previous": None, "edge": True}]


def test_the_setting_of_the_edge_is_sent_when_it_changes(told, shell):
    shell.run_line_magic("config", "SSOMagics.production_edge = False")
    assert [one["edge"] for one in told] == [True, False]


def test_a_role_is_described_whole(told, shell, signed_in):
    shell.run_line_magic("sso_use", "payments-prod ReadOnly --region eu-west-1")
    role = told[-1]["role"]
    assert 3000 < role.pop("seconds_left") < 3700  # by the service's clock
    assert role == {
        "account_id": KERNEL.current.credentials.account_id,
        "account_name": "payments-prod",
        "role_name": "ReadOnly",
        "region": "eu-west-1",
        "expires_at": KERNEL.current.credentials.expires_at.isoformat(),
        "renews": True,
        "production": True,
    }


def test_every_way_to_switch_is_told(told, shell, signed_in):
    shell.run_line_magic("sso_use", PLAIN)
    shell.run_cell_magic("sso_as", SECOND, "seen = 1")
    thread = threading.Thread(target=lambda: shell.run_line_magic("sso_use", SECOND))
    thread.start()
    thread.join()
    shell.run_line_magic("sso_use", "-")
    shell.run_line_magic("sso_use", "--off")
    assert roles(told) == [None, PLAIN, SECOND, PLAIN, SECOND, PLAIN, None]
    assert told[-1]["previous"].startswith("payments-dev (")
    with KERNEL.use(KERNEL.previous):
        pass
    shell.run_line_magic("sso_use", SECOND)
    shell.run_line_magic("sso_logout", "")
    assert roles(told)[-5:] == [None, PLAIN, None, SECOND, None]


def test_each_message_is_of_the_state_at_its_time_when_threads_switch_at_once(told, role_a, role_b):
    def switch(role) -> None:
        for _ in range(50):
            KERNEL.use(role.use())

    threads = [threading.Thread(target=switch, args=[role]) for role in (role_a, role_b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 101
    assert told[-1]["role"]["account_id"] == KERNEL.current.credentials.account_id


def test_a_renewal_is_told_and_a_failed_one_too(told, role_a):
    KERNEL.use(role_a.use())
    role = KERNEL.current.role
    first = role.latest.expires_at
    role_a.failure = SignInRequired("corp is not signed in. Run %sso_login corp")
    with time_machine.travel(first - timedelta(minutes=4), tick=False):
        role.renew()
        assert told[-1]["role"]["renews"] is False
        assert told[-1]["role"]["seconds_left"] == pytest.approx(240, abs=1)
        role_a.failure = None
        role.retry_now()
        role.renew()
    assert told[-1]["role"]["renews"] is True
    assert told[-1]["role"]["expires_at"] == role.latest.expires_at.isoformat() != first.isoformat()


def test_failures_in_a_row_are_told_once(told, role_a):
    KERNEL.use(role_a.use())
    role_a.failure = ConnectError("no network")
    with time_machine.travel(KERNEL.current.credentials.expires_at - timedelta(minutes=4), tick=False):
        before = len(told)
        for _ in range(3):
            KERNEL.current.role.retry_now()
            KERNEL.current.role.renew()
    assert [one["role"]["renews"] for one in told[before:]] == [False]


def test_what_is_production_follows_the_setting_and_a_broken_one_is_the_careful_answer(
    told, shell, role_a, monkeypatch
):
    KERNEL.use(role_a.use())
    assert told[-1]["role"]["production"] is False
    shell.run_line_magic("config", "SSOMagics.production = 'dev'")
    assert told[-1]["role"]["production"] is True
    magics = next(one for one in shell.configurables if type(one).__name__ == "SSOMagics")
    magics.set_trait("production", "nothing")
    assert told[-1]["role"]["production"] is False
    monkeypatch.delitem(magics.__dict__, "are_made")  # a configuration file's value is taken before it is checked
    magics.set_trait("production", "(")
    assert told[-1]["role"]["production"] is True


def test_a_front_end_that_asks_is_answered_and_finds_the_comm_by_its_target(told, shell, role_a):
    manager = shell.kernel.comm_manager
    assert {name: one.target_name for name, one in manager.comms.items()} == {COMM: COMM}
    KERNEL.use(role_a.use())
    before = len(told)
    manager.comms[COMM].handle_msg({"content": {"comm_id": COMM, "data": {}}})
    assert [one["role"]["account_name"] for one in told[before:]] == ["dev"]


def test_a_name_from_the_portal_cannot_turn_the_text(told, role_a):
    role_a.name = "dev\u202eprod\n"
    KERNEL.use(role_a.use())
    assert told[-1]["role"]["account_name"] == r"dev\u202eprod\n"


def test_a_message_that_was_not_sent_is_sent_after_the_cell_and_no_other_twice(told, shell, role_a, monkeypatch):
    def interrupted(_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(shell.kernel.comm_manager.comms[COMM], "send", interrupted)
        KERNEL.use(role_a.use())
    told.clear()
    shell.run_cell("1")
    assert [one["role"]["account_name"] for one in told] == ["dev"]
    shell.run_cell("1")
    assert len(told) == 1


def test_a_child_process_says_nothing(told, role_a, monkeypatch):
    before = len(told)
    with monkeypatch.context() as patch:
        patch.setattr(identity_comm.os, "getpid", lambda: -1)
        KERNEL.use(role_a.use())
    assert len(told) == before


def test_unloading_says_so_and_removes_the_comm(told, shell, role_a):
    KERNEL.use(role_a.use())
    shell.run_line_magic("unload_ext", "sso_magic")
    assert told[-1] == {"loaded": False}
    assert shell.kernel.comm_manager.comms == {}
    KERNEL.use(role_a.use())
    assert told[-1] == {"loaded": False}


def test_a_kernel_with_comms_of_another_kind_loads_all_the_same(shell, monkeypatch):
    shell.run_line_magic("unload_ext", "sso_magic")
    monkeypatch.setattr(shell, "kernel", SimpleNamespace(comm_manager=object()), raising=False)
    shell.run_line_magic("load_ext", "sso_magic")
    assert shell.find_line_magic("sso_use") is not None
    assert identity_comm._open == []


def test_no_key_and_no_token_is_in_a_message(told, shell, signed_in):
    shell.run_line_magic("sso_use", PLAIN)
    KERNEL.current.role.renew()
    shell.run_line_magic("sso_use", f"{SECOND} --serve")
    text = json.dumps(told)
    [*issued] = signed_in.keys.values()
    assert len(issued) >= 2
    for keys in issued:
        assert keys.access_key_id not in text
        assert keys.secret_access_key not in text
        assert keys.session_token not in text
