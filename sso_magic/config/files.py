"""The configuration and credentials files that all AWS tools share (PROTOCOL.md 5).

`load_shared_config` reads both at once and gives one `SharedConfig`. It imports nothing but the standard library and
costs about as much as opening the files: `%sso_use` calls it each time, so that an edited file counts at once.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sso_magic.common.cache import under_home
from sso_magic.common.environment import own_environ
from sso_magic.config.grammar import Keys, kind_and_name, read_sections
from sso_magic.errors import ProfileNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_PROFILE = "default"
FILE_VARIABLES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
"""The variables that name the profile. The first one wins, as in botocore; in the AWS CLI version 2 it is the other."""


@dataclass(frozen=True, slots=True)
class SharedConfig:
    """What both files say, as it was when they were read.

    Attributes:
        config_path: The configuration file (AWS_CONFIG_FILE or ``~/.aws/config``), whether it exists or not.
        credentials_path: The credentials file (AWS_SHARED_CREDENTIALS_FILE or ``~/.aws/credentials``).
        profiles: By name; the credentials file's keys laid over the configuration file's (PROTOCOL.md 5.2).
        sso_sessions: The ``[sso-session NAME]`` sections by name.
        services: The ``[services NAME]`` sections by name.
        nameless: The headers of profiles and sessions that give no name, such as ``profile Single'Quote``, by line.
        active_profile: The profile's name by AWS_DEFAULT_PROFILE, else AWS_PROFILE, else ``default``.
        active_profile_source: The variable that named it, or ``default``.
    """

    config_path: Path
    credentials_path: Path
    profiles: dict[str, Keys] = field(repr=False)
    sso_sessions: dict[str, dict[str, str]] = field(repr=False)
    services: dict[str, Keys] = field(repr=False)
    nameless: dict[int, str] = field(repr=False)
    active_profile: str
    active_profile_source: str

    def profile(self, name: str | None = None) -> Keys:
        """The keys of a profile; without a name, of the active one.

        A ``default`` that nobody named may be absent: it is empty then (PROTOCOL.md 5.1).

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
            f"{self.misquoted(wanted) or self._wrapped(wanted, said_by) or nearest(wanted, self.profiles)}"
        )

    def _wrapped(self, wanted: str, said_by: str) -> str | None:
        """Return how a message about an unknown name ends if it is blank, or has white space or quotes around it."""
        bare = wanted.strip(" \t\r\n\"'")
        if bare == wanted or (bare and bare not in self.profiles):
            return None
        if not bare:
            return f". Unset {self.active_profile_source}." if said_by else ". Name a profile."
        return f". Take out what is around the name {bare}."

    def misquoted(self, name: str) -> str | None:
        """Return how a message about an unknown name ends if a header has the name, and quotes that hide it."""
        for line, header in self.nameless.items():
            kind, _, rest = header.partition(" ")
            if name in (rest.strip(), rest.strip(" \"'")):
                return (
                    f". Line {line} of {self.config_path} is [{header}], which names nothing because of its quotes or "
                    f"spaces: write [{kind} {_quoted(name)}]."
                )
        return None


def load_shared_config(environ: Mapping[str, str] | None = None) -> SharedConfig:
    """Reads the files that the environment names; one that does not exist is as good as an empty one.

    Args:
        environ: The environment; by default the process's own, as it is without a role in use.

    Raises:
        ConfigError: a file cannot be read, or a line of it not understood; the message names both.
    """
    environ = own_environ((*FILE_VARIABLES, *PROFILE_VARIABLES)) if environ is None else environ
    config_path, credentials_path = file_paths(environ)
    profiles, sessions, services, nameless = _read_config(config_path)
    for _, name, keys in read_sections(credentials_path):
        profiles[name] = profiles.get(name, {}) | keys
    active, source = active_profile(environ)
    return SharedConfig(
        config_path=config_path,
        credentials_path=credentials_path,
        profiles=profiles,
        sso_sessions=sessions,
        services=services,
        nameless=nameless,
        active_profile=active,
        active_profile_source=source,
    )


def usable_config() -> SharedConfig:
    """Return the shared configuration for a client that needs no profile.

    If the environment names a profile that no file has, it is the default profile's.

    Raises:
        ConfigError: A file cannot be read, or a line of it not understood; the message names both.
    """
    config = load_shared_config()
    if config.active_profile in config.profiles:
        return config
    return replace(config, active_profile=DEFAULT_PROFILE, active_profile_source=DEFAULT_PROFILE)


def file_paths(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Return the configuration file and the credentials file that the environment names, whether they exist or not."""
    return (
        _location(environ, FILE_VARIABLES[0], "config"),
        _location(environ, FILE_VARIABLES[1], "credentials"),
    )


def active_profile(environ: Mapping[str, str]) -> tuple[str, str]:
    """The profile that the environment names, and which variable did; ``default`` if none (PROTOCOL.md 5.1)."""
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


def _quoted(name: str) -> str:
    """Return the name so that a header with it is read as this name."""
    return f'"{name}"' if '"' not in name and "\\" not in name else shlex.quote(name)


def _location(environ: Mapping[str, str], variable: str, name: str) -> Path:
    given = environ.get(variable)
    if given:
        return Path(os.path.expanduser(os.path.expandvars(given)))  # noqa: PTH111 - "~" stays "~" where no home is
    return under_home(".aws", name)


def _read_config(path: Path) -> tuple[dict[str, Keys], dict[str, dict[str, str]], dict[str, Keys], dict[int, str]]:
    """Return profiles, sessions and services of the configuration file, and headers of these kinds without a name.

    Of two sections with one name the later one counts. Sections of other kinds are ignored.
    """
    nameless = {}
    kinds: dict[str, dict[str, Keys]] = {"profile": {}, "sso-session": {}, "services": {}}
    for line, header, keys in read_sections(path):
        kind, name = kind_and_name(header)
        if kind in kinds and name is not None:
            kinds[kind][name] = keys
        elif kind in kinds:
            nameless[line] = header
    sessions = {name: _flat(keys) for name, keys in kinds["sso-session"].items()}
    return kinds["profile"], sessions, kinds["services"], nameless


def _flat(keys: Keys) -> dict[str, str]:
    return {key: value for key, value in keys.items() if isinstance(value, str)}
