"""The grammar of the AWS configuration files: the union of what botocore and the JavaScript SDK read (protocol 5.2).

    [profile "my prof"]            # a comment after whitespace, here and after a value
    region = eu-west-1             separators are = and :, keys are read in lower case
    s3 =                           an empty value and deeper lines: one level of nested keys
        max_queue_size = 100

A deeper line below a value continues it, and the keys of ``[DEFAULT]`` are every section's, as in botocore. What names
one thing twice is an error, as is a line that is nothing: both tools would each read something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Section = dict[str, "str | dict[str, str]"]

DEFAULTS = "DEFAULT"

# To the bracket that ends the line or has a comment behind it; else, as in botocore, to the last one there is.
_HEADER = re.compile(r"""\[(?P<name>(?:"[^"]*"|'[^']*'|[^"'])+?)](?:\s+[#;].*)?$|\[(?P<untidy>.+)]""")
_SEPARATOR = re.compile(r"\s*[=:]\s*")
_INLINE_COMMENT = re.compile(r"\s+[#;].*$")


class _Reader:
    """Reads one file's lines into sections; holds where it is, so that an error can name file and line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self.sections: list[tuple[int, str, Section]] = []
        self._first_line: dict[tuple[str, ...], int] = {}
        self._section = ""
        self._key: str | None = None
        self._depth = 0
        self._nested: dict[str, str] | None = None
        self._blank_lines = 0  # since the last line with something on it: part of a value that goes on after them

    def read(self, text: str) -> None:
        for self.number, line in enumerate(text.split("\n"), start=1):
            stripped = line.strip()
            if not stripped:
                self._blank_lines += 1
            elif stripped[0] not in "#;":
                self._line(stripped, depth=len(line) - len(line.lstrip()))
                self._blank_lines = 0

    def _line(self, line: str, depth: int) -> None:
        if self._key is not None and depth > self._depth:
            self._deeper(_INLINE_COMMENT.sub("", line))
        elif (header := _HEADER.match(line)) is not None:
            self._open((header["name"] or header["untidy"]).strip())
        else:
            self._assign(_INLINE_COMMENT.sub("", line), depth)

    def _open(self, name: str) -> None:
        if name != DEFAULTS:
            self._refuse_second(name, what=f"[{name}]")
        self._section = name
        self._key = None
        self.sections.append((self.number, name, {}))

    def _assign(self, line: str, depth: int) -> None:
        if not self.sections:
            self._fail("stands before the first [section]")
        key, value = self._split(line)
        self._refuse_second(self._section, key, what=f"{key} of [{self._section}]")
        self._key, self._depth, self._nested = key, depth, None
        self.sections[-1][2][key] = value

    def _deeper(self, line: str) -> None:
        section = self.sections[-1][2]
        key = self._key or ""
        above = section[key]
        if self._nested is None and above:
            line_breaks = "\n" * (1 + self._blank_lines)
            section[key] = f"{above}{line_breaks}{line}"
            return
        if self._nested is None:
            self._nested = {}
            section[key] = self._nested
        name, value = self._split(line)
        self._refuse_second(self._section, key, name, what=f"{key}.{name} of [{self._section}]")
        self._nested[name] = value

    def _split(self, line: str) -> tuple[str, str]:
        separator = _SEPARATOR.search(line)
        if separator is None or separator.start() == 0:
            self._fail("is neither a [section] nor a key = value")
        return line[: separator.start()].lower(), line[separator.end() :]

    def _refuse_second(self, *name: str, what: str) -> None:
        first = self._first_line.setdefault(name, self.number)
        if first != self.number:
            self._fail(f"gives {what} a second time (first in line {first}); keep one of them")

    def _fail(self, problem: str) -> NoReturn:
        raise ConfigError(f"{self.path}, line {self.number}: {problem}.")


def read_sections(path: Path) -> Iterator[tuple[int, str, Section]]:
    """Each section of the file: its line, the text between its brackets, its keys. A missing file has none.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8, or a line of it says nothing or something twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return iter(())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error}); make it a readable file.") from error
    reader = _Reader(path)
    reader.read(text)
    return _with_defaults(reader.sections)


def _with_defaults(sections: list[tuple[int, str, Section]]) -> Iterator[tuple[int, str, Section]]:
    defaults = {key: value for _, name, keys in sections if name == DEFAULTS for key, value in keys.items()}
    return ((line, name, defaults | keys) for line, name, keys in sections if name != DEFAULTS)
