"""The options and arguments that several magics have."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def argument(*names: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add an argument to a magic, as IPython's decorator ``magic_arguments.argument`` does.

    Args:
        names: As in `argparse.ArgumentParser.add_argument`.
        options: The same.
    """

    def decorate(magic: Callable[..., Any]) -> Callable[..., Any]:
        # Kept for `LazyParser`: importing IPython.core.magic_arguments would take a tenth of %load_ext.
        vars(magic).setdefault("given_arguments", []).append((names, options))
        return magic

    return decorate


class LazyParser:
    """A magic's argparse parser, made when it is first used: fourteen of them would be a third of %load_ext."""

    def __init__(self, magic: Callable[..., Any]) -> None:
        # IPython puts the help in the place of the docstring, from which a second thread must not make a parser again.
        magic.argcmd_kwds = {"description": magic.__doc__}  # type: ignore[attr-defined]
        self._magic = magic
        self._parser: argparse.ArgumentParser | None = None

    def __getattr__(self, name: str) -> Any:
        if self._parser is None:
            from IPython.core import magic_arguments

            given: list[tuple[Any, Any]] = vars(self._magic).get("given_arguments", [])
            # IPython makes the parser of `decorators`.
            self._magic.decorators = [  # type: ignore[attr-defined]
                magic_arguments.argument(*names, **options)  # type: ignore[no-untyped-call]
                for names, options in given
            ]
            self._parser = magic_arguments.construct_parser(self._magic)  # type: ignore[no-untyped-call]
        return getattr(self._parser, name)


def with_arguments(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Give a magic its `argument` decorators' parser, as IPython's ``magic_arguments`` does, when it is first used.

    ``%magic?`` shows the parser's help: IPython asks an object's ``getdoc`` first.
    """
    magic.parser = parser = LazyParser(magic)  # type: ignore[attr-defined]
    magic.getdoc = lambda: parser.format_help()  # type: ignore[attr-defined]  # noqa: PLW0108 - made when first asked
    return magic


def region(text: str) -> str:
    """Read the value of an option that takes a region; see `sso_magic.common.regions.region_name`."""
    from sso_magic.common.regions import region_name

    return region_name(text) if text else text  # `parse` refuses an empty value


session_option = argument("-s", "--session", help="the session; by default the one used last")
region_option = argument("--region", type=region, metavar="REGION", help="the region for the work done")
serve_option = argument(
    "--serve", action="store_true", help="give child processes an endpoint to renew from, instead of keys"
)
role_argument = argument("role", nargs="?", metavar="ROLE", help="the role; optional if the account has only one role")


def sso_region_option(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--sso-region``, and ``--region`` as another spelling of it."""
    other = argument("--region", type=region, dest="sso_region", metavar="REGION", help=SUPPRESS)
    documented = argument(
        "--sso-region",
        type=region,
        metavar="REGION",
        help="the region of the Identity Center, for a start URL that is in no file",
    )
    return documented(other(magic))


def use_options(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that only ``%sso_use`` has, and ``--serve``."""
    options = [
        serve_option,
        argument("--dask", action="store_true", help="on every worker of the current Dask client as well"),
        argument("--off", action="store_true", help="release the role and restore the environment"),
        argument("--pin", action="store_true", help="keep the role in the notebook's metadata, for --pinned"),
        argument("--pinned", action="store_true", help="use the role that the notebook is pinned to"),
    ]
    for option in reversed(options):
        magic = option(magic)
    return magic
