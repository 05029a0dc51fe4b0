"""The options and arguments that several magics have."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import TYPE_CHECKING, Any

from IPython.core import magic_arguments

if TYPE_CHECKING:
    from collections.abc import Callable


argument: Callable[..., Any] = magic_arguments.argument


def region(text: str) -> str:
    """Read the value of an option that takes a region; see `sso_magic.common.regions.region_name`."""
    from sso_magic.common.regions import region_name

    return region_name(text) if text else text  # `parse` refuses an empty value


session_option = argument("-s", "--session", help="the session; by default the one used last")
region_option = argument("--region", type=region, metavar="REGION", help="the region for the work done")
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
    return documented(other(magic))  # type: ignore[no-any-return]
