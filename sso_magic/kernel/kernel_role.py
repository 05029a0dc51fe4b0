"""The role in use in this kernel: its credentials are put in the environment, renewed, and removed at the release.

The one `KernelRole` of a process owns the environment's AWS variables. The values that it replaces are remembered, and
restored when the role is released. What libraries keep for themselves (boto3's default session, instance caches,
objects that would read the environment again) is handled in `sso_magic.kernel.libraries`.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, TypeVar

from sso_magic.common.environment import (
    COMPETING_VARIABLES,
    ENDPOINT_COMPETING_VARIABLES,
    KEY_VARIABLES,
    OWNED,
    set_own,
)
from sso_magic.common.notify import ROLE_CHANGED, Notifier
from sso_magic.common.secret import Unshown
from sso_magic.kernel.changes import Changes
from sso_magic.kernel.config_copies import ConfigCopies
from sso_magic.kernel.in_use import InUse, State
from sso_magic.kernel.layers import Caller, Layer, Place
from sso_magic.kernel.libraries.bindings import Libraries
from sso_magic.kernel.libraries.host import set_host
from sso_magic.kernel.libraries.owner import role_of_the_owner
from sso_magic.kernel.renewal import RenewingRole, SharedRoles
from sso_magic.kernel.renewal_thread import RenewalThread
from sso_magic.kernel.use import Use
from sso_magic.kernel.use_stack import UseStack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.endpoint import CredentialEndpoint

__all__ = ["COMPETING_VARIABLES", "KERNEL", "KEY_VARIABLES", "OWNED", "KernelRole", "Layer", "Use"]

T = TypeVar("T")

_PATIENCE = 2.0  # seconds that a fork waits for a change under way


class KernelRole:
    """The role in use in this process; thread-safe.

    Attributes:
        switched: Notifies that another role, or none, is in use; on the thread that changed it.
    """

    def __init__(self) -> None:
        self.switched = Notifier()
        self._changes = Changes()
        self._roles = SharedRoles(self._renewed, ROLE_CHANGED.notify)
        self._copies = ConfigCopies()
        self.switched.subscribe(self._copies.remove_on_sigterm)  # notified in the thread that asked for the change
        self.switched.subscribe(ROLE_CHANGED.notify)
        self._renewal = RenewalThread(self._copies.refresh)
        self._libraries = Libraries(self)
        self._in_use = InUse(self._libraries, self._renewal, self._copies, lambda: self.endpoint)
        self._uses = UseStack(self._in_use, self._roles)
        self._endpoint: CredentialEndpoint | None = None
        self._told: str | None = None

    @property
    def current(self) -> Use | None:
        """The role in use."""
        return self._in_use.state.use

    @property
    def generation(self) -> int:
        """Counts the changes of the environment: odd while one is being made."""
        return self._in_use.generation

    @property
    def previous(self) -> Use | None:
        """The role used before, which ``%sso_use -`` returns to."""
        return self._in_use.state.previous

    @property
    def endpoint(self) -> CredentialEndpoint:
        """The credential endpoint of this process, started when it is first asked for."""
        return self._endpoint or self._changes.perform(self._started_endpoint)

    def _started_endpoint(self) -> CredentialEndpoint:
        if self._endpoint is None:
            from sso_magic.kernel.endpoint import CredentialEndpoint

            self._endpoint = CredentialEndpoint(self._copies)
        return self._endpoint

    # ---- asked by what shows the role ----

    def set_aside(self) -> tuple[str, ...]:
        """Return the names of the variables that are ignored until the role is released."""
        before = self._in_use.state.before or Unshown()
        use = self.current
        names = COMPETING_VARIABLES + (ENDPOINT_COMPETING_VARIABLES if use and use.serve else ())
        return tuple(name for name in names if before.get(name) is not None)

    def changed(self) -> tuple[str, ...]:
        """Return the names of the variables that other code has changed since the role was put there."""
        return self._in_use.changed()

    def own(self, name: str) -> str | None:
        """Return the value that this variable has without a role in use."""
        return self._in_use.own(name)

    def own_environ(self, names: Collection[str] | None = None) -> Mapping[str, str]:
        """Return the environment as it is without a role in use, or only these variables; see `InUse.own_environ`."""
        return self._in_use.own_environ(names)

    def settings_note(self) -> str | None:
        """Return which settings of the AWS files are not in force while the role is in use; None if all are."""
        return self._copies.trouble

    def holders(self) -> str | None:
        """Return what is known to use another role than the one in use, in one line; None if nothing is."""
        use = self.current
        return self._libraries.holders(use.role if use else None)

    def find_holders(self) -> str | None:
        """Search this process and its children for what uses another role; return the line of `holders` with it.

        It looks through every object for access key IDs: 0.2 s in a small kernel, 2 s in one of 2 million objects.
        """
        use = self.current
        return self._libraries.find_holders(use.role if use else None)

    def search_holders(self, tell: Callable[[str], None]) -> None:
        """Search as `find_holders` does, on a background thread; call `tell` there with the line if it found more."""
        use = self.current
        self._libraries.search_holders(use.role if use else None, tell)

    def before_cell(self) -> str | None:
        """Return what has to be known about the role in use before a cell runs, in one line; None if nothing has.

        Credentials that have ended, as they do while a laptop sleeps, are renewed first, so that the cell can run.
        """
        use = self.current
        if use is None:
            return None
        ended = use.credentials.seconds_left() <= 0
        if ended:
            use.role.renew()
        elif use.role.seconds_until_due() <= 0:
            self._renewal.look_again()
        told, self._told = self._told, use.role.warning()
        self._copies.refresh()
        warnings = [self._told if ended or self._told != told else None, self._copies.news()]
        return " ".join(filter(None, warnings)) or None

    def retry_now(self) -> None:
        """Try again now to renew what could not be renewed; to be called after a sign-in."""
        for role in list(self._roles):
            role.retry_now()
        self._renewal.look_again()

    # ---- switching ----

    def use(self, use: Use | None) -> Layer:
        """Put a role in the environment in place of any other; as a context manager, until the block ends.

        None means no role: the environment is what it was before any role was used.

        Raises:
            BlockInUse: Another thread or task is inside a block.
        """
        layer = Layer(self, use, Caller())
        before: State | None = None

        def put() -> Layer:
            nonlocal before
            before = self._in_use.state
            self._uses.put(layer)
            return layer

        try:
            return self._changes.perform(put, then=self.switched.notify)
        except BaseException:
            self._take_back(layer.place, before)
            raise

    def open_block(self, layer: Layer) -> None:
        """Put a use that is not the topmost one on top again, as a block.

        Raises:
            BlockInUse: Another thread or task is inside a block.
        """
        caller = Caller()
        try:
            self._changes.perform(lambda: self._uses.open(layer, caller), then=self.switched.notify)
        except BaseException:
            self._take_back(layer.place)
            raise

    def close_block(self, place: Place, *_: object) -> None:
        """Take the block's use out, and the plain uses that were made on top of it."""
        self._changes.perform(lambda: self._uses.close(place), then=self.switched.notify)

    def release(self) -> Use | None:
        """Take the role out and restore the values before it; return the role that was in use.

        Inside a block the release lasts until the block ends.

        Raises:
            BlockInUse: Another thread or task is inside a block.
        """
        layer = Layer(self, None, Caller())  # as for a use of no role, which can't become a block
        return self._changes.perform(lambda: self._uses.release(layer), then=self.switched.notify)

    def forget(self, session: str | None = None) -> Use | None:
        """Release the roles of a session (None: of all) and forget them, because its person has signed out.

        A role is taken out of blocks too, in any thread. Returns the role that was in use, if it was one of them.
        """
        return self._changes.perform(lambda: self._forget(session), then=self.switched.notify)

    def shutdown(self) -> None:
        """Release every role, stop the threads and the endpoint, and take every hook out of the libraries."""
        endpoint = self._changes.perform(self._shut_down, then=self.switched.notify)
        if endpoint is not None:
            endpoint.stop()
        self._renewal.join()
        self._copies.close()
        self._changes.stop()

    # ---- what the libraries ask ----

    def role(self, session: str, credentials: Credentials, fetch: Callable[[], Credentials]) -> RenewingRole:
        """Return the role of these credentials, one object for all in this process that use it."""
        key = (session, credentials.account_id, credentials.role_name)
        return self._changes.perform(lambda: self._roles.share(key, RenewingRole(credentials, fetch), fetch))

    def separate_tasks(self) -> None:
        """Install the hooks for tasks of ``%%sso_each``, and empty the caches of clients; before and after a run."""
        self._changes.perform(self._libraries.separate_tasks)

    def find(self, account_id: str, role_name: str) -> RenewingRole | None:
        """Return the role of this account and name: the one in use, or one that an object here still uses."""
        in_use = [self.current.role] if self.current is not None else []
        return next((role for role in (*in_use, *self._roles) if role.is_of(account_id, role_name)), None)

    def bind(self, otherwise: Callable[[], T]) -> RenewingRole | T:
        """Return the role whose credentials are in the environment; without one, what `otherwise` returns.

        While a method of an object that belongs to a role runs, that role; in a task of ``%%sso_each`` the task's.

        `otherwise` may read the environment variable by variable. If the environment was changed meanwhile, it is
        called again.
        """
        owners = role_of_the_owner()
        if owners is not None:
            return owners
        while True:
            if self.generation % 2 and not self._changes.is_mine():
                self._changes.perform(self._in_use.count)
            generation = self.generation
            use = self.current
            if use is not None and self._in_use.has_own_keys():
                found: RenewingRole | T = use.role
            else:
                found = otherwise()
            if self.generation == generation:
                return found

    def serves(self, role: RenewingRole) -> bool:
        """Return True if this role is in use by the endpoint's address rather than by keys."""
        use = self.current
        return use is not None and use.role is role and use.serve

    # ---- inside: what runs as a change ----

    def _take_back(self, place: Place, before: State | None = None) -> None:
        """Undo a use that was interrupted after it was made."""
        undone = self._changes.complete(lambda: self._uses.undo(place, before))
        place.ended()
        if undone:
            with contextlib.suppress(BaseException):  # what interrupted the use is raised
                self.switched.notify()

    def _forget(self, session: str | None) -> Use | None:
        released = self._uses.forget(session)
        self._forget_roles(session)
        return released

    def _shut_down(self) -> CredentialEndpoint | None:
        self._in_use.commit((), None)
        self._forget_roles(None)
        self._libraries.uninstall()
        endpoint, self._endpoint = self._endpoint, None
        return endpoint

    def _forget_roles(self, session: str | None) -> None:
        for role in self._roles.forget(session):
            if self._endpoint is not None:
                self._endpoint.forget(role)

    def _renewed(self, role: RenewingRole) -> None:
        """Write a role's renewed keys to the environment and to the libraries that hold copies of its keys."""
        self._changes.perform(lambda: self._put_renewed(role))
        self._renewal.look_again()
        ROLE_CHANGED.notify()

    def _put_renewed(self, role: RenewingRole) -> None:
        self._in_use.put_renewed(role)
        self._libraries.renewed(role)
        use = self.current
        if use is not None and use.role is role and not use.serve:
            self._libraries.forget_environments()

    # ---- fork ----

    def _after_fork_in_child(self) -> None:
        # A child has no threads. The credentials that it needs it fetches when it asks for them.
        self._changes.after_fork()
        self._renewal.after_fork()
        self._in_use.repair()
        self._copies.close_after_fork()
        if self._endpoint is not None:
            self._endpoint.close_after_fork()


KERNEL = KernelRole()
set_host(lambda: KERNEL)
set_own(lambda names: KERNEL.own_environ(names))  # noqa: PLW0108 - the one of that moment

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: KERNEL._changes.pause(_PATIENCE),  # noqa: SLF001 - the KERNEL of that moment
        after_in_parent=lambda: KERNEL._changes.resume(),  # noqa: SLF001, PLW0108
        after_in_child=lambda: KERNEL._after_fork_in_child(),  # noqa: SLF001, PLW0108
    )
