"""The record of the roles that each cell ran as, in the notebook: ``%config SSOMagics.record_identity = True``.

A kernel cannot write a cell's metadata; a front end can. JupyterLab's extension of this package receives the record by
the comm, and writes it. For every other client (papermill, nbclient, VS Code) the record is the metadata of an output
without data, which is saved with the cell and shows nothing.

A record has account IDs, role names and times; no key and no token.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from sso_magic.common.notify import ROLE_CHANGED
from sso_magic.common.text import printable
from sso_magic.errors import UsageError
from sso_magic.notebook.pin import KEY, Pin, pinned_notebook, saved_pins

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

KEPT = 10_000  # records of this kernel that %sso_status --notebook can list


class Settings(Protocol):
    """The magics, which have the setting."""

    record_identity: bool


class Row(NamedTuple):
    """One role that a cell ran as.

    Attributes:
        cell: The cell's execution count; None if it has none.
        account_id: The account's 12 digits.
        role_name: The role.
        at: When the cell began to use the role, ISO 8601, UTC.
    """

    cell: int | None
    account_id: str
    role_name: str
    at: str


class IdentityRecorder:
    """Records the roles that each cell of a kernel ran as.

    Args:
        shell: The kernel's shell.
        magics: The magics, which have the setting `record_identity`.
        send: Sends a message to the front ends.

    Attributes:
        rows: The newest records of this kernel.
        pins: What a front end has said the notebook is pinned to, and what this kernel has pinned it to.
    """

    def __init__(self, shell: InteractiveShell, magics: Settings, send: Callable[[dict[str, Any]], None]) -> None:
        self.rows: deque[Row] = deque(maxlen=KEPT)
        self.pins: dict[str, object] = {}
        self._shell = shell
        self._magics = magics
        self._send = send
        self._writers: set[str] = set()  # sessions of front ends that write the record into a cell's metadata
        self._clears = False  # the next output clears those before it
        self._seen: dict[tuple[str, str], str] = {}
        self._is_loading = True  # the cell that loads the extension has not ended
        self._info: object = None  # IPython's of the running cell
        self._message_id: str | None = None  # of the request that runs it
        self._outputs = cast("Any", shell.display_pub)
        self._begin(None)  # the cell that loads the extension
        self._unsubscribe = ROLE_CHANGED.subscribe(self._look)
        shell.events.register("pre_run_cell", self.before_cell)
        shell.events.register("post_run_cell", self.after_cell)
        with contextlib.suppress(AttributeError):  # a kernel without hooks for its outputs
            self._outputs.register_hook(self._watch)

    def close(self) -> None:
        """End the recording."""
        self._unsubscribe()
        for name, callback in (("pre_run_cell", self.before_cell), ("post_run_cell", self.after_cell)):
            with contextlib.suppress(ValueError):  # it is not registered any more
                self._shell.events.unregister(name, callback)
        with contextlib.suppress(AttributeError):
            self._outputs.unregister_hook(self._watch)

    def greet(self, message: dict[str, Any]) -> None:
        """Remember a front end whose message says that it writes records, and its notebook's pin."""
        data = message.get("content", {}).get("data", {})
        if data.get("writes_records") is True:
            self._writers.add(message["header"]["session"])
            self.pins["front end"] = data.get("pin")

    def pin(self, pin: Pin) -> None:
        """Send the role that the notebook is pinned to."""
        self._write({"pin": pin._asdict()}, self._header())
        self.pins["kernel"] = pin._asdict()

    def before_cell(self, info: object = None) -> None:
        """Begin the record of a cell; a cell that runs inside another one belongs to the record of that one."""
        if not self.runs_inside_cell():
            self._begin(info)

    def runs_inside_cell(self) -> bool:
        """Return True if a cell that begins now is run by another one, which is recorded."""
        return self._message_id is not None and self._message_id == self._header().get("msg_id")

    def after_cell(self, result: Any = None) -> None:
        """Send the record of a cell, after its last output: `clear_output` in the cell would remove it."""
        if self._info is not None and self._info is not getattr(result, "info", None):
            return  # the end of a cell inside it
        if self._is_loading:
            self._is_loading = False
            self._say_pin()
        seen, self._seen, header = self._seen, {}, self._header()
        self._message_id = self._info = None
        if self._magics.record_identity is not True:  # a wrong value of a configuration file is refused by a magic
            return
        count = getattr(result, "execution_count", None)
        rows = [Row(count, account_id, role_name, at) for (account_id, role_name), at in list(seen.items())]
        self.rows.extend(rows)
        ran_as = [{"account_id": row.account_id, "role_name": row.role_name, "at": row.at} for row in rows]
        self._write({"ran_as": ran_as}, header, also_as_output=bool(ran_as) and not self._clears)

    def pinned(self) -> Pin | None:
        """Return the newest pin that is known of this kernel's notebook; None if it has none, or is not known.

        Raises:
            UsageError: The notebook's metadata has another form.
        """
        told = [pin for value in self.pins.values() if (pin := Pin.parse(value)) is not None]
        path = pinned_notebook(self._shell)
        return max([*told, *(saved_pins(path) if path else [])], key=lambda pin: pin.at, default=None)

    def _say_pin(self) -> None:
        """Say which role the notebook is pinned to, if none is in use yet."""
        from sso_magic.display import say

        kernel = getattr(sys.modules.get("sso_magic.kernel.kernel_role"), "KERNEL", None)
        if kernel is not None and kernel.current is not None:
            return
        try:
            pin = self.pinned()
        except UsageError as error:
            say(str(error))
        else:
            if pin is not None:
                say(f"This notebook is pinned to {pin.label}. %sso_use --pinned uses it.")

    def _write(self, record: dict[str, Any], header: dict[str, Any], *, also_as_output: bool = True) -> None:
        """Send a record to the front end; as the metadata of an output where that cannot write it."""
        with contextlib.suppress(Exception):  # no record is worth an error after a cell
            self._send(record)
        if also_as_output and header.get("session") not in self._writers:
            self._shell.display_pub.publish(data={}, metadata={KEY: record})

    def _begin(self, info: object) -> None:
        self._info = info
        self._message_id = self._header().get("msg_id")
        self._clears = False
        self._seen = {}
        self._look()

    def _look(self) -> None:
        """Add the role in use to the record of the running cell; called on the thread that changed the role."""
        kernel = getattr(sys.modules.get("sso_magic.kernel.kernel_role"), "KERNEL", None)
        use = None if kernel is None else kernel.current
        if use is not None:
            role = printable(use.credentials.account_id), printable(use.credentials.role_name)
            self._seen.setdefault(role, datetime.now(timezone.utc).isoformat(timespec="seconds"))

    def _header(self) -> dict[str, Any]:
        """Return the header of the message that the kernel handles; empty if the shell handles none."""
        with contextlib.suppress(Exception):
            return dict(self._shell.get_parent()["header"])  # type: ignore[attr-defined]
        return {}

    def _watch(self, message: dict[str, Any]) -> dict[str, Any]:
        """Notice that the cell has called ``clear_output(wait=True)`` and not displayed anything since.

        The record as an output would clear what the cell leaves on the screen.
        """
        with contextlib.suppress(Exception):
            self._clears = message["msg_type"] == "clear_output" and bool(message["content"]["wait"])
        return message


_open: list[IdentityRecorder] = []  # one at most, as a process has one kernel


def open_recorder(shell: InteractiveShell, magics: Settings, send: Callable[[dict[str, Any]], None]) -> None:
    """Begin to record; `recorded` returns the rows."""
    _open.append(IdentityRecorder(shell, magics, send))


def close_recorder() -> None:
    """End the recording, if it has begun."""
    while _open:
        _open.pop().close()


def greet(message: dict[str, Any]) -> None:
    """Let the recorder know of a front end's message to the comm."""
    for recorder in _open:
        recorder.greet(message)


def recorded() -> list[Row]:
    """Return the records of this kernel, oldest first."""
    return [row for recorder in _open for row in list(recorder.rows)]


def recorder() -> IdentityRecorder | None:
    """Return the recorder of this kernel, which also writes pins; None in a shell that is no kernel's."""
    return _open[-1] if _open else None


def runs_inside_cell() -> bool:
    """Return True if a cell that begins now is run by another one."""
    return any(recorder.runs_inside_cell() for recorder in _open)
