"""A HOME that is signed in to the local Identity Center: configuration and token cache, as the AWS CLI writes them."""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sso_magic.local.errors import HomeInUse
from sso_magic.local.files import replace

if TYPE_CHECKING:
    from sso_magic.local.state import AccessToken, SignInSession


def write_sign_in(
    home: Path | None,
    *,
    session_name: str,
    start_url: str,
    region: str,
    sections: dict[str, str],
    token: AccessToken,
) -> None:
    """Write the session's section and its profiles, if there is no such section, and the session's token file.

    Args:
        home: The home directory; None: the current one, and its ``AWS_CONFIG_FILE`` if that is set.
        session_name: The ``[sso-session]``.
        start_url: The portal.
        region: The region of the Identity Center.
        sections: The sections to add, each name with its text; one that the file has is left as it is.
        token: An access token and its session.

    Raises:
        HomeInUse: The directory has a session of this name, or a token of it, for another portal.
    """
    config = _config_path(home)
    configured = _configured_start_url(config, session_name)
    if configured not in (None, start_url):
        raise HomeInUse(
            f"{config} has [sso-session {session_name}] for {configured}. Set HOME to an empty directory, "
            "or choose another session_name."
        )
    path = (home or Path.home()) / ".aws" / "sso" / "cache" / f"{_cache_name(session_name)}.json"
    cached = _cached_start_url(path)
    if configured is None and cached not in (None, start_url):
        raise HomeInUse(
            f"{path} has a token for {cached}. Set HOME to an empty directory, or choose another session_name."
        )
    if configured is None:
        config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = config.read_text(encoding="utf-8") if config.exists() else ""
        separator = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        there = _read(config).sections()
        replace(config, text + separator + "\n".join(new for name, new in sections.items() if name not in there))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(path, json.dumps(token_content(token.session, token, start_url, region)))


def _config_path(home: Path | None) -> Path:
    own = os.environ.get("AWS_CONFIG_FILE") if home is None else None
    return Path(own).expanduser() if own else (home or Path.home()) / ".aws" / "config"


def _read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="")
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):
        parser.read(path, encoding="utf-8")
    return parser


def _configured_start_url(path: Path, session_name: str) -> str | None:
    return _read(path).get(f"sso-session {session_name}", "sso_start_url", fallback=None)


def _cached_start_url(path: Path) -> str | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    found = content.get("startUrl") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def _cache_name(session_name: str) -> str:
    return hashlib.sha1(session_name.encode()).hexdigest()  # noqa: S324 - the AWS CLI's name for the file


def token_content(session: SignInSession, token: AccessToken, start_url: str, region: str) -> dict[str, str]:
    """Return what the AWS CLI stores of a token, as JSON in a file of ``~/.aws/sso/cache``."""
    registration = session.registration
    content = {
        "startUrl": start_url,
        "region": region,
        "accessToken": token.value,
        "expiresAt": _utc(token.expires_at),
        "clientId": registration.client_id,
        "clientSecret": registration.client_secret,
        "registrationExpiresAt": _utc(registration.expires_at),
    }
    return content | ({"refreshToken": session.refresh_token} if session.refreshable else {})


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
