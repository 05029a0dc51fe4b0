"""What is in use in this process, and the one way to change it: all or nothing.

The stack of uses and what was displaced for it are one immutable `State`. `InUse.commit` makes environment, libraries
and renewal follow a new stack; if a step fails, it puts back the state before. Readers take no lock: a state is read in
one step, and `generation` tells whether the environment was changed while it was read.

Changes run one at a time, on the thread of `sso_magic.kernel.changes`.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from sso_magic.common.environment import (
    COMPETING_VARIABLES,
    ENDPOINT_COMPETING_VARIABLES,
    KEY_VARIABLES,
    REGION_VARIABLES,
    OwnEnvironment,
    snapshot,
    write,
)
from sso_magic.common.secret import Unshown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from sso_magic.kernel.config_copies import ConfigCopies
    from sso_magic.kernel.endpoint import CredentialEndpoint
    from sso_magic.kernel.layers import Stack
    from sso_magic.kernel.libraries.bindings import Libraries
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.renewal_thread import RenewalThread
    from sso_magic.kernel.use import Use

_ATTEMPTS = 100  # tries of putting back the earlier state, if it keeps failing


class State(NamedTuple):
    """What is in use.

    Attributes:
        stack: The uses, bottom first.
        previous: The role used before, which ``%sso_use -`` returns to.
        before: The environment without a role; None while no role is in use.
        written: The variables as this package has written them.
    """

    stack: Stack = ()
    previous: Use | None = None
    before: Unshown | None = None
    written: Unshown = Unshown()

    @property
    def use(self) -> Use | None:
        """The role in use."""
        return self.stack[-1].use if self.stack else None


class InUse:
    """What is in use, and the steps that change it.

    Args:
        libraries: Follow every change.
        renewal: Renews the role in use.
        copies: Copies of the AWS files that keep their settings in force.
        endpoint: Returns the credential endpoint, for a use with ``--serve``.

    Attributes:
        state: The state.
        generation: Counts the changes of the environment: odd while one is being made.
    """

    def __init__(
        self,
        libraries: Libraries,
        renewal: RenewalThread,
        copies: ConfigCopies,
        endpoint: Callable[[], CredentialEndpoint],
    ) -> None:
        self._libraries = libraries
        self._renewal = renewal
        self._copies = copies
        self._endpoint = endpoint
        self.state = self._settled = State()
        self.generation = 0

    def own(self, name: str) -> str | None:
        """Return the value that a variable has without a role in use."""
        before = self.state.before
        return os.environ.get(name) if before is None else before.get(name)

    def own_environ(self, names: Collection[str] | None = None) -> Mapping[str, str]:
        """Return the environment as it is without a role in use; a variable that was set since the switch is in it.

        Args:
            names: The variables that are needed; by default all. Python decodes each one that is read, which takes
                50 microseconds for all of an ordinary kernel.
        """
        state = self.state
        if state.before is None:
            return os.environ
        own = OwnEnvironment(os.environ if names is None else _chosen(names))
        for name, value in state.before.items():
            if (names is not None and name not in names) or own.get(name) != state.written.get(name):
                continue
            if value is None:
                own.pop(name, None)
            else:
                own[name] = value
        return own

    def changed(self) -> tuple[str, ...]:
        """Return the names of the variables that other code has changed since they were written."""
        return tuple(name for name, value in self.state.written.items() if os.environ.get(name) != value)

    def has_own_keys(self) -> bool:
        """Return True if the environment has the keys of the role in use, as they were written."""
        written = self.state.written
        return all(os.environ.get(name) == written[name] for name in KEY_VARIABLES[:3] if name in written)

    def commit(self, stack: Stack, previous: Use | None) -> None:
        """Let environment, libraries and renewal follow the topmost use; if a step fails, restore them."""
        state = self.state
        try:
            self._begin()
            self._follow(stack, previous)
            self.count()
        except BaseException:
            _insist(lambda: self._follow(state.stack, state.previous), self.count)
            raise

    def put_renewed(self, role: RenewingRole) -> None:
        """Put a role's renewed keys in the environment, if it is in use there and no other keys have been set."""
        state = self.state
        use = state.use
        if use is None or use.role is not role or use.serve or not self.has_own_keys():
            return
        values = role.latest.environment()
        written = Unshown(state.written)
        written |= values
        try:
            self._begin()
            write(values)
            self.state = state._replace(written=written)
            self.count()
        except BaseException:
            _insist(lambda: self._write_again(state, values), self.count)
            raise

    def count(self) -> None:
        """Count a change that was made or taken back."""
        self._settled = self.state
        self.generation = (self.generation | 1) + 1

    def repair(self) -> None:
        """Take back a change that was under way in the parent when this process was forked."""
        settled = self._settled
        if self.generation % 2:
            _insist(lambda: self._write(settled.stack, settled.previous, settled.use), self.count)

    def _begin(self) -> None:
        self._settled = self.state
        self.generation |= 1

    def _follow(self, stack: Stack, previous: Use | None) -> None:
        use = stack[-1].use if stack else None
        self._write(stack, previous, use)
        self._renewal.watch(use.role if use is not None else None)

    def _write(self, stack: Stack, previous: Use | None, use: Use | None) -> None:
        before = self.state.before
        if before is None:
            if use is None:
                self.state = State(stack, previous)
                return
            before = snapshot()
        if use is not None:
            self._libraries.install()
        values = self._values(use, before)
        self.state = State(stack, previous, before, values if use is not None else Unshown())
        write(values)
        self._libraries.enter(use)
        if all(entry.use is None for entry in stack):
            self.state = State(stack, previous)

    def _write_again(self, state: State, names: Unshown) -> None:
        write(Unshown((name, state.written.get(name)) for name in names))
        self.state = state

    def _values(self, use: Use | None, before: Unshown) -> Unshown:
        values = Unshown(before)
        if use is None:
            return values
        values |= dict.fromkeys((*KEY_VARIABLES, *COMPETING_VARIABLES))
        values |= {name: use.region or before[name] for name in REGION_VARIABLES}
        values |= self._copies.variables(before, serve=use.serve)
        if use.serve:
            values |= dict.fromkeys(ENDPOINT_COMPETING_VARIABLES)
            values |= self._endpoint().environment(use.role)
        else:
            values |= use.credentials.environment()
        return values


def _chosen(names: Collection[str]) -> Iterator[tuple[str, str]]:
    return ((name, os.environ[name]) for name in names if name in os.environ)


def _insist(*steps: Callable[[], None]) -> None:
    """Run the steps, from the first one again after each failure."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(BaseException):
            for step in steps:
                step()
            return
