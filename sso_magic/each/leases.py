"""The role credentials of hundreds of accounts: those cached at once, the others at the pace that the portal allows.

GetRoleCredentials has the portal's throttle (PROTOCOL.md 1.8), and the client gives up after a few refusals; so
one pace is kept for all that ask, as for the inventory.
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
    """Gets each job its role.

    Args:
        center: Whose roles.
        hands: How many ask at a time.
    """

    def __init__(self, center: Center, hands: int) -> None:
        self._center = center
        self._pace = RateController(hands)

    def role(self, job: Job) -> RenewingRole:
        """The job's role, with credentials that hold; the same object for all in this process that use it.

        Raises:
            SSOMagicError: They cannot be had.
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
        """Lets everybody go who waits for their turn."""
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
