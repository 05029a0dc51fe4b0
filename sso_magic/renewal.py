"""Role credentials that are fetched again before they end.

`RenewingRole` is one role's credentials and the way to get them again. Whatever speaks for a role (the environment, a
boto3 session, the credential endpoint) holds the same `RenewingRole`, so that they are fetched once for all of them,
and nothing can take it for another role: the account and the role never change in it.

`RenewalThread` renews the role that is in use. It sleeps until the next moment there is something to do. Python's waits
run on a clock that stands still while a laptop sleeps, so it looks at the wall clock once a minute as well.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from typing import TYPE_CHECKING

from sso_magic.errors import CredentialsError, RoleNotAssigned, SignInRequired, reason
from sso_magic.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.credentials import RoleCredentials

# AWS's own clients begin to ask for new ones at 15 minutes (portal-protocol 9.1): by then ours are there.
_LEAD = 900  # seconds
_LONGEST_WAIT = 60  # seconds the thread sleeps at most without a look at the wall clock
_LONGEST_PAUSE = 60  # seconds between two attempts at most
_SHORTEST_PAUSE = 1  # seconds between two attempts that somebody waits for

_ALL: weakref.WeakSet[RenewingRole] = weakref.WeakSet()


def lead(lifetime: float) -> float:
    """How long before their end credentials of this lifetime are renewed; both in seconds.

    A third of the lifetime, 15 minutes at least, but never more than two thirds: credentials that last seconds, as a
    local Identity Center's may, are not renewed without a pause.
    """
    return min(max(_LEAD, lifetime / 3), lifetime * 2 / 3)


class RenewingRole:
    """One role's credentials; safe to call from many threads.

    Args:
        credentials: Those there are.
        fetch: Gets the same role's credentials again; raises an error of this package's tree.
    """

    def __init__(self, credentials: RoleCredentials, fetch: Callable[[], RoleCredentials]) -> None:
        self._credentials = credentials
        self._fetch = fetch
        self._lead = lead(credentials.seconds_left())
        self._failures = 0
        self._failure: Exception | None = None
        self._tried_at = -float(_LONGEST_PAUSE)
        self._pause = 0.0
        self._came_ended = False
        self._fetching = threading.Lock()
        self.on_renewed: Callable[[RenewingRole], None] | None = None
        _ALL.add(self)

    def __repr__(self) -> str:
        return f"RenewingRole({self.label})"

    @property
    def label(self) -> str:
        """``payments-prod (111111111111) / ReadOnly``."""
        return f"{self._credentials.account_label} / {printable(self._credentials.role_name)}"

    @property
    def latest(self) -> RoleCredentials:
        """The credentials there are, whether or not they still hold."""
        return self._credentials

    @property
    def failure(self) -> Exception | None:
        """What the last renewal failed with; None if it succeeded or was not tried."""
        return self._failure

    def get(self) -> RoleCredentials:
        """Credentials that hold: renewed if it is time, those there are if that fails before their end.

        Raises:
            SSOMagicError: They have ended and cannot be renewed; says what to do.
        """
        if self.seconds_until_due() <= 0 or self._has_ended():
            self.renew()
            if self._has_ended() and self._failure is not None:
                raise self._failure.with_traceback(None)
        return self._credentials

    def adopt(self, credentials: RoleCredentials, fetch: Callable[[], RoleCredentials]) -> None:
        """Takes credentials that somebody else fetched, if they last longer, and the newer way to get them again."""
        self._fetch = fetch
        if credentials.expires_at > self._credentials.expires_at:
            self._accept(credentials)
        self.retry_now()

    def retry_now(self) -> None:
        """Forgets that it was in vain: somebody has signed in, or a network came up."""
        self._pause = 0.0

    def seconds_until_due(self) -> float:
        """Until the next attempt is to be made; 0 or less: now."""
        pause = self._tried_at + self._pause - time.monotonic()
        return max(self._credentials.seconds_left() - self._lead, pause)

    def renew(self) -> None:
        """Fetches the credentials again, unless somebody does, did, or failed to a moment ago.

        Who needs them at once waits for the one who fetches; anybody else goes on with those there are.
        """
        if not self._fetching.acquire(blocking=self._is_urgent()):
            return
        renewed = False
        try:
            if self._may_try():
                renewed = self._try()
        finally:
            self._fetching.release()
        if renewed and self.on_renewed is not None:
            self.on_renewed(self)

    def warning(self) -> str | None:
        """Why they are not renewed, and until when they last, in one line; None if all is well.

        What passes by itself is not worth a word until half the time for it is gone.
        """
        failure = self._failure
        if failure is None:
            return self._clock_warning()
        left = self._credentials.seconds_left()
        end = f"{self._credentials.expires_at.astimezone():%H:%M:%S}"
        if left <= 0:
            return f"The credentials of {self.label} ended at {end} and could not be renewed. {reason(failure)}"
        if isinstance(failure, (SignInRequired, RoleNotAssigned)) or left < self._lead / 2:
            return f"{self.label} is not renewed; its credentials last until {end}. {reason(failure)}"
        return None

    def _clock_warning(self) -> str | None:
        if not self._came_ended:
            return None
        return (
            f"The credentials of {self.label} have just come and seem to have ended: this machine's clock is ahead. "
            "Set it (NTP); %sso_doctor tells by how much."
        )

    def _has_ended(self) -> bool:
        return self._credentials.seconds_left() <= 0

    def _is_urgent(self) -> bool:
        return self._credentials.seconds_left() <= self._lead / 10

    def _may_try(self) -> bool:
        if self._has_ended() and self._failure is not None:  # somebody waits for them: no longer a matter of patience
            return time.monotonic() - self._tried_at >= min(_SHORTEST_PAUSE, self._pause)
        return self.seconds_until_due() <= 0

    def _try(self) -> bool:
        self._tried_at = time.monotonic()
        try:
            fetched = self._fetch()
            self._accept(fetched)
        except Exception as error:  # noqa: BLE001 - kept, told by `warning` and raised by `get`
            self._failures += 1
            self._failure = error
            shortest = min(_SHORTEST_PAUSE, self._lead / 10)
            longest = min(_LONGEST_PAUSE, self._lead / 4)
            pause = min(shortest * 2 ** min(self._failures - 1, 10), longest)
            self._pause = pause * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all kernels ask at once
            return False
        return True

    def _accept(self, fetched: RoleCredentials) -> None:
        mine = self._credentials
        if (fetched.account_id, fetched.role_name) != (mine.account_id, mine.role_name):
            raise CredentialsError(
                f"Credentials of {fetched.account_label} / {fetched.role_name} came for {self.label}: not taken."
            )
        self._credentials = fetched
        lifetime = fetched.seconds_left()
        # A clock that is far off makes fresh credentials look old: they are used, and not asked for without a pause.
        # A clock set to the next time zone is off by just the hour that they last, so moments may seem to be left.
        self._came_ended = lifetime <= _SHORTEST_PAUSE
        self._lead = self._lead if self._came_ended else lead(lifetime)
        self._pause = float(_LONGEST_PAUSE) if self._came_ended else 0.0
        self._failures = 0
        self._failure = None

    def _after_fork(self) -> None:
        self._fetching = threading.Lock()


class RenewalThread:
    """Renews one role at a time, in a daemon thread that is there only while there is a role.

    Args:
        also: Called once a minute as well; raises nothing.
    """

    def __init__(self, also: Callable[[], None] | None = None) -> None:
        self._also = also
        self._condition = threading.Condition()
        self._role: RenewingRole | None = None
        self._thread: threading.Thread | None = None
        self._changes = 0

    def watch(self, role: RenewingRole | None) -> None:
        """Renews this role from now on, in place of any other; None: nothing, and the thread ends."""
        with self._condition:
            self._role = role
            self._changes += 1
            if role is not None and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sso_magic renewal", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def look_again(self) -> None:
        """Wakes the thread: there may be something to do earlier than it thought."""
        with self._condition:
            self._changes += 1
            self._condition.notify_all()

    def join(self) -> None:
        """Waits until the thread has ended, after `watch(None)`."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            if self._also is not None:
                self._also()
            with self._condition:
                role, changes = self._role, self._changes
                if role is None:
                    self._thread = None
                    return
                wait = role.seconds_until_due()
                if wait > 0:
                    self._condition.wait_for(
                        lambda seen=changes: self._changes != seen,  # type: ignore[misc]
                        min(wait, _LONGEST_WAIT),
                    )
                    continue
            role.renew()

    def _after_fork(self) -> None:
        # Threads do not survive a fork. What the child needs it fetches when it asks for it.
        self._condition = threading.Condition()
        self._thread = None


def _reset_after_fork() -> None:
    for role in list(_ALL):
        role._after_fork()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
