"""Any executor will do: what the tasks get, and how they go on, is the same."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timezone

import cloudpickle
import pytest

from sso_magic import errors
from sso_magic.common.secret import Secret
from sso_magic.each.here import EachAccount
from sso_magic.each.places.remote import Parcel
from sso_magic.each.places.socket import Line
from sso_magic.kernel.handover import Handover

cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def test_on_a_thread_pool(many, whoami):
    center = many(12)
    with ThreadPoolExecutor(4) as executor:
        frame = center.each(whoami, "ReadOnly", on=executor, progress=False)
    assert (frame["account_id"] == frame["said"]).all()
    assert len(frame) == 12


def test_on_a_pool_of_processes(many, whoami, pool):
    center = many(12)
    frame = center.each(lambda here: {**whoami(here), "pid": os.getpid()}, "ReadOnly", on=pool, progress=False)
    assert (frame["account_id"] == frame["said"]).all()
    assert len(frame) == 12
    assert os.getpid() not in set(frame["pid"])


def test_a_long_task_in_a_pool_asks_for_renewed_credentials(many, signed_in, pool):
    signed_in.role_lifetime = 4
    center = many(2)

    def ask(here):
        first = here.credentials.access_key_id.reveal()
        deadline = time.monotonic() + 60
        while here.credentials.access_key_id.reveal() == first:
            time.sleep(0.2)
            assert time.monotonic() < deadline
        return here.session.client("sts").get_caller_identity()["Account"]

    frame = center.each(ask, "ReadOnly", on=pool, progress=False)
    assert (frame["account_id"] == frame["value"]).all()


def test_an_interrupt_leaves_somebodys_thread_pool_in_order(many, interrupt_when, each_threads_end):
    center, begun = many(6), []

    def ask(here):
        begun.append(1)
        while True:
            time.sleep(0.01)

    with ThreadPoolExecutor(2) as executor:
        interrupt_when(lambda: len(begun) == 2)
        frame = center.each(ask, "ReadOnly", on=executor, progress=False)
        assert len(frame.attrs["errors"]) == 6
        assert executor.submit(lambda: 5).result(20) == 5
    each_threads_end()


def test_a_pool_that_is_broken_is_every_accounts_error(many):
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as broken,
        pytest.raises(errors.EachError, match=r"^All 2 accounts failed with BrokenProcessPool: "),
    ):
        many(2).each(lambda here: os._exit(1), "ReadOnly", on=broken, progress=False)


def test_what_somebody_cancels_in_their_pool_is_told_as_stopped(many):
    executor = ThreadPoolExecutor(1)

    def ask(here):
        deadline = time.monotonic() + 20
        while not executor._work_queue.qsize():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        executor.shutdown(wait=False, cancel_futures=True)
        return 1

    frame = many(2).each(ask, "ReadOnly", on=executor, workers=2, progress=False)
    [record] = frame.attrs["errors"]
    assert (record["error"], record["message"]) == ("Stopped", "It had not finished when the run was stopped.")
    assert len(frame) == 1


def test_the_line_tells_why_there_are_no_credentials(many, signed_in):
    from sso_magic.kernel.renewal import RenewingRole

    center = many(1)
    [account] = center.snapshot().accounts
    ended = dataclasses.replace(
        center.role(account.account_id, "ReadOnly").credentials(), expires_at=datetime.now(timezone.utc)
    )
    signed_in.organization.withdraw("alex", account.account_id, "ReadOnly")

    def full():
        raise OSError(28, "No space left on device")

    line = Line()
    try:
        line.open(
            "a", RenewingRole(ended, lambda: center.role(account.account_id, "ReadOnly").credentials(refresh=True))
        )
        with pytest.raises(errors.RoleNotAssigned, match=r"^The role ReadOnly in team-000 is refused \(403"):
            line.far_end.fetch("a")
        line.open("b", RenewingRole(ended, full))
        with pytest.raises(errors.CredentialsError) as caught:
            line.far_end.fetch("b")
        assert str(caught.value) == (
            "The notebook could not get this role's credentials (OSError: [Errno 28] No space left on device). Run the "
            "task again."
        )
    finally:
        line.close()


def test_the_line_gives_a_ticket_its_own_role_and_nothing_after_its_task(many):
    center = many(2)
    first, second = center.snapshot().accounts
    line = Line()
    far_end = line.far_end
    try:
        for ticket, account in (("a", first), ("b", second)):
            line.open(ticket, _role(center, account))
        assert far_end.fetch("a").account_id == first.account_id
        assert far_end.fetch("b").account_id == second.account_id
        line.close_ticket("a")
        for ticket in ("a", "no such ticket", "x" * 100):
            with pytest.raises(errors.CredentialsError, match=r"^The run that this task belongs to is over.$"):
                far_end.fetch(ticket)
    finally:
        line.close()
    with pytest.raises(errors.CredentialsError, match=r"^The notebook does not answer"):
        far_end.fetch("b")


def test_the_line_refuses_who_has_not_its_key(many):
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    center = many(1)
    [account] = center.snapshot().accounts
    line = Line()
    try:
        line.open("a", _role(center, account))
        with pytest.raises(AuthenticationError):
            Client(line.far_end.address, authkey=b"another")
        assert line.far_end.fetch("a").account_id == account.account_id
        assert repr(line.far_end.key) not in repr(line.far_end)
    finally:
        line.close()


def test_a_task_takes_no_keys_but_its_own_accounts(many):
    center = many(2)
    mine, other = center.snapshot().accounts
    keys = center.role(other.account_id, "ReadOnly").credentials()

    class Wrong:
        def fetch(self, ticket):
            return keys

    account = EachAccount(mine.account_id, mine.account_name)
    for first in (None, Handover(keys)):
        parcel = Parcel("t", account, "ReadOnly", None, Wrong(), first)
        with pytest.raises(errors.CredentialsError, match=r"^Credentials of team-.* came for team-.* not taken\.$"):
            parcel.role()
    ended = dataclasses.replace(
        center.role(mine.account_id, "ReadOnly").credentials(), expires_at=datetime.now(timezone.utc)
    )
    role = Parcel("t", account, "ReadOnly", None, Wrong(), Handover(ended)).role()
    with pytest.raises(errors.CredentialsError, match="not taken"):
        role.get()


def test_keys_on_their_way_are_shown_as_nothing_and_arrive_whole(many):
    center = many(1)
    [account] = center.snapshot().accounts
    keys = center.role(account.account_id, "ReadOnly").credentials()
    handover = Handover(keys)
    parcel = Parcel("t", EachAccount(account.account_id), "ReadOnly", None, None, handover)
    for shown in (repr(handover), repr(parcel), str(parcel), f"{handover}"):
        assert not [key for key in (keys.secret_access_key, keys.session_token) if key.reveal() in shown]
    arrived = pickle.loads(pickle.dumps(parcel)).first.credentials
    assert arrived == keys
    assert isinstance(arrived.secret_access_key, Secret)
    assert keys.secret_access_key.encode() not in pickle.dumps(keys)


def _role(center, account):
    from sso_magic.kernel.renewal import RenewingRole

    return RenewingRole(center.role(account.account_id, "ReadOnly").credentials(), lambda: None)
