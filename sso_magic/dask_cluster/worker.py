"""The workers' side of `sso_magic.dask_cluster.cluster_role`: the plugin that puts a role in use in a worker."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING, NoReturn

import distributed

from sso_magic.common import locks
from sso_magic.common.environment import KEY_VARIABLES
from sso_magic.dask_cluster.calls import time_of
from sso_magic.errors import CredentialsError
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.kernel.libraries import reference
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.handover import Handover

PATIENCE = 30  # seconds that a task without valid credentials waits for the notebook to send new ones
_PROCESS = secrets.token_hex(8)


class RolePlugin(distributed.WorkerPlugin):
    """A role's credentials for a worker, or the message that it has none any more.

    Args:
        name: What the cluster knows it by; the time in it tells which is the newest.
        token: The same for a role and its renewed credentials.
        handover: The credentials; None takes the role out.
        region: For the work done; None leaves what is there.
    """

    def __init__(self, name: str, token: str, handover: Handover | None, region: str | None) -> None:
        self.name = name
        self.token = token
        self.handover = handover
        self.region = region
        self._home = _PROCESS

    def __repr__(self) -> str:
        return f"RolePlugin({self.handover!r})"

    @property
    def time(self) -> int:
        """When the notebook made it, in nanoseconds."""
        return time_of(self.name)

    def setup(self, worker: distributed.Worker) -> None:
        """Put the role in use in the worker's process, unless it is the kernel's own process."""
        if self._home != _PROCESS:
            _HELD.add(self, worker.address)

    def teardown(self, worker: distributed.Worker) -> None:
        """Take the role out, unless the process has newer credentials of it."""
        _HELD.discard(self, worker.address)


class SentRole(RenewingRole):
    """A role whose credentials the notebook sends: nothing can be fetched from a worker.

    New credentials arrive by the worker's event loop. A task waits for them in its own thread. A thread that runs an
    event loop never waits: it may be the one by which they arrive.
    """

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials, self._refuse)
        self._arrived = locks.Condition()
        self.is_taken_out = False

    def get(self) -> Credentials:
        """Return valid credentials; wait for them at most `PATIENCE` seconds.

        Raises:
            CredentialsError: The notebook has sent none.
        """
        if not self._is_settled() and not _is_event_loop():
            with self._arrived:
                self._arrived.wait_for(self._is_settled, PATIENCE)
        if self.latest.seconds_left() <= 0:
            self._refuse()
        return self.latest

    def receive(self, credentials: Credentials) -> None:
        """Take credentials that the notebook has sent, unless they have expired on their way."""
        with self._arrived:
            self.is_taken_out = False
            if credentials.expires_at > self.latest.expires_at and credentials.seconds_left() > 0:
                self._accept(credentials)
            self._arrived.notify_all()

    def take_out(self) -> None:
        """Let nobody wait any more: the notebook has taken the role out."""
        with self._arrived:
            self.is_taken_out = True
            self._arrived.notify_all()

    def _is_settled(self) -> bool:
        return self.is_taken_out or self.latest.seconds_left() > 0

    def _refuse(self) -> NoReturn:
        raise CredentialsError(
            f"The credentials of {self.label} on this Dask cluster have expired, and the notebook that put the role "
            "there has not renewed it or has taken it out. Use the role in the notebook again and run "
            "dask.use(client)."
        )


class _Held:
    """The roles that this process was given: the newest one is in use. Several workers may share a process."""

    def __init__(self) -> None:
        self._lock = locks.Lock()
        self._plugins: dict[tuple[int, str, str], RolePlugin] = {}
        self._seen: dict[str, int] = {}  # by token, when the newest plugin was made: an older one may come after it
        self._roles: dict[str, SentRole] = {}  # by token; kept, for what was made of them, when they are taken out

    def add(self, plugin: RolePlugin, worker: str) -> None:
        with self._lock:
            if plugin.time < self._seen.get(plugin.token, 0):
                return
            self._seen[plugin.token] = plugin.time
            if not self._plugins:
                _drop_inherited()
            self._plugins[_key(plugin, worker)] = plugin
            self._apply()

    def discard(self, plugin: RolePlugin, worker: str) -> None:
        with self._lock:
            if self._plugins.pop(_key(plugin, worker), None) is not None:
                self._apply()

    def find(self, account_id: str, role_name: str) -> RenewingRole | None:
        """Return the role of this account and name, also if a newer one is in use here."""
        for role in list(self._roles.values()):
            keys = role.latest
            if not role.is_taken_out and (keys.account_id, keys.role_name) == (account_id, role_name):
                return role
        return None

    def _apply(self) -> None:
        # An older plugin that is still there was superseded: its removal came before it did.
        newest = [plugin for plugin in self._plugins.values() if plugin.time == self._seen[plugin.token]]
        sent = {plugin.token: (plugin, plugin.handover.credentials) for plugin in newest if plugin.handover is not None}
        for token, role in self._roles.items():
            if token not in sent and not role.is_taken_out:
                role.take_out()
                KERNEL.forget(token)
        for token, (_, credentials) in sent.items():
            if token not in self._roles:
                self._roles[token] = SentRole(credentials)
            self._roles[token].receive(credentials)
        if sent:
            plugin = max((plugin for plugin, _ in sent.values()), key=lambda plugin: plugin.time)
            role = self._roles[plugin.token]
            use = Use(role.latest, plugin.region, plugin.token, role.get)
            use.role = role
            KERNEL.use(use)


def _key(plugin: RolePlugin, worker: str) -> tuple[int, str, str]:
    return (plugin.time, plugin.name, worker)


def _is_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _drop_inherited() -> None:
    """Removes keys that a worker was born with because a role was in use where it was started.

    A `LocalCluster` starts its workers from the notebook's kernel, with its environment. They are no
    values to restore when the role is taken out. No other tool sets these two variables together.
    """
    if "AWS_ACCOUNT_ID" in os.environ and "AWS_CREDENTIAL_EXPIRATION" in os.environ:
        for name in KEY_VARIABLES:
            os.environ.pop(name, None)


_HELD = _Held()
reference.SOURCES.append(_HELD.find)
