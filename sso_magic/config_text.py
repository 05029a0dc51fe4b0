"""Changing a configuration file as text: what is not changed on purpose stays as it is, byte for byte.

Lines are understood as botocore's parser (Python's `RawConfigParser`) understands them: full-line comments, ``=`` or
``:``, continuation by indentation. Headers are understood as all SDKs do, quotes as a shell does (portal-protocol 5.2).
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HEADER = re.compile(r"\[(?P<header>.+)\]")
_PLAIN = re.compile(r"[\w\-@+.%:/ ]*", re.ASCII)  # a shell does nothing to it but split it
_OPTION = re.compile(r"(?P<option>.*?)\s*[=:]\s*(?P<value>.*)$")


@dataclass(slots=True)
class Option:
    """A key of a section: its value, and the lines it stands on."""

    value: str
    lines: list[int]
    indent: str


@dataclass(slots=True)
class Section:
    """A section: what its header names, its keys, and the lines it stands on.

    Attributes:
        kind: ``profile``, ``sso-session`` or whatever else the header says; ``profile`` for ``[default]``.
        name: What the header names; empty for a header that names nothing.
        line: Where the header stands.
        options: By lower-case key.
        comments: The text of each comment line up to the last key, by line.
        end: The line after its last key, or after the header where it has none.
    """

    kind: str
    name: str
    line: int
    options: dict[str, Option] = field(default_factory=dict)
    comments: dict[int, str] = field(default_factory=dict)
    end: int = 0

    def get(self, key: str) -> str | None:
        """A key's value."""
        option = self.options.get(key)
        return None if option is None else option.value


class ConfigText:
    """A configuration file's text, and the changes to be made in it.

    Args:
        text: The text, its line ends as they are.
    """

    def __init__(self, text: str) -> None:
        self._lines = _LINES.findall(text)
        self._newline = next(
            (end for end in ("\r\n", "\n", "\r") if self._lines and self._lines[0].endswith(end)), "\n"
        )
        self._replaced: dict[int, str] = {}  # by line; empty: the line is removed
        self._inserted: dict[int, list[str]] = defaultdict(list)  # after a line
        self._appended: list[str] = []
        self.sections = _Reader().read(self._lines)

    def find(self, kind: str, name: str) -> Section | None:
        """The section that counts, the last of that name; None if there is none."""
        return next((one for one in reversed(self.sections) if (one.kind, one.name) == (kind, name)), None)

    def set(self, section: Section, key: str, value: str) -> None:
        """Gives a key a value: in its place if it is there, else after the section's last key."""
        option = section.options.get(key)
        if option is not None and option.value == value:
            return
        if option is not None:
            first, *others = option.lines
            self._replaced[first] = f"{option.indent}{key} = {value}{self._newline}"
            self._replaced |= dict.fromkeys(others, "")
            return
        last = max(section.options.values(), key=lambda one: one.lines[-1], default=None)
        indent = last.indent if last else ""
        self._inserted[section.end - 1].append(f"{indent}{key} = {value}{self._newline}")

    def remove(self, section: Section) -> None:
        """Takes a section out, and the blank line that parted it; comments that follow its last key stay."""
        first, end = section.line, section.end
        if first > 0 and not self._lines[first - 1].strip():
            first -= 1
        elif end < len(self._lines) and not self._lines[end].strip():
            end += 1
        self._replaced |= dict.fromkeys(range(first, end), "")

    def append(self, header: str, values: Mapping[str, str], comment: str | None = None) -> None:
        """Adds a section at the end."""
        lines = [f"[{header}]", *([f"# {comment}"] if comment else [])]
        lines += [f"{key} = {value}" for key, value in values.items()]
        self._appended.append("".join(line + self._newline for line in lines))

    def text(self) -> str:
        """The text with the changes made."""
        changed: list[str] = []
        for number, line in enumerate(self._lines):
            changed.append(self._replaced.get(number, line))
            if number in self._inserted:
                if not changed[-1].endswith(("\r", "\n")):
                    changed.append(self._newline)
                changed += self._inserted[number]
        text = "".join(changed)
        return text + self._gap(text) + self._newline.join(self._appended) if self._appended else text

    def _gap(self, text: str) -> str:
        """What has to stand between the text and a section after it: one blank line."""
        if not text:
            return ""
        if not text.endswith(("\r", "\n")):
            return self._newline * 2
        last = _LINES.findall(text[-200:])[-1]
        return self._newline if last.strip() else ""


def header(kind: str, name: str) -> str:
    """What stands between the brackets; quoted where a shell would need it, as the AWS CLI does (portal-protocol 5.2).

    Raises:
        ConfigError: The name cannot stand in a header.
    """
    check_line(name, f"The name of the {kind}")
    if not name.strip():
        raise ConfigError(f"The name of the {kind} is empty; give it one.")
    return f"{kind} {name if _shell_words(name) == [name] else shlex.quote(name)}"


def check_line(text: str, what: str) -> None:
    """Refuses what would be another line of the file.

    Raises:
        ConfigError: There is a line break or another control character in it.
    """
    if any(ord(character) < 0x20 or character in "\x7f\x85\u2028\u2029" for character in text):
        raise ConfigError(f"{what} has a line break or a control character in it; leave it out.")


def check_readable(text: str, path: object) -> None:
    """Makes sure that botocore can read the text: a file that it cannot read is not to be added to.

    Raises:
        ConfigError: It cannot; the message names the line.
    """
    import configparser
    import io

    parser = configparser.RawConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((one for one, _ in getattr(error, "errors", ())), None)
        reason = _reason(error)
        where = f"{path}, line {line}," if line else f"{path}"
        raise ConfigError(f"{where} {reason}: no AWS tool for Python reads the file. Correct it first.") from None


def _reason(error: Exception) -> str:
    reasons = {
        "DuplicateSectionError": f"repeats [{getattr(error, 'section', '')}]",
        "DuplicateOptionError": f"repeats {getattr(error, 'option', '')} in [{getattr(error, 'section', '')}]",
        "MissingSectionHeaderError": "stands before any [section]",
    }
    return reasons.get(type(error).__name__, "cannot be understood")


class _Reader:
    """Tells sections, keys, their continuations and comments apart, a line at a time."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._option: Option | None = None
        self._indent = 0  # of the last header or key: a line further in goes on with the value
        self._comments: dict[int, str] = {}  # since the last key: the section's only if another key follows

    def read(self, lines: Sequence[str]) -> list[Section]:
        """The sections of a file."""
        for number, line in enumerate(lines):
            text = line.strip()
            indent = len(line) - len(line.lstrip())
            if not text:
                continue
            if text[0] in "#;":
                self._on_comment(number, text[1:].strip())
            elif self._option is not None and indent > self._indent:
                self._on_continuation(number, text)
            else:
                self._indent = indent
                self._on_header_or_key(number, text, line[:indent])
        return self.sections

    def _on_comment(self, number: int, text: str) -> None:
        self._comments[number] = text
        section = self.sections[-1] if self.sections else None
        if section is not None and not section.options and section.end == number:
            self._keep_comments(number)

    def _on_continuation(self, number: int, text: str) -> None:
        assert self._option is not None
        self._option.value += f"\n{text}"
        self._option.lines.append(number)
        self.sections[-1].end = number + 1

    def _on_header_or_key(self, number: int, text: str, indent: str) -> None:
        found, key = _HEADER.match(text), _OPTION.match(text)
        if found is not None:
            self.sections.append(_section(found["header"], number))
            self._option, self._comments = None, {}
        elif key is not None and self.sections:
            self._option = Option(key["value"], [number], indent)
            self.sections[-1].options[key["option"].lower()] = self._option
            self._keep_comments(number)

    def _keep_comments(self, number: int) -> None:
        section = self.sections[-1]
        section.comments |= self._comments
        section.end, self._comments = number + 1, {}


def _section(text: str, line: int) -> Section:
    if text == "default":
        return Section("profile", "default", line, end=line + 1)
    words = _shell_words(text)
    kind, name = words if len(words) == 2 else (text, "")
    return Section(kind, name, line, end=line + 1)


def _shell_words(text: str) -> list[str]:
    """The text split as a shell does; none where its quotes do not match."""
    if _PLAIN.fullmatch(text):
        return text.split()
    try:
        return shlex.split(text)
    except ValueError:
        return []
