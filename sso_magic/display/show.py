"""Wrapped lines and tables, as text and as HTML. Colors are the front end's own or work on light and dark alike."""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import TYPE_CHECKING

from sso_magic.common.output import TEXT
from sso_magic.common.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def wrapped(text: str, indent: str = "  ") -> str:
    """Return one line of text, wrapped at 80 columns; a command with its first word, and a time, stay in one line."""
    glued = _UNBROKEN.sub(lambda match: match[0].replace(" ", _GLUE), printable(text))
    lines = textwrap.wrap(glued, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_GLUE, " ")


COLUMNS = 80  # of a terminal
_GLUE = "\xa0"  # a space at which textwrap breaks no line
_UNBROKEN = re.compile(r"%sso_\w+ \S+|del os\.|until [^()]*\([^()]*\)")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[str, str]:
    """The rows as text and as an HTML table."""
    lines = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(line[i]) for line in [tuple(columns), *lines]) for i in range(len(columns))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [tuple(columns), *lines]
    )
    cell = "text-align:left;padding:2px 14px 2px 0;vertical-align:top"
    head = "".join(f'<th scope="col" style="{cell};font-weight:600">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{cell}">{escape(value)}</td>' for value in line) + "</tr>" for line in lines
    )
    html = (
        f'<table style="{TEXT};border-collapse:collapse;margin:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    return text, html
