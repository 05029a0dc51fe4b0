"""Faults, and what must be left when one is over: nothing."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # conftest files have no package to import from
sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))

from fault_bench import Bench
from panel_screen import open_panel, ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.local import Fault, LocalIdentityCenter

__all__ = ["bench", "impatient", "nothing_left", "open_panel", "ready", "strike"]

PATIENCE = 60  # seconds for threads to end that are ending


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, center: LocalIdentityCenter) -> LocalIdentityCenter:
    """Waits in tenths of a second where a person would wait for a minute; every call is made once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SIGNIN", center.url)
    monkeypatch.setattr("sso_magic.magics.console.remote_signal", lambda: None)
    monkeypatch.setattr("shutil.which", lambda _: None)  # %sso_doctor starts the AWS CLI, if there is one
    monkeypatch.setattr("sso_magic.inventory.fetch.FIRST_DELAY", 0.001)
    monkeypatch.setattr("sso_magic.inventory.fetch.LONGEST_DELAY", 0.001)
    monkeypatch.setattr("sso_magic.inventory.fetch.TRIES", 2)
    monkeypatch.setattr("sso_magic.inventory.fetch.SILENCE", 0.0)
    monkeypatch.setattr("sso_magic.inventory.fetch.SILENT_CALLS", 3)  # more than TRIES: for refusals alone
    monkeypatch.setattr("sso_magic.inventory.rate.FIRST_RATE", 1000.0)
    monkeypatch.setattr("sso_magic.each.leases.TRIES", 1)
    return center


@pytest.fixture
def strike(monkeypatch: pytest.MonkeyPatch, impatient: LocalIdentityCenter) -> Callable[[Fault], None]:
    """Lets a fault strike from now on; what never answers is waited for as shortly as can be."""
    from sso_magic.client.http import RequestsHandler

    def strike(fault: Fault) -> None:
        impatient.faults.append(fault)
        if fault.kind == "stall":
            monkeypatch.setattr("sso_magic.credentials.federation._TIMEOUT", 0.1)
            monkeypatch.setattr("sso_magic.doctor.network.WITHIN", (0.1, 0.1))
            monkeypatch.setitem(RequestsHandler.__init__.__kwdefaults__, "request_timeout", 0.1)
        if fault.kind == "drip":  # such a server closes the connection, which may be seen too late
            monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")

    return strike


@pytest.fixture
def bench(shell: InteractiveShell, impatient: LocalIdentityCenter) -> Bench:
    """A notebook that is as new for each magic, in which every sign-in is approved."""
    impatient.auto_approve = True
    return Bench(shell, impatient)


@pytest.fixture
def nothing_left(
    monkeypatch: pytest.MonkeyPatch, center: LocalIdentityCenter, clean_environment: Path
) -> Iterator[None]:
    """Fails a test that leaves a thread, a connection or a lock behind once what it used is closed."""
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.kernel.kernel_role import KERNEL
    from sso_magic.magics.console import OneTimeLink

    centers, links = _made(monkeypatch, IdentityCenter), _made(monkeypatch, OneTimeLink)
    port = int(center.url.rpartition(":")[2])
    before = {*threading.enumerate(), *_connections(port)}  # a test before may have left some that are its own
    yield
    KERNEL.shutdown()
    for link in list(links):
        link.end()  # which holds for minutes on purpose
    for one in list(centers):
        close(one)
    deadline = time.monotonic() + PATIENCE
    while left := {*_threads(), *_connections(port)} - before:
        assert time.monotonic() < deadline, left
        gc.collect()  # a client that nobody holds any more
        time.sleep(0.02)
    assert _locks_held(clean_environment) == []


def _made(monkeypatch: pytest.MonkeyPatch, kind: type[Any]) -> weakref.WeakSet[Any]:
    """All of a kind that are made from now on."""
    made: weakref.WeakSet[Any] = weakref.WeakSet()
    real = kind.__init__

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        real(self, *arguments, **named)
        made.add(self)

    monkeypatch.setattr(kind, "__init__", init)
    return made


def close(center: IdentityCenter) -> None:
    """Closes its clients."""
    for client in center._made():
        if client is not None:
            client.destroy()


def _threads() -> list[threading.Thread]:
    """Ours alone: the local Identity Center has a pool of threads that grows as it is asked."""
    return [one for one in threading.enumerate() if one.name.startswith(("sso", "SSO")) and "local" not in one.name]


def _connections(port: int) -> list[str]:
    """Those of this process to the local Identity Center, each by its own end."""
    mine = psutil.Process().net_connections("tcp")
    return [f"{one.laddr}" for one in mine if one.raddr and one.raddr.port == port and one.laddr.port != port]


def _locks_held(home: Path) -> list[Path]:
    import filelock

    locks = [filelock.FileLock(path) for path in (home / ".aws" / "sso_magic" / "locks").glob("*.lock")]
    held = []
    for lock in locks:
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=0)
        if not lock.is_locked:
            held.append(Path(lock.lock_file))
        lock.release()
    return held
