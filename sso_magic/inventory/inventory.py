"""`Inventory`: the accounts and roles of one session, cached, refreshed, searched.

What is cached is there at once; what is asked of the portal fills the cache. There is one fetch of all at a time:
a caller waits for the fetch that is under way. One that was canceled or killed goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks
from sso_magic.errors import SignInRequired
from sso_magic.inventory.background import BackgroundRefresh
from sso_magic.inventory.cached import CachedInventory, is_young
from sso_magic.inventory.calls import AccessToken
from sso_magic.inventory.fetch import Fetch
from sso_magic.inventory.keeper import KeptFetch
from sso_magic.inventory.part import Part, laid_over
from sso_magic.inventory.rows import Account
from sso_magic.inventory.search import search_accounts
from sso_magic.inventory.snapshot import InventorySnapshot
from sso_magic.inventory.store import Store, Stored, with_whole
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    import pandas as pd

    from sso_magic.common.secret import Secret
    from sso_magic.inventory.progress import Progress
    from sso_magic.inventory.rows import RoleAssignment
    from sso_magic.portal import SSO
    from sso_magic.signin.marks import Mark

WORKERS = 48
MAX_AGE = 3600.0  # seconds
RESUME_WITHIN = timedelta(hours=1)


class Inventory(CachedInventory):
    """The accounts and roles that the person signed in to one session may reach. One object a session.

    Args:
        key: What tells this session from others: names the cache file.
        client: Gives the portal's client, made with ``max_attempts=1``: a fetch repeats itself what fails, at the
            pace that it keeps.
        access_token: Gives the access token; raises SignInRequired where there is none.
        reauthenticate: Given a token that the portal refuses, gives another; raises SignInRequired where a person is
            needed. Called once for all workers.
        refuse: Given a renewed token that the portal refuses as well, returns the error to raise; optional.
        owner: Returns the mark of the current sign-in; what was fetched with another one is not shown. Optional.
        max_age: Seconds after which what is cached is stale.
        workers: How many calls may be on their way at once.
    """

    def __init__(  # noqa: PLR0913 - keywords, most of them optional
        self,
        *,
        key: str,
        client: Callable[[], SSO],
        access_token: Callable[[], Secret],
        reauthenticate: Callable[[Secret], Secret],
        refuse: Callable[[Secret], SignInRequired] | None = None,
        owner: Callable[[], Mark | None] = lambda: None,
        max_age: float = MAX_AGE,
        workers: int = WORKERS,
    ) -> None:
        super().__init__(Store(key, owner), max_age)
        self.workers = workers
        self._client = client
        self._access_token = access_token
        self._reauthenticate = reauthenticate
        self._refuse = refuse
        self._owner = owner
        self._starting = locks.Lock()
        self._writing = locks.Lock()  # what a fetch writes, against `forget`
        self._under_way: KeptFetch | None = None
        self._background = BackgroundRefresh()
        self._growing: tuple[tuple[KeptFetch, int], InventorySnapshot] | None = None

    # ---- all of it ----

    def partial(self) -> InventorySnapshot | None:
        """What a fetch has that has not ended, or was canceled or killed; None if there is none."""
        part = self.unfinished()
        return part.snapshot() if part else None

    def unfinished(self) -> Part | None:
        """Return what an unfinished fetch has, and the next one goes on from; None if there is none."""
        under_way = self._under_way
        if under_way is not None and under_way.under_way:
            with under_way.fetch.lock:
                return under_way.fetch.part.copy()
        return self._store.load().unfinished

    def known(self) -> InventorySnapshot | None:
        """Return what is cached; before there is a whole fetch, all that one under way has by now.

        The cache gets what a fetch has only now and then: a large one is written every 20 s or so.
        """
        under_way = self._under_way
        is_first = under_way is not None and under_way.under_way and self._store.load().whole is None
        if under_way is None or not is_first or under_way.owner != self._owner():
            return self.cached()
        with under_way.fetch.lock:
            count = (under_way, len(under_way.fetch.done))
            if self._growing is None or self._growing[0] != count:
                self._growing = (count, under_way.fetch.part.snapshot())
        return self._growing[1]

    def fetch(self, *, progress: Progress | None = None, cancel: threading.Event | None = None) -> InventorySnapshot:
        """Asks for all accounts and their roles, and waits. Goes on where a fetch was canceled or killed.

        An interrupt ends it at once; its KeyboardInterrupt says what is kept, and `partial` has it.

        Args:
            progress: Is called with how far it is.
            cancel: Ends it when set.

        Returns:
            All of it; what there is, if it was canceled.

        Raises:
            SignInRequired: There is no access token without a person.
            InventoryError: The accounts could not be listed, or not one of them asked for its roles.
        """
        kept = self._start()
        try:
            kept.wait(progress, cancel)
        except KeyboardInterrupt as error:
            part = self.unfinished()
            error.args = (part.kept_words(part.started_at + RESUME_WITHIN),) if part and part.accounts else ()
            raise
        if kept.fetch.error is not None:
            raise kept.fetch.error
        return kept.fetch.part.snapshot()

    def refresh_in_background(self) -> None:
        """Starts a fetch of all, if none is under way, and does not wait; never shows anything."""
        self._background.start(self.fetch, self._is_under_way)

    @property
    def is_refreshing(self) -> bool:
        """Whether a fetch of all is under way."""
        return self._background.is_running or self._is_under_way()

    @property
    def refresh_error(self) -> BaseException | None:
        """Why the last refresh in the background failed; None if it did not."""
        return self._background.error

    def iter_rows(self, *, refresh: bool = False) -> Iterator[RoleAssignment]:
        """The roles in the accounts, one by one, while they come in.

        What is cached and not stale comes without a call, in the order of the accounts' names. Ending the loop early
        ends the fetch.

        Args:
            refresh: Ask the portal even so.

        Raises:
            SignInRequired: There is no access token without a person.
            InventoryError: The accounts could not be listed, or not one of them asked for its roles.
        """
        whole = None if refresh or self.is_stale else self.cached()
        if whole is not None:
            yield from whole.rows()
            return
        kept = self._start()
        try:
            yield from kept.rows()
        except BaseException:
            kept.fetch.cancel()
            raise
        kept.wait()
        if kept.fetch.error is not None:
            raise kept.fetch.error

    # ---- some of it ----

    def accounts(
        self, *, max_age: float = 0, progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> tuple[Account, ...]:
        """The accounts, without their roles: a call for each hundred of them.

        Args:
            max_age: Seconds up to which a cached list will do; 0: ask.
            progress: Is called with how far it is.
            cancel: Ends it when set; what there is then is returned, and not kept.

        Raises:
            SignInRequired: There is no access token without a person.
            ClientError: The portal could not be reached or refused.
        """
        stored = self._store.load()
        if any(part and part.listed and is_young(part, max_age) for part in (stored.since, stored.whole)):
            return self.cached_accounts() or ()
        part, owner = Part(utc_now()), self._owner()
        self._ask(Fetch(part, **self._portal(owner), workers=1, list_only=True), owner, progress, cancel)
        return part.snapshot().accounts

    def roles(self, account_id: str, *, max_age: float = 0) -> tuple[str, ...]:
        """The names of the roles in one account: one call.

        Args:
            account_id: 12 digits.
            max_age: Seconds up to which cached ones will do; 0: ask.

        Raises:
            SignInRequired: There is no access token without a person.
            ClientError: The portal could not be reached or refused.
        """
        stored = self._store.load()
        for part in (stored.since, stored.whole):
            if part and account_id in part.roles and is_young(part, max_age):
                return part.roles[account_id]
        part, owner = Part(utc_now(), accounts={account_id: self._known(account_id)}), self._owner()
        self._ask(Fetch(part, **self._portal(owner), workers=1, roles_of=account_id), owner)
        return part.roles[account_id]

    def accounts_frame(
        self, words: str = "", *, max_age: float | None = None, progress: Progress | None = None
    ) -> pd.DataFrame:
        """The accounts as a table, those in which all the words stand, best first; see `accounts`.

        Args:
            words: Words in the id, the name or the address.
            max_age: Seconds up to which a cached list will do; None: `max_age` of this object.
            progress: Is called with how far it is.

        Returns:
            DataFrame: account_id, account_name, email_address (strings; the last two may be missing).
        """
        accounts = self.accounts(max_age=self.max_age if max_age is None else max_age, progress=progress)
        snapshot = self.cached() or InventorySnapshot()
        return replace(snapshot, accounts=tuple(search_accounts(accounts, words))).accounts_frame()

    def roles_frame(self, account: Account, *, max_age: float | None = None) -> pd.DataFrame:
        """The roles of one account as a table; see `roles`.

        Args:
            account: The account.
            max_age: Seconds up to which cached ones will do; None: `max_age` of this object.

        Returns:
            DataFrame: account_id, account_name, role_name (strings; account_name may be missing).
        """
        names = self.roles(account.account_id, max_age=self.max_age if max_age is None else max_age)
        snapshot = self.cached()
        return InventorySnapshot(
            (account,), {account.account_id: names}, fetched_at=snapshot.fetched_at if snapshot else None
        ).roles_frame()

    def forget(self) -> None:
        """Ends what is under way and removes the cache: the person has signed out.

        Raises:
            CacheError: The file cannot be removed.
        """
        with self._writing:
            under_way, self._under_way = self._under_way, None
            self._store.remove()
            self._drop_shown()
        if under_way is not None:
            under_way.fetch.cancel()

    # ---- inside ----

    def _portal(self, owner: Mark | None) -> dict[str, Any]:
        def reauthenticate(token: Secret) -> Secret:
            renewed = self._reauthenticate(token)
            if self._owner() != owner:  # what two people may reach must not be mixed
                raise SignInRequired("Somebody has signed in again meanwhile. Run it again.")
            return renewed

        return {"client": self._client(), "token": AccessToken(self._access_token, reauthenticate, self._refuse)}

    def _is_under_way(self) -> bool:
        return self._under_way is not None and self._under_way.under_way

    def _start(self) -> KeptFetch:
        """The fetch under way, or a new one, which goes on where the last one was."""
        with self._starting:
            owner = self._owner()
            if self._under_way is not None and self._under_way.under_way and self._under_way.owner == owner:
                return self._under_way
            portal = self._portal(owner)
            part = self._store.load().unfinished
            if part is None or utc_now() - part.started_at > RESUME_WITHIN:
                part = Part(utc_now())
            fetch = Fetch(part.copy(), **portal, workers=self.workers)
            kept = self._under_way = KeptFetch(
                fetch, save=lambda part: self._save(kept, part), end=lambda fetch: self._end(kept, fetch), owner=owner
            )
            kept.start()
            return kept

    def _save(self, kept: KeptFetch, part: Part) -> None:
        """Keeps what an unfinished fetch has. What failed is asked again when it goes on."""
        part.errors = {}
        with self._writing:
            if self._under_way is kept:
                self._store.update(lambda stored: replace(stored, unfinished=part), kept.owner)

    def _end(self, kept: KeptFetch, fetch: Fetch) -> None:
        """Keeps what a fetch has come to."""
        with fetch.lock:
            part = fetch.part.copy()
        if fetch.error is not None or fetch.canceled:
            self._save(kept, part)
            return
        with self._writing:
            if self._under_way is kept:
                self._store.update(lambda stored: with_whole(stored, part), kept.owner)

    def _ask(self, fetch: Fetch, owner: Mark | None, *waiting: Any) -> None:
        """Wait for a fetch of some of it, with the arguments of `KeptFetch.wait`, and keep what came."""
        (kept := KeptFetch(fetch, save=lambda _: None, end=lambda _: None)).start()
        kept.wait(*waiting)
        if fetch.error is not None:
            raise fetch.error
        if not fetch.canceled:
            with self._writing:
                self._store.update(lambda stored: replace(stored, since=self._with_since(stored, fetch.part)), owner)

    def _with_since(self, stored: Stored, part: Part) -> Part | None:
        young = stored.since is not None and is_young(stored.since, self.max_age)
        return laid_over(stored.since if young else None, part)

    def _known(self, account_id: str) -> Account:
        snapshot = self.cached()
        accounts = snapshot.accounts if snapshot else ()
        return next((one for one in accounts if one.account_id == account_id), Account(account_id))
