"""Child processes in a group of their own: Ctrl-C in the terminal does not reach them, and all of them end together.

POSIX has sessions and signals for a whole group. Windows has neither, so its counterpart looks for the descendants.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any


def own_group() -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` that start a process in a group of its own."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that was started with `own_group`, and what it has started; nothing happens if all have ended.

    On Windows, processes that outlive their parent are not found.
    """
    if sys.platform == "win32":
        kill_descendants(process)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def kill_descendants(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, its children and their children, as Windows needs it; works on each platform."""
    import psutil

    found = []
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for descendant in found:
        with contextlib.suppress(psutil.Error):
            descendant.kill()
