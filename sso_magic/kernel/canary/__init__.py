"""Find what in this process and its children still holds the credentials of a role that is no longer in use.

The bindings of `sso_magic.kernel.libraries` know the libraries that they bind. The canary knows none: it looks through
every object of the process for the access key IDs of the roles used before, and through the environment of every child
process. It runs behind the switch, on a thread of its own, in small steps, so that neither the switch nor the kernel
waits for it.

    findings.py   what was found, and the sentence for it
    heap.py       objects that hold an access key ID, and their referrers up to what keeps them alive
    owners.py     what an object is called: a function cache, a module's variable, an instance of a class
    text.py       whether strings, bytes and buffers contain an access key ID
    contents.py   what is in arrays, buffers, tables and constants, which the garbage collector does not see
    children.py   child processes
    forks.py      which role was in use when a child process was forked
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from itertools import chain
from typing import TYPE_CHECKING

from sso_magic.common.secret import Secret
from sso_magic.credentials import key_ids
from sso_magic.kernel.canary.text import Marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.kernel.canary.findings import Finding
    from sso_magic.kernel.use import Use

_DELAY = 0.05  # seconds; switches that follow one another closely are searched once
_AT_ONCE = 0.001  # seconds between two pauses
_ADDRESS = "AWS_CONTAINER_CREDENTIALS_FULL_URI"

RoleKey = tuple[str, str]  # account ID and role name


class SearchCanceledError(Exception):
    """Another switch has made this search obsolete."""


class Canary:
    """The roles that have been in use in this process, and the search for what still holds their credentials."""

    def __init__(self) -> None:
        self._labels: dict[RoleKey, str] = {}
        self._addresses: dict[RoleKey, set[Secret]] = {}  # of the credential endpoint, which child processes ask
        self._in_use: RoleKey | None = None
        # The search that is wanted, with what to call when it ends; an older one ends when it sees another.
        self._request: list[Callable[[list[Finding]], None]] | None = None
        self._waiting: threading.Thread | None = None  # the thread that has not begun to search

    def enter(self, use: Use | None) -> None:
        """Note the role that is in use from now on, once its variables are in the environment."""
        self._request = None
        if use is None:
            self._in_use = None
        else:
            self._in_use = key = (use.credentials.account_id, use.credentials.role_name)
            self._labels[key] = use.label
            if use.serve and os.environ.get(_ADDRESS):
                self._addresses.setdefault(key, set()).add(Secret(os.environ[_ADDRESS]))
        from sso_magic.kernel.canary import forks

        forks.enter(self._in_use)

    def forget(self) -> None:
        """End the search that is running, if any, without a result, and forget all roles."""
        self._request = self._in_use = None
        self._labels.clear()
        self._addresses.clear()
        key_ids.clear()

    def find(self) -> list[Finding]:
        """Search this process and its children now, without a pause."""
        return self._find(lambda: None)

    def start(self, tell: Callable[[list[Finding]], None]) -> None:
        """Search on a background thread, in place of a search that is still running.

        Args:
            tell: Called on that thread with what was found, unless another role came into use meanwhile.
        """
        if not self._old_roles():
            return
        self._request = [tell]
        if self._waiting is None or not self._waiting.is_alive():
            # A thread costs a tenth of a switch: of switches in close succession, only the first starts one.
            self._waiting = threading.Thread(target=self._search, name="sso_magic canary", daemon=True)
            self._waiting.start()

    def _search(self) -> None:
        seen: object = None
        while self._request is not seen:
            seen = self._request
            time.sleep(_DELAY)
        self._waiting = None  # a request made from here on starts a thread of its own
        request = self._request
        went_on = time.monotonic()

        def pause() -> None:
            nonlocal went_on
            if self._request is not request:
                raise SearchCanceledError
            if time.monotonic() - went_on > _AT_ONCE:
                time.sleep(_AT_ONCE / 2)  # gives up the interpreter's lock: other threads go first
                went_on = time.monotonic()

        with contextlib.suppress(Exception):  # a search that fails must not fail the kernel
            tell = request.pop() if request else None  # one thread only takes it
            if tell is not None:
                pause()
                found = self._find(pause)
                pause()
                tell(found)

    def _old_roles(self) -> dict[RoleKey, str]:
        return {key: label for key, label in list(self._labels.items()) if key != self._in_use}

    def _find(self, pause: Callable[[], None]) -> list[Finding]:
        from sso_magic.kernel.canary import children, heap

        old = self._old_roles()
        marks = Marks()
        for key, label in old.items():
            for mark in chain(key_ids.of_role(*key), self._addresses.get(key, ())):
                marks[mark.reveal()] = label
        found = heap.find(marks, pause) if marks else []
        return found + children.find(marks, old, pause)
