"""A lock between processes whose wait is announced and bounded.

A process that is stopped (SIGSTOP, a debugger, a suspended job) or whose host is gone keeps its lock. So each holder
leaves a note beside its lock, and a waiting process says after a second which process it waits for. It goes on without
the lock if the holder is stopped, if the same holder keeps it too long, or at the end of its own patience. The note is
a file of its own: a process that waits truncates the lock file each time it tries.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common.session_name import session_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAY_AFTER = 1.0  # seconds
HELD_TOO_LONG = 20.0  # seconds by one holder; a refresh with all its attempts takes less unless the network is down
_POLL = 0.05  # seconds, as in filelock

_here = threading.local()  # `listener`: what `telling` was given in this thread
_passed: dict[str, str] = {}  # lock file -> the number of a holder that this process no longer waits for


class Holder(NamedTuple):
    """Who holds a lock.

    Attributes:
        pid: Its process.
        host: Its host.
        number: A new one each time that a lock is taken.
        notebook: The file name of its notebook; empty if it is not known.
    """

    pid: int
    host: str
    number: str
    notebook: str = ""

    def label(self) -> str:
        """Return how a sentence names it."""
        if _is_own(self):
            return "Another thread of this process"
        process = f"Process {self.pid} ({self.notebook})" if self.notebook else f"Process {self.pid}"
        return process if self.host == socket.gethostname() else f"{process} on {self.host}"

    def is_stopped(self) -> bool:
        """Return True if its process runs on this host's system and is stopped, as far as can be known."""
        return self.host == socket.gethostname() and _state(self.pid).startswith(("T", "t"))


@contextlib.contextmanager
def hold(path: Path, note: Path, *, timeout: float, name: str) -> Iterator[None]:
    """Hold the lock, or nothing if its file cannot be made or another process keeps it too long.

    Args:
        path: The lock file; its directory exists.
        note: The file that names the holder; its directory exists.
        timeout: Seconds to wait at most.
        name: What is locked, as it is called in a sentence.
    """
    import filelock

    lock = filelock.FileLock(path, mode=0o600)
    owner = os.getpid()
    try:
        with contextlib.suppress(OSError, NotImplementedError):
            if _wait(lock, note, timeout, name):
                _write(note)
        yield
    finally:
        if lock.is_locked and os.getpid() == owner:
            with contextlib.suppress(OSError):
                note.unlink()
            lock.release()


def say_if_held(lock: threading.Lock, name: str) -> None:
    """Say so if another thread holds the lock for more than a second; returns at once if none does.

    Args:
        lock: A lock that the caller is about to take.
        name: What is locked, as it is called in a sentence.
    """
    if not _is_waited_for():
        return
    until = time.monotonic() + SAY_AFTER
    while lock.locked():
        if time.monotonic() >= until:
            _tell(f"Another thread of this process is using {name}. Waiting for it.")
            return
        time.sleep(_POLL)


def _wait(lock: Any, note: Path, timeout: float, name: str) -> bool:
    """Take the lock; return False if it was not to be had."""
    began = since = time.monotonic()
    holder: Holder | None = None
    is_said = False
    while not _try(lock):
        seen, now = _read(note), time.monotonic()
        if seen != holder:
            holder, since = seen, now
        if holder is not None and _passed.get(lock.lock_file) == holder.number:
            return False
        if now - began >= SAY_AFTER:
            if holder is not None and holder.is_stopped():
                _pass(lock, holder, f"{holder.label()} is stopped and does not release {name}.")
                return False
            if now - began >= timeout or (now - since >= HELD_TOO_LONG and not _is_own(holder)):
                _pass(lock, holder, f"{_label(holder)} does not release {name}.")
                return False
            if not is_said:
                left = min(timeout, HELD_TOO_LONG)
                _tell(f"{_label(holder)} is using {name}. Waiting at most {left:.0f} s for it.")
                is_said = True
        time.sleep(_POLL)
    _passed.pop(lock.lock_file, None)
    return True


def _try(lock: Any) -> bool:
    import filelock

    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True


def _pass(lock: Any, holder: Holder | None, what: str) -> None:
    """Go on without the lock, and do not wait for this holder again."""
    if holder is not None:
        _passed[lock.lock_file] = holder.number
    _tell(f"{what} Continued without waiting; end that process if it hangs.")


def _label(holder: Holder | None) -> str:
    return "Another process" if holder is None else holder.label()


def _is_own(holder: Holder | None) -> bool:
    return holder is not None and (holder.pid, holder.host) == (os.getpid(), socket.gethostname())


def _write(note: Path) -> None:
    notebook = Path(session_name() or "").name
    holder = Holder(os.getpid(), socket.gethostname(), uuid.uuid4().hex, notebook)
    text = json.dumps(holder._asdict())
    with open(note, "w", encoding="utf-8", opener=_private) as file:
        file.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(note: Path) -> Holder | None:
    """Return who holds the lock; None if that is not known, as in the moment after it was taken."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        return Holder(
            int(content["pid"]), str(content["host"]), str(content["number"]), str(content.get("notebook", ""))
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _state(pid: int) -> str:
    """Return the state of a process as ``ps`` names it; empty if it is not known."""
    if sys.platform == "win32":  # a suspended process is not told from a busy one there; the time limit remains
        return ""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].strip()
    except OSError:
        pass
    try:  # macOS and the BSDs have no /proc
        done = subprocess.run(  # noqa: S603
            ["ps", "-o", "stat=", "-p", str(pid)],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@contextlib.contextmanager
def telling(listener: Callable[[str], None]) -> Iterator[None]:
    """Pass the lines about a held lock to this function while this thread is in the block.

    Args:
        listener: Called in this thread with each line; it must not raise.
    """
    before = getattr(_here, "listener", None)
    _here.listener = listener
    try:
        yield
    finally:
        _here.listener = before


def _is_waited_for() -> bool:
    """Return True if a person waits for this thread: it is the main thread, or it is in a block of `telling`."""
    return _listener() is not None or threading.current_thread() is threading.main_thread()


def _listener() -> Callable[[str], None] | None:
    found: Callable[[str], None] | None = getattr(_here, "listener", None)
    return found


def _tell(line: str) -> None:
    """Show the line to the person who waits; a background thread keeps nobody waiting."""
    listener = _listener()
    if listener is not None:
        listener(line)
    if listener is not None or not _is_waited_for():
        return
    from sso_magic.common.output import say, shell

    if shell() is not None:
        say(line)
    elif sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - stdout may be a program's result
