"""The calls a fetch makes of the portal: a page, with one access token for all workers.

Of what can go wrong a fetch has to know four things: asked too fast, worth another try, the end for this account, or
the end of it all. Everything else about errors is the client's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from sso_magic.common import locks
from sso_magic.errors import DeserializationError, SignInRequired, TransportError
from sso_magic.inventory.rows import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sso_magic.common.secret import Secret
    from sso_magic.portal import SSO

_REFUSED = "The portal refuses the access token. Sign in again: %sso_login --force"
PAGE_SIZE = 100  # the most the portal gives (PROTOCOL.md 1.4); 20 where nothing is asked for

Verdict = Literal["throttled", "unauthorized", "again", "failed", "fatal"]


@dataclass(slots=True, eq=False)
class Call:
    """A page to ask for.

    Attributes:
        account_id: Whose roles; None: the accounts.
        next_token: Where the list goes on.
        tries: How often it has failed in passing.
        seen: The tokens that this list has given so far.
        names: The roles on the pages before.
    """

    account_id: str | None
    next_token: str | None = None
    tries: int = 0
    seen: frozenset[str] = frozenset()
    names: list[str] = field(default_factory=list)


class Page(NamedTuple):
    """A page of either list.

    Attributes:
        next_token: Where the list goes on; None: it ends here.
        accounts: The accounts on it; None on a page of roles.
        role_names: The roles on it.
    """

    next_token: str | None
    accounts: list[Account] | None = None
    role_names: Sequence[str] = ()


def accounts_page(client: SSO, token: Secret, next_token: str | None) -> Page:
    """Asks for a page of accounts."""
    output = client.list_accounts(access_token=token, max_results=PAGE_SIZE, next_token=next_token)
    accounts = [
        Account(one.account_id, one.account_name or None, one.email_address or None)
        for one in output.account_list or ()
        if one.account_id
    ]
    return Page(output.next_token or None, accounts)


def roles_page(client: SSO, token: Secret, account_id: str, next_token: str | None) -> Page:
    """Asks for a page of an account's roles."""
    output = client.list_account_roles(
        access_token=token, account_id=account_id, max_results=PAGE_SIZE, next_token=next_token
    )
    return Page(output.next_token or None, None, [one.role_name for one in output.role_list or () if one.role_name])


def verdict(error: BaseException) -> Verdict:
    """What an error means for a fetch (PROTOCOL.md 1.9)."""
    from sso_magic.client.errors import ServiceException

    if isinstance(error, (TransportError, DeserializationError)):
        return "again"
    if not isinstance(error, ServiceException):
        return "fatal"
    status = error.metadata.http_status_code or 0
    if status == 429:
        return "throttled"
    if status == 401:
        return "unauthorized"
    return "failed" if 300 <= status < 500 else "again"


def asked_to_wait(error: BaseException) -> float:
    """Return the seconds that a throttled answer asks to wait (``Retry-After``); 0 if it does not say."""
    from sso_magic.client.retry import retry_after

    return retry_after(getattr(error, "response", None), time.time()) or 0.0


class AccessToken:
    """The access token that all workers share, and its renewal when the portal refuses it: one for all of them.

    Args:
        get: Gives the token; raises SignInRequired where there is none.
        reauthenticate: Given the refused token, gives another; raises SignInRequired where a person is needed.
        refuse: Given a renewed token that the portal refuses as well, returns the error to raise; optional.
    """

    def __init__(
        self,
        get: Callable[[], Secret],
        reauthenticate: Callable[[Secret], Secret],
        refuse: Callable[[Secret], SignInRequired] | None = None,
    ) -> None:
        self._reauthenticate = reauthenticate
        self._refuse = refuse or (lambda _: SignInRequired(_REFUSED))
        self._lock = locks.Lock()
        self._token = get()
        self._untried = False  # whether it is a renewed one that the portal has not taken yet

    @property
    def value(self) -> Secret:
        """The token to send."""
        return self._token

    def taken(self, token: Secret) -> None:
        """The portal took it."""
        if self._untried and token == self._token:
            self._untried = False

    def refused(self, token: Secret) -> None:
        """The portal refused it (401): gets another, unless another worker has meanwhile.

        Raises:
            SignInRequired: There is no other without a person, or the new one is refused as well.
        """
        with self._lock:
            if token != self._token:
                return
            renewed = token if self._untried else self._reauthenticate(token)
            if renewed == token:
                raise self._refuse(token)
            self._token, self._untried = renewed, True
