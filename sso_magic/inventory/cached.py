"""`CachedInventory`: what the cache of one session holds. Never asks the network."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sso_magic.inventory.part import Part, changes_frame, laid_over
from sso_magic.inventory.store import decode_changes
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    import pandas as pd

    from sso_magic.inventory.rows import Account
    from sso_magic.inventory.snapshot import InventorySnapshot
    from sso_magic.inventory.store import Store


class CachedInventory:
    """The accounts and roles of one session as they are cached.

    Args:
        store: The cache file.
        max_age: Seconds after which what is cached is stale.
    """

    def __init__(self, store: Store, max_age: float) -> None:
        self.max_age = max_age
        self._store = store
        self._drop_shown()

    def _drop_shown(self) -> None:
        self._shown: tuple[tuple[Part | None, ...], InventorySnapshot | None] = ((), None)

    def cached(self) -> InventorySnapshot | None:
        """What the cache holds; None if that is nothing.

        That is the last whole fetch with what was asked singly since; before there is one, what an unfinished one has.
        """
        stored = self._store.load()
        parts = (stored.whole, stored.since, None if stored.whole else stored.unfinished)
        shown = self._shown
        if len(shown[0]) != len(parts) or any(one is not other for one, other in zip(shown[0], parts, strict=True)):
            part = laid_over(laid_over(parts[0], parts[1]), parts[2])
            shown = self._shown = (parts, part.snapshot() if part else None)
        return shown[1]

    def cached_accounts(self) -> tuple[Account, ...] | None:
        """The accounts as they were listed last; None if they never were."""
        stored = self._store.load()
        listed = any(part and part.listed for part in (stored.whole, stored.since, stored.unfinished))
        snapshot = self.cached() if listed else None
        return snapshot.accounts if snapshot else None

    def cached_roles(self, account_id: str) -> tuple[str, ...] | None:
        """The names of an account's roles; None if they are not known."""
        snapshot = self.cached()
        return snapshot.roles.get(account_id) if snapshot else None

    @property
    def is_stale(self) -> bool:
        """Whether the last whole fetch is older than `max_age` seconds, or there is none."""
        whole = self._store.load().whole
        return whole is None or not is_young(whole, self.max_age)

    @property
    def warning(self) -> str | None:
        """Why the cache could not be written; None if it could."""
        return self._store.warning

    def changes(self) -> pd.DataFrame:
        """What the last whole fetch found added and removed since the one before it.

        Returns:
            DataFrame: change (``added`` or ``removed``), account_id, account_name, role_name (strings; account_name
            may be missing, role_name where an account without a role came or went).
        """
        return changes_frame(decode_changes(self._store.load().changes))


def is_young(part: Part, max_age: float) -> bool:
    """Return True if it was asked for within `max_age` seconds."""
    return timedelta(0) <= utc_now() - part.started_at <= timedelta(seconds=max_age)
