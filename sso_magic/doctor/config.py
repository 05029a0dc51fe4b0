"""What ``%sso_doctor`` finds in the AWS files and the variables that AWS tools read differently than meant."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Literal

from sso_magic.common.environment import own_environ
from sso_magic.config.files import PROFILE_VARIABLES, active_profile, file_paths, load_shared_config
from sso_magic.config.grammar import FLAGS, LINES, kind_and_name, parse
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sso_magic.config.grammar import Section

    Found = tuple[Literal["ok", "note", "problem"], str, str]
    """Level, what was found, what to do about it."""

_MARK = b"\xef\xbb\xbf"


def config_findings() -> Iterator[Found]:
    """Yield what is odd in the AWS files and in the variables beside them; reads files, never the network."""
    environ = own_environ()
    for path, is_config in zip(file_paths(environ), (True, False), strict=True):
        yield from _file(path, is_config=is_config)
    yield from _variables(environ)
    yield from _profiles(environ)


def _file(path: Path, *, is_config: bool) -> Iterator[Found]:
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:  # found elsewhere
        return
    if content.startswith(_MARK):
        yield (
            "problem",
            f"{path} begins with a byte order mark, so that boto3 and the AWS CLI refuse it.",
            "Save it as UTF-8 without a byte order mark (BOM).",
        )
    sections = parse(LINES.findall(content.decode("utf-8-sig", "replace"))).sections
    if is_config:
        yield from _twice(path, sections)
        yield from _nameless(path, sections)
    for section in sections:
        for key, option in section.options.items():
            if option.value != option.uncommented and (not is_config or section.name):
                yield (
                    "note",
                    f"{path}, line {option.lines[0] + 1}: boto3 and the AWS CLI take the comment for a part of {key}.",
                    "Write the comment on a line of its own.",
                )


def _twice(path: Path, sections: list[Section]) -> Iterator[Found]:
    """Find names that two headers spell differently; botocore takes the later section."""
    seen: dict[tuple[str, str | None], Section] = {}
    for section in sections:
        kind, name = named = kind_and_name(section.header)
        if name is None:
            continue
        first = seen.setdefault(named, section)
        if first is not section:
            where = f"[{first.header}] in line {first.line + 1} and [{section.header}] in line {section.line + 1}"
            yield (
                "note",
                f"{path} has the {kind} {name} twice: {where}. Only the later one counts.",
                "Keep one of them.",
            )


def _nameless(path: Path, sections: list[Section]) -> Iterator[Found]:
    """Find headers that give no name, because of a quote or of spaces; botocore ignores their sections."""
    for section in sections:
        kind, name = kind_and_name(section.header)
        if kind in ("profile", "sso-session", "services") and name is None:
            yield (
                "note",
                f"{path}, line {section.line + 1}: [{section.header}] names nothing: every AWS tool ignores it.",
                f'Quote the name: [{kind} "NAME"].',
            )


def _variables(environ: Mapping[str, str]) -> Iterator[Found]:
    for flag in FLAGS:
        yield from _flag(f"AWS_{flag.upper()}", environ.get(f"AWS_{flag.upper()}"))
    named_by = next((name for name in PROFILE_VARIABLES if name in environ), None)
    if named_by and not environ[named_by]:
        yield (
            "problem",
            f"{named_by} is set and empty: boto3 looks for a profile without a name, and fails.",
            "Unset it.",
        )
    first, second = (environ.get(name) for name in PROFILE_VARIABLES)
    if first and second and first != second:
        both = f"{PROFILE_VARIABLES[0]} is {first} and {PROFILE_VARIABLES[1]} is {second}"
        yield "note", f"{both}: boto3 uses the former, the AWS CLI the latter.", "Set one of them."


def _profiles(environ: Mapping[str, str]) -> Iterator[Found]:
    try:
        config = load_shared_config(environ)
    except ConfigError:  # found elsewhere
        return
    name, _ = active_profile(environ)
    for flag in FLAGS:
        yield from _flag(f"{flag} of profile {name}", config.profiles.get(name, {}).get(flag))
    by_login = sorted(name for name, keys in config.profiles.items() if "login_session" in keys)
    if by_login:
        has_crt = importlib.util.find_spec("awscrt") is not None
        yield (
            "note",
            f"{', '.join(by_login)}: signed in by `aws login` (login_session), not by IAM Identity Center.",
            "boto3 can use such a profile; %sso_use cannot."
            if has_crt
            else 'boto3 needs the CRT for such a profile: pip install "botocore[crt]". %sso_use cannot use it.',
        )


def _flag(name: str, value: object) -> Iterator[Found]:
    if isinstance(value, str) and value and value.lower() not in ("true", "false"):
        yield "note", f"{name} is {value}, which boto3 and the AWS CLI read as false.", "Set it to true or false."
