"""A directory for the files that child processes read while this process runs, and that must not outlive it.

It is in XDG_RUNTIME_DIR if there is one: that is in memory, and removed when the person logs out. Else it is in the
system's directory for temporary files. It is removed when the process ends or is terminated (SIGTERM). A process that
is killed leaves it behind; the next process that makes one removes it then. A directory is known to be in use by a lock
that its process holds: unlike a process id, a lock is never given to another process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sso_magic.common.whole_file import is_locked
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_PREFIX = "sso_magic-"
_LOCK = "in_use.lock"
_ATTEMPTS = 100  # directories made in one place before another place is tried
_OPEN: dict[str, Any] = {}  # the lock of each directory of this process, by path


class RuntimeDirectory:
    """A new directory of this process, 0700, removed when the object or the process ends.

    Raises:
        ConfigError: No directory can be made; the message names the variables that choose the place.
    """

    def __init__(self) -> None:
        sweep()
        self.path, lock = _make()
        _OPEN[str(self.path)] = lock
        self._clean = weakref.finalize(self, _remove, str(self.path), lock, os.getpid())
        remove_on_sigterm()

    def remove(self) -> None:
        """Remove the directory and what is in it."""
        self._clean()

    def close_after_fork(self) -> None:
        """To be called in a forked child: the directory is the parent's to remove."""
        self._clean.detach()


def sweep() -> None:
    """Remove the directories of processes that have ended without removing them."""
    for base in _bases():
        with contextlib.suppress(OSError):
            for path in base.glob(f"{_PREFIX}*"):
                _remove_if_unused(path)


def _bases() -> Iterator[Path]:
    """Yield the places for the directory, best first."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and os.path.isabs(given) and os.access(given, os.W_OK | os.X_OK):  # noqa: PTH117
        yield Path(given)
    with contextlib.suppress(OSError):  # no temporary directory can be written
        yield Path(tempfile.gettempdir())


def _make() -> tuple[Path, Any]:
    """Make a directory and take its lock."""
    reasons = ["no directory for temporary files can be written"]
    for base in _bases():
        made = _made_in(base, reasons)
        if made is not None:
            return made
    raise ConfigError(
        f"No directory can be made for the files of child processes ({reasons[-1]}). Set TMPDIR to a directory that "
        "you can write."
    )


def _made_in(base: Path, reasons: list[str]) -> tuple[Path, Any] | None:
    """Make a directory in this place; None, and the reason in `reasons`, if none can be made."""
    import filelock

    try:
        for _ in range(_ATTEMPTS):
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
            lock = _lock(path)
            with contextlib.suppress(filelock.Timeout):  # another process is sweeping it
                lock.acquire(timeout=0)
                if (path / _LOCK).exists():  # else another process has swept it before the lock was taken
                    return path, lock
                lock.release()
        reasons.append(f"{base}: other processes lock each directory that is made there")
    except OSError as error:
        reasons.append(f"{base}: {error.strerror or error}")
    except NotImplementedError:
        reasons.append(f"{base}: no file can be locked there")
    return None


def _lock(path: Path) -> Any:
    """Return the lock of a directory, not taken; only the process that takes it ever gives it back.

    A forked child shares the lock with its parent. If the child's copy gave it back when it is freed, the parent's
    directory would be taken for one of a process that has ended.
    """
    import filelock

    owner = os.getpid()

    class OwnLock(filelock.FileLock):  # type: ignore[misc, valid-type, unused-ignore]
        def release(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - filelock's signature
            if os.getpid() == owner:
                super().release(force)

    return OwnLock(str(path / _LOCK), mode=0o600, thread_local=False)


def _remove_if_unused(path: Path) -> None:
    """Remove the directory if it is this user's and no process holds its lock."""
    try:
        about = path.lstat()
    except OSError:
        return
    is_own = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    if not is_own or path.is_symlink() or not (path / _LOCK).is_file():
        return
    try:
        if is_locked(path / _LOCK):
            return
    except OSError:
        return
    import filelock  # only now: it takes longer than all the rest

    lock = _lock(path)
    with contextlib.suppress(OSError, filelock.Timeout, NotImplementedError):
        lock.acquire(timeout=0)
        _remove(str(path), lock, os.getpid())


def _remove(path: str, lock: Any, owner: int) -> None:
    if os.getpid() != owner:
        return
    if os.name == "nt":  # an open file cannot be removed there
        lock.release()
    shutil.rmtree(path, ignore_errors=True)
    lock.release()
    _OPEN.pop(path, None)


def remove_on_sigterm() -> None:
    """Make SIGTERM remove this process's directories first, unless the program has a handler of its own.

    Only the main thread can do so: elsewhere nothing happens. By default the signal ends the process at once, without
    any of Python's clean-up.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return
    with contextlib.suppress(ValueError):  # not the main interpreter
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
    owner = os.getpid()
    for path, lock in list(_OPEN.items()):
        _remove(path, lock, owner)
    signal.signal(number, signal.SIG_DFL)
    os.kill(owner, number)


def _after_fork() -> None:
    _OPEN.clear()
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) == _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
