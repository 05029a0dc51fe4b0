"""The list of roles: what is in it, what is chosen, and that nobody uses a role which they did not see.

Empty, the search lists favourites, recent roles, and the beginning of all roles; with words in it, the best hits.
Never more than `LIMIT`: a person reads no more, and a browser draws them while one types.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sso_magic.inventory import Account, Role, search
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.widgets import kept, words
from sso_magic.widgets.kept import Kept, RoleKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import InventorySnapshot
    from sso_magic.widgets.view import View

LIMIT = 50


class Listing:
    """The rows of the list box. Whoever calls holds the panel's lock.

    Args:
        view: Where they are shown.
        is_production: Whether an account (name, id) is marked.
    """

    def __init__(self, view: View, is_production: Callable[[str | None, str], bool]) -> None:
        self._view = view
        self._is_production = is_production
        self.center: IdentityCenter | None = None
        self.snapshot: InventorySnapshot | None = None
        self.rows: list[Role] = []
        self.hits = 0  # those found, LIMIT + 1 at most
        self.chosen: RoleKey | None = None
        self._keys: list[RoleKey] = []
        self._kept = Kept()
        self._putting = False
        self._answered = False  # whether anything was listed for these words

    def enter(self, center: IdentityCenter | None) -> None:
        """Lists the roles of this center from now on; `fill` does."""
        self.center = center
        self.chosen = None
        self._answered = False

    @property
    def words(self) -> str:
        """What is searched for."""
        text: str = self._view.search.value
        return text.strip()

    @property
    def role(self) -> Role | None:
        """The row that is chosen."""
        return self.rows[self._keys.index(self.chosen)] if self.chosen in self._keys else None

    def typed(self) -> None:
        """Other words are searched for: the best hit is chosen."""
        self._answered = False
        if self.words:
            self.chosen = None
        self.fill(asked=True)

    def fill(self, *, asked: bool = False) -> None:
        """Lists what is known now. What is chosen stays chosen while it is in the list.

        Args:
            asked: Whether it answers to the person: what was pressed before is not meant for it, also where it is the
                same.
        """
        self.snapshot = self.center.directory.cached() if self.center else None
        self._kept = kept.load(self.center.session.key) if self.center else Kept()
        found = list(islice(self._found(), LIMIT + 1))
        self.hits, self.rows = len(found), found[:LIMIT]
        keys = [_key(role) for role in self.rows]
        if self.chosen not in keys:
            # The best hit for what was typed; but a role that has gone must not turn into its neighbour.
            self.chosen = keys[0] if keys and self.words and not self._answered else None
        self._answered = self._answered or bool(keys)
        changed, self._keys = keys != self._keys, keys
        self._put()
        if changed or asked:
            self._view.seen.renew()

    def warm_up(self) -> None:
        """Makes what the first search would have to make, so that it is as fast as the others. Needs no lock."""
        snapshot = self.snapshot
        if snapshot is not None:
            _ = snapshot.search_index

    def moved(self, index: int | None) -> None:
        """The person chose another row, in the list that their browser shows."""
        if self._putting:
            return
        if index is not None and self._view.seen.is_current:
            self.chosen = self._keys[index] if index >= 0 else None
        self._put()

    def toggle_favourite(self) -> bool | None:
        """Makes what is chosen a favourite, or no longer one; None where nothing is chosen."""
        if self.chosen is None or self.center is None:
            return None
        is_one = kept.toggle_favourite(self.center.session.key, self.chosen)
        self.fill()
        return is_one

    # ---- inside ----

    def _found(self) -> Iterator[Role]:
        if self.words:
            yield from search(self.snapshot, self.words, LIMIT + 1) if self.snapshot else ()
            return
        on_top = list(dict.fromkeys([*self._kept.favourites, *self._kept.recent]))
        yield from self._known(on_top)
        yield from (role for role in (self.snapshot.rows() if self.snapshot else ()) if _key(role) not in on_top)

    def _known(self, keys: Iterable[RoleKey]) -> Iterator[Role]:
        """The rows of these roles; without those that are no longer assigned."""
        accounts = {account.account_id: account for account in self.snapshot.accounts} if self.snapshot else {}
        roles = self.snapshot.roles if self.snapshot else {}
        for key in keys:
            if key.account_id in roles:
                holds = key.role_name in roles[key.account_id]
            else:
                holds = self.snapshot is None or not self.snapshot.complete
            if holds:
                account = accounts.get(key.account_id) or Account(key.account_id)
                yield Role(key.account_id, account.account_name, account.email_address, key.role_name)

    def _put(self) -> None:
        used = _role_in_use(self.center) if self.center else None
        labels = [
            words.option(
                role,
                is_favourite=key in self._kept.favourites,
                is_recent=key in self._kept.recent and not self.words,
                is_in_use=key == used,
            )
            for role, key in zip(self.rows, self._keys, strict=True)
        ]
        self._putting = True
        try:
            self._view.put_rows(labels, self._keys.index(self.chosen) if self.chosen is not None else None)
        finally:
            self._putting = False
        self._put_choice()

    def _put_choice(self) -> None:
        view, role = self._view, self.role
        marked = role is not None and self._is_production(role.account_name, role.account_id)
        view.selection.value = words.selection_html(role, is_production=marked)
        url = self.center.session.console_link(role.account_id, role.role_name) if role and self.center else None
        view.console.value = words.console_html(url)
        view.use.disabled = view.favourite.disabled = role is None
        view.favourite.description = "★ Favourite" if self.chosen in self._kept.favourites else "☆ Favourite"


def _key(role: Role) -> RoleKey:
    return RoleKey(role.account_id, role.role_name)


def _role_in_use(center: IdentityCenter) -> RoleKey | None:
    """Which it is, if it is one of this center."""
    use = KERNEL.current
    return RoleKey.of_use(use) if use is not None and use.session == center.session.label else None
