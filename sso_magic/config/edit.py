"""Changing a configuration file as text: what is not changed on purpose stays as it is, byte for byte.

Lines mean what they mean to botocore; the grammar is `sso_magic.config.grammar`.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import TYPE_CHECKING

from sso_magic.config.grammar import LINES, Section, parse, shell_words
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ConfigText", "Section", "check_line", "check_readable", "header"]


class ConfigText:
    """A configuration file's text, and the changes to be made in it.

    Args:
        text: The text, its line ends as they are.
    """

    def __init__(self, text: str) -> None:
        self._lines = LINES.findall(text)
        self._newline = next(
            (end for end in ("\r\n", "\n", "\r") if self._lines and self._lines[0].endswith(end)), "\n"
        )
        self._replaced: dict[int, str] = {}  # by line; empty: the line is removed
        self._inserted: dict[int, list[str]] = defaultdict(list)  # after a line
        self._appended: list[str] = []
        self.sections = parse(self._lines).sections

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

    def unset(self, section: Section, key: str) -> None:
        """Remove a key of a section."""
        self._replaced |= dict.fromkeys(section.options[key].lines, "")

    def lines_of(self, section: Section, keys: Iterable[str]) -> list[str]:
        """Return the lines of these keys of a section as they are written, each with a line end."""
        options = [section.options[key] for key in keys]
        lines = [line for one in options for line in self._lines[one.lines[0] : one.lines[-1] + 1]]
        return [line if line.endswith(("\r", "\n")) else line + self._newline for line in lines]

    def append_lines(self, header: str, lines: Iterable[str]) -> None:
        """Add a section of these lines at the end."""
        self._appended.append("".join([f"[{header}]{self._newline}", *lines]))

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
        last = LINES.findall(text[-200:])[-1]
        return self._newline if last.strip() else ""


def header(kind: str, name: str) -> str:
    """What stands between the brackets; quoted where a shell would need it, as the AWS CLI does (PROTOCOL.md 5.2).

    Raises:
        ConfigError: The name cannot stand in a header.
    """
    check_line(name, f"The name of the {kind}")
    if not name.strip():
        raise ConfigError(f"The name of the {kind} is empty; give it one.")
    return f"{kind} {name if shell_words(name) == [name] else shlex.quote(name)}"


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

    if text.startswith(("\ufeff", "\udcef\udcbb\udcbf", "\udcff\udcfe", "\udcfe\udcff")):
        raise ConfigError(
            f"{path} begins with a byte order mark (BOM): no AWS tool for Python reads the file. Save it as UTF-8 "
            "without a byte order mark."
        )
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
        "MissingSectionHeaderError": "is before the first [section]",
    }
    return reasons.get(type(error).__name__, "cannot be understood")
