"""The grammar of ``~/.aws/config`` and ``~/.aws/credentials``, for reading, editing and copying them alike.

Lines mean what they mean to botocore, which reads both files with Python's `configparser.RawConfigParser`:

    [profile "my prof"]            a header is read to the last bracket of its line
    region = eu-west-1             separators are = and :, keys are read in lower case
    s3 =                           an empty value and deeper lines: nested keys, see `nested`
        max_queue_size = 100
    # comment                      a comment takes the whole line; after a value it is part of the value

A deeper line below a key continues its value, whatever it looks like. The keys of ``[DEFAULT]`` are every section's.
Lines end with LF, CR LF or CR, and with nothing else that Python takes for a line end.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Keys = dict[str, "str | dict[str, str]"]

DEFAULTS = "DEFAULT"
LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

_HEADER = re.compile(r"\[(?P<header>.+)\]")
_OPTION = re.compile(r"(?P<key>.*?)\s*[=:](?P<value>.*)$")
_INLINE_COMMENT = re.compile(r"[^\S\n]+[#;].*$", re.MULTILINE)
_PLAIN = re.compile(r"[\w\-@+.%:/ ]*", re.ASCII)  # a shell does nothing to it but split it
_MOST_KNOWN = 16  # files
_known: dict[Path, tuple[bytes, list[tuple[int, str, Keys]]]] = {}  # by path, with the digest of what was read
_KINDS = ("profile", "sso-session", "services")
FLAGS = ("use_fips_endpoint", "use_dualstack_endpoint", "ignore_configured_endpoint_urls")
"""Keys that are true or false: with a comment behind it, "true" is false to botocore, so that it is false here too."""


@dataclass(slots=True)
class Option:
    """A key of a section.

    Attributes:
        key: As it is written.
        value: As `configparser` reads it.
        lines: The numbers of its lines, from 0.
        indent: What stands before the key.
        uncommented: The value without comments behind white space, as the other SDKs read it.
    """

    key: str
    value: str
    lines: list[int]
    indent: str
    uncommented: str = ""


@dataclass(slots=True)
class Section:
    """A section of a file.

    Attributes:
        header: The text between its brackets.
        line: The number of its header's line, from 0.
        options: By lower-case key.
        comments: The text of each comment line up to the last key, by line number.
        end: The number of the line after its last key, or after the header if it has none.
    """

    header: str
    line: int
    options: dict[str, Option] = field(default_factory=dict)
    comments: dict[int, str] = field(default_factory=dict)
    end: int = 0

    @property
    def kind(self) -> str:
        """``profile``, ``sso-session`` or ``services``, as botocore understands the header; else the header."""
        return kind_and_name(self.header)[0]

    @property
    def name(self) -> str:
        """The name in the header; empty if botocore finds none in it."""
        return kind_and_name(self.header)[1] or ""

    def get(self, key: str) -> str | None:
        """Return the value of a key, or None."""
        option = self.options.get(key)
        return None if option is None else option.value


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that botocore refuses, and the file with it.

    Attributes:
        line: The line's number, from 0.
        reason: What is wrong with it, to be read after the line's number.
    """

    line: int
    reason: str


@dataclass(slots=True)
class Parsed:
    """The sections of a file, in order, and what botocore would refuse in it."""

    sections: list[Section]
    faults: list[Fault]


def parse(lines: Sequence[str]) -> Parsed:
    """Parse the lines of a file as `configparser.RawConfigParser` does; lines in error are in `Parsed.faults`."""
    parser = _Parser()
    for number, line in enumerate(lines):
        parser.read(number, line)
    parser.finish()
    return Parsed(parser.sections, parser.faults)


class _Parser:
    """Tells sections, keys, their continuations and comments apart, a line at a time."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.faults: list[Fault] = []
        self._seen: dict[tuple[str, ...], int] = {}
        self._option: Option | None = None
        self._values: list[str] = []  # of the option, by line
        self._raw_values: list[str] = []  # the same with the white space before it
        self._indent = 0  # of the last header or key: a line further in continues the value
        self._comments: dict[int, str] = {}  # since the last key: the section's only if another key follows

    def read(self, number: int, line: str) -> None:
        text = line.strip()
        if not text:
            self._values.append("")
            self._raw_values.append("")
        elif text[0] in "#;":
            self._on_comment(number, text[1:].strip())
        else:
            depth = len(line) - len(line.lstrip())
            if self._option is not None and depth > self._indent:
                self._values.append(text)
                self._raw_values.append(text)
                self._option.lines.append(number)
                self.sections[-1].end = number + 1
            else:
                self._indent = depth
                self._on_header_or_key(number, text, line[:depth])

    def finish(self) -> None:
        if self._option is not None:
            self._option.value = self._option.uncommented = value = "\n".join(self._values).rstrip()
            if "#" in value or ";" in value:
                without = _INLINE_COMMENT.sub("", "\n".join(self._raw_values))
                self._option.uncommented = "\n".join(part.strip() for part in without.split("\n")).rstrip()
        self._option = None

    def _on_comment(self, number: int, text: str) -> None:
        self._comments[number] = text
        section = self.sections[-1] if self.sections else None
        if section is not None and not section.options and section.end == number:
            self._keep_comments(number)

    def _on_header_or_key(self, number: int, text: str, indent: str) -> None:
        header = _HEADER.match(text)
        key = None if header else _OPTION.match(text)
        if header is not None:
            self.finish()
            self._open(number, header["header"])
        elif not self.sections:
            self.faults.append(Fault(number, "is before the first [section]"))
        elif key is None or not key["key"]:
            self.faults.append(Fault(number, "is neither a [section] nor a key = value"))
        else:
            self.finish()
            self._assign(number, key["key"], key["value"], indent)

    def _open(self, number: int, header: str) -> None:
        if header != DEFAULTS:
            self._refuse_second(number, header, what=f"[{header}]")
        self.sections.append(Section(header, number, end=number + 1))
        self._comments = {}

    def _assign(self, number: int, key: str, value: str, indent: str) -> None:
        section = self.sections[-1]
        self._refuse_second(number, section.header, key.lower(), what=f"{key.lower()} of [{section.header}]")
        self._option = Option(key, "", [number], indent)
        self._values, self._raw_values = [value.strip()], [value]
        section.options[key.lower()] = self._option
        self._keep_comments(number)

    def _refuse_second(self, number: int, *name: str, what: str) -> None:
        first = self._seen.setdefault(name, number)
        if first != number:
            self.faults.append(
                Fault(number, f"gives {what} a second time (first in line {first + 1}); keep one of them")
            )

    def _keep_comments(self, number: int) -> None:
        section = self.sections[-1]
        section.comments |= self._comments
        section.end, self._comments = number + 1, {}


def nested(value: str) -> dict[str, str] | None:
    """Return the nested keys of a value that begins with a line break, or None for any other value.

    Raises:
        ValueError: A line has no ``=`` in it, so that botocore refuses the file.
    """
    if not value.startswith("\n"):
        return None
    lines = [line.strip() for line in value.splitlines()]
    pairs = [line.split("=", 1) for line in lines if line]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(value)
    return {key.strip(): text.strip() for key, text in pairs}


def kind_and_name(header: str) -> tuple[str, str | None]:
    """Return what a header of the configuration file names, as botocore understands it (PROTOCOL.md 5.2).

    ``[default]`` is a profile. For a header of another kind, or one without exactly one name, the name is None.
    """
    if header == "default":
        return "profile", "default"
    kind = next((kind for kind in _KINDS if header.startswith(kind)), header)
    words = shell_words(header)
    return kind, words[1] if kind in _KINDS and len(words) == 2 else None


def shell_words(text: str) -> list[str]:
    """Split the text as a shell does; return no words if its quotes do not match."""
    if _PLAIN.fullmatch(text):
        return text.split()
    try:
        return shlex.split(text)
    except ValueError:
        return []


def read_sections(path: Path) -> Iterator[tuple[int, str, Keys]]:
    """Yield each section of a file: the number of its line, the text between its brackets, its keys.

    Values are without the comments behind them, which SDKs other than botocore allow; those of `FLAGS` are with them. A
    missing file has no sections.
    A file is read each time, and parsed when its content is not that of the last time: to parse the 600 profiles that
    `%sso_profiles --write` may write takes 14 ms, which each switch would pay.

    Raises:
        ConfigError: The file cannot be read, is not UTF-8, or has a line that botocore refuses; the message names it.
    """
    try:
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        known = _known.get(path)
        if known is not None and known[0] == digest:
            return _copied(known[1])
        text = content.decode().removeprefix("\ufeff")  # "utf-8-sig" is written in Python: see `common.cache`
    except (FileNotFoundError, NotADirectoryError):  # the latter where HOME is a file, such as /dev/null
        return iter(())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error}); make it a readable file.") from error
    parsed = parse(LINES.findall(text))
    if parsed.faults:
        fault = parsed.faults[0]
        raise ConfigError(f"{path}, line {fault.line + 1}: {fault.reason}.")
    sections = list(_with_defaults(path, parsed.sections))
    if any(key.startswith("aws_") for _, _, keys in sections for key in keys):
        _known.pop(path, None)  # a file's access keys are not kept
    else:
        if len(_known) >= _MOST_KNOWN:
            _known.pop(list(_known)[0], None)  # noqa: RUF015 - another thread may add to it: no iterator
        _known[path] = digest, sections
    return _copied(sections)


def _copied(sections: Sequence[tuple[int, str, Keys]]) -> Iterator[tuple[int, str, Keys]]:
    for line, header, keys in sections:
        yield line, header, {key: value if isinstance(value, str) else dict(value) for key, value in keys.items()}


def _with_defaults(path: Path, sections: Sequence[Section]) -> Iterator[tuple[int, str, Keys]]:
    defaults: Keys = {}
    for section in sections:
        if section.header == DEFAULTS:
            defaults |= _keys(path, section.options)
    found = [(one.line + 1, one.header, _keys(path, one.options)) for one in sections if one.header != DEFAULTS]
    return ((line, header, defaults | keys) for line, header, keys in found)


def _keys(path: Path, options: Mapping[str, Option]) -> Keys:
    return {key: _value(path, key, option) for key, option in options.items()}


def _value(path: Path, key: str, option: Option) -> str | dict[str, str]:
    value = option.value if key in FLAGS else option.uncommented
    try:
        inner = nested(value)
    except ValueError:
        raise ConfigError(
            f"{path}, line {option.lines[0] + 1}: {key} has a line below it that is not a nested key = value."
        ) from None
    return value if inner is None else inner
