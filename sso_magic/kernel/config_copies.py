"""The copies of the AWS files that the environment names while a role is in use; see `sso_magic.kernel.shield`.

A copy follows its original: `ConfigCopies.refresh` writes it again when the original has changed, so that what
``aws configure`` writes in a terminal counts here too, but never gives child processes other credentials. A set of
copies stays until the process ends, because child processes may still read it after the role is released.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sso_magic.common import cache, locks
from sso_magic.common.secret import Secret
from sso_magic.config.files import DEFAULT_PROFILE, FILE_VARIABLES, PROFILE_VARIABLES, active_profile, file_paths
from sso_magic.errors import ConfigError, SSOMagicError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sso_magic.common.runtime_directory import RuntimeDirectory

_NAMES = ("config", "credentials")


class ConfigCopies:
    """All copies of this process; thread-safe."""

    def __init__(self) -> None:
        self._lock = locks.Lock()
        self._directory: RuntimeDirectory | None = None
        self._sets: dict[tuple[Path, Path, str], _Copies] = {}
        self._trouble: str | None = None
        self._said: str | None = None

    def directory(self) -> Path:
        """Return the directory of this process's files for child processes; it is made when first needed.

        Raises:
            ConfigError: No directory can be made.
        """
        with self._lock:
            return self._made_directory()

    def variables(self, before: Mapping[str, str | None], *, serve: bool) -> dict[str, str | None]:
        """Return the variables to set, with copies of the files as they are now.

        Args:
            before: The environment without a role in use.
            serve: Whether the role is used by the endpoint's address, so that no file may give credentials.

        Raises:
            ConfigError: With `serve`, if a file cannot be copied without the default profile's credentials.
            CacheError: A copy cannot be written.
        """
        environ = {name: value for name, value in before.items() if value is not None}
        profile, _ = active_profile(environ)
        with self._lock:
            values = self._variables(environ, profile, serve=serve)
            self._said = self._trouble
        return values

    def _variables(self, environ: Mapping[str, str], profile: str, *, serve: bool) -> dict[str, str | None]:
        self._trouble = None
        if not serve and profile == DEFAULT_PROFILE:
            return {}
        try:
            copies = self._copies_of(file_paths(environ), profile)
        except SSOMagicError as error:
            if serve:
                raise error.with_traceback(None) from None
            self._trouble = f"The settings of profile {profile} are not in force: {error}"
            return {}
        self._trouble = _not_in_force(environ)
        values: dict[str, str | None] = {
            variable: str(copies.directory / name) for variable, name in zip(FILE_VARIABLES, _NAMES, strict=True)
        }
        if serve:
            empty = self._made_directory() / "boto_config"  # boto 2's file; botocore takes keys from it
            cache.write_text(empty, "")
            values["BOTO_CONFIG"] = str(empty)
            values["CPL_AWS_CREDENTIALS_FILE"] = values["AWS_SHARED_CREDENTIALS_FILE"]  # GDAL ignores the other
        return values

    def refresh(self) -> None:
        """Write the copies again whose originals have changed; if one cannot be written, `trouble` says why."""
        with self._lock:
            for copies in self._sets.values():
                try:
                    copies.refresh()
                except SSOMagicError as error:  # noqa: PERF203 - the others are still written
                    self._trouble = f"Child processes use an older copy of the AWS files: {error}"

    @property
    def trouble(self) -> str | None:
        """Which settings are not in force in this process and in child processes, in one sentence; None if all are."""
        return self._trouble

    def news(self) -> str | None:
        """Return `trouble` if it has changed since it was last returned here or the variables were set; else None."""
        said, self._said = self._said, self._trouble
        return self._trouble if self._trouble != said else None

    def close(self) -> None:
        """Remove all copies."""
        with self._lock:
            self._sets.clear()
            self._trouble = None
            if self._directory is not None:
                self._directory.remove()
                self._directory = None

    def close_after_fork(self) -> None:
        """Leave the files to the parent, which writes and removes them; to be called in a forked child."""
        self._lock = locks.Lock()
        if self._directory is not None:
            self._directory.close_after_fork()

    def remove_on_sigterm(self) -> None:
        """Let SIGTERM remove the directory first, if there is one; only the main thread can do so."""
        if self._directory is not None:
            from sso_magic.common.runtime_directory import remove_on_sigterm

            remove_on_sigterm()

    def _copies_of(self, originals: tuple[Path, Path], profile: str) -> _Copies:
        key = (*originals, profile)
        if key not in self._sets:
            name = hashlib.sha256("\0".join(map(str, key)).encode("utf-8", "replace")).hexdigest()[:12]
            copies = _Copies(originals, profile, self._made_directory() / name)
            copies.refresh()
            self._sets[key] = copies
        self._sets[key].refresh()
        return self._sets[key]

    def _made_directory(self) -> Path:
        if self._directory is None:
            from sso_magic.common.runtime_directory import RuntimeDirectory

            self._directory = RuntimeDirectory()
        return self._directory.path


class _Copies:
    """The copies of one pair of files for one profile."""

    def __init__(self, originals: tuple[Path, Path], profile: str, directory: Path) -> None:
        self.directory = directory
        self._originals = originals
        self._profile = profile
        self._seen: bytes | None = None

    def refresh(self) -> None:
        """Write the copies if the originals are not those that were read last.

        Raises:
            ConfigError: A file cannot be copied without the default profile's credentials.
            CacheError: A copy cannot be written.
        """
        try:
            self._refresh()
        except BaseException as error:  # noqa: BLE001 - Ctrl-C too; it is raised again
            raise error.with_traceback(None) from None  # the frames below hold the files' keys

    def _refresh(self) -> None:
        from sso_magic.kernel.shield import SharedFile, shielded

        contents = [_content(path) for path in self._originals]
        seen = hashlib.sha256(b"\0".join(hashlib.sha256(one).digest() for one in contents)).digest()
        if seen == self._seen:
            return
        texts = [one.decode("utf-8", "surrogateescape") for one in contents]
        files = [
            SharedFile(path, text, is_config=name == "config")
            for path, text, name in zip(self._originals, texts, _NAMES, strict=True)
        ]
        for name, text in zip(_NAMES, shielded(files, self._profile), strict=True):
            cache.write_text(self.directory / name, Secret(text), "surrogateescape")
        self._seen = seen


def _content(path: Path) -> bytes:
    """Return the file's bytes; none if there is no file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error}); make it a readable file.") from None


def _not_in_force(environ: Mapping[str, str]) -> str | None:
    """Return what a copy cannot give every tool."""
    first, second = (environ.get(name) for name in PROFILE_VARIABLES)
    if not first or not second or first == second:
        return None
    return (
        f"The AWS CLI in child processes has the settings of {PROFILE_VARIABLES[0]} ({first}), as boto3 has them, not "
        f"those of {PROFILE_VARIABLES[1]} ({second})."
    )
