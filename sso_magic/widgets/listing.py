"""The roles of a panel: what the browser has of them, and what is sent to it.

The browser searches. Its messages name the role and the account that were chosen, never a position in the list.
"""

from __future__ import annotations

import json
import re
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from sso_magic.common.text import printable
from sso_magic.display.production import check_pattern, marks
from sso_magic.inventory import Account, RoleAssignment
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import kept
from sso_magic.widgets.kept import RoleKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import InventorySnapshot
    from sso_magic.widgets.view import View

# Bytes of JSON above which the accounts go compressed: Jupyter Server drops what a kernel sends beyond 3 MB in 3 s.
PLAIN = 100_000
_ACCOUNT_ID = re.compile(r"\d{12}")

Entry = tuple[str, str, str, tuple[str, ...], bool]  # id, name, address, role names, is production


class Listing:
    """The roles of one session. The caller holds the panel's lock.

    Args:
        view: Where they are shown.
        pattern: Returns the pattern of the accounts that are marked as production.
        snapshot: The roles; by default those that the session knows at each moment.
    """

    def __init__(self, view: View, pattern: Callable[[], str], snapshot: InventorySnapshot | None = None) -> None:
        self._view = view
        self._pattern = pattern
        self._fixed = snapshot
        self.center: IdentityCenter | None = None
        self.snapshot: InventorySnapshot | None = None
        self.favorites: tuple[RoleKey, ...] = ()
        self._made_of: tuple[object, ...] = ()
        self._entries: dict[str, Entry] = {}

    def fill(self) -> None:
        """Send what has changed since the last time.

        Raises:
            UsageError: The pattern of production accounts is no regular expression.
        """
        self.snapshot = self._fixed or (self.center.directory.known() if self.center else None)
        made_of = (self.center, self.snapshot, self._pattern())
        if made_of != self._made_of:
            is_other = not self._made_of or made_of[0] is not self._made_of[0]
            before, self._entries = self._entries, self._make_entries()
            self._made_of = made_of
            put = [entry for account_id, entry in self._entries.items() if before.get(account_id) != entry]
            gone = [account_id for account_id in before if account_id not in self._entries]
            if is_other or put or gone:
                self._send(put, [] if is_other else gone, reset=is_other)
        self._put_top()

    def send_all(self, page: str) -> None:
        """Send everything to a page that has just been loaded."""
        self._send(self._entries.values(), [], reset=True, page=page)

    def key(self, content: dict[str, Any]) -> RoleKey | None:
        """Return which role a message of the browser names; None if it names none."""
        account_id, name = content.get("account_id"), content.get("role_name")
        if not isinstance(account_id, str) or not isinstance(name, str) or not _ACCOUNT_ID.fullmatch(account_id):
            return None
        names = self.snapshot.roles.get(account_id, ()) if self.snapshot else ()
        # The browser knows names as they are shown.
        return RoleKey(account_id, next((one for one in names if printable(one) == name), name))

    def account_name(self, account_id: str) -> str | None:
        """Return the account's name; None if it is not known."""
        entry = self._entries.get(account_id)
        return entry[1] or None if entry else None

    def toggle_favorite(self, key: RoleKey) -> bool:
        """Make the role a favorite, or no longer one; return True if it is one now.

        Raises:
            CacheError: The file cannot be written.
        """
        assert self.center is not None
        is_one = kept.toggle_favorite(self.center.session.key, key)
        self._put_top()
        return is_one

    def first(self, number: int) -> list[RoleAssignment]:
        """Return the rows on top of the list, as it is without a search."""
        top = [role for role, *_ in self._top()]
        keys = {_key(role) for role in top}
        rest = (role for role in (self.snapshot.rows() if self.snapshot else ()) if _key(role) not in keys)
        return [*top[:number], *islice(rest, max(0, number - len(top)))]

    # ---- inside ----

    def _make_entries(self) -> dict[str, Entry]:
        snapshot, pattern = self.snapshot, check_pattern(self._pattern()).pattern
        if snapshot is None:
            return {}
        return {
            account.account_id: (
                account.account_id,
                printable(account.account_name or ""),
                printable(account.email_address or ""),
                tuple(map(printable, snapshot.roles[account.account_id])),
                marks(pattern, account.account_name, account.account_id),
            )
            for account in snapshot.accounts
            if snapshot.roles.get(account.account_id)
        }

    def _send(self, put: Iterable[Entry], gone: list[str], *, reset: bool, page: str | None = None) -> None:
        numbers: dict[str, int] = {}
        accounts = [
            [account_id, name, address, [numbers.setdefault(role, len(numbers)) for role in names], int(marked)]
            for account_id, name, address, names, marked in put
        ]
        content: dict[str, Any] = {"put": accounts, "names": list(numbers), "gone": gone, "reset": reset}
        packed = json.dumps(content).encode()
        if len(packed) > PLAIN:
            self._view.send(kind="roles", page=page, buffers=[zlib.compress(packed)])
        else:
            self._view.send(kind="roles", page=page, **content)

    def _put_top(self) -> None:
        top = self._top()
        self.favorites = tuple(_key(role) for role, is_favorite, _ in top if is_favorite)
        self._view.put(
            top=[
                [role.account_id, printable(role.account_name or ""), printable(role.role_name), favorite, recent]
                for role, favorite, recent in top
            ],
            is_complete=self.snapshot is not None and self.snapshot.complete,
        )

    def _top(self) -> list[tuple[RoleAssignment, bool, bool]]:
        """Return favorites and recent roles: the row, and whether it is a favorite, and a recent one."""
        if self.center is None:
            return []
        here = kept.load(self.center.session.key)
        keys = dict.fromkeys([*here.favorites, *here.recent])
        return [(role, _key(role) in here.favorites, _key(role) in here.recent) for role in self._known(keys)]

    def _known(self, keys: Iterable[RoleKey]) -> Iterator[RoleAssignment]:
        """Yield the rows of these roles; without those that are no longer assigned."""
        snapshot = self.snapshot
        accounts = {account.account_id: account for account in snapshot.accounts} if snapshot else {}
        for key in keys:
            if snapshot is not None and key.account_id in snapshot.roles:
                holds = key.role_name in snapshot.roles[key.account_id]
            else:
                holds = snapshot is None or not snapshot.complete
            if holds:
                account = accounts.get(key.account_id) or Account(key.account_id)
                yield RoleAssignment(key.account_id, account.account_name, account.email_address, key.role_name)


def role_in_use(center: IdentityCenter | None) -> RoleKey | None:
    """Return the role in use if it is one of this center."""
    use = KERNEL.current
    if use is None or center is None or use.session != center.session.label:
        return None
    return RoleKey.of_use(use)


def _key(role: RoleAssignment) -> RoleKey:
    return RoleKey(role.account_id, role.role_name)
