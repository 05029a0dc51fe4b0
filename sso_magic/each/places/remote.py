"""What runs in another process: a child of this one, a process of a pool, or a worker of a cluster.

A `Parcel` is all that such a process gets of an account: who it is, and how to get the keys of that one role, again
and again if the task is long. It never gets the access token, nor the keys of another account.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sso_magic.common.text import printable
from sso_magic.each.here import EachAccount, Here
from sso_magic.each.output import run_routed
from sso_magic.each.task import Failure, Outcome, perform_as_role
from sso_magic.each.work import unpacked
from sso_magic.errors import CredentialsError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.handover import Handover


class Source(Protocol):
    """Where a task in another process gets its role's credentials from; it is pickled with the parcel."""

    def fetch(self, ticket: str) -> Credentials:
        """Ask the notebook for them.

        Raises:
            SSOMagicError: The notebook cannot get them, or does not answer.
        """


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """One account for another process.

    Attributes:
        ticket: What the task is known by, to the notebook that waits for it.
        account: The account.
        role_name: The role.
        region: For the work done; None: as boto3 finds one.
        source: Gives the role's credentials.
        first: The credentials to begin with; None: they are asked for when they are first needed.
    """

    ticket: str
    account: EachAccount
    role_name: str
    region: str | None
    source: Source
    first: Handover | None = None

    def __repr__(self) -> str:
        return printable(f"Parcel({self.account.label} / {self.role_name})")

    def __dask_tokenize__(self) -> str:
        return self.ticket  # no two are the same work, whatever they hold

    def here(self) -> Here:
        """Return the account, for the work."""
        return Here(self.account, self.role_name, self.role, self.region)

    def role(self) -> RenewingRole:
        """Return its role, whose credentials are fetched from the notebook again before they end."""
        first = self._checked(self.first.credentials if self.first is not None else self.source.fetch(self.ticket))
        return RenewingRole(first, lambda: self.source.fetch(self.ticket))

    def _checked(self, credentials: Credentials) -> Credentials:
        """Return the credentials if they are of this account and role; `RenewingRole` checks those that come later."""
        if (credentials.account_id, credentials.role_name) != (self.account.account_id, self.role_name):
            raise CredentialsError(
                f"Credentials of {credentials.account_label} / {credentials.role_name} came for "
                f"{self.account.label} / {self.role_name}: not taken."
            )
        return credentials


def run(blob: bytes, parcel: Parcel) -> bytes:
    """Do the packed work in the parcel's account.

    Returns:
        The outcome, pickled here, so that a value that cannot be pickled becomes a failure of this account.
    """
    KERNEL.separate_tasks()
    outcome = run_routed(lambda: perform_as_role(unpacked(blob), parcel.here(), parcel.ticket))
    return sent(outcome)


def sent(outcome: Outcome) -> bytes:
    """Return the outcome, pickled; a failure in its place if its value cannot be."""
    import cloudpickle  # type: ignore[import-untyped]

    try:
        return bytes(cloudpickle.dumps(outcome))
    except Exception as error:  # noqa: BLE001 - a class may raise anything when it is pickled
        outcome.failure = Failure(
            type(error).__name__,
            f"Its result, a {type(outcome.value).__name__}, cannot be sent back ({error}). Make it a DataFrame, a list "
            "of dicts or a scalar.",
        )
        outcome.value = None
        return pickle.dumps(outcome)


def received(data: bytes) -> Outcome:
    """Return the outcome that `sent` pickled; only processes that work for this one call `run`."""
    outcome: Outcome = pickle.loads(data)  # noqa: S301
    return outcome
