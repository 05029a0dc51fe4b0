"""The AWS variables of the environment: which of them this package sets, removes while a role is in use, and restores.

The environment is the one place that boto3, s3fs, polars, DuckDB and every child process read. It is changed by one
update of `os.environ`, so that who reads the variables one after the other has the least time to see a mixture: that
window cannot be closed from here, it is 5 microseconds wide on an ordinary machine.

A switch from keys to keys removes no variable. Where some are removed, at a release or between keys and the endpoint,
another thread that walks through `os.environ` at that moment, as urllib does to look for proxies, gets a KeyError: that
is Python's own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sso_magic.common.c_environment import make_room
from sso_magic.common.secret import Unshown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
KEY_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
)
# Each of these would win over the keys in one library or another (PROTOCOL.md 7.3, 8.1, 8.2).
COMPETING_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
# Keys are asked for first and an endpoint last but one, so that these win over an endpoint alone (PROTOCOL.md 8.1):
# the role of a pod on EKS, keys of the first EC2 tools, boto 2's file; and the files whose default profile may name
# keys or a role.
ENDPOINT_COMPETING_VARIABLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CREDENTIAL_FILE",
)
FILE_VARIABLES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CPL_AWS_CREDENTIALS_FILE", "BOTO_CONFIG")
OWNED = (*KEY_VARIABLES, *REGION_VARIABLES, *COMPETING_VARIABLES, *ENDPOINT_COMPETING_VARIABLES, *FILE_VARIABLES)


def snapshot(names: Iterable[str] = OWNED) -> Unshown:
    """What these variables are now; None where one is not set."""
    return Unshown((name, os.environ.get(name)) for name in names)


def write(values: Mapping[str, str | None]) -> None:
    """Sets these variables; removes those that are None."""
    try:
        _write(values)
    except BaseException as interruption:  # noqa: BLE001 - Ctrl-C above all; it goes on
        raise interruption.with_traceback(None)  # noqa: B904 - the same one; the frames below hold single values


def _write(values: Mapping[str, str | None]) -> None:
    new = {name: value for name, value in values.items() if value is not None}
    make_room(new)
    os.environ.update(new)
    for name, value in values.items():
        if value is None:
            os.unsetenv(name)  # also where an interrupt left room that no value was put in
            os.environ.pop(name, None)


class OwnEnvironment(Unshown):
    """The process's environment as it is without a role in use, at one moment."""


_without_role: Callable[[Collection[str] | None], Mapping[str, str]] | None = None


def set_own(read: Callable[[Collection[str] | None], Mapping[str, str]]) -> None:
    """Set how the environment is read as it is without a role; the kernel's role calls this once."""
    global _without_role  # noqa: PLW0603 - a process has one environment
    _without_role = read


def own_environ(names: Collection[str] | None = None) -> Mapping[str, str]:
    """Return the process's environment as it is without a role in use; `os.environ` if no role has been used.

    The package's own clients are configured from it. A renewal then asks the same host, with the same CA bundle, as the
    first call did.

    Args:
        names: The variables that are needed; by default all.
    """
    return os.environ if _without_role is None else _without_role(names)


def is_own(environ: Mapping[str, str]) -> bool:
    """Return True if this is the process's own environment and not one that a caller made up."""
    return environ is os.environ or isinstance(environ, OwnEnvironment)
