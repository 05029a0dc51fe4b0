"""One Ctrl-C at any place of a change of a Dask cluster's role leaves the role before or the one after there.

The interrupts come in the thread that makes the change, as those of Python do.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import interrupting
import pytest

import sso_magic
from sso_magic.dask_cluster import cluster_role
from sso_magic.dask_cluster.calls import owner
from sso_magic.kernel.kernel_role import KERNEL

DIRECTORY = str(Path(sso_magic.__file__).parent / "dask_cluster")
PROD, DEV = "731659028443", "220947583614"


class Interrupt(interrupting.Interrupt):
    """An interrupt in one of DIRECTORY."""

    def counts(self, frame) -> bool:
        return frame.f_code.co_filename.startswith(DIRECTORY)


class FakeClient:
    """A Dask client, and the scheduler's plugins."""

    id, status = "Client-1", "running"

    def __init__(self) -> None:
        self.scheduler = self
        self.address = "tcp://127.0.0.1:1"
        self.clients = {self.id: self}
        self.worker_plugins: dict[str, object] = {}

    def nthreads(self):
        return {"tcp://127.0.0.1:2": 1}

    def run_on_scheduler(self, function):
        return function(dask_scheduler=self)

    def register_plugin(self, plugin, name):
        self.worker_plugins[name] = plugin

    def unregister_worker_plugin(self, name):
        del self.worker_plugins[name]

    def accounts(self) -> list[str]:
        """Return the account of each role whose credentials are there."""
        return [owner(name).account_id for name, plugin in list(self.worker_plugins.items()) if plugin.handover]


def eventually(check, where: str) -> None:
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline, where
        time.sleep(0.001)


def run_free(action, where: str) -> None:
    """Run it in another thread, where it hangs if a lock is held."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), f"a lock is held: {where}"


class Scene:
    """A kernel with a role in use, and a cluster."""

    def __init__(self, center) -> None:
        self.client = FakeClient()
        center.role("payments-prod", "ReadOnly").use()
        self.prod = KERNEL.current
        center.role("payments-dev", "ReadOnly").use()
        self.dev = KERNEL.current
        KERNEL.release()
        self.listeners = len(KERNEL.switched._listeners)

    def begin(self, on_cluster, in_use) -> None:
        """Put a role on the cluster, or none, and use one in this kernel."""
        if on_cluster is not None:
            KERNEL.use(on_cluster)
            cluster_role.use(self.client)
        KERNEL.use(in_use)

    def end(self, where: str) -> None:
        there = cluster_role._ACTIVE.get(self.client.id)
        if there is not None:
            there.release()
        self.check([None], where)
        KERNEL.forget()

    def check(self, allowed, where: str) -> None:
        """Assert that one of these accounts' roles is on the cluster and followed, and that no lock is held."""
        eventually(self.is_settled, where)
        role = cluster_role._ACTIVE.get(self.client.id)
        run_free(lambda: cluster_role._LOCK.acquire() and cluster_role._LOCK.release(), where)
        if role is None:
            assert None in allowed, where
            assert self.client.worker_plugins == {}, where
        else:
            run_free(lambda: role._changed.acquire() and role._changed.release(), where)
            assert role._use.credentials.account_id in allowed, where
            followed = [role._use.credentials.account_id] if KERNEL.current is role._use else []
            eventually(lambda: self.client.accounts() == followed, where)
        assert len(KERNEL.switched._listeners) == self.listeners + (role is not None), where

    def is_settled(self) -> bool:
        """Return True if the one thread is that of the role on the cluster, which is not being released."""
        role = cluster_role._ACTIVE.get(self.client.id)
        threads = [thread for thread in threading.enumerate() if thread.name == "sso_magic dask"]
        return threads == [] if role is None else threads == [role._thread] and not role._released


@pytest.fixture
def scene(signed_in, monkeypatch):
    from sso_magic.center.shared import shared_center

    monkeypatch.setattr(cluster_role, "check", lambda client: None)
    monkeypatch.setattr(cluster_role, "warn_if_open", lambda client: None)
    monkeypatch.setattr(cluster_role, "_REST", 0.05)
    scene = Scene(shared_center())
    yield scene
    KERNEL.forget()


def use(scene) -> None:
    cluster_role.use(scene.client)


def block(scene) -> None:
    with cluster_role.use(scene.client):
        pass


def release(scene) -> None:
    cluster_role._ACTIVE[scene.client.id].release()


def switch(scene) -> None:
    KERNEL.use(scene.dev)


# What is done, whose role is on the cluster at first, whose the kernel uses, and whose may be there after an interrupt.
# The tracer also raises before the entry into a block and before its exit, where the role is there.
ACTIONS = {
    "first use": (use, None, "prod", (None, PROD)),
    "use of another role": (use, "prod", "dev", (PROD, DEV)),
    "use of the same role": (use, "prod", "prod", (PROD,)),
    "block": (block, None, "prod", (None, PROD)),
    "release": (release, "prod", "prod", (PROD, None)),
    "switch": (switch, "prod", "prod", (PROD,)),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_interrupt_at_every_place(scene, name):
    action, on_cluster, in_use, allowed = ACTIONS[name]
    number = 0
    while True:
        number += 1
        scene.begin(on_cluster and getattr(scene, on_cluster), getattr(scene, in_use))
        interrupt = Interrupt(number)
        try:
            sys.settrace(interrupt)
            action(scene)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        where = f"{number}, {interrupt.where}"
        scene.check(allowed, where)
        scene.end(where)
        if not interrupt.where:
            break
    assert number > 5


def test_a_wait_that_is_interrupted_takes_out_what_is_sent_meanwhile(scene, monkeypatch):
    """Ctrl-C comes most likely while the workers have not answered yet."""
    scene.begin(None, scene.prod)
    is_sent, is_interrupted = threading.Event(), threading.Event()
    register = scene.client.register_plugin

    def late(plugin, name) -> None:
        is_sent.set()
        assert is_interrupted.wait(60)
        register(plugin, name)

    def interrupted(seconds) -> bool:
        assert is_sent.wait(60)
        is_interrupted.set()
        raise KeyboardInterrupt

    class InterruptedRole(cluster_role.ClusterRole):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            self._settled.wait = interrupted

    scene.client.register_plugin = late
    monkeypatch.setattr(cluster_role, "ClusterRole", InterruptedRole)
    with pytest.raises(KeyboardInterrupt):
        use(scene)
    scene.check([None], "a late answer")


def test_a_role_that_cannot_be_put_there_leaves_the_one_before(scene):
    scene.begin(scene.prod, scene.dev)
    before = cluster_role._ACTIVE[scene.client.id]

    def fail(plugin, name) -> None:
        raise ValueError("no")

    scene.client.register_plugin = fail
    with pytest.raises(sso_magic.errors.CredentialsError) as caught:
        use(scene)
    del scene.client.register_plugin
    assert str(caught.value) == (
        "The Dask cluster did not take the role (ValueError: no). client.get_worker_logs() tells more; "
        "dask.use(client) tries again."
    )
    assert cluster_role._ACTIVE[scene.client.id] is before
    KERNEL.use(scene.prod)
    scene.check([PROD], "the role before follows the kernel")
    scene.end("")
