"""Connections whose peer has vanished: open to this machine, and never answered."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from sso_magic import IdentityCenter, sign_out_all
from sso_magic.client import patience, pooled
from sso_magic.client.http import RequestsHandler
from sso_magic.client.patience import add_read_timeouts
from sso_magic.errors import ReadTimeoutError
from sso_magic.local import Fault
from sso_magic.oidc import GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN, SSOOIDC
from sso_magic.portal import SSO

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{"accountList":[]}'


class Router:
    """A server whose connections may go dead: they stay open, and no further request on them is answered."""

    def __init__(self) -> None:
        self.requests: list[int] = []  # the number of the connection on which each request came
        self.dead: set[int] = set()
        self.together = threading.Barrier(1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._answer, args=(connection, len(self._open)), daemon=True).start()

    def _answer(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, threading.BrokenBarrierError):
            while connection.recv(65536):
                self.requests.append(number)
                if number not in self.dead:
                    self.together.wait(60)
                    connection.sendall(ANSWER)

    def cut(self) -> None:
        """Let every connection that is open now go dead."""
        self.dead.update(range(1, len(self._open) + 1))

    def stop(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


@pytest.fixture
def router():
    made = Router()
    yield made
    made.stop()


@pytest.fixture
def sso(router):
    with SSO(endpoint=router.url, region="eu-west-1") as client:
        add_read_timeouts(client.middleware_stack)
        yield client


def together(router: Router, sso: SSO, calls: int) -> list[int]:
    """Make so many calls at once, each on a connection of its own; return the attempts that each took."""
    router.together = threading.Barrier(calls)
    with ThreadPoolExecutor(calls) as threads:
        outputs = list(threads.map(lambda _: sso.list_accounts(access_token="t"), range(calls)))
    router.together = threading.Barrier(1)
    return [output.metadata.attempts for output in outputs]


def warm(router: Router, sso: SSO, connections: int) -> None:
    """Make so many connections, which are idle afterwards."""
    together(router, sso, connections)
    assert len(set(router.requests)) == connections
    router.requests.clear()


def test_after_one_silence_no_other_idle_connection_is_tried(router, sso, monkeypatch):
    warm(router, sso, 4)
    router.cut()
    monkeypatch.setattr(patience, "READ_TIMEOUTS", (0.5, 60.0))
    assert sso.list_accounts(access_token="t").metadata.attempts == 2
    monkeypatch.setattr(patience, "READ_TIMEOUTS", ())
    assert together(router, sso, 4) == [1, 1, 1, 1]


def test_connections_that_answer_are_used_again(router, sso):
    warm(router, sso, 2)
    for _ in range(4):
        sso.list_accounts(access_token="t")
    assert set(router.requests) < {1, 2}


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_a_connection_that_was_idle_while_the_machine_slept_is_not_used(router, sso, monkeypatch, clock):
    warm(router, sso, 2)
    router.cut()
    clocks = {"monotonic": time.monotonic, "time": time.time}
    real = clocks[clock]
    clocks[clock] = lambda: real() + pooled.LONGEST_IDLE + 1
    monkeypatch.setattr(pooled, "time", SimpleNamespace(**clocks))
    assert sso.list_accounts(access_token="t").metadata.attempts == 1
    assert router.requests == [3]


CODE = {"client_id": "C", "client_secret": "S"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"grant_type": GRANT_REFRESH_TOKEN, "refresh_token": "R"}, 15.0),
        ({"grant_type": GRANT_DEVICE_CODE, "device_code": "D"}, 15.0),
        ({"grant_type": GRANT_AUTHORIZATION_CODE, "code": "A", "redirect_uri": "http://127.0.0.1/"}, 60.0),
    ],
)
def test_a_code_that_is_good_for_one_answer_is_waited_for(more, expected):
    waited = []

    class Handler:
        timeout = (10.0, 60.0)

        def handle(self, request, *, timeout=None):
            waited.append(timeout[1])
            raise KeyboardInterrupt

        def close(self):
            pass

    with SSOOIDC(region="eu-west-1", request_handler=Handler()) as oidc:
        add_read_timeouts(oidc.middleware_stack)
        with pytest.raises(KeyboardInterrupt):
            oidc.create_token(**CODE, **more)
    assert waited == [expected]


@pytest.mark.parametrize("operation", ["CreateToken", "GetRoleCredentials"])
def test_a_service_that_accepts_and_never_answers_is_asked_again(center, prompt, monkeypatch, operation):
    monkeypatch.setattr(patience, "READ_TIMEOUTS", (0.5, 60.0))
    monkeypatch.setattr(patience, "CREATE_TOKEN_TIMEOUTS", (0.5,))
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    center.revoke()
    center.requests.clear()
    center.faults = [Fault(operation, kind="stall", times=1)]
    assert corp.role("payments-dev", "ReadOnly").credentials().account_name == "payments-dev"
    assert center.requests.total("CreateToken") == 1 + (operation == "CreateToken")


def test_a_sign_out_goes_on_although_the_portal_did_not_answer_at_first(signed_in, monkeypatch):
    monkeypatch.setattr(patience, "READ_TIMEOUTS", (0.5, 60.0))
    signed_in.faults = [Fault("Logout", kind="stall", times=1)]
    assert IdentityCenter("corp").sign_out()
    assert signed_in.requests.total("Logout") == 2


@pytest.fixture
def waited(monkeypatch):
    """The seconds that each attempt was to wait for an answer."""
    seconds = []
    handle = RequestsHandler.handle

    def recorded(handler, request, *, timeout=None):
        seconds.append(timeout[1] if timeout else handler.timeout[1])
        return handle(handler, request, timeout=timeout)

    monkeypatch.setattr(RequestsHandler, "handle", recorded)
    return seconds


@pytest.mark.parametrize("operation", ["ListAccounts", "ListAccountRoles"])
def test_a_listing_asks_again_for_a_page_that_stays_out(signed_in, waited, monkeypatch, operation):
    monkeypatch.setattr(patience, "READ_TIMEOUTS", (0.5, 60.0))
    signed_in.faults = [Fault(operation, kind="stall", times=1)]
    snapshot = IdentityCenter("corp").snapshot()
    assert snapshot.complete
    assert snapshot.errors == {}
    assert set(waited) == {0.5, 60.0}
    assert waited.count(60.0) == 1, "the second attempt for the page, and no other page's"


def test_each_attempt_of_a_listing_waits_longer_for_the_same_page():
    waited = []

    class Handler:
        timeout = (10.0, 60.0)

        def handle(self, request, *, timeout=None):
            waited.append(timeout[1])
            raise ReadTimeoutError("no answer")

        def close(self):
            pass

    with SSO(region="eu-west-1", request_handler=Handler(), max_attempts=1) as sso:
        add_read_timeouts(sso.middleware_stack, across_calls=True)
        for account_id in ("000000000001", "000000000001", "000000000002", "000000000001"):
            with pytest.raises(ReadTimeoutError):
                sso.list_account_roles(access_token="t", account_id=account_id)
    assert waited == [5.0, 15.0, 5.0, 60.0]


def test_a_poll_for_an_approval_goes_on_although_one_stayed_out(center, prompt, waited, monkeypatch):
    monkeypatch.setattr(patience, "CREATE_TOKEN_TIMEOUTS", (0.5,))
    center.auto_approve = True
    center.faults = [Fault("CreateToken", kind="stall", times=1)]
    IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    assert center.requests.total("CreateToken") == 2
    assert waited[-2:] == [0.5, 60.0]


def test_a_sign_out_of_a_session_that_no_file_names_asks_again(signed_in, clean_environment, waited, monkeypatch):
    monkeypatch.setattr(patience, "READ_TIMEOUTS", (0.5, 60.0))
    (clean_environment / ".aws" / "config").unlink()
    signed_in.faults = [Fault("Logout", kind="stall", times=1)]
    assert sign_out_all()
    assert signed_in.requests.total("Logout") == 2
    assert waited == [0.5, 60.0]
