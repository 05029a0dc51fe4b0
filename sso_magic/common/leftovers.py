"""Remove what killed processes left: temporary files with tokens in them, and directories of dead kernels.

Once in each process, after the cell that loads the extension or when a session is first used: a few directory
listings, no network.
"""

from __future__ import annotations

import contextlib

from sso_magic.common import cache, runtime_directory, whole_file

_swept: set[str] = set()  # home directories


def sweep_once() -> None:
    """Remove what killed processes left, at the first call for this home directory; never raises an `OSError`."""
    home = str(cache.home())
    if home not in _swept:
        _swept.add(home)
        sweep()


def sweep() -> None:
    """Remove what killed processes left; what a living process is writing stays."""
    for directory in (cache.sso_directory(), cache.role_directory()):
        whole_file.remove_left(directory, ".*.json.*.tmp")
    whole_file.remove_left(cache.home() / ".aws")
    own = cache.own_directory()
    whole_file.remove_left(own)
    with contextlib.suppress(OSError):
        for directory in own.iterdir():
            if directory.is_dir():
                whole_file.remove_left(directory)
    with contextlib.suppress(OSError):
        runtime_directory.sweep()
