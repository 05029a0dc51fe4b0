r"""The words of a magic's line: how it is split, and how a name is written so that it is one word of it.

shlex splits the words, without its posix rules, as IPython's own ``arg_split`` does: a quote quotes only where a word
begins and a backslash is a backslash, so that ``O'Brien`` and ``CORP\admin`` are names. Three rules are added, because
shlex has no setting for them: a comment begins only where a word begins, the value of ``--option=`` may be quoted, and
a ``;`` at the end of the line is no part of it.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

# What `str.isspace` finds, written out because a search takes a millisecond at %load_ext; and spaces without width and
# a byte order mark, which come with text that is pasted from chats and web pages.
_SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
)
_QUOTES = "'\""
CURLY_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"  # what word processors and chats make of a hyphen
_OPTION = r"--[A-Za-z][\w-]*=(?=[\"'])"  # compiled by `re` when first needed: %load_ext does without it


class Word(NamedTuple):
    """One word of a line.

    Attributes:
        text: Its text, without quotes.
        raw: As it is typed.
        is_closed: False if it begins with a quote that does not end.
    """

    text: str
    raw: str
    is_closed: bool = True

    @property
    def is_option(self) -> bool:
        """True if it is typed as an option: it begins with a hyphen and is more than that."""
        return self.raw.startswith("-") and len(self.raw) > 1


class Line(NamedTuple):
    """A line, split.

    Attributes:
        words: Its words, in order, without the comment.
        is_silenced: True if a ``;`` ends the line, by which IPython shows no value.
        ends_inside: True if the line ends in a word, in a quote or in a comment, rather than after a space.
        is_comment: True if a comment ends the line.
    """

    words: list[Word]
    is_silenced: bool = False
    ends_inside: bool = False
    is_comment: bool = False


def split(line: str) -> Line:
    """Split a line into words; never raises, a quote that does not end is marked in its word."""
    words: list[Word] = []
    rest, is_comment = line, False
    while rest := rest.lstrip(_SPACES):
        if rest.startswith("#"):
            is_comment = True
            break
        word, rest = _first(rest)
        words.append(word)
    ends_inside = is_comment or (bool(words) and not (words[-1].is_closed and line[-1] in _SPACES))
    is_silenced = bool(words) and words[-1].is_closed and words[-1].raw.endswith(";")
    if is_silenced:
        last = words.pop().raw.rstrip(";")
        words += [Word(last, last)] if last else []
    return Line(words, is_silenced=is_silenced, ends_inside=ends_inside, is_comment=is_comment)


def _first(text: str) -> tuple[Word, str]:
    """The first word of a text that begins with one, and the rest of the text."""
    option = re.match(_OPTION, text)
    name, value = (option[0], text[option.end() :]) if option else ("", text)
    lexer = shlex.shlex(value, posix=False)
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = _SPACES, "", True
    try:
        raw = lexer.get_token() or ""
    except ValueError:  # no closing quotation
        return Word(name + value[1:], text, is_closed=False), ""
    quoted = len(raw) > 1 and raw[0] in _QUOTES and raw[-1] == raw[0]
    return Word(name + (raw[1:-1] if quoted else raw), name + raw), value[len(raw) :]


def quote(text: str) -> str | None:
    """Return the text as one word of a line; None if no quotes make it one."""
    bare = () if text[:1] in (*CURLY_QUOTES, *DASHES) else (text,)
    written: str
    for written in (*bare, f'"{text}"', f"'{text}'"):
        read = split(written)
        if [word.text for word in read.words] == [text] and not read.is_silenced and not read.words[0].is_option:
            return written
    return None
