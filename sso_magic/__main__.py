"""The command ``sso-magic``, also ``python -m sso_magic``.

Each command is a module with ``add_command(commands)``, which adds a parser whose default ``run`` is a function from
the parsed arguments to the exit status. Its heavy imports belong inside that function.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from sso_magic import demo
from sso_magic.common.hints import use_style
from sso_magic.errors import SSOMagicError
from sso_magic.local import cli as local
from sso_magic.local.errors import LocalError
from sso_magic.magics import cli as signin_cli

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (signin_cli, demo, local)


def parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    top = argparse.ArgumentParser(
        prog="sso-magic", description="AWS credentials from IAM Identity Center without leaving the notebook."
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_command(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; an error is one line on stderr and exit status 1, and so is, without a line, a closed stdout."""
    parsed = parser().parse_args(arguments)
    use_style("command")
    try:
        status: int = parsed.run(parsed)
    except (LocalError, SSOMagicError) as error:
        print(f"sso-magic: {error}", file=sys.stderr)  # noqa: T201 - a command prints
        return 1
    except BrokenPipeError:  # what reads the output has ended, as `head` does after ten lines
        # The interpreter flushes stdout at its end, and would print the error then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
