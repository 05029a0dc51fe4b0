"""The role in use, on every worker of a Dask cluster.

    from sso_magic import dask_cluster

    center.role("payments-prod", "ReadOnly").use()
    dask_cluster.use(client)                      # the same as %sso_use payments-prod ReadOnly --dask

A worker plugin puts the role in use in each worker's process, as ``%sso_use`` does here, so that s3fs, boto3, pandas
and what else reads the environment there use it; workers that join later get it before their first task. The
cluster follows this kernel: credentials renewed here are renewed there, and while another role or none is in use here,
the workers have none. They never have the access token, so that nothing but this kernel can renew them.

The scheduler keeps the plugin for workers to come, and with it the role's credentials, until the role is taken out.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks
from sso_magic.common.environment import REGION_VARIABLES
from sso_magic.dask_cluster.calls import ANSWER_WITHIN, Calls, owner, plugin_name, time_of
from sso_magic.dask_cluster.clients import check, current_client, warn_if_open
from sso_magic.dask_cluster.worker import RolePlugin
from sso_magic.errors import CredentialsError, UsageError
from sso_magic.kernel.handover import Handover
from sso_magic.kernel.kernel_role import KERNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    import distributed
    from typing_extensions import Self

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.kernel_role import Use

_LISTENS_FOR = 15  # seconds that a switch here waits for the workers to follow
_GLANCE = 0.2  # seconds between two looks at an interrupt, where waiting cannot be interrupted (Windows)
_LOOKS = 0.25  # seconds between two looks at credentials that are about to be renewed
_REST = 2  # seconds between two looks otherwise: a laptop may sleep, the client be closed


def use(client: distributed.Client | None = None, *, region: str | None = None) -> ClusterRole:
    """Put the role in use on every worker of a Dask cluster, and on those that join later.

    Args:
        client: The cluster's client; by default the current one.
        region: For the work done; without it the region in use here.

    Returns:
        The cluster's role: ``release()`` takes it out of the cluster, as does the end of a ``with`` block; so does
        releasing the role in this kernel.

    Raises:
        UsageError: No role is in use, there is no connected client, or another notebook's role is on the cluster.
        CredentialsError: A worker cannot take it.

    Warns:
        InsecureSchedulerWarning: Scheduler or workers are reached without TLS, and not on loopback.
    """
    client = client or current_client()
    check(client)
    used = KERNEL.current
    if used is None:
        raise UsageError(
            "No role is in use: %sso_use ACCOUNT ROLE --dask, or role.use() before dask_cluster.use(client)."
        )
    warn_if_open(client)
    made = ClusterRole(client, used, region)
    made.start()
    return made


class ClusterRole:
    """A role on the workers of a cluster, for as long as it is in use here.

    Args:
        client: The cluster's client.
        use: The role.
        region: For the work done there; None: the region here.
    """

    def __init__(self, client: Any, use: Use, region: str | None) -> None:
        self.failure: Exception | None = None  # why the workers do not have what they should
        self._client = client
        self._address = client.scheduler.address
        self._use = use
        self._region = region or next(filter(None, (os.environ.get(name) for name in REGION_VARIABLES)), None)
        self._token = secrets.token_hex(8)
        self._plugins: list[str] = []  # the names by which the cluster may know what it was given
        self._calls = Calls()
        self._scheduler = _scheduler_id(client)
        self._sent: Credentials | None = None
        self._changed = locks.Condition()
        self._changes = self._followed = 0
        self._is_in_place = self._released = False  # at most one of the two is set before `_settled`
        self._settled = locks.Event()  # the thread has begun to follow, or has given up
        self._refusal: Exception | None = None  # why it has given up
        self._thread = threading.Thread(target=self._run, name="sso_magic dask", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"<{self.line()}>"

    def line(self) -> str:
        """Where the role is, in one line."""
        where = f"the Dask cluster {self._address}"
        if self.failure is not None:
            return f"{self._use.label} may be on {where} or not: {_told(self.failure)}"
        if self._client.status != "running":
            return f"{self._use.label} was on {where}, until this client was closed"
        if self._sent is None:
            return f"{self._use.label} is not on {where}"
        workers = len(self._client.nthreads())
        late = "; not all of them have answered yet" if self._calls.are_late() else ""
        return f"{self._use.label} is on {where}, {workers} worker{'' if workers == 1 else 's'} and any that join{late}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def start(self) -> None:
        """Put the role on the workers, in place of the one before, and follow what becomes of it here.

        The thread does all of it. An interrupt of this wait leaves either the role before there or this one.

        Raises:
            CredentialsError: A worker cannot take it.
            UsageError: Another notebook's role is on the cluster.
        """
        try:
            self._thread.start()
            while not self._settled.wait(_GLANCE):
                pass
        except BaseException:
            self._give_up()
            raise
        if self._refusal is not None:
            raise self._refusal

    def _give_up(self) -> None:
        """End an attempt that was interrupted, unless the role is in place; wait a moment for what it has put there."""

        def end() -> None:
            if not self._is_in_place:
                self._end()

        locks.run_holding(self._changed, end)
        if self._released and self._thread.is_alive():
            self._thread.join(ANSWER_WITHIN)

    def _run(self) -> None:
        """Put the role there, and follow until it is released: what the thread does."""
        self._unsubscribe = KERNEL.switched.subscribe(self._on_switch)
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits
            self._refusal = error
            locks.run_holding(self._changed, self._end)
        else:
            if self._is_in_place:
                self._settled.set()
            self._keep_up()
        self._forget()
        if self._released:
            self._follow()  # takes it out
        self._settled.set()

    def _begin(self) -> None:
        """Put the role there, and then take the one before out, unless the attempt was given up meanwhile."""
        self._check_others()
        self._follow()
        if self.failure is not None:
            raise CredentialsError(_told(self.failure)) from None
        self._check_others()  # another notebook may have done the same at the same time
        if locks.run_holding(self._changed, self._decide):
            with _LOCK:
                before = _ACTIVE.get(self._client.id)
                _ACTIVE[self._client.id] = self
            if before is not None:
                before.release()

    def _decide(self) -> bool:
        self._is_in_place = not self._released
        return self._is_in_place

    def _check_others(self) -> None:
        """Refuse a cluster on which a task could not tell which of two roles is its own; clear what is left there.

        A plugin whose client is gone is of a notebook that ended without releasing its role.

        Raises:
            UsageError: Another connected client has put another role there, before this one.
        """
        # A lambda is pickled by value: the scheduler may lack this package.
        names, clients = self._client.run_on_scheduler(
            lambda dask_scheduler: (list(dask_scheduler.worker_plugins), list(dask_scheduler.clients))
        )
        mine = max(map(time_of, self._plugins), default=time.time_ns())
        for name in names:
            other = owner(name)
            if other is None or other.client == self._client.id:
                continue
            if other.client not in clients:
                self._remove(name)
            elif other[1:] != self._use.key[1:] and time_of(name) <= mine:
                raise UsageError(
                    f"Another notebook has put {other.role_name} of account {other.account_id} on this Dask "
                    "cluster, where only one role can be in use. Release it there (%sso_use --off), or use a "
                    "cluster for each role."
                )

    def release(self) -> None:
        """Take the role out of the cluster, and end following. Calling it again changes nothing."""
        locks.run_holding(self._changed, self._end)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_LISTENS_FOR)

    def _end(self) -> None:
        """Let the thread take the role out and end; called with `_changed` held."""
        self._released = True
        self._changes += 1
        self._changed.notify_all()

    def _forget(self) -> None:
        """Remove this role from what this process knows of clusters."""
        self._unsubscribe()
        with _LOCK:
            if _ACTIVE.get(self._client.id) is self:
                del _ACTIVE[self._client.id]

    def _on_switch(self) -> None:
        """Let the workers follow, and wait for it: no work must go on there as the role before."""
        locks.run_holding(self._changed, self._let_follow)

    def _let_follow(self) -> None:
        self._changes += 1
        mine = self._changes
        self._changed.notify_all()
        if self._thread.is_alive() and self._client.status == "running":
            self._changed.wait_for(lambda: self._followed >= mine or self._released, _LISTENS_FOR)

    def _keep_up(self) -> None:
        """Follow again and again, until the role is released or the client closed."""
        while not self._released and self._client.status != "closed":
            with self._changed:
                seen = self._changes
            self._follow()
            with self._changed:
                self._followed = seen
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._changes != seen, self._until_next_look())  # noqa: B023 - now

    def _until_next_look(self) -> float:
        if self.failure is not None:
            return _LOOKS * 4
        if self._sent is None:
            return _REST
        return min(_REST, max(_LOOKS, self._use.role.seconds_until_due()))

    def _follow(self) -> None:
        """Give the workers the credentials that this kernel has now, or take the role out. Only the thread does so."""
        wanted = self._use.credentials if KERNEL.current is self._use and not self._released else None
        self._forget_a_scheduler_that_was_restarted()
        were_late = self._calls.are_late()
        failed = self._calls.late_failure()
        is_to_be_swept = were_late and not self._calls.are_late()
        if wanted is self._sent and self.failure is None and failed is None and not is_to_be_swept:
            return
        try:
            if wanted is not self._sent or self.failure is not None or failed is not None:
                self._send(wanted)
            else:
                self._sweep()
        except Exception as error:  # noqa: BLE001 - kept, and tried again
            self.failure = error
        else:
            self.failure = None
            self._sent = wanted

    def _forget_a_scheduler_that_was_restarted(self) -> None:
        """A new scheduler process at the same address has none of the plugins."""
        scheduler = _scheduler_id(self._client)
        if scheduler != self._scheduler:
            self._scheduler, self._sent = scheduler, None
            self._plugins.clear()
            self._calls = Calls()

    def _send(self, wanted: Credentials | None) -> None:
        """Put a new plugin there, then take the one before out, so that the workers have no moment without either.

        Where a worker has not answered yet, plugin and removal may reach it in any order. A plugin without credentials
        is the newest in any order.
        """
        before = list(self._plugins)
        if wanted is not None or self._calls.are_late():
            name = plugin_name(self._token, self._client.id, *self._use.key[1:])
            plugin = RolePlugin(name, self._token, None if wanted is None else Handover(wanted), self._region)
            self._plugins.append(name)
            self._calls.make([functools.partial(self._client.register_plugin, plugin, name=name)])
        if wanted is None:
            before = list(self._plugins)
        self._calls.make([functools.partial(self._remove, name) for name in before])
        self._plugins = [name for name in self._plugins if name not in before]

    def _sweep(self) -> None:
        """Take out plugins that reached the scheduler after their removal."""
        names = self._client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.worker_plugins))
        for name in names:
            if name.startswith(f"sso_magic-{self._token}|") and name not in self._plugins:
                self._remove(name)

    def _remove(self, name: str) -> None:
        if self._client.status == "running":
            with contextlib.suppress(KeyError, ValueError):  # it never came to the workers, or the scheduler
                self._client.unregister_worker_plugin(name)


def _scheduler_id(client: Any) -> str | None:
    """Return the id of the scheduler that the client is connected to, of its last heartbeat."""
    identity = getattr(client, "_scheduler_identity", None) or {}
    found: str | None = identity.get("id")
    return found


_LOCK = locks.RLock()
_ACTIVE: dict[str, ClusterRole] = {}


def _told(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) or str(error).startswith(ModuleNotFoundError.__name__):  # by way of Dask
        return f"The Dask workers lack a module ({error}): install sso-magic there, as in this kernel."
    return (
        f"The Dask cluster did not take the role ({type(error).__name__}: {error}). client.get_worker_logs() tells "
        "more; dask.use(client) tries again."
    )
