"""The configuration and credentials files that all AWS tools share (portal-protocol 5).

`load_shared_config` reads both at once and gives one `SharedConfig`. It imports nothing but the standard library and
costs about as much as opening the files: `%sso_use` calls it each time, so that an edited file counts at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sso_magic.cache import home
from sso_magic.client.ini import Section, read_sections
from sso_magic.errors import ConfigError, ProfileNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_PROFILE = "default"
PROFILE_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@dataclass(frozen=True, slots=True)
class SharedConfig:
    """What both files say, as it was when they were read.

    Attributes:
        config_path: The configuration file (AWS_CONFIG_FILE or ``~/.aws/config``), whether it exists or not.
        credentials_path: The credentials file (AWS_SHARED_CREDENTIALS_FILE or ``~/.aws/credentials``).
        profiles: By name; the credentials file's keys laid over the configuration file's (portal-protocol 5.2).
        sso_sessions: The ``[sso-session NAME]`` sections by name.
        services: The ``[services NAME]`` sections by name.
        active_profile: The profile's name by AWS_PROFILE, else AWS_DEFAULT_PROFILE, else ``default``.
        active_profile_source: The variable that named it, or ``default``.
    """

    config_path: Path
    credentials_path: Path
    profiles: dict[str, Section] = field(repr=False)
    sso_sessions: dict[str, dict[str, str]] = field(repr=False)
    services: dict[str, Section] = field(repr=False)
    active_profile: str
    active_profile_source: str

    def profile(self, name: str | None = None) -> Section:
        """The keys of a profile; without a name, of the active one.

        A ``default`` that nobody named may be absent: it is empty then (portal-protocol 5.1).

        Raises:
            ProfileNotFound: no file has the profile; the message has the nearest names.
        """
        wanted = self.active_profile if name is None else name
        if wanted in self.profiles:
            return self.profiles[wanted]
        if name is None and self.active_profile_source == DEFAULT_PROFILE:
            return {}
        said_by = "" if name is not None else f" (named by {self.active_profile_source})"
        raise ProfileNotFound(
            f"There is no profile {wanted!r}{said_by} in {self.config_path} or {self.credentials_path}"
            f"{nearest(wanted, self.profiles)}"
        )


def load_shared_config(environ: Mapping[str, str] | None = None) -> SharedConfig:
    """Reads the files that the environment names; one that does not exist is as good as an empty one.

    Args:
        environ: The environment; ``os.environ`` if not given.

    Raises:
        ConfigError: a file cannot be read, or a line of it not understood; the message names both.
    """
    environ = os.environ if environ is None else environ
    config_path = _location(environ, "AWS_CONFIG_FILE", "config")
    credentials_path = _location(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
    profiles, sessions, services = _read_config(config_path)
    for _, name, keys in read_sections(credentials_path):
        profiles[name] = profiles.get(name, {}) | keys
    active, source = active_profile(environ)
    return SharedConfig(
        config_path=config_path,
        credentials_path=credentials_path,
        profiles=profiles,
        sso_sessions=sessions,
        services=services,
        active_profile=active,
        active_profile_source=source,
    )


def active_profile(environ: Mapping[str, str]) -> tuple[str, str]:
    """The profile that the environment names, and which variable did; ``default`` if none (portal-protocol 5.1)."""
    for variable in PROFILE_VARIABLES:
        if environ.get(variable):
            return environ[variable], variable
    return DEFAULT_PROFILE, DEFAULT_PROFILE


def nearest(wanted: str, names: Iterable[str]) -> str:
    """How a message about an unknown name ends: with the nearest known ones."""
    import difflib

    known = sorted(names)
    close = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5) or known[:5]
    return f". Nearest: {', '.join(close)}." if close else "; no file names any."


def _location(environ: Mapping[str, str], variable: str, name: str) -> Path:
    given = environ.get(variable)
    if given:
        return Path(os.path.expanduser(os.path.expandvars(given)))  # noqa: PTH111 - "~" stays "~" where no home is
    return home() / ".aws" / name


def _read_config(path: Path) -> tuple[dict[str, Section], dict[str, dict[str, str]], dict[str, Section]]:
    """The profiles, sessions and services of the configuration file; sections of other kinds are passed over."""
    kinds: dict[str, dict[str, Section]] = {"profile": {}, "sso-session": {}, "services": {}}
    seen: dict[tuple[str, str], int] = {}
    for line, header, keys in read_sections(path):
        kind, name = _kind_and_name(header)
        if kind not in kinds:
            continue
        first = seen.setdefault((kind, name), line)
        # botocore takes the later of [default] and [profile default]; every other pair of spellings is a slip
        if first != line and name != DEFAULT_PROFILE:
            raise ConfigError(
                f"{path}, line {line}: gives {kind} {name!r} a second time (first in line {first}); keep one of them."
            )
        kinds[kind][name] = keys
    sessions = {name: _flat(keys) for name, keys in kinds["sso-session"].items()}
    return kinds["profile"], sessions, kinds["services"]


def _kind_and_name(header: str) -> tuple[str, str]:
    """What a header names; quotes are a shell's, and one that cannot be read names nothing (portal-protocol 5.2)."""
    if header == DEFAULT_PROFILE:
        return "profile", DEFAULT_PROFILE
    plain = header.isascii() and header.isprintable() and not set(header) & set("\"'\\#")
    words = header.split() if plain else _shell_words(header)
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def _shell_words(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        return []


def _flat(keys: Section) -> dict[str, str]:
    return {key: value for key, value in keys.items() if isinstance(value, str)}
