"""Which role was in use when a child process was forked.

A forked child has the environment of its parent at that moment, but the operating system shows the environment that
the parent was started with. So each child writes down, in memory that it shares with its parent, which switch of its
parent came last.
"""

from __future__ import annotations

import mmap
import os
import struct

_ENTRY = "=qq"  # process ID, number of the switch
_SIZE = struct.calcsize(_ENTRY)
_SLOTS = 4096
_PROBES = 8
_log: mmap.mmap | None = None
_roles: list[tuple[str, str] | None] = [None]  # by the number of the switch


def enter(role: tuple[str, str] | None) -> None:
    """Note that this role, or none, is in use from now on."""
    global _log  # noqa: PLW0603 - one for the process and its children
    if not hasattr(os, "register_at_fork"):
        return  # no child is forked on Windows
    if _log is None:
        _log = mmap.mmap(-1, _SIZE * _SLOTS)
        os.register_at_fork(after_in_child=_note)
    if _roles[-1] != role:
        _roles.append(role)


def role_at_fork(pid: int) -> tuple[str, str] | None:
    """Return the role that was in use when this child was forked; None if none was, or it is not known."""
    if _log is None:
        return None
    entries = dict(struct.unpack_from(_ENTRY, _log, offset) for offset in _offsets(pid))
    number: int = entries.get(pid, 0)
    return _roles[number] if number < len(_roles) else None


def _note() -> None:
    pid = os.getpid()
    if _log is None:
        return
    offsets = list(_offsets(pid))
    found = [struct.unpack_from(_ENTRY, _log, offset)[0] for offset in offsets]
    index = found.index(pid) if pid in found else found.index(0) if 0 in found else pid // _SLOTS % _PROBES
    struct.pack_into(_ENTRY, _log, offsets[index], pid, len(_roles) - 1)


def _offsets(pid: int) -> list[int]:
    return [(pid + probe) % _SLOTS * _SIZE for probe in range(_PROBES)]
