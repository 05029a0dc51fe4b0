"""Role credentials on their way to another process, on purpose.

A `Secret` pickles as ``***``, so that no key leaves the process by accident. A `Handover` is the one way out: its
repr is redacted, and its pickle has the real keys of that one role. The access token has no such way.

A task in another process asks for them, as often as it needs to; `answer` and `opened` are the two ends of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic import errors
from sso_magic.common.secret import Secret
from sso_magic.credentials.role_credentials import Credentials

if TYPE_CHECKING:
    from datetime import datetime

    from sso_magic.kernel.renewal import RenewingRole


class Handover:
    """Keys of one role in one account, to be pickled for the process that is to use it."""

    __slots__ = ("credentials",)

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def __repr__(self) -> str:
        return f"Handover({self.credentials!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        keys = self.credentials
        revealed = (keys.access_key_id.reveal(), keys.secret_access_key.reveal(), keys.session_token.reveal())
        return (_received, (keys.account_id, keys.account_name, keys.role_name, revealed, keys.expires_at))


def _received(
    account_id: str, account_name: str | None, role_name: str, keys: tuple[str, str, str], expires_at: datetime
) -> Handover:
    key_id, secret, token = keys
    return Handover(
        Credentials(account_id, account_name, role_name, Secret(key_id), Secret(secret), Secret(token), expires_at)
    )


class Refusal(NamedTuple):
    """Why there are no credentials, to be raised where they were asked for."""

    error: str
    message: str


def answer(role: RenewingRole | None) -> Handover | Refusal:
    """Return what a task that asks gets: its role's credentials, renewed if they end soon, or why there are none.

    Args:
        role: The task's role; None: there is no such task any more.
    """
    if role is None:
        return Refusal("CredentialsError", "The run that this task belongs to is over.")
    try:
        return Handover(role.get())
    except Exception as error:  # noqa: BLE001 - raised again on the other side
        return Refusal(type(error).__name__, str(error))


def opened(answered: Handover | Refusal) -> Credentials:
    """Return the credentials in an answer.

    Raises:
        SSOMagicError: There are none; the error is the one that the notebook got.
    """
    if isinstance(answered, Handover):
        return answered.credentials
    kind = getattr(errors, answered.error, None)
    if isinstance(kind, type) and issubclass(kind, errors.SSOMagicError):
        raise kind(answered.message)
    raise errors.CredentialsError(
        f"The notebook could not get this role's credentials ({answered.error}: {answered.message}). Run the task "
        "again."
    )
