"""The role credentials of hundreds of accounts: cached ones at once, the others at the pace that the portal allows.

GetRoleCredentials has the portal's throttle (PROTOCOL.md 1.8), and the client gives up after a few refusals; so
all threads that ask share one pace, as for the inventory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.credentials import role_credentials as role_cache
from sso_magic.each.stopping import Stopped
from sso_magic.errors import CredentialsThrottled
from sso_magic.inventory.rate import RateController
from sso_magic.kernel.kernel_role import KERNEL

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.each.accounts import Job
    from sso_magic.each.center import Center
    from sso_magic.kernel.renewal import RenewingRole

TRIES = 3  # of a call that the portal throttles, each of which the client repeats for a minute (client/patience.py)


class Leases:
    """The roles of a run's jobs.

    Args:
        center: The Identity Center.
        hands: How many threads ask at a time.
    """

    def __init__(self, center: Center, hands: int) -> None:
        self._center = center
        self._pace = RateController(hands)

    def role(self, job: Job) -> RenewingRole:
        """Return the job's role, with valid credentials; the same object for all in this process that use it.

        Raises:
            SSOMagicError: The credentials cannot be fetched.
            Stopped: `stop` was called.
        """
        center, account = self._center, job.account
        cached = role_cache.load(center.session, account.account_id, account.account_name, job.role_name)
        return KERNEL.role(
            center.session.label,
            cached or self._asked(job),
            lambda: center.role(account.account_id, job.role_name).credentials(refresh=True),
        )

    def stop(self) -> None:
        """End the wait of all threads that wait for their turn: each raises `Stopped`."""
        self._pace.stop()

    def _asked(self, job: Job) -> Credentials:
        refusals = 0
        while True:
            sent_at, refused = self._turn(), False
            try:
                return self._center.role(job.account.account_id, job.role_name).credentials()
            except CredentialsThrottled:
                refused = True
                refusals += 1
                if refusals == TRIES:
                    raise
            finally:
                if refused:
                    self._pace.refuse(sent_at)
                else:
                    self._pace.accept()

    def _turn(self) -> float:
        sent_at = self._pace.acquire()
        if sent_at is None:
            raise Stopped
        return sent_at
