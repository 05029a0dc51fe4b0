"""The file ``~/.aws/config``, read and replaced as a whole, with a copy of the previous file beside it."""

from __future__ import annotations

import os
from pathlib import Path

from sso_magic.common import cache, whole_file
from sso_magic.errors import ConfigError

BACKUP = ".sso_magic.bak"  # at the end of the copy's name


def config_path() -> Path:
    """Return the path of the configuration file: AWS_CONFIG_FILE or ``~/.aws/config``."""
    from sso_magic.config.files import load_shared_config

    return load_shared_config().config_path


def read_config(path: Path) -> str:
    """Return the file's text, whatever its bytes; empty if there is no file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror or error}). Make it readable and try again."
        ) from error


def write_config(path: Path, before: str, after: str) -> Path | None:
    """Write the text to the file and return the path of the copy of the previous file; None if there was none."""
    if path.parts[:1] == ("~",):
        raise ConfigError(
            f"{path} cannot be written: this user has no home directory. Set HOME to a directory that you can write."
        )
    real = Path(os.path.realpath(path))  # a link stays one
    with cache.lock(f"config {real}", name=f"the file {real}"):
        if read_config(real) != before:
            raise ConfigError(f"{path} has changed since it was read; nothing was written. Run it again.")
        try:
            cache.make_directory(path.parent)
            cache.make_directory(real.parent)
            there = real.exists()
            mode = real.stat().st_mode & 0o777 if there else 0o600
            backup = real.with_name(real.name + BACKUP)
            if there:
                whole_file.replace(backup, before, mode, "surrogateescape")
            whole_file.replace(real, after, mode, "surrogateescape")
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written ({error.strerror or error}). It is as it was; make it and its directory "
                "writable and try again."
            ) from error
    return backup if there else None
