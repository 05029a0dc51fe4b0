"""Child processes that run with the credentials of a role that is no longer in use."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.canary import forks
from sso_magic.kernel.canary.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sso_magic.kernel.canary.text import Marks

_TRACKER = "resource_tracker"  # of multiprocessing and loky: cleans up after workers, calls nobody


def find(marks: Marks, roles: Mapping[tuple[str, str], str], pause: Callable[[], None]) -> list[Finding]:
    """Return the living child processes, at any depth, whose environment holds a mark.

    So is a process whose parent has ended, such as one that a shell has left in the background.

    Args:
        marks: The texts to look for, with the label of each one's role.
        roles: The labels of the roles that are no longer in use.
        pause: Called between two processes; an error that it raises ends the search.
    """
    import psutil

    found = []
    this = psutil.Process()
    own = _environment(this)
    follow = _workers_that_follow()
    for child in _descendants(this):
        pause()
        environment = _environment(child)
        command = _command(child)
        if environment is None or child.pid in follow or any(_TRACKER in word for word in command):
            continue
        labels = {label for mark, label in marks.items() for value in environment.values() if mark in value}
        if environment == own:  # as a forked child is shown, whatever its environment is
            at_fork = forks.role_at_fork(child.pid)
            labels = {roles[at_fork]} if at_fork is not None and at_fork in roles else set()
        found += [Finding(label, *_called(child, command)) for label in labels]
    return found


def _descendants(this: Any) -> list[Any]:
    """Return the child processes at any depth, and on POSIX those that their parents have left behind.

    These were started later than this process, and have its session or, if they began one of their own, the system's
    first process as their parent. Windows keeps no such mark.
    """
    import psutil

    children: list[Any] = this.children(recursive=True)
    if sys.platform == "win32":
        return children
    known, session, started = {this.pid, *(child.pid for child in children)}, os.getsid(0), this.create_time()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_later = process.pid not in known and process.create_time() > started
            if is_later and (os.getsid(process.pid) == session or _is_orphan(process)):
                children.append(process)
    return children


def _is_orphan(process: Any) -> bool:
    """Return True if the parent has ended: the system's first process, or a user's own one, has adopted this one."""
    parent = process.parent()
    return parent is None or parent.pid == 1 or parent.name() in {"systemd", "init", "launchd"}


def _workers_that_follow() -> set[int]:
    """Return the process IDs of Dask workers on this machine if they follow the notebook's role (``--dask``).

    They have the new role in their environment, and are shown with the one that they were started with.
    """
    dask, nanny = sys.modules.get("sso_magic.dask_cluster.cluster_role"), sys.modules.get("distributed.nanny")
    if dask is None or nanny is None or not dask._ACTIVE:  # noqa: SLF001 - the package's own
        return set()
    pids = {one.pid for one in list(nanny.Nanny._instances)}  # noqa: SLF001 - there is no public list
    return {pid for pid in pids if pid}


def _environment(process: Any) -> dict[str, str] | None:
    """Return the environment that the process was started with; None if it cannot be read or the process has ended."""
    import psutil

    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment: dict[str, str] = process.environ()
    except (psutil.Error, OSError, UnicodeError):
        return None
    return environment


def _command(process: Any) -> list[str]:
    import psutil

    try:
        command: list[str] = process.cmdline()
    except (psutil.Error, OSError, UnicodeError):
        return []
    return command


def _called(process: Any, command: list[str]) -> tuple[str, str]:
    import psutil

    if any("joblib" in word or "loky" in word for word in command):
        return "joblib worker", ""
    try:
        return "child process", process.name()
    except (psutil.Error, OSError):
        return "child process", ""
