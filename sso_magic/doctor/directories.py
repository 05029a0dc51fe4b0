"""What ``%sso_doctor`` finds wrong with the directories: home, temporary files, the caches."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import TYPE_CHECKING

from sso_magic.common import cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sso_magic.doctor.config import Found

TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")  # in the order in which `tempfile` looks at them


def home_findings() -> Iterator[Found]:
    """Yield what is wrong with the home directory."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    if not cache.has_home():
        yield "problem", "This user has no home directory.", "Set HOME to a directory that you can write."
    elif not os.path.isdir(home):  # noqa: PTH112
        yield (
            "problem",
            f"The home directory {home} {'is a file' if os.path.exists(home) else 'does not exist'}.",  # noqa: PTH110
            "Set HOME to a directory that you can write.",
        )
    elif not _is_writable(home):
        yield (
            "problem",
            f"The home directory {home} cannot be written.",
            "Set HOME to a directory that you can write: a sign-in is kept there.",
        )


def temporary_findings() -> Iterator[Found]:
    """Yield what is wrong with the directory for temporary files, where child processes find their files."""
    name, given = next(((name, path) for name in TEMPORARY_VARIABLES if (path := os.environ.get(name))), ("TMPDIR", ""))
    try:
        used = tempfile.gettempdir()
    except OSError:
        used = ""
    fix = f"Set {name} to a directory that you can write."
    if not used or not _is_writable(used):
        yield "problem", "No directory for temporary files can be written.", fix
    elif given and not _is_writable(given):
        yield "note", f"{name} is {given}, which is no directory that can be written. {used} is used instead.", fix


def cache_findings() -> Iterator[Found]:
    """Yield what is wrong with the caches that are shared with the AWS CLI."""
    if not cache.has_home():  # found elsewhere
        return
    for directory in (cache.sso_directory(), cache.role_directory()):
        yield from _directory(directory)


def _directory(directory: Path) -> Iterator[Found]:
    try:
        yield from _readable_directory(directory)
    except PermissionError as error:
        fix = f"Make {cache.home() / '.aws'} readable and writable for this user, or set HOME to another directory."
        yield "problem", f"{error.filename} cannot be read (Permission denied).", fix


def _readable_directory(directory: Path) -> Iterator[Found]:
    if directory.exists() and not directory.is_dir():
        yield "problem", f"{directory} is a file.", "Move it away: sign-ins are kept in a directory of that name."
        return
    place = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if not _is_writable(place) and not cache.home().is_relative_to(place):  # which `home_findings` reports
        yield (
            "problem",
            f"{place} cannot be written.",
            "Make it writable: without it a sign-in lasts only as long as this kernel.",
        )
    if os.name == "posix":  # on Windows the profile directory is the person's own
        for path in (directory, *sorted(directory.glob("*.json"))):
            if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                yield "problem", f"{path} is open to other users of this machine.", f"chmod go= {path}"


def _is_writable(directory: str | Path) -> bool:
    return os.path.isdir(directory) and os.access(directory, os.W_OK | os.X_OK)  # noqa: PTH112
