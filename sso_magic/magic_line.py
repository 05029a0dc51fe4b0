"""A magic's line, read: split as a shell would, by the magic's own argparse parser.

That parser is also where ``%magic?`` and completion take the options from.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError

from sso_magic.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def parse(magic: Callable[..., Any], line: str) -> argparse.Namespace:
    """The line's arguments by the magic's parser, split as a shell would.

    Raises:
        UsageError: The line cannot be read; says how it goes.
    """
    parser: argparse.ArgumentParser = magic.parser  # type: ignore[attr-defined]
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        raise UsageError('A quote is not closed. Quote names with spaces: "Team Sandbox".') from None
    if "-h" in words or "--help" in words:
        raise UsageError(f"{_usage(parser)}. %{magic.__name__}? tells more.")
    try:
        return parser.parse_intermixed_args(words)
    except IPythonUsageError as error:
        raise UsageError(f"{error}. {_usage(parser)}. %{magic.__name__}? tells more.") from None


def _usage(parser: argparse.ArgumentParser) -> str:
    """How the line goes, in one line; IPython's parser formats it for a page of help."""
    return " ".join(parser.format_usage().replace("::", "").split())
