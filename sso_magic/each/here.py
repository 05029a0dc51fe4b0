"""What a function or a cell has while it runs in one account: account, role, credentials, session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks
from sso_magic.common.text import printable
from sso_magic.inventory.rows import Account
from sso_magic.kernel.libraries.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    import pandas as pd

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.renewal import RenewingRole


@dataclass(frozen=True, slots=True)
class EachAccount(Account):
    """The account a task runs in; `id`, `name` and `email` for short."""

    @property
    def id(self) -> str:
        """12 digits."""
        return self.account_id

    @property
    def name(self) -> str | None:
        """None where the portal gives none."""
        return self.account_name

    @property
    def email(self) -> str | None:
        """Its owner's address; None where the portal gives none."""
        return self.email_address


class Here:
    """One account and one role in it, for as long as the task runs.

    Args:
        account: The account.
        role_name: The role.
        role: Gives its credentials, when they are first asked for.
        region: The region of `session`; None: as boto3 finds one.

    Attributes:
        account: The account: `id`, `name`, `email`.
        role_name: The role's name.
        region: The region that the task is for; None: as boto3 finds one.
    """

    def __init__(
        self, account: EachAccount, role_name: str, role: Callable[[], RenewingRole], region: str | None = None
    ) -> None:
        self.account = account
        self.role_name = role_name
        self._get_role = role
        self.region = region
        self._lock = locks.RLock()
        self._role: RenewingRole | None = None
        self._session: boto3.Session | None = None

    def __repr__(self) -> str:
        return printable(f"Here({self.account.label} / {self.role_name})")

    @property
    def credentials(self) -> Credentials:
        """The role's credentials, renewed if they end soon."""
        return self.take_role().get()

    @property
    def session(self) -> boto3.Session:
        """A boto3 session of this account and role, which renews its credentials. Made when it is first asked for.

        Raises:
            CredentialsError: boto3 is not installed.
        """
        with self._lock:
            if self._session is None:
                from sso_magic.kernel.libraries.boto_session import boto3_session

                self._session = boto3_session(self.take_role(), self.region, patient=True)
            return self._session

    def records(
        self, service: str, operation: str, path: str = "", *, region: str | None = None, **parameters: Any
    ) -> pd.DataFrame:
        """Return what a boto3 call finds in this account, all pages, as a DataFrame; see `Role.records`.

        The run's table has the account in front, and the region in a run with regions: they are not repeated here.

        Args:
            service: The service, as boto3 names it.
            operation: The client's method.
            path: JMESPath into an answer.
            region: The region; by default the task's.
            **parameters: The call's.

        Returns:
            DataFrame: a column for each member of the records, typed as in `Role.records`.

        Raises:
            UsageError: The service has no such operation, or the path is not JMESPath.
            botocore.exceptions.ClientError: The service refuses the call.
        """
        from sso_magic.inventory.records import records, typed_frame

        return typed_frame(records(self.session, service, operation, path, parameters, region), {})

    def task(self) -> Task:
        """Return the task, for the hooks that look up credentials while it runs."""
        account = f"{self.account.name} ({self.account.id})" if self.account.name else self.account.id
        return Task(printable(f"{account} / {self.role_name}"), self.take_role, self.region)

    def known_secrets(self) -> list[str]:
        """Return the keys that were handed to this task, to be kept out of what it prints."""
        if self._role is None:
            return []
        keys = self._role.latest
        return [key.reveal() for key in (keys.access_key_id, keys.secret_access_key, keys.session_token)]

    def take_role(self) -> RenewingRole:
        """Return the role, which is fetched at the first call. From now on its keys are among `known_secrets`."""
        with self._lock:
            if self._role is None:
                self._role = self._get_role()
            return self._role
