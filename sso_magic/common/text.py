"""Text from elsewhere, as it may be shown: from a portal, a file, an argument of a magic."""

from __future__ import annotations

import sys
import unicodedata
from urllib.parse import urlsplit

_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # emoji and several scripts need them


def printable(text: str) -> str:
    """Return the text with the characters escaped that act on a terminal or hide other text.

    These are control characters (line breaks and the start of an ANSI sequence among them), characters that change the
    direction of writing, other invisible format characters, and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _ESCAPED and character not in _JOINERS
        else character
        for character in text
    )


def printable_lines(text: str) -> str:
    """Return a text of several lines as `printable` makes it, with its line breaks."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def encodable(text: str) -> str:
    """Return the text with the characters escaped that the standard output has no encoding for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except (LookupError, UnicodeError):
        return text.encode("ascii", "backslashreplace").decode("ascii")


def is_linkable(url: str) -> bool:
    """Return True if a URL that a service gave may be a link: https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises where it is no number
    except ValueError:
        return False
    if not host or not url.isprintable() or " " in url or "\\" in url or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Return True if the host of a URL, a name or an address, is this machine."""
    import ipaddress

    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
