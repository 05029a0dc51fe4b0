"""Who asks: the header ``user-agent`` (PROTOCOL.md 1.7)."""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sso_magic.client.config import ClientConfig

_NOT_TOKEN = re.compile(r"[^A-Za-z0-9!#$%&'*+\-.^_`|~]")


def user_agent(config: ClientConfig) -> str:
    """The header's value for a client."""
    return _joined(
        config.service_id, config.api_version, config.retry_mode, config.user_agent_app_id, config.custom_user_agent
    )


@lru_cache(maxsize=64)
def _joined(service_id: str, api_version: str, retry_mode: str, app_id: str | None, custom: str | None) -> str:
    service = service_id.lower().replace(" ", "_")
    parts = [
        f"sso-magic/{_token(_version())}",
        "ua/2.1",
        f"os/{_token(sys.platform)}{_release()}",
        f"lang/python#{'.'.join(map(str, sys.version_info[:3]))}",
        f"md/pyimpl#{_token(sys.implementation.name)}",
        f"api/{service}#{api_version}",
        f"cfg/retry-mode#{_token(retry_mode)}",
    ]
    parts += [f"app/{_token(app_id)}"] if app_id else []
    parts += [custom] if custom else []
    return " ".join(parts)


def _token(text: str) -> str:
    return _NOT_TOKEN.sub("-", text)


def _release() -> str:
    return f"#{_token(os.uname().release)}" if hasattr(os, "uname") else ""


def _version() -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version("sso-magic")
    except importlib.metadata.PackageNotFoundError:
        return "0"
