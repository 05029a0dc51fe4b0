"""Role credentials in this kernel: put in the environment, renewed, taken out, what was there before brought back.

One `KernelRole` a process owns the environment's AWS variables; what it displaced is remembered until it is released,
value by value. What the libraries keep for themselves (boto3's default session, instance caches, objects that would
read the environment again) is seen to in `sso_magic.libraries`.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from sso_magic.config_copies import ConfigCopies
from sso_magic.environment import (
    COMPETING_VARIABLES,
    ENDPOINT_COMPETING_VARIABLES,
    KEY_VARIABLES,
    OWNED,
    REGION_VARIABLES,
    OwnEnvironment,
    set_own,
    snapshot,
    write,
)
from sso_magic.layers import Layer, Use
from sso_magic.libraries import Libraries
from sso_magic.libraries.owned import role_of_the_owner
from sso_magic.notify import Notifier
from sso_magic.renewal import RenewalThread, RenewingRole
from sso_magic.secret import Unshown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sso_magic.credentials import RoleCredentials
    from sso_magic.serve import CredentialEndpoint

__all__ = ["COMPETING_VARIABLES", "KERNEL", "KEY_VARIABLES", "OWNED", "KernelRole", "Layer", "Use"]


class KernelRole:
    """The role in use in this process; safe to call from many threads.

    Attributes:
        switched: Tells that another role, or none, is in use now; on the thread that did it, no lock held.
    """

    def __init__(self) -> None:
        self.switched = Notifier()
        self._lock = threading.RLock()
        self._before: Unshown | None = None
        self._written = Unshown()
        self._layers: list[Layer] = []
        self._previous: Use | None = None
        self._roles: weakref.WeakValueDictionary[tuple[str, str, str], RenewingRole] = weakref.WeakValueDictionary()
        self._copies = ConfigCopies()
        self._renewal = RenewalThread(self._copies.refresh)
        self._libraries = Libraries(self)
        self._endpoint: CredentialEndpoint | None = None
        self._told: str | None = None
        self.generation = 0  # counts the changes of what is in the environment

    @property
    def current(self) -> Use | None:
        """The role in use."""
        with self._lock:
            return self._layers[-1].use if self._layers else None

    @property
    def previous(self) -> Use | None:
        """The role used before, which ``%sso_use -`` goes back to."""
        return self._previous

    @property
    def endpoint(self) -> CredentialEndpoint:
        """The credential endpoint of this process, started when it is first asked for."""
        with self._lock:
            if self._endpoint is None:
                from sso_magic.serve import CredentialEndpoint

                self._endpoint = CredentialEndpoint(self._copies)
            return self._endpoint

    # ---- what is asked by whoever shows the role ----

    def set_aside(self) -> tuple[str, ...]:
        """The variables that competed and were put aside, by name."""
        before = self._before or Unshown()
        use = self.current
        names = COMPETING_VARIABLES + (ENDPOINT_COMPETING_VARIABLES if use and use.serve else ())
        return tuple(name for name in names if before.get(name) is not None)

    def changed(self) -> tuple[str, ...]:
        """The variables that somebody else has changed since the role was put there, by name."""
        with self._lock:
            return tuple(name for name, value in self._written.items() if os.environ.get(name) != value)

    def own(self, name: str) -> str | None:
        """The value that this variable has without a role in use."""
        with self._lock:
            return os.environ.get(name) if self._before is None else self._before.get(name)

    def own_environ(self) -> Mapping[str, str]:
        """Return the environment as it is without a role in use; a variable that was set since the switch is in it."""
        with self._lock:
            if self._before is None:
                return os.environ
            own = OwnEnvironment(os.environ)
            for name, value in self._before.items():
                if own.get(name) != self._written.get(name):
                    continue
                if value is None:
                    own.pop(name, None)
                else:
                    own[name] = value
            return own

    def settings_note(self) -> str | None:
        """Return which settings of the AWS files are not in force while the role is in use; None if all are."""
        return self._copies.trouble

    def holders(self) -> str | None:
        """Return what is known to use another role than the one in use, in one line; None if nothing is."""
        use = self.current
        return self._libraries.holders(use.role if use else None)

    def find_holders(self) -> str | None:
        """Search this process and its children for what uses another role; the line of `holders` with what was found.

        It looks through every object for access key IDs: 0.2 s in a small kernel, 2 s in one of 2 million objects.
        """
        use = self.current
        return self._libraries.find_holders(use.role if use else None)

    def search_holders(self, tell: Callable[[str], None]) -> None:
        """Search as `find_holders` does, on a background thread; calls `tell` there with the line if it found more."""
        use = self.current
        self._libraries.search_holders(use.role if use else None, tell)

    def before_cell(self) -> str | None:
        """To be called before a cell runs; what its author has to know about the role in use, in one line.

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
        """To be called when somebody has signed in: what could not be renewed may be renewed now."""
        for role in list(self._roles.values()):
            role.retry_now()
        self._renewal.look_again()

    # ---- switching ----

    def use(self, use: Use | None) -> Layer:
        """Puts the role in the environment in place of any other; as a context manager, until the block ends.

        None means no role: what was there before anything was used.
        """
        with self._lock:
            layer = self._put(use)
        self.switched.notify()
        return layer

    def _put(self, use: Use | None) -> Layer:
        if use is not None:
            use.role = self._share(use.key, use.role, use.fetch)
        before, previous = list(self._layers), self._previous
        replaced = self.current
        if use is not None and use.region is None and replaced is not None:
            use.region = replaced.region
        if replaced is not None and not (use and _is_same(replaced, use)):
            self._previous = replaced
        displaced = self._layers.pop() if self._layers and not self._layers[-1].is_block else None
        layer = Layer(self, use, displaced)
        self._layers.append(layer)
        try:
            self._apply()
        except Exception:  # it cannot be written, a region that no variable can hold say: what was in use stays
            self._layers, self._previous = before, previous
            self._apply()
            raise
        return layer

    def open_block(self, layer: Layer) -> None:
        """Makes the layer a block on top of what it displaced."""
        with self._lock:
            layer.is_block = True
            beneath = next((i for i, other in enumerate(self._layers) if layer in (other, *other.chain())), None)
            returning = next((other for other in layer.chain() if not other.is_block), None)
            if beneath is not None and returning is not None and returning not in self._layers:
                self._layers.insert(beneath, returning)
            if layer in self._layers:
                return
            self._layers.append(layer)  # another thread has used another role since
            self._apply()
        self.switched.notify()

    def close_block(self, layer: Layer) -> None:
        """Takes the block's layer out, and the plain uses that were made on top of it."""
        with self._lock:
            if layer not in self._layers:
                return  # released meanwhile
            start = self._layers.index(layer)
            end = start + 1
            while end < len(self._layers) and not self._layers[end].is_block:
                end += 1
            del self._layers[start:end]
            self._apply()
        self.switched.notify()

    def release(self) -> Use | None:
        """Takes the role out and brings back what was there; the role that was in use, if any.

        Inside a block it holds until the block ends.
        """
        with self._lock:
            released = self.current
            self._put(None)
        self.switched.notify()
        return released

    def forget(self, session: str | None = None) -> Use | None:
        """Releases roles of this session (None: of all) and forgets them: its person has signed out."""
        with self._lock:
            released = self.current

            def is_gone(use: Use | None) -> bool:
                return use is not None and session in (None, use.session)

            for layer in self._layers:
                if is_gone(layer.use):
                    layer.use = None
                if layer.displaced is not None and is_gone(layer.displaced.use):
                    layer.displaced.use = None
            if is_gone(self._previous):
                self._previous = None
            self._forget_roles(session)
            self._apply()
        self.switched.notify()
        return released if is_gone(released) else None

    def shutdown(self) -> None:
        """Releases every role, stops the thread and the endpoint, and takes every hook out of the libraries."""
        with self._lock:
            self._layers.clear()
            self._previous = None
            self._apply()
            self._forget_roles(None)
            self._libraries.uninstall()
            endpoint, self._endpoint = self._endpoint, None
        self.switched.notify()
        if endpoint is not None:
            endpoint.stop()
        self._renewal.join()
        self._copies.close()

    # ---- what the libraries ask ----

    def role(self, session: str, credentials: RoleCredentials, fetch: Callable[[], RoleCredentials]) -> RenewingRole:
        """The role of these credentials, shared by all in this process that speak for it."""
        with self._lock:
            key = (session, credentials.account_id, credentials.role_name)
            return self._share(key, RenewingRole(credentials, fetch), fetch)

    def find(self, account_id: str, role_name: str) -> RenewingRole | None:
        """Return the role of this account and name: the one in use, or one that an object here still uses."""
        with self._lock:
            use = self.current
            roles = [use.role] if use is not None else []
            for role in (*roles, *self._roles.values()):
                if (role.latest.account_id, role.latest.role_name) == (account_id, role_name):
                    return role
        return None

    def bind(self, otherwise: Callable[[], object]) -> RenewingRole | object:
        """The role whose credentials are in the environment; if there is none of ours, what `otherwise` returns.

        While a method of an object that belongs to a role runs, that role.

        Both under the lock that the environment is written under, so that `otherwise` may read it variable by variable.
        """
        owners = role_of_the_owner()
        if owners is not None:
            return owners
        with self._lock:
            use = self.current
            if use is not None and all(os.environ.get(name) == value for name, value in self._keys_written().items()):
                return use.role
            return otherwise()

    def find_role(self, label: str) -> RenewingRole | None:
        """Return the role with this label that something in this process uses; None if nothing does."""
        return next((role for role in list(self._roles.values()) if role.label == label), None)

    def serves(self, role: RenewingRole) -> bool:
        """Whether this role is in use by the endpoint's address rather than by keys."""
        use = self.current
        return use is not None and use.role is role and use.serve

    # ---- inside ----

    def _share(
        self, key: tuple[str, str, str], role: RenewingRole, fetch: Callable[[], RoleCredentials]
    ) -> RenewingRole:
        known = self._roles.get(key)
        if known is None:
            role.on_renewed = self._renewed
            self._roles[key] = role
            return role
        if known is not role:
            known.adopt(role.latest, fetch)
        return known

    def _forget_roles(self, session: str | None) -> None:
        for key, role in list(self._roles.items()):
            if session in (None, key[0]):
                del self._roles[key]
                if self._endpoint is not None:
                    self._endpoint.forget(role)

    def _renewed(self, role: RenewingRole) -> None:
        """Write a role's renewed keys to the environment and to the libraries that hold copies of its keys."""
        self._write_renewed(role)
        self._libraries.renewed(role)
        self._renewal.look_again()

    def _write_renewed(self, role: RenewingRole) -> None:
        """Write the renewed keys to the environment if the role is in use there and nobody has set other keys."""
        with self._lock:
            use = self.current
            if use is None or use.role is not role or use.serve:
                return
            if all(os.environ.get(name) == value for name, value in self._keys_written().items()):
                values = role.latest.environment()
                write(values)
                self._written |= values

    def _keys_written(self) -> Unshown:
        return Unshown((name, self._written[name]) for name in KEY_VARIABLES[:3] if name in self._written)

    def _apply(self) -> None:
        """Makes the environment and the libraries what the topmost layer says; whole, also if it is interrupted."""
        try:
            self._apply_once()
        except BaseException:
            self._apply_once()
            raise

    def _apply_once(self) -> None:
        while self._layers and self._layers[0].use is None and not self._layers[0].is_block:
            del self._layers[0]
        use = self.current
        if self._before is None:
            if use is None:
                return
            self._before = snapshot()
        if use is not None:
            self._libraries.install()
        values = self._values(use)
        self.generation += 1
        write(values)
        self._written = values if use is not None else Unshown()
        self._libraries.enter(use)
        self._renewal.watch(use.role if use is not None else None)
        if not self._layers:
            self._before = None

    def _values(self, use: Use | None) -> Unshown:
        assert self._before is not None
        values = Unshown(self._before)
        if use is None:
            return values
        values |= dict.fromkeys((*KEY_VARIABLES, *COMPETING_VARIABLES))
        values |= {name: use.region or self._before[name] for name in REGION_VARIABLES}
        values |= self._copies.variables(self._before, serve=use.serve)
        if use.serve:
            values |= dict.fromkeys(ENDPOINT_COMPETING_VARIABLES)
            values |= self.endpoint.environment(use.role)
        else:
            values |= use.credentials.environment()
        return values

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._renewal._after_fork()  # noqa: SLF001
        self._copies.close_after_fork()
        if self._endpoint is not None:
            self._endpoint.close_after_fork()


def _is_same(one: Use, other: Use) -> bool:
    return (one.key, one.region) == (other.key, other.region)


KERNEL = KernelRole()
set_own(lambda: KERNEL.own_environ())  # noqa: PLW0108 - the one of that moment

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: KERNEL._after_fork())  # noqa: SLF001, PLW0108 - the one of that moment
