"""A worker's side of `sso_magic.dask`: the plugin that puts a role in use in the worker's process."""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING

import distributed

from sso_magic.environment import KEY_VARIABLES
from sso_magic.errors import CredentialsError
from sso_magic.kernel import KERNEL, Use

if TYPE_CHECKING:
    from sso_magic.credentials import RoleCredentials
    from sso_magic.each.handover import Handover

PATIENCE = 30  # seconds that a task without credentials waits for the notebook
_GONE = (
    "The notebook that gave this cluster its role has not renewed it, or has taken it out: use it there again, by "
    "dask.use(client)."
)
_PROCESS = secrets.token_hex(8)


class RolePlugin(distributed.WorkerPlugin):
    """A role's credentials for a worker.

    Args:
        name: What the cluster knows it by; the time in it tells which is the newest.
        token: The same for a role and its renewed credentials.
        handover: The credentials.
        region: For the work done; None leaves what is there.
    """

    def __init__(self, name: str, token: str, handover: Handover, region: str | None) -> None:
        self.name = name
        self.token = token
        self.handover = handover
        self.region = region
        self._home = _PROCESS

    def __repr__(self) -> str:
        return f"RolePlugin({self.handover!r})"

    def setup(self, worker: distributed.Worker) -> None:
        """The worker's process uses the role, unless it is the kernel's own."""
        if self._home != _PROCESS:
            _HELD.add(self, worker.address)

    def teardown(self, worker: distributed.Worker) -> None:
        """It uses it no more, unless it has newer credentials of it."""
        _HELD.discard(self, worker.address)


class _Held:
    """The roles that this process was given: the newest one is in use. Several workers may share a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added = threading.Condition()
        self._plugins: dict[tuple[int, str, str], RolePlugin] = {}
        self._token: str | None = None

    def add(self, plugin: RolePlugin, worker: str) -> None:
        with self._lock:
            if not self._plugins:
                _drop_inherited()
            self._plugins[_key(plugin, worker)] = plugin
            self._apply()
        with self._added:
            self._added.notify_all()

    def discard(self, plugin: RolePlugin, worker: str) -> None:
        with self._lock:
            if self._plugins.pop(_key(plugin, worker), None) is not None:
                self._apply()

    def newest(self) -> RoleCredentials:
        """What the role's renewal here asks for: nothing can be fetched from here, the notebook sends it.

        Who cannot go on without waits for a while: the notebook may be busy, its network slow.

        Raises:
            CredentialsError: The notebook has sent nothing newer.
        """
        use = KERNEL.current
        if use is None:
            raise CredentialsError(_GONE)
        had = use.credentials
        if had.seconds_left() <= 0:
            with self._added:
                self._added.wait_for(lambda: self._newer(had) is not None, PATIENCE)
        found = self._newer(had)
        if found is None:
            raise CredentialsError(_GONE)
        return found

    def _newer(self, had: RoleCredentials) -> RoleCredentials | None:
        """What was sent last, if it lasts longer."""
        if not self._plugins:
            return None
        sent = self._plugins[max(self._plugins)].handover.credentials
        return sent if sent.expires_at > had.expires_at else None

    def _apply(self) -> None:
        plugin = self._plugins[max(self._plugins)] if self._plugins else None
        if self._token is not None and (plugin is None or plugin.token != self._token):
            KERNEL.forget(self._token)
        self._token = None
        if plugin is not None:
            KERNEL.use(Use(plugin.handover.credentials, plugin.region, plugin.token, self.newest))
            self._token = plugin.token


def _key(plugin: RolePlugin, worker: str) -> tuple[int, str, str]:
    return (int(plugin.name.rpartition("-")[2]), plugin.name, worker)


def _drop_inherited() -> None:
    """Removes keys that a worker was born with because a role was in use where it was started.

    A `LocalCluster` starts its workers from the notebook's kernel, with its environment. Taken for what was there
    before, they would come back when the role is taken out. No other tool sets these two variables together.
    """
    if "AWS_ACCOUNT_ID" in os.environ and "AWS_CREDENTIAL_EXPIRATION" in os.environ:
        for name in KEY_VARIABLES:
            os.environ.pop(name, None)


_HELD = _Held()
