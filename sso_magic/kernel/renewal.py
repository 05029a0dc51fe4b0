"""Role credentials that are fetched again before they end.

`RenewingRole` is one role's credentials and the way to get them again. Whatever uses a role (the environment, a
boto3 session, the credential endpoint) holds the same `RenewingRole`, so that they are fetched once for all of
them, and cannot become another role's: account and role of a `RenewingRole` never change.
"""

from __future__ import annotations

import hashlib
import time
import weakref
from typing import TYPE_CHECKING

from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common import locks
from sso_magic.common.jitter import JITTER
from sso_magic.common.secret import reveal
from sso_magic.common.text import printable
from sso_magic.common.times import clock
from sso_magic.errors import CredentialsError, RoleNotAssigned, SignInChanged, SignInRequired, reason
from sso_magic.kernel import person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sso_magic.credentials.role_credentials import Credentials

RoleKey = tuple[str, str, str]  # session, account ID, role name

# AWS's own clients begin to ask for new ones at 15 minutes (PROTOCOL.md 7.2): the new ones are there by then.
_LEAD = 900  # seconds
_LONGEST_PAUSE = 60  # seconds between two attempts at most
_SHORTEST_PAUSE = 1  # seconds between two attempts that a caller waits for
_FETCHES = 3  # in a row, if the credentials have expired when they arrive


def lead(lifetime: float) -> float:
    """Return how long before their end credentials of this lifetime are renewed; both in seconds.

    A third of the lifetime, 15 minutes at least, but never more than two thirds: credentials that last seconds, as a
    local Identity Center's may, are not renewed without a pause.
    """
    return min(max(_LEAD, lifetime / 3), lifetime * 2 / 3)


def key_digest(access_key_id: str) -> str:
    """Return a digest by which an access key id, a `Secret` or not, is recognized, and which does not reveal it."""
    return hashlib.sha256(reveal(access_key_id).encode()).hexdigest()


class RenewingRole:
    """One role's credentials; safe to call from many threads.

    Args:
        credentials: The first ones.
        fetch: Gets the same role's credentials again; raises an error of this package's tree.
    """

    def __init__(self, credentials: Credentials, fetch: Callable[[], Credentials]) -> None:
        self._credentials = credentials
        self.key_digests = frozenset([key_digest(credentials.access_key_id)])  # of all keys there have been
        self._fetch = fetch
        left = credentials.seconds_left()
        self._lead = lead(left) if left > 0 else float(_LEAD)
        self._failures = 0
        self._repeats = 0  # renewals in a row that brought the same keys
        self._failure: Exception | None = None
        self._tried_at = -float(_LONGEST_PAUSE)
        self._pause = 0.0
        self._tried_late = False  # the last attempt was made after the credentials had expired
        self._person: str | None = None  # the user name that the keys were issued for, once it has been needed
        self._refused_sign_in: str | None = None
        self._fetching = locks.RLock()
        self._news: Credentials | None = None  # fetched, and `on_renewed` has not been called for them
        self.on_renewed: Callable[[RenewingRole], None] | None = None
        self._told_failure: Exception | None = None
        self.on_failure_changed: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"RenewingRole({self.label})"

    @property
    def label(self) -> str:
        """``payments-prod (111111111111) / ReadOnly``."""
        return f"{self._credentials.account_label} / {printable(self._credentials.role_name)}"

    def is_of(self, account_id: str, role_name: str) -> bool:
        """Return True if this is the role of that name in that account."""
        return (self._credentials.account_id, self._credentials.role_name) == (account_id, role_name)

    @property
    def latest(self) -> Credentials:
        """The newest credentials, whether or not they are still valid."""
        return self._credentials

    @property
    def failure(self) -> Exception | None:
        """What the last renewal failed with; None if it succeeded or was not tried."""
        return self._failure

    def get(self) -> Credentials:
        """Return valid credentials: renewed if they are due, the current ones if that fails before they expire.

        Raises:
            SSOMagicError: The credentials have expired and cannot be renewed; says what to do.
        """
        for _ in range(_FETCHES):
            keys = self._credentials
            if self.seconds_until_due() > 0 and keys.seconds_left() > 0:
                return keys
            self.renew()
            keys = self._credentials
            if keys.seconds_left() > 0:
                return keys
            if self._failure is not None:
                raise self._failure.with_traceback(None)
        raise self._came_late()  # each time this process was stopped for longer than the credentials last

    def adopt(self, credentials: Credentials, fetch: Callable[[], Credentials]) -> None:
        """Take credentials of the same sign-in, if they are valid for longer, and the newer way to get them again."""
        self._fetch = fetch
        if credentials.expires_at > self._credentials.expires_at:
            self._accept(credentials)
        self.retry_now()

    def is_of_sign_in(self, credentials: Credentials) -> bool:
        """Return True unless these credentials came by another sign-in, which may be another person's."""
        return (
            None in (credentials.sign_in, self._credentials.sign_in) or self._credentials.sign_in == credentials.sign_in
        )

    def _check_person(self, fetched: Credentials) -> None:
        """Refuse credentials of another person, or of one whose name cannot be found out.

        Raises:
            SignInChanged: They came by another sign-in, and STS does not name the same user for both.
        """
        if self.is_of_sign_in(fetched):
            return
        if fetched.sign_in == self._refused_sign_in and self._failure is not None:
            raise self._failure
        now = person.name_of(fetched)
        self._person = self._person or person.name_of(self._credentials)
        if now is not None and now == self._person:
            return
        is_known = now is not None and self._person is not None
        self._refused_sign_in = fetched.sign_in if is_known else None  # what STS has said is final
        raise SignInChanged(
            f"{self.label} was fetched with an earlier sign-in, and the current one "
            f"{f'is {now}' if is_known else 'may be another person'}. "
            f"Run %sso_use again to use the role with the current sign-in."
        )

    def retry_now(self) -> None:
        """End the pause after a failed attempt: somebody has signed in, or a network came up."""
        self._pause = 0.0

    def seconds_until_due(self) -> float:
        """Return the seconds until the next attempt is due; 0 or less: now."""
        pause = self._tried_at + self._pause - time.monotonic()
        return max(self._credentials.seconds_left() - self._lead, pause)

    def renew(self) -> None:
        """Fetch the credentials again, unless another thread is fetching them or the last attempt was a moment ago.

        If the credentials have ended or are about to, wait for the thread that fetches; else keep those there are.
        """
        if self._fetching._is_owned():  # noqa: SLF001 - the fetch has asked for what it is to fetch
            return
        try:
            locks.run_holding(self._fetching, self._try, wait=self._is_urgent())
            self._tell()
        except BaseException:  # Ctrl-C: credentials that have come are not kept from the environment
            self._tell()
            raise

    def _tell(self) -> None:
        news = self._news
        if news is not None and self.on_renewed is not None:
            self.on_renewed(self)
        if self._news is news:
            self._news = None
        failure = self._failure
        if (failure is None) != (self._told_failure is None) and self.on_failure_changed is not None:
            self._told_failure = failure
            self.on_failure_changed()

    def warning(self) -> str | None:
        """Return why they are not renewed and until when they last, in one line; None if all is well.

        A failure that may pass is reported when half of the time between the first attempt and the end has gone by.
        If they are renewed, the warning is that of this machine's clock, if there is one.
        """
        failure = self._failure
        if failure is None:
            return SERVICE_CLOCK.warning()
        left = self._credentials.seconds_left()
        end = clock(self._credentials.local_expires_at, seconds=True)
        if left <= 0:
            return f"The credentials of {self.label} ended at {end} and could not be renewed. {reason(failure)}"
        if isinstance(failure, (SignInRequired, SignInChanged, RoleNotAssigned)) or left < self._lead / 2:
            return f"{self.label} is not renewed; its credentials last until {end}. {reason(failure)}"
        return None

    def _has_ended(self) -> bool:
        return self._credentials.seconds_left() <= 0

    def _is_urgent(self) -> bool:
        return self._credentials.seconds_left() <= self._lead / 10

    def _may_try(self) -> bool:
        if self._has_ended() and self._failure is not None:  # a caller waits; an earlier attempt was not urgent
            return not self._tried_late or time.monotonic() - self._tried_at >= min(_SHORTEST_PAUSE, self._pause)
        return self.seconds_until_due() <= 0

    def _try(self) -> None:
        if not self._may_try():
            return
        self._tried_at, self._tried_late = time.monotonic(), self._has_ended()
        try:
            fetched = self._fetch_valid()
            self._check_person(fetched)
            self._accept(fetched, news=fetched)
        except Exception as error:  # noqa: BLE001 - kept, reported by `warning` and raised by `get`
            self._failures += 1
            self._failure = error
            if isinstance(error, SignInRequired) and self._person is None and self._credentials.sign_in is not None:
                self._person = person.name_of(self._credentials)  # while the keys are valid: for after the next sign-in
            self._pause = self._pause_after(self._failures)

    def _pause_after(self, failures: int) -> float:
        """Return the seconds until the next attempt; they grow with the failures in a row and the lifetime."""
        shortest = min(_SHORTEST_PAUSE, self._lead / 10)
        longest = min(_LONGEST_PAUSE, self._lead / 4)
        pause = min(shortest * 2.0 ** min(failures - 1, 10), longest)
        return pause * JITTER.uniform(0.8, 1.2)  # so that not all kernels ask at once

    def _fetch_valid(self) -> Credentials:
        """Fetch credentials; again at once if they have expired before they arrived, as when this process was stopped.

        Raises:
            CredentialsError: They expire before they arrive, time after time.
        """
        for _ in range(_FETCHES):
            fetched = self._fetch()
            if fetched.seconds_left() > 0:
                return fetched
        raise self._came_late()

    def _came_late(self) -> CredentialsError:
        return CredentialsError(
            f"The credentials of {self.label} had expired before they arrived, {_FETCHES} times in a row. Check this "
            "machine's clock and its network with %sso_doctor."
        )

    def _accept(self, fetched: Credentials, news: Credentials | None = None) -> None:
        mine = self._credentials
        if (fetched.account_id, fetched.role_name) != (mine.account_id, mine.role_name):
            raise CredentialsError(
                f"Credentials of {fetched.account_label} / {fetched.role_name} came for {self.label}: not taken."
            )
        # A portal that hands out the same keys until they expire is asked at the pace of failed attempts.
        is_repeated = fetched.access_key_id == mine.access_key_id
        accepted = {
            "_credentials": fetched,
            "key_digests": self.key_digests | {key_digest(fetched.access_key_id)},
            "_lead": self._lead if is_repeated else lead(fetched.seconds_left()),
            "_repeats": self._repeats + 1 if is_repeated else 0,
            "_pause": self._pause_after(self._repeats + 1) if is_repeated else 0.0,
            "_failures": 0,
            "_failure": None,
            "_news": news,
        }
        self.__dict__.update(accepted)  # in one step: an interrupt leaves all of it or nothing


class SharedRoles:
    """The roles of a process, one object for each role, as long as something uses it.

    Args:
        on_renewed: Called with a role whose credentials were renewed.
        on_failure_changed: Called when a role's renewal has failed, and when it succeeds again.
    """

    def __init__(self, on_renewed: Callable[[RenewingRole], None], on_failure_changed: Callable[[], None]) -> None:
        self._on_renewed = on_renewed
        self._on_failure_changed = on_failure_changed
        self._known: weakref.WeakValueDictionary[RoleKey, RenewingRole] = weakref.WeakValueDictionary()

    def __iter__(self) -> Iterator[RenewingRole]:
        return iter(list(self._known.values()))

    def share(self, key: RoleKey, role: RenewingRole, fetch: Callable[[], Credentials]) -> RenewingRole:
        """Return the role that is known by this key, with the newer of both credentials."""
        known = self._known.get(key)
        if known is None or not known.is_of_sign_in(role.latest):  # objects of an earlier sign-in keep its keys
            role.on_renewed = self._on_renewed
            role.on_failure_changed = self._on_failure_changed
            self._known[key] = role
            return role
        if known is not role:
            known.adopt(role.latest, fetch)
        return known

    def forget(self, session: str | None) -> list[RenewingRole]:
        """Forget the roles of a session (None: of all), and return them."""
        if session is None:
            SERVICE_CLOCK.forget()
        gone = [(key, role) for key, role in list(self._known.items()) if session in (None, key[0])]
        for key, _ in gone:
            del self._known[key]
        return [role for _, role in gone]
