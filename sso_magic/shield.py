"""Keeps child processes from the default profile's credentials while the credential endpoint is what they are to use.

SDKs ask the files' default profile before the endpoint (portal-protocol 6), so a default profile with keys, a role or
an SSO account would quietly win, and a child process would speak for another account. There is no variable that says
"no profile". So where the default profile can give credentials, the file's variable is pointed at a copy without those
lines. Everything else is in the copy: other profiles, sessions, regions, endpoints.

Weighed against it: a file without any profile loses regions and endpoints; AWS_PROFILE with a profile that gives no
credentials makes the JS SDK skip the environment, and shows up as a profile in every tool.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sso_magic import cache

if TYPE_CHECKING:
    from collections.abc import Mapping

_GIVES_CREDENTIALS = {
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_account_id",
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "login_session",
}
_BOTO_FILES = ("/etc/boto.cfg", "~/.boto")  # of boto 2; botocore still takes keys from them


def shield(before: Mapping[str, str | None], directory: Path) -> dict[str, str | None]:
    """The file variables to set, with the copies they need in `directory`; none where no file is in the way.

    Args:
        before: The environment without a role in use.
        directory: Where copies may be put, readable by this user only.
    """
    variables: dict[str, str | None] = {}
    for variable, default in (
        ("AWS_CONFIG_FILE", cache.home() / ".aws" / "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", cache.home() / ".aws" / "credentials"),
        ("CPL_AWS_CREDENTIALS_FILE", cache.home() / ".aws" / "credentials"),  # GDAL ignores the variable above
    ):
        given = before.get(variable)
        path = Path(os.path.expandvars(given)).expanduser() if given else default
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        shielded = without_default_credentials(text)
        if shielded != text:
            copy = directory / variable.lower()
            cache.write_text(copy, shielded)
            variables[variable] = str(copy)
    given = before.get("BOTO_CONFIG")
    if any(Path(file).expanduser().exists() for file in ([given] if given else _BOTO_FILES)):
        empty = directory / "boto_config"
        cache.write_text(empty, "")
        variables["BOTO_CONFIG"] = str(empty)
    return variables


def without_default_credentials(text: str) -> str:
    """The file without the lines by which its default profile gives credentials."""
    kept = []
    in_default = skipping = False
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if stripped.startswith("["):
            in_default, skipping = _is_default(stripped), False
        elif in_default and stripped and not line[0].isspace():
            name = stripped.replace(":", "=", 1).partition("=")[0].strip().lower()
            skipping = name in _GIVES_CREDENTIALS or name.startswith("sso_")
        if not skipping:  # an indented line goes the way of the setting above it
            kept.append(line)
    return "".join(kept)


def _is_default(header: str) -> bool:
    inside = header[1:].partition("]")[0]
    try:
        words = shlex.split(inside)
    except ValueError:
        return False
    return words in (["default"], ["profile", "default"])
