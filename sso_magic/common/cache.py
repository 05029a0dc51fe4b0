"""The files shared with the AWS CLI, botocore and the SDKs: where they are, how they are named, read and written.

    ~/.aws/sso/cache/<sha1>.json    access tokens and client registrations   (PROTOCOL.md 6.1, 6.2)
    ~/.aws/cli/cache/<sha1>.json    role credentials                         (PROTOCOL.md 6.3)
    ~/.aws/sso_magic/               this package only: locks, the inventory, what is known of tokens

Neither of the first two follows AWS_CONFIG_FILE. Both directories hold other tools' files, also some that are no JSON:
a file is read as what is asked for or as nothing, and never deleted for not being understood.

A write is whole or does not happen: a file beside, 0600 and flushed to the disk, is renamed over the old one.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sso_magic.common import whole_file
from sso_magic.common.secret import Secret, revealed
from sso_magic.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROLES_LOCK = "role credentials"  # held while files of role credentials are written or removed
LARGEST = 64 * 1024 * 1024  # bytes; an inventory of 50,000 rows is a tenth of it
TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Not every system can say local times beyond these. Go's zero time is one, and the end of some emulators' tokens.
EARLIEST = datetime(1970, 1, 2, tzinfo=timezone.utc)
LATEST = datetime(2999, 12, 30, tzinfo=timezone.utc)
# A character beyond the 65,536 first is written as two escapes, which belong together; one alone is no character.
_ESCAPES = re.compile(
    r"(?P<whole>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?!u[dD][89a-fA-F]).)|\\u[0-9a-fA-F]{4}",
    re.DOTALL,
)
_ENCODER = json.JSONEncoder(check_circular=False)  # the check keeps each list in a frame's variables
_SECRETS = ("accessToken", "refreshToken", "idToken", "clientSecret", "AccessKeyId", "SecretAccessKey", "SessionToken")


def home() -> Path:
    """The directory that holds ``.aws``: ``HOME`` (on Windows ``USERPROFILE``), else the system's word."""
    return under_home()


def under_home(*parts: str) -> Path:
    """Return a path below the home directory."""
    return _path(os.path.expanduser("~"), *parts)  # noqa: PTH111 - Path.home() raises where there is none; this gives "~"


@functools.lru_cache(maxsize=1024)
def _path(*parts: str) -> Path:
    """Make a path once: a switch needs the same ten some fifty times, which took a quarter of its time."""
    return Path(*parts)


def sso_directory() -> Path:
    """Where access tokens and registrations are (PROTOCOL.md 5.1)."""
    return under_home(".aws", "sso", "cache")


def role_directory() -> Path:
    """Where the AWS CLI keeps role credentials (PROTOCOL.md 5.1)."""
    return under_home(".aws", "cli", "cache")


def own_directory() -> Path:
    """Where this package keeps what no other tool reads."""
    return under_home(".aws", "sso_magic")


def own_file(folder: str, key: str) -> Path:
    """Return the file of a key, a session's name for instance, in a folder of `own_directory`."""
    return under_home(".aws", "sso_magic", folder, f"{sha1(key)}.json")


def sha1(text: str) -> str:
    """The hash that names a cache file: lower-case hex SHA-1 of the UTF-8 text."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def token_path(key: str) -> Path:
    """The token file of a session name or, in the legacy format, of a start URL as configured (7.1)."""
    return under_home(".aws", "sso", "cache", f"{sha1(key)}.json")


def registration_path(*, region: str, scopes: Sequence[str] | None, session_name: str | None, start_url: str) -> Path:
    """The registration file, named as the AWS CLI names it (7.3)."""
    parts = {
        "region": region,
        "scopes": list(scopes) if scopes is not None else None,
        "session_name": session_name,
        "startUrl": start_url,
        "tool": "botocore",
    }
    return sso_directory() / f"{sha1(json.dumps(parts, sort_keys=True))}.json"


def role_path(*, account_id: str, role_name: str, session_name: str | None, start_url: str) -> Path:
    """The role credentials' file, named as the AWS CLI names it (7.4)."""
    parts = {"accountId": account_id, "roleName": role_name}
    parts |= {"sessionName": session_name} if session_name is not None else {"startUrl": start_url}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return under_home(".aws", "cli", "cache", f"{sha1(text)}.json")


def format_timestamp(moment: datetime) -> str:
    """UTC, whole seconds, ``Z``: the one form that every reader takes (7.1)."""
    return moment.astimezone(timezone.utc).strftime(TIMESTAMP)


def parse_timestamp(text: object) -> datetime | None:
    """Any of the forms that writers use, the ``UTC`` suffix of very old ones too; no zone means UTC (7.1).

    It is `EARLIEST` to `LATEST`.
    """
    if not isinstance(text, str):
        return None
    iso = text.strip()
    for suffix in ("UTC", "Z", "z"):
        if iso.endswith(suffix):
            iso = iso.removesuffix(suffix) + "+00:00"
            break
    try:
        moment = datetime.fromisoformat(_six_digit_fraction(iso))
    except ValueError:
        return None
    return _bounded(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))


def seconds_after(moment: datetime, seconds: int) -> datetime:
    """The moment so many seconds later, `EARLIEST` to `LATEST`, whatever number a service gave."""
    longest = int((LATEST - EARLIEST).total_seconds())
    return _bounded(moment + timedelta(seconds=min(max(seconds, -longest), longest)))


def _bounded(moment: datetime) -> datetime:
    return min(max(moment, EARLIEST), LATEST)


def _six_digit_fraction(iso: str) -> str:
    """Python 3.10 reads three or six decimals of a second; Go and Rust write up to nine."""
    head, dot, tail = iso.partition(".")
    if not dot:
        return iso
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return a value that changes when the file is replaced; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def modified_at(path: Path) -> float | None:
    """Return when the file was written, in seconds since the epoch; None if there is no file."""
    found = stamp(path)
    return None if found is None else found[0] / 1e9


def read(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in the file, its tokens and keys as `Secret`; None if there is none that can be read.

    Pipes, folders, sockets and files beyond `LARGEST` are not read, so that none of them blocks a scan.
    """
    try:
        return parse(_regular_file(path))
    except OSError:
        return None
    except BaseException as interruption:  # noqa: BLE001 - Ctrl-C above all; it goes on
        raise interruption.with_traceback(None)  # noqa: B904 - the same one; the frames below hold what was read


def _regular_file(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        OSError: It cannot be read, is no regular file, or is too large.
    """
    # Without O_NONBLOCK, opening a pipe waits for its writer. Windows has no pipes among files, and no such flag.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if status.st_size > LARGEST:
            raise OSError(errno.EFBIG, "too large for a cache file")
        return file.read()


def parse(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object in the text, its tokens and keys as `Secret`; None if it holds none."""
    try:
        value = from_json(text, object_hook=_with_secrets)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def from_json(text: str | bytes, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """What the JSON says, in text that can be shown, sent and hashed: half a character becomes U+FFFD.

    Python's own reader lets halves through (lone surrogates), which nothing can encode.

    Raises:
        ValueError: It is no JSON in UTF-8.
        RecursionError: It is too deep.
    """
    # Not "utf-8-sig": that codec is written in Python, and its frame would show a file's keys in a traceback.
    text = text.decode().removeprefix("\ufeff") if isinstance(text, bytes) else text
    whole = _ESCAPES.sub(lambda escape: escape["whole"] or r"\ufffd", text) if "\\u" in text else text
    return json.loads(whole, object_hook=object_hook)


def to_json(value: Any) -> str:
    """Return the value, with the real characters of its secrets, as JSON."""
    # What `json.dumps` does, without its frame that has the text: a traceback would show it.
    return "".join(_ENCODER.iterencode(revealed(value), _one_shot=True))


def _with_secrets(content: dict[str, Any]) -> dict[str, Any]:
    """The object with its tokens and keys as secrets, from the moment that they are read."""
    for name in _SECRETS:
        if isinstance(content.get(name), str):
            content[name] = Secret(content[name])
    return content


def scan(directory: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every file of the directory that holds a JSON object."""
    try:
        paths = sorted(directory.glob("*.json"))
    except OSError:
        return
    for path in paths:
        value = read(path)
        if value is not None:
            yield path, value


def has_home() -> bool:
    """Return False if neither HOME nor the system's list of users names a home directory."""
    return home().parts[:1] != ("~",)


def write(path: Path, value: dict[str, Any]) -> None:
    """Puts the object in the file, 0600 in a directory that is 0700 if this makes it.

    Raises:
        CacheError: the file cannot be written. The old content is kept.
    """
    write_text(path, Secret(to_json(value)))


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """Put the text in the file, as `write` does; `errors` as in `open`."""
    try:
        make_directory(path.parent)
        whole_file.replace(path, text, errors=errors)
    except OSError as error:
        in_no_home = path.is_relative_to(home()) and not home().is_dir()
        advice = "set HOME to a directory" if in_no_home else f"make {path.parent} writable"
        raise CacheError(
            f"{path} cannot be written ({error.strerror or error}). Nothing is lost in this kernel; {advice} to keep "
            "it for the next one."
        ) from error


def remove_unfinished(directory: Path, name: str = "*.json") -> None:
    """Remove what killed processes left of files that they were writing; held locks keep living writers out.

    Args:
        directory: Where the files are.
        name: Of which files; a pattern.
    """
    with contextlib.suppress(OSError):  # a directory that cannot be read, where nothing can be removed either
        for left in directory.glob(f".{name}.*.tmp"):
            with contextlib.suppress(OSError):
                left.unlink()


def make_directory(directory: Path) -> None:
    """Makes the directory and what leads to it, each new one 0700; none in the working directory for want of a home."""
    if directory.parts[:1] == ("~",):  # as `home` gives it where there is none
        raise FileNotFoundError(errno.ENOENT, "this user has no home directory: set HOME")
    for folder in [*reversed(directory.parents), directory]:
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


def remove(path: Path) -> bool:
    """Removes the file; True if it was there.

    Raises:
        CacheError: the file is there and cannot be removed.
    """
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):  # the latter where HOME is a file, such as /dev/null
        return False
    except OSError as error:
        raise CacheError(f"{path} cannot be removed ({error.strerror or error}). Remove it by hand.") from error
    return True


@contextlib.contextmanager
def lock(key: str, *, timeout: float = 60, name: str | None = None) -> Iterator[None]:
    """Hold the lock of this key across threads and kernels; where no lock file can be made, hold nothing.

    A wait of more than a second is said.

    Args:
        key: What is locked: a session's name, or a path.
        timeout: Seconds to wait for other holders before going on without the lock: a stuck kernel on
            a network file system must not lock everybody out, and every reader and writer survives a race.
        name: What is locked, as it is called in a sentence; by default the key.
    """
    from sso_magic.common import file_lock

    file = sha1(key)
    path = own_directory() / "locks" / f"{file}.lock"
    note = own_directory() / "holders" / f"{file}.json"
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            make_directory(path.parent)
            make_directory(note.parent)
            stack.enter_context(file_lock.hold(path, note, timeout=timeout, name=name or key))
        yield
