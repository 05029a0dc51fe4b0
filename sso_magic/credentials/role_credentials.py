"""`Credentials`, and the files they share with the AWS CLI."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common import cache
from sso_magic.common.secret import Secret, Unshown, is_sendable
from sso_magic.common.text import printable
from sso_magic.credentials import key_ids
from sso_magic.errors import CacheError, CredentialsError, SSOMagicError, kept_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sso_magic.credentials.storage_options import StorageOptions
    from sso_magic.portal import RoleCredentials
    from sso_magic.signin.marks import Mark
    from sso_magic.signin.sessions import Session

# Less than this is as good as none: what is handed out must outlast what is begun with it (7.4).
WINDOW = 900  # seconds


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of one role in one account, until they end. Shown and pickled, they are redacted.

    Attributes:
        account_id: 12 digits.
        account_name: None where it is not known.
        role_name: The permission set's name.
        access_key_id: ``ASIA`` and 16 characters.
        secret_access_key: Signs requests.
        session_token: Goes with each request.
        expires_at: When they end, UTC.
        sign_in: The mark of the sign-in that they were fetched with; None where it is not known. No secret.
    """

    account_id: str
    account_name: str | None
    role_name: str
    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime
    sign_in: str | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        key_ids.note(self.account_id, self.role_name, self.access_key_id, self.expires_at)

    def __repr__(self) -> str:
        until = f"{self.expires_at.astimezone():%Y-%m-%d %H:%M:%S %Z}"
        return f"Credentials({self.account_label} / {printable(self.role_name)}, until {until})"

    @property
    def account_label(self) -> str:
        """``payments-prod (111111111111)``, or the id alone."""
        name = printable(self.account_name or "")
        return f"{name} ({printable(self.account_id)})" if name else printable(self.account_id)

    def seconds_left(self, now: datetime | None = None) -> float:
        """Return the seconds until the credentials expire, by AWS's clock; negative once they have expired.

        Args:
            now: The moment to count from, UTC; by default the present, see `sso_magic.client.service_clock`.
        """
        return (self.expires_at - (now or SERVICE_CLOCK.now())).total_seconds()

    @property
    def local_expires_at(self) -> datetime:
        """What this machine's clock shows when the credentials expire, for libraries that compare the two."""
        return SERVICE_CLOCK.to_local(self.expires_at)

    def environment(self) -> Unshown:
        """The environment variables that every AWS SDK reads, as plain `str` by name."""
        return Unshown(
            AWS_ACCESS_KEY_ID=self.access_key_id.reveal(),
            AWS_SECRET_ACCESS_KEY=self.secret_access_key.reveal(),
            AWS_SESSION_TOKEN=self.session_token.reveal(),
            AWS_CREDENTIAL_EXPIRATION=cache.format_timestamp(self.local_expires_at),
            AWS_ACCOUNT_ID=self.account_id,
        )

    def as_storage_options(self, library: str = "s3fs") -> StorageOptions:
        """Return what a library takes as keys, with the region and endpoint that the environment names.

        The keys do not renew: for what runs longer than they last, use the role in the kernel.

        Args:
            library: A name of the table in `Role.storage_options`.

        Raises:
            ParamValidationError: This package knows no such library; lists those it knows.
            ConfigError: The endpoint that the environment names is not a URL.
        """
        from sso_magic.credentials.storage_options import storage_options

        return storage_options(self, library)


def from_portal(keys: RoleCredentials, account_id: str, account_name: str | None, role_name: str) -> Credentials:
    """The credentials of a GetRoleCredentials answer, whose expiration is in milliseconds.

    Raises:
        CredentialsError: There is something in them that no environment variable and no header can hold.
    """
    if not all(map(is_sendable, (account_id, keys.access_key_id, keys.secret_access_key, keys.session_token))):
        raise CredentialsError(
            f"The portal's keys for {role_name} in {account_id!r} are none that can be used. Check the endpoint: "
            "%sso_doctor names it."
        )
    return Credentials(
        account_id=account_id,
        account_name=account_name,
        role_name=role_name,
        access_key_id=keys.access_key_id,
        secret_access_key=keys.secret_access_key,
        session_token=keys.session_token,
        expires_at=cache.seconds_after(cache.EPOCH, keys.expiration // 1000),
    )


def load(
    session: Session, account_id: str, account_name: str | None, role_name: str, sign_in: Mark | None = None
) -> Credentials | None:
    """Return the role's credentials from the shared cache, the AWS CLI's included, if they are valid for a while.

    Args:
        session: The session.
        account_id: 12 digits.
        account_name: None where it is not known.
        role_name: The permission set's name.
        sign_in: The current sign-in; what was fetched with another one is not returned.
    """
    path = _path(session, account_id, role_name)
    written_at = cache.modified_at(path)
    content = cache.read(path)
    keys = content.get("Credentials") if content else None
    if content is None or not isinstance(keys, dict):
        return None
    if sign_in is not None and not _is_of(sign_in, content, written_at):
        return None
    found = _parse(keys, account_id, account_name, role_name)
    if found is None or found.seconds_left() - _unmeasured_skew(content) < WINDOW:
        return None
    return replace(found, sign_in=sign_in.id) if sign_in is not None else found


def _unmeasured_skew(content: dict[str, Any]) -> float:
    """Return the seconds by which the clock was behind when an entry was written, if no answer has told them since."""
    own = content.get("SsoMagic")
    skew = own.get("clockSkew") if isinstance(own, dict) and not SERVICE_CLOCK.is_known else None
    return max(float(skew), 0.0) if isinstance(skew, (int, float)) else 0.0


def _is_of(sign_in: Mark, content: dict[str, Any], written_at: float | None) -> bool:
    """Return True if a cache entry belongs to the sign-in: by its mark, or by its time where the AWS CLI wrote it."""
    own = content.get("SsoMagic")
    mark = own.get("signIn") if isinstance(own, dict) else None
    if isinstance(mark, str):
        return mark == sign_in.id
    return written_at is not None and written_at >= sign_in.since


def _path(session: Session, account_id: str, role_name: str) -> Any:
    return cache.role_path(
        account_id=account_id, role_name=role_name, session_name=session.name, start_url=session.start_url
    )


def _parse(keys: dict[str, Any], account_id: str, account_name: str | None, role_name: str) -> Credentials | None:
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    expires_at = cache.parse_timestamp(keys.get("Expiration"))
    if expires_at is None or not all(map(is_sendable, (account_id, *map(keys.get, names)))):
        return None
    if keys.get("AccountId") not in (None, account_id):  # never another account's, whatever the file is called
        return None
    key_id, key, token = (Secret(keys[name]) for name in names)
    return Credentials(account_id, account_name, role_name, key_id, key, token, expires_at)


def store(session: Session, credentials: Credentials, still: Callable[[], Mark | None]) -> None:
    """Put the credentials in the shared cache; a file that cannot be written costs only that.

    Args:
        session: The session.
        credentials: The credentials.
        still: Returns the current sign-in. Credentials of another one, or of one that has been signed out of while
            they were on the wire, are not written.
    """
    content = {
        "ProviderType": "sso",
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": cache.format_timestamp(credentials.expires_at),
            "AccountId": credentials.account_id,
        },
        # Whose they are, for signing out of one session: the file's name is a hash that cannot be read back.
        "SsoMagic": {
            "sessionName": session.name,
            "startUrl": session.start_url,
            "roleName": credentials.role_name,
            "signIn": credentials.sign_in,
            "clockSkew": round(SERVICE_CLOCK.skew),  # for a process that has no answer yet to measure it by
        },
    }
    # A sign-out removes the token first and then, under this lock, the files: whichever comes first, none is left.
    with contextlib.suppress(CacheError), cache.lock(cache.ROLES_LOCK, name="the cached role credentials"):
        cache.remove_unfinished(cache.role_directory())
        current = still()
        if current is not None and current.id == credentials.sign_in:
            cache.write(_path(session, credentials.account_id, credentials.role_name), content)


def forget_others(session: Session, sign_in: str) -> None:
    """Remove role credentials that this package fetched with earlier sign-ins: the AWS CLI would hand them out.

    Raises:
        CacheError: A file cannot be removed; the others are.
    """
    failures: list[SSOMagicError] = []
    with cache.lock(cache.ROLES_LOCK, name="the cached role credentials"):
        for path, content in list(cache.scan(cache.role_directory())):
            own = content.get("SsoMagic")
            if isinstance(own, dict) and own.get("sessionName") == session.name and own.get("signIn") != sign_in:
                if session.name is None and own.get("startUrl") != session.start_url:
                    continue
                with kept_in(failures):
                    cache.remove(path)
    if failures:
        raise failures[0]


def forget(session: Session) -> None:
    """Removes the session's role credentials from the shared cache.

    The name of a file the AWS CLI wrote says nothing of its session: what cannot be shown to be another session's goes
    too, as ``aws sso logout`` removes them all.
    """
    from sso_magic.client.signout import remove_role_credentials

    with cache.lock(cache.ROLES_LOCK, name="the cached role credentials"):
        cache.remove_unfinished(cache.role_directory())
        remove_role_credentials(session_name=session.name, start_url=session.start_url)
