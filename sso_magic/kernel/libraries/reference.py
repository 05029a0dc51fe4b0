"""A role by its name: what a pickled object of a role carries to another process instead of keys.

An object that is unpickled asks for credentials when it is first used, never before: the scheduler of a Dask cluster
unpickles what it only passes on, and a worker unpickles on the thread of its event loop. The credentials are those of
the same role where it is in use, or those that the process inherited in its environment. Else the first use raises an
error that names the role. No other credentials are ever used in their place.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.errors import CredentialsError, SSOMagicError, reason
from sso_magic.kernel.libraries.host import host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sso_magic.kernel.renewal import RenewingRole

_ENDPOINT = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

# Where else this process has roles: each returns the role of an account id and a role name, or None.
SOURCES: list[Callable[[str, str], RenewingRole | None]] = []

_marks: weakref.WeakKeyDictionary[RenewingRole, frozenset[str]] = weakref.WeakKeyDictionary()


class RoleReference:
    """An account and a role in it, without credentials.

    Args:
        account_id: 12 digits.
        role_name: The permission set's name.
        label: How messages name the role.
        marks: Digests of the key ids and of the endpoint address by which an inherited environment is recognized.
    """

    def __init__(self, account_id: str, role_name: str, label: str, marks: Iterable[str]) -> None:
        self.account_id = account_id
        self.role_name = role_name
        self.label = label
        self._marks = frozenset(marks)

    def __repr__(self) -> str:
        return f"RoleReference({self.label})"

    def __reduce__(self) -> tuple[Any, ...]:
        return RoleReference, (self.account_id, self.role_name, self.label, tuple(sorted(self._marks)))

    def find(self) -> RenewingRole | None:
        """Return the role in this process; None if it is not in use here."""
        found = host().find(self.account_id, self.role_name)
        sources = iter(SOURCES)
        while found is None and (source := next(sources, None)) is not None:
            found = source(self.account_id, self.role_name)
        return found

    @property
    def latest(self) -> Credentials | None:
        """The newest credentials of the role in this process, whether or not they are still valid; None without it."""
        role = self.find()
        return self._inherited() if role is None else role.latest

    def get(self) -> Credentials:
        """Return valid credentials of the role.

        Raises:
            CredentialsError: There are none in this process; names the role.
        """
        role = self.find()
        if role is None:
            inherited = self._inherited() or self._from_endpoint()
            if inherited is not None and inherited.seconds_left() > 0:
                return inherited
            raise CredentialsError(
                f"This object was made for {self.label}, which is not in use in this process. Use that role here, or "
                "make the object again."
            )
        try:
            return role.get()
        except SSOMagicError as error:
            if self.label in str(error):
                raise
            raise CredentialsError(f"There are no valid credentials of {self.label}. {reason(error)}") from None

    def is_in_environment(self) -> bool:
        """Return True if every library finds the role in the environment: a child process that inherited it."""
        if host().current is not None:
            return False
        inherited = self._inherited()
        if inherited is not None:
            return inherited.seconds_left() > 0
        return self._has_endpoint()

    def _has_endpoint(self) -> bool:
        return _KEYS[0] not in os.environ and _digest(os.environ.get(_ENDPOINT)) in self._marks

    def _from_endpoint(self) -> Credentials | None:
        """Return the credentials that the notebook's endpoint gives to a child process; None if it cannot be had."""
        if not self._has_endpoint():
            return None
        import botocore.credentials
        import botocore.exceptions

        try:
            found = botocore.credentials.ContainerProvider().load()
            keys = found.get_frozen_credentials()
        except botocore.exceptions.BotoCoreError:
            return None
        ends = found._expiry_time  # noqa: SLF001 - botocore has no public name for it
        key_id, secret, token = Secret(keys.access_key), Secret(keys.secret_key), Secret(keys.token)
        return self._credentials(key_id, secret, token, ends)

    def _inherited(self) -> Credentials | None:
        values = [os.environ.get(name) for name in _KEYS]
        ends = cache.parse_timestamp(os.environ.get("AWS_CREDENTIAL_EXPIRATION"))
        if ends is None or not all(values) or _digest(values[0]) not in self._marks:
            return None
        key_id, secret, token = (Secret(value or "") for value in values)
        return self._credentials(key_id, secret, token, ends)

    def _credentials(self, key_id: Secret, secret: Secret, token: Secret, ends: datetime) -> Credentials:
        """Return credentials that the environment gives; their expiry there is by this machine's clock."""
        expires_at = SERVICE_CLOCK.from_local(ends)
        return Credentials(self.account_id, None, self.role_name, key_id, secret, token, expires_at)


def reference(role: RenewingRole) -> RoleReference:
    """Return the role's reference, and remember by what a child process recognizes the role in its environment."""
    keys = role.latest
    marks = {*_marks.get(role, ()), _digest(keys.access_key_id.reveal())}
    if host().serves(role):
        marks.add(_digest(os.environ.get(_ENDPOINT)))
    _marks[role] = frozenset(marks)
    return RoleReference(keys.account_id, keys.role_name, role.label, _marks[role])


def is_fresh(role: RenewingRole) -> bool:
    """Return True if the role's credentials are valid and not due for renewal."""
    return role.latest.seconds_left() > 0 and role.seconds_until_due() > 0


def _digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()


NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)  # the end of credentials that are not known yet
