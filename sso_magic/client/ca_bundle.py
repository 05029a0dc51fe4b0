"""The CA bundle: whether a path is one."""

from __future__ import annotations

import functools
import os
import re
import ssl

from sso_magic.errors import ConfigError

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
_CERTIFICATE = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----")


def check_ca_bundle(path: str, source: str) -> str:
    """Return the path of the CA bundle, with ``~`` expanded.

    Raises:
        ConfigError: The path is blank, nothing is there, or what is there cannot be read or has no certificate. A blank
            path must never mean "do not verify".
    """
    if not path.strip():
        raise ConfigError(f"ca_bundle from {source} is blank; name a file of CA certificates, or take it out.")
    expanded = os.path.expanduser(path)  # noqa: PTH111 - a str is what requests takes
    problem, advice = _problem(expanded, path)
    if problem:
        raise ConfigError(f"ca_bundle from {source}: {problem}{advice}")
    return expanded


def _problem(expanded: str, path: str) -> tuple[str, str]:
    """Return what is wrong with a CA bundle and what to do; two empty texts if nothing is."""
    shown = path if path.isprintable() and path == path.strip() else repr(path)
    if not os.path.exists(expanded):  # noqa: PTH110
        return f"there is nothing at {shown}", _advice_on_a_path(expanded, path)
    if os.path.isdir(expanded):  # noqa: PTH112
        return _problem_of_a_directory(expanded, shown)
    if not os.path.isfile(expanded):  # noqa: PTH113
        return f"{shown} is neither a file nor a directory", ". Name a file of CA certificates."
    return _problem_of_a_file(expanded, shown)


def _problem_of_a_file(expanded: str, shown: str) -> tuple[str, str]:
    try:
        with open(expanded, "rb") as file:  # noqa: PTH123
            content = file.read()
            state = os.fstat(file.fileno())
    except OSError as error:
        return f"{shown} cannot be read ({error.strerror or error})", ". Make it readable."
    if not _CERTIFICATE.search(content):
        return f"{shown} has no certificate in PEM format (-----BEGIN CERTIFICATE-----)", ". Name a file that has."
    if _is_damaged(expanded, state.st_mtime_ns, state.st_size):
        return f"a certificate in {shown} is damaged", ". Replace the file, or name another one."
    return "", ""


def _advice_on_a_path(expanded: str, path: str) -> str:
    """Return how the message about a path ends at which nothing is."""
    bare = path.strip().strip("\"'")
    variables = os.path.expandvars(path)
    if bare != path and os.path.exists(os.path.expanduser(bare)):  # noqa: PTH110, PTH111
        return f"; take out the {'quotes' if bare != path.strip() else 'white space'} around {bare}."
    if variables != path and os.path.exists(variables):  # noqa: PTH110
        return f", because variables in it are not expanded; write {variables}."
    here = "" if os.path.isabs(expanded) else " in the working directory"  # noqa: PTH117
    return f"{here}; name a file of CA certificates."


def _problem_of_a_directory(expanded: str, shown: str) -> tuple[str, str]:
    try:
        names = os.listdir(expanded)  # noqa: PTH208
    except OSError as error:
        return f"the directory {shown} cannot be read ({error.strerror or error})", ". Make it readable."
    if any(_HASHED.fullmatch(name) for name in names):
        return "", ""
    return (
        f"the directory {shown} has no certificate under a name that OpenSSL looks for (HASH.0)",
        f". Run openssl rehash {shown}, or name a file; boto3 and the AWS CLI read files only.",
    )


@functools.lru_cache(maxsize=16)
def _is_damaged(path: str, modified: int, size: int) -> bool:  # noqa: ARG001 - a file that has changed is loaded again
    """Return True if OpenSSL cannot load the file. A bundle of hundreds of certificates takes it 20 ms."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return True
    except OSError:
        return False  # it is gone by now, which the request will report
    return False
