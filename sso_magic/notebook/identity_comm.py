"""The comm by which front ends learn which role is in use in this kernel.

The comm has one well-known id and is never opened at a front end, so that one without the JupyterLab extension has
nothing to refuse: it ignores messages of a comm that it does not know. A front end that connects later finds the comm
by its target and sends it any message; the answer goes to all front ends, as each message of the comm does.

No message has a key or a token in it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.common import locks
from sso_magic.common.notify import ROLE_CHANGED
from sso_magic.common.text import printable
from sso_magic.notebook import identity_record
from sso_magic.notebook.offer import offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.kernel.kernel_role import Use

COMM = "sso_magic.identity"  # target and id; the front end's half is labextension/src/identity.ts


class Settings(identity_record.Settings, Protocol):
    """The magics, which know the accounts that are production and report when that setting changes."""

    production_edge: bool

    def is_production(self, use: Use) -> bool:
        """Return True if the role's account is production."""

    def observe(self, handler: Any, names: Any = ..., /) -> None:
        """Call the handler after each change of a trait."""

    def unobserve(self, handler: Any, names: Any = ..., /) -> None:
        """End what `observe` began."""


class IdentityComm:
    """Sends at each change which role is in use, until it is closed.

    Args:
        manager: The kernel's manager of comms.
        magics: Know which accounts are production.
    """

    def __init__(self, manager: Any, magics: Settings) -> None:
        from comm import create_comm  # the kernel itself has imported it

        self._magics = magics
        self._pid = os.getpid()
        self._sending = locks.RLock()  # what is read last is sent last
        self._sent: object = None
        self._manager = manager
        self._comm = create_comm(target_name=COMM, comm_id=COMM, primary=False)
        self._comm._closed = True  # noqa: SLF001 - no front end has it open, so none needs a message at its end
        self._comm.on_msg(self.answer)
        manager.register_comm(self._comm)
        self._unsubscribe: Callable[[], None] = ROLE_CHANGED.subscribe(self.send)
        magics.observe(self.send, ["production", "production_edge"])
        self.send()

    def send(self, *_: object) -> None:
        """Send which role is in use. A forked child sends nothing: its parent's role is the notebook's."""
        if os.getpid() == self._pid:
            locks.run_holding(self._sending, self._send)

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a front end's message, whatever it says, with the role in use."""
        identity_record.greet(message)
        self.send()

    def send_record(self, record: dict[str, Any]) -> None:
        """Send the roles that a cell ran as; see `identity_record`."""
        self._comm.send(record)

    def after_cell(self, result: Any = None) -> None:
        """Send what can be done about the cell's error, and the role in use if an interrupt has prevented that."""
        found = offer(getattr(result, "error_in_exec", None))
        if found is not None:
            self._comm.send({"offer": found})
        if self._sent != _known(identity(self._magics)):
            self.send()

    def _send(self) -> None:
        found = identity(self._magics)
        self._comm.send({"loaded": True, **found})
        self._sent = _known(found)

    def close(self) -> None:
        """Say that the extension is unloaded, and remove the comm."""
        self._unsubscribe()
        self._magics.unobserve(self.send, ["production", "production_edge"])
        self._manager.unregister_comm(self._comm)
        if os.getpid() == self._pid:
            self._comm.send({"loaded": False})


_open: list[IdentityComm] = []  # one at most, as a process has one kernel


def open_comm(shell: InteractiveShell, magics: Settings) -> None:
    """Open the comm, if this shell is a kernel's and the kernel has comms."""
    manager = getattr(getattr(shell, "kernel", None), "comm_manager", None)
    if manager is None:
        return
    with contextlib.suppress(Exception):  # a kernel with comms of another kind; the magics work without
        _open.append(IdentityComm(manager, magics))
        shell.events.register("post_run_cell", _open[-1].after_cell)
        identity_record.open_recorder(shell, magics, _open[-1].send_record)


def close_comm(shell: InteractiveShell) -> None:
    """Close the comm, if it is open."""
    identity_record.close_recorder()
    while _open:
        comm = _open.pop()
        with contextlib.suppress(Exception):
            shell.events.unregister("post_run_cell", comm.after_cell)
        with contextlib.suppress(Exception):
            comm.close()


def identity(magics: Settings) -> dict[str, Any]:
    """Return the role in use, and the label of the previous one, as JSON has it.

    ``role`` is None or has: account_id, account_name (None if unknown), role_name, region (None if none was given),
    expires_at (ISO 8601), seconds_left, renews (False if the last attempt failed), production. ``edge`` says whether
    cells that ran in production are marked.
    """
    module = sys.modules.get("sso_magic.kernel.kernel_role")
    kernel = getattr(module, "KERNEL", None)  # not there yet while the module is imported
    if kernel is None:
        return {"role": None, "previous": None, "edge": magics.production_edge is True}
    use, previous = kernel.current, kernel.previous
    return {
        "role": None if use is None else _role(use, magics),
        "previous": None if previous is None else previous.label,
        "edge": magics.production_edge is True,
    }


def _role(use: Use, magics: Settings) -> dict[str, Any]:
    keys = use.credentials
    return {
        "account_id": keys.account_id,
        "account_name": printable(keys.account_name) if keys.account_name else None,
        "role_name": printable(keys.role_name),
        "region": printable(use.region) if use.region else None,
        "expires_at": keys.expires_at.isoformat(),
        "seconds_left": keys.seconds_left(),
        "renews": use.role.failure is None,
        "production": _is_production(use, magics),
    }


def _is_production(use: Use, magics: Settings) -> bool:
    from sso_magic.errors import UsageError

    try:
        return magics.is_production(use)
    except UsageError:  # the configuration file's pattern is no regular expression: the careful answer
        return True


def _known(found: dict[str, Any]) -> dict[str, Any]:
    """Return the identity without what changes with time alone."""
    role = found["role"]
    return found if role is None else {**found, "role": {**role, "seconds_left": None}}
