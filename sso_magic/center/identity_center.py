"""`IdentityCenter`: one session, signed in. Magics, panel and scripts all call this.

What is known is answered without the network: accounts and roles from the inventory's cache, role credentials from the
cache shared with the AWS CLI. Only what is missing is asked for, and only then is the client imported.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from sso_magic.center.role import Role
from sso_magic.center.role_access import RoleAccess
from sso_magic.center.sign_in import own_config_path
from sso_magic.common import locks
from sso_magic.credentials import role_credentials as role_cache
from sso_magic.errors import (
    AccountNotFound,
    ConfigError,
    RoleNotFound,
    SSOMagicError,
    kept_in,
)
from sso_magic.inventory import Account, Inventory, account_digits, find_account, find_role
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin.sessions import Session, find_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from sso_magic.each import Here
    from sso_magic.inventory import InventorySnapshot, Progress, RoleAssignment
    from sso_magic.profiles.planned import Plan

SHARED: dict[Session, IdentityCenter] = {}
"""The object of each session that `IdentityCenter.shared` has returned in this process."""
_SHARED_LOCK = locks.Lock()


class IdentityCenter(RoleAccess):
    """One Identity Center, as one person sees it.

    Args:
        session: An ``[sso-session]`` of ``~/.aws/config``, a profile that names one, or a start URL. Without one, the
            active profile's session, else the only one there is.
        start_url: A start URL that need not be in any file.
        sso_region: The region of the Identity Center instance; required with a start URL that no file has.

    Raises:
        SessionNotFound: There is no such session.
        Ambiguous: None was named and there are several.
        ConfigError: The session lacks a setting.
    """

    def __init__(
        self, session: str | Session | None = None, *, start_url: str | None = None, sso_region: str | None = None
    ) -> None:
        if session is not None and start_url is not None:
            raise ConfigError("Give a session or a start URL, not both.")
        found = session if isinstance(session, Session) else find_session(session or start_url, sso_region=sso_region)
        super().__init__(found)
        self.directory = Inventory(
            key=f"{self.session.key} {self.session.portal_url}",  # a name may be given to another portal
            client=lambda: self.patient_portal,
            access_token=self.tokens.get,
            reauthenticate=self.tokens.get,
            refuse=self.tokens.refuse,
            owner=self.tokens.mark,
        )

    @classmethod
    def shared(cls, session: str | Session) -> IdentityCenter:
        """Return the one object of a session in this process, for magics, panels and roles to see each other's changes.

        Args:
            session: As in `IdentityCenter`.

        Raises:
            SessionNotFound: There is no such session.
            ConfigError: The session lacks a setting.
        """
        found = session if isinstance(session, Session) else find_session(session)
        with _SHARED_LOCK:
            center = SHARED.get(found)
            if center is None:
                center = SHARED[found] = cls(found)
            return center

    def __repr__(self) -> str:
        return f"IdentityCenter({self.session.label!r}, {self.session.portal_url}, {self.session.sso_region})"

    def sign_out(self) -> bool:
        """Ends the session at AWS and removes its tokens and role credentials here and for the AWS CLI.

        A role of it that is used in this kernel is released.

        Returns:
            Whether there was a token.

        Raises:
            SSOMagicError: What failed first; all the rest is done.
        """
        from sso_magic.each import enabled_regions

        KERNEL.forget(self.session.label)
        failures: list[SSOMagicError] = []
        was_in = False
        try:
            with kept_in(failures):
                was_in = self.tokens.sign_out()
        finally:
            with kept_in(failures):
                role_cache.forget(self.session)
            with kept_in(failures):
                self.directory.forget()
            with kept_in(failures):
                enabled_regions.forget(self)
            self.changed.notify()
        if failures:
            raise failures[0]
        return was_in

    def accounts(self, words: str = "", *, progress: Progress | None = None) -> pd.DataFrame:
        """Return the accounts that this person has access to.

        Args:
            words: Only accounts that contain all of these words in their id, name or email address.
            progress: Is called with how far the list is.

        Returns:
            DataFrame: account_id, account_name, email_address (strings; the last two may be missing).
        """
        return self.directory.accounts_frame(words, progress=progress)

    def roles(self, account: str | None = None) -> pd.DataFrame:
        """The roles that this person has, in one account or in all.

        Args:
            account: 12 digits, a name, or any part that fits one account alone.

        Returns:
            DataFrame: account_id, account_name, role_name (strings; the name may be missing).

        Raises:
            AccountNotFound: No account fits.
            Ambiguous: Several fit.
            SignInRequired: There is no valid access token.
        """
        if account is None:
            return self.snapshot().roles_frame()
        return self.directory.roles_frame(self.find_account(account))

    def inventory(self, words: str = "", *, refresh: bool = False, progress: Progress | None = None) -> pd.DataFrame:
        """Accounts x roles.

        Args:
            words: Only the rows in which all these words stand, best first.
            refresh: Wait until all of it was asked for again.
            progress: Is called with how far a fetch is.

        Returns:
            DataFrame: account_id, account_name, email_address, role_name (strings; name and email may be missing).
            ``attrs`` has ``errors`` (text by account id, of those that failed) and ``fetched_at`` (text, ISO
            8601, UTC).

        Raises:
            SignInRequired: There is no valid access token, and nothing is cached.
            InventoryError: The accounts could not be listed, or not one of them asked for its roles.
        """
        from sso_magic.inventory import search_frame

        return search_frame(self.snapshot(refresh=refresh, progress=progress), words)

    def snapshot(self, *, refresh: bool = False, progress: Progress | None = None) -> InventorySnapshot:
        """The inventory as it is known: at once where it is cached, and then refreshed behind if it is old.

        Args:
            refresh: Wait until all of it was asked for again.
            progress: Is called with how far a fetch is.

        Raises:
            SignInRequired: There is no valid access token, and nothing is cached.
            InventoryError: The accounts could not be listed, or not one of them asked for its roles.
        """
        cached = None if refresh else self.directory.cached()
        if cached is None or not cached.complete:
            return self.directory.fetch(progress=progress)
        if self.directory.is_stale and self.tokens.is_usable():
            self.directory.refresh_in_background()
        return cached

    def iter_inventory(self, *, refresh: bool = False) -> Iterator[RoleAssignment]:
        """The roles in the accounts, one by one, while they come in.

        Args:
            refresh: Ask the portal even where the cache is young.

        Raises:
            SignInRequired: There is no valid access token.
            InventoryError: The accounts could not be listed, or not one of them asked for its roles.
        """
        return self.directory.iter_rows(refresh=refresh)

    def plan_profiles(
        self,
        words: str = "",
        *,
        template: str | None = None,
        region: str | None = None,
        replace: bool = False,
        progress: Progress | None = None,
    ) -> Plan:
        """Plan the profiles of ``~/.aws/config`` for every account and role; nothing is written yet.

        Args:
            words: Only accounts and roles that contain all of these words.
            template: The profiles' names, of ``{account_name}``, ``{account_id}``, ``{role_name}`` and ``{session}``.
            region: Their region for the work; None leaves it as it is, or out.
            replace: Also remove profiles that were written here by another template.
            progress: Is called with how far the inventory is, if it has to be fetched.

        Returns:
            The plan: `Plan.frame` shows it as a DataFrame, `Plan.write` writes it.

        Raises:
            UsageError: The template names something else.
            ConfigError: The file cannot be read.
            SignInRequired: There is no valid access token, and nothing is cached.
        """
        from sso_magic.profiles.names import TEMPLATE
        from sso_magic.profiles.plan import plan

        return plan(
            self.snapshot(progress=progress),
            self.session,
            words=words,
            template=template or TEMPLATE,
            region=region,
            path=own_config_path(),
            replace=replace,
        )

    def inventory_changes(self) -> pd.DataFrame:
        """What the last whole fetch found added and removed since the one before it.

        Returns:
            DataFrame: change (``added`` or ``removed``), account_id, account_name, role_name (strings).
        """
        return self.directory.changes()

    def find_account(self, text: str) -> Account:
        """Resolve text to one account, from the cache first, then from the portal.

        Raises:
            AccountNotFound: None fits; has the nearest names.
            Ambiguous: Several fit; lists them.
        """
        known = self.directory.cached_accounts()
        digits = account_digits(text)
        if known is None and digits is not None:
            return Account(digits, None, None)  # its roles tell whether it is one; a list of thousands need not
        if known is not None:
            with contextlib.suppress(AccountNotFound):  # it may be new
                return find_account(known, text)
        return find_account(self.directory.accounts(), text)

    def find_role(self, account: Account, text: str | None = None) -> str:
        """Resolve text to one role; without a text the only one that the account has.

        Raises:
            RoleNotFound: None fits; has those there are.
            Ambiguous: Several fit; lists them.
        """
        known = self.directory.cached_roles(account.account_id)
        if known is not None:
            with contextlib.suppress(RoleNotFound):  # it may be new
                return find_role(account, known, text)
        return find_role(account, self.directory.roles(account.account_id), text)

    def role(self, account: str, role: str | None = None) -> Role:
        """Return a handle of a role in an account. No credentials are fetched.

        Args:
            account: 12 digits, a name, or any part that matches one account only.
            role: The role's name; optional if the account has only one role.

        Raises:
            AccountNotFound: No account matches.
            RoleNotFound: The account has no such role.
            Ambiguous: Several match.
            SignInRequired: The inventory is not cached, and there is no valid access token.
        """
        found = self.find_account(account)
        return Role(self, found, self.find_role(found, role))

    def each(
        self, function: Callable[[Here], Any], role: str | Sequence[str], words: str = "", **options: Any
    ) -> pd.DataFrame:
        """Call the function once for each account in which the role is granted, or for each region, many at a time.

        Args:
            function: Is called with a `sso_magic.each.Here`: ``account`` (``id``, ``name``, ``email``), ``role_name``,
                ``region``, ``credentials`` and ``session``. It returns a DataFrame, a list of dicts or a scalar.
            role: The role's name, or a part that matches one role only; several in order of preference.
            words: Only accounts that contain all of these words in their id, name or email address.
            **options: ``regions`` (a list, or ``"all"``), ``accounts``, ``exclude``, ``on`` (``"threads"``,
                ``"processes"``, ``"dask"`` or an executor), ``workers``, ``per_account``, ``region``, ``save``,
                ``resume`` and ``progress``; `sso_magic.each.each` describes them.

        Returns:
            DataFrame: account_id, account_name, role_name (strings), region (string) in a run with ``regions``, and the
            columns of the results. ``attrs["errors"]`` has a record for each account, or region of one, that failed.

        Raises:
            RoleNotFound: No account has such a role.
            AccountNotFound: A named account does not exist, or no account is left.
            SignInRequired: There is no valid access token, and no person can be asked.
            EachError: The function failed in every account; has ``errors``.
            UsageError: An argument is not valid, or the function cannot be sent to another process.
        """
        from sso_magic.each import each

        return each(self, function, role, words, **options)
