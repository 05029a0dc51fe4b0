"""Copies of the AWS files in which the default profile gives no credentials, for a role that is in use.

Two readers need them. SDKs ask the default profile before the credential endpoint (PROTOCOL.md 8.1), so that keys, a
role or an SSO account in it would win over the endpoint; no variable says "no profile". And AWS_PROFILE is taken out
of the environment while a role is in use, because the JavaScript SDKs prefer it to keys: the copy's ``[default]`` then
has that profile's settings, so that its region, endpoints, CA bundle and retries stay in force.

A copy is the original with as few lines changed as possible, so that every tool reads the rest as before. The result is
read back with `configparser`, as botocore reads it, and line by line, as other SDKs do.
"""

from __future__ import annotations

import configparser
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sso_magic.config.edit import ConfigText, check_readable
from sso_magic.config.grammar import DEFAULTS, LINES, kind_and_name, shell_words
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sso_magic.config.grammar import Section

_GIVES_CREDENTIALS = {
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_account_id",
    "role_arn",
    "role_session_name",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "external_id",
    "mfa_serial",
    "duration_seconds",
    "login_session",
}
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # bytes, as the error handler "surrogateescape" decodes them
_DEFAULT = "default"
_MOVED = "sso_magic-default"  # has what [default] had, for the profiles whose source_profile it is


def gives_credentials(key: str) -> bool:
    """Return True if the key of a profile, in lower case, is one by which the profile gives credentials."""
    return key in _GIVES_CREDENTIALS or key.startswith("sso_")


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One of the two AWS files.

    Attributes:
        path: The file, for messages.
        text: Its text; empty for a file that does not exist.
        is_config: True for the configuration file, whose headers say ``profile NAME``.
    """

    path: Path
    text: str = field(repr=False)
    is_config: bool

    def profile_of(self, header: str) -> str | None:
        """Return the profile that a header names, as botocore understands it, or None."""
        if not self.is_config:
            return header
        kind, name = kind_and_name(header)
        return name if kind == "profile" else None


def shielded(files: Sequence[SharedFile], profile: str = _DEFAULT) -> list[str]:
    """Return the texts of the files' copies, in which the default profile gives no credentials.

    Args:
        files: The configuration file and the credentials file.
        profile: The profile whose other settings ``[default]`` has in the copies. If no file has it, ``[default]``
            keeps its own.

    Raises:
        ConfigError: botocore cannot read a file, or no copy of it would be right for all AWS tools.
    """
    files = [SharedFile(one.path, _readable(one.text), one.is_config) for one in files]
    for file in files:
        check_readable(file.text, file.path)
    editors = [ConfigText(file.text) for file in files]
    pairs = list(zip(files, editors, strict=True))
    known = {file.profile_of(section.header) for file, editor in pairs for section in editor.sections}
    if profile not in known:
        profile = _DEFAULT
    moved = any(_is_source(section) for file, editor in pairs for section in _others(file, editor))
    copies = [_edited(file, editor, profile, moved=moved) for file, editor in pairs]
    for file, copy in zip(files, copies, strict=True):
        _verify(file, copy, profile)
    return copies


def _readable(text: str) -> str:
    """Take out what keeps botocore from reading the file and means nothing: a byte order mark, and odd comments."""
    text = text.removeprefix("\ufeff")
    if not _NOT_UTF8.search(text):
        return text
    lines = LINES.findall(text)
    return "".join(_NOT_UTF8.sub("?", line) if line.strip()[:1] in ("#", ";") else line for line in lines)


def _edited(file: SharedFile, editor: ConfigText, profile: str, *, moved: bool) -> str:
    default = _section_of(file, editor, _DEFAULT)
    chosen = _section_of(file, editor, profile)
    if moved:
        for section in _others(file, editor):
            if _is_source(section):
                editor.set(section, "source_profile", _MOVED)
        if default is not None and any(map(gives_credentials, default.options)):
            _append_moved(file, editor, default)
    for section in editor.sections:
        if section.header == DEFAULTS:
            _unset_defaults(file, editor, section)
        elif _is_default(section.header):
            _unset(editor, section)
            if profile != _DEFAULT:
                editor.remove(section)
    if profile != _DEFAULT and chosen is not None:
        kept = [key for key in chosen.options if not gives_credentials(key)]
        editor.append_lines(_DEFAULT, editor.lines_of(chosen, kept))
    return _without_stray_lines(editor.text())


def _append_moved(file: SharedFile, editor: ConfigText, default: Section) -> None:
    """Append what ``[default]`` is as a profile of another name, so that other profiles can still build on it."""
    lines = editor.lines_of(default, [key for key in default.options if key != "source_profile"])
    source = default.get("source_profile")
    if source is not None:
        lines.append(f"source_profile = {_MOVED if source == _DEFAULT else source}\n")
    editor.append_lines(f"profile {_MOVED}" if file.is_config else _MOVED, lines)


def _unset(editor: ConfigText, section: Section) -> None:
    for key in filter(gives_credentials, section.options):
        editor.unset(section, key)


def _unset_defaults(file: SharedFile, editor: ConfigText, defaults: Section) -> None:
    """Take the credentials out of ``[DEFAULT]``, and write them to the other profiles, which have them from there."""
    for key in filter(gives_credentials, defaults.options):
        editor.unset(defaults, key)
        for section in _others(file, editor):
            if key not in section.options:
                editor.set(section, key, defaults.options[key].value)


def _section_of(file: SharedFile, editor: ConfigText, profile: str) -> Section | None:
    """Return the section that counts for a profile: of two, the later one."""
    found = (section for section in reversed(editor.sections) if section.header != DEFAULTS)
    return next((section for section in found if file.profile_of(section.header) == profile), None)


def _others(file: SharedFile, editor: ConfigText) -> list[Section]:
    """Return the sections of the profiles other than the default one."""
    return [section for section in editor.sections if _is_other_profile(file, section.header)]


def _is_other_profile(file: SharedFile, header: str) -> bool:
    return header != DEFAULTS and file.profile_of(header) is not None and not _is_default(header)


def _is_source(section: Section) -> bool:
    return section.get("source_profile") == _DEFAULT


def _is_default(header: str) -> bool:
    """Return True if any AWS tool may take a section of this header for the default profile."""
    return shell_words(header) in ([_DEFAULT], ["profile", _DEFAULT]) or kind_and_name(header) == ("profile", _DEFAULT)


def _stray_lines(lines: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the lines by which a reader that ignores indentation finds the default's credentials."""
    in_default = False
    for number, line in enumerate(lines):
        text = line.strip().strip("\ufeff").strip()
        if text.startswith("["):
            headers = (text[1:].partition("]")[0], text[1:].rpartition("]")[0])
            in_default = any(map(_is_default, headers))
        elif in_default and gives_credentials(text.replace(":", "=", 1).partition("=")[0].strip().lower()):
            yield number


def _without_stray_lines(text: str) -> str:
    lines = LINES.findall(text)
    stray = set(_stray_lines(lines))
    return "".join(line for number, line in enumerate(lines) if number not in stray)


def _verify(file: SharedFile, copy: str, profile: str) -> None:
    """Read the copy as AWS tools do: the default profile has no credentials, and other profiles are unchanged."""
    before, after = _read(file.text), _read(copy)
    wanted = {
        header: {key: _MOVED if (key, value) == ("source_profile", _DEFAULT) else value for key, value in keys.items()}
        for header, keys in before.items()
        if _is_other_profile(file, header)
    }
    is_right = all(after.get(header) in (keys, before[header]) for header, keys in wanted.items())
    if profile != _DEFAULT:
        has = {file.profile_of(header): keys for header, keys in after.items()}
        chosen = {file.profile_of(header): keys for header, keys in before.items()}.get(profile, {})
        is_right &= has.get(_DEFAULT, {}) == {key: value for key, value in chosen.items() if not gives_credentials(key)}
    if not is_right or any(map(_has_default_credentials, _decodings(copy))):
        raise ConfigError(
            f"{file.path} cannot be copied so that all AWS tools find no credentials in its default profile. "
            "Write each section and key on a line of its own, not indented, as `aws configure` does."
        )


def _decodings(text: str) -> Iterator[str]:
    """Yield the text and, if it is not UTF-8, what a reader with an encoding of one byte a character makes of it."""
    yield text
    if _NOT_UTF8.search(text):
        yield text.encode("utf-8", "surrogateescape").decode("latin-1")


def _has_default_credentials(text: str) -> bool:
    try:
        sections = _read(text)
    except configparser.Error:  # botocore refuses the file; other tools may read it
        sections = {}
    keys = [key for header, keys in sections.items() if _is_default(header) for key in keys]
    return any(map(gives_credentials, keys)) or any(True for _ in _stray_lines(LINES.findall(text)))


def _read(text: str) -> Mapping[str, Mapping[str, str]]:
    """Read the text as botocore does."""
    parser = configparser.RawConfigParser()
    parser.read_file(io.StringIO(text, newline=None))
    return {header: dict(parser.items(header)) for header in parser.sections()}
