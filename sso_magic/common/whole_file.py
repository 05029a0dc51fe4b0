"""Write a file whole or not at all, and remove what killed writers left.

The content goes to a temporary file beside the file, which is renamed when it is complete. A killed process leaves its
temporary file behind, perhaps with a token in it. A writer holds a lock on its temporary file until the rename: unlike
a process id, a lock is never given to another process, so a file whose lock is free has no writer. Windows has no such
lock, but does not remove a file that is open.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from typing import IO, TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".sso_magic.tmp"  # of the temporary files: no other tool's files are removed


def replace(path: Path, content: str, mode: int = 0o600, errors: str = "strict") -> None:
    """Write the content to the file as UTF-8, or leave the file as it is.

    Args:
        path: The file; its directory exists.
        content: What it is to hold; a `Secret` is revealed in the moment of writing, in no variable of a frame.
        mode: Its access rights, where the system has them.
        errors: How to encode what UTF-8 cannot (`str.encode`).

    Raises:
        OSError: It cannot be written.
    """
    while not _replace(path, content, mode, errors):
        pass  # removed by another process's sweep in the moment before its lock was taken: once more


def _replace(path: Path, content: str, mode: int, errors: str) -> bool:
    """Return False if the temporary file was removed before it could be locked; see `replace`."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            if not _hold(file, name):
                return False
            file.write(content.encode("utf-8", errors))
            file.flush()
            os.fsync(file.fileno())
            os.chmod(name, mode)  # noqa: PTH101 - the temporary file's name is a str
            if sys.platform != "win32":
                os.replace(name, path)  # noqa: PTH105
                return True
        try:  # Windows renames no open file
            os.replace(name, path)  # noqa: PTH105
        except FileNotFoundError:
            return False
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    return True


def _hold(file: IO[bytes], name: str) -> bool:
    """Lock the file for as long as it is open; return False if it is being removed."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks, where nothing is removed either
        return os.path.exists(name)  # noqa: PTH110
    return True


def remove_left(directory: Path, pattern: str = f".*{SUFFIX}") -> None:
    """Remove the temporary files of processes that were killed while they wrote; never a living writer's.

    Args:
        directory: Where to look; it need not exist.
        pattern: The names of the temporary files.
    """
    with contextlib.suppress(OSError):
        for path in directory.glob(pattern):
            with contextlib.suppress(OSError):
                _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    if sys.platform == "win32":
        path.unlink()  # refused while it is open
        return
    with _locked(path):
        path.unlink()


def is_locked(path: Path) -> bool:
    """Return True if a process holds the lock of this file; False also on Windows, where that is not known.

    Raises:
        OSError: The file cannot be opened, or is not a regular file.
    """
    if sys.platform == "win32":
        return False
    try:
        with _locked(path):
            return False
    except BlockingIOError:
        return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    if sys.platform != "win32":
        # O_NONBLOCK: opening a pipe of this name must not wait.
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(handle)
    else:
        raise OSError(errno.ENOTSUP, "Windows has no such lock")
