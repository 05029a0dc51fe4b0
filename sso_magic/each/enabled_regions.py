"""The cache of the regions that accounts have enabled: one file for each session under ``~/.aws/sso_magic/regions``.

It holds no secret. A sign-out removes it. A file that cannot be read counts as none; if it cannot be
written, the accounts are asked again.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache
from sso_magic.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sso_magic.each.center import Center

MAX_AGE = 24 * 3600  # seconds


def path(center: Center) -> Path:
    """Return the session's file."""
    return cache.own_directory() / "regions" / f"{cache.sha1(_key(center))}.json"


def load(center: Center) -> dict[str, tuple[str, ...]]:
    """Return the enabled regions by account id, of the accounts that were asked in the last day."""
    oldest = time.time() - MAX_AGE
    return {
        account_id: tuple(one["regions"])
        for account_id, one in _accounts(center).items()
        if oldest < one["asked_at"] <= time.time()
    }


def store(center: Center, found: Mapping[str, tuple[str, ...]]) -> None:
    """Add the accounts' regions to the file."""
    now = time.time()
    with contextlib.suppress(CacheError), cache.lock(f"regions {_key(center)}", timeout=5, name="the cached regions"):
        accounts = _accounts(center)
        accounts.update({key: {"regions": list(names), "asked_at": now} for key, names in found.items()})
        cache.write_text(path(center), json.dumps({"accounts": accounts}))


def forget(center: Center) -> None:
    """Remove the file.

    Raises:
        CacheError: It cannot be removed.
    """
    cache.remove(path(center))


def _key(center: Center) -> str:
    return f"{center.session.key} {center.session.portal_url}"


def _accounts(center: Center) -> dict[str, dict[str, Any]]:
    accounts = (cache.read(path(center)) or {}).get("accounts")
    return {
        account_id: one
        for account_id, one in (accounts.items() if isinstance(accounts, dict) else ())
        if isinstance(one, dict)
        and isinstance(one.get("asked_at"), (int, float))
        and isinstance(one.get("regions"), list)
        and all(isinstance(name, str) for name in one["regions"])
    }
