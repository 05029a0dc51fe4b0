"""The notebook's path that a Jupyter server puts into its kernel's environment, ``JPY_SESSION_NAME``.

Child processes inherit it. A kernel that ``!papermill`` starts inside a notebook has the path of the outer notebook,
which is not the notebook that it runs.
"""

from __future__ import annotations

import os
from typing import Any

_NAME = "JPY_SESSION_NAME"
_LAUNCHER = "JPY_PARENT_PID"  # jupyter_client sets it anew for each kernel that it starts


def session_name() -> str | None:
    """Return the path that the server or a person has given to this kernel; None if there is none, or it is inherited.

    It is inherited from another kernel if two kernels are among the processes, from this one upwards, that were started
    with it. A process of which the system does not tell the environment ends the search.
    """
    name = os.environ.get(_NAME)
    return None if not name or _kernels_named(name) > 1 else name


def _kernels_named(name: str) -> int:
    """Return how many kernels were started with this name, among this process and its ancestors."""
    import psutil

    number = 0
    try:
        process = psutil.Process()
        environment = _environment(process)
        while environment.get(_NAME) == name:
            process = process.parent()
            above = {} if process is None else _environment(process)
            number += environment.get(_LAUNCHER) not in {None, above.get(_LAUNCHER)}
            environment = above
    except (psutil.Error, OSError):  # it has ended in this moment
        pass
    return number


def _environment(process: Any) -> dict[str, str]:
    """Return the environment that a process was started with; empty if the system does not tell it."""
    import psutil

    try:
        return dict(process.environ())
    except (psutil.Error, OSError, UnicodeError):
        return {}
