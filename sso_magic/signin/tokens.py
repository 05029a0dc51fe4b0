"""The token file of a session (PROTOCOL.md 6.1): shared with the AWS CLI, botocore and the SDKs.

Keys that other tools put into the file are kept. A file that lacks an access token or its end holds none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache
from sso_magic.common.secret import Secret, is_sendable
from sso_magic.common.text import printable
from sso_magic.config.start_url import is_aws_owned, is_same_portal
from sso_magic.errors import DeserializationError
from sso_magic.signin import refusals, store

if TYPE_CHECKING:
    from sso_magic.oidc import CreateTokenOutput
    from sso_magic.signin.sessions import Session

REFUSED = "the portal refuses its access token"

_OURS = (
    "startUrl",
    "region",
    "accessToken",
    "expiresAt",
    "clientId",
    "clientSecret",
    "registrationExpiresAt",
    "refreshToken",
)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and what it takes to refresh it.

    Attributes:
        access_token: Sent to the portal as it is.
        expires_at: When it ends, UTC.
        refresh_token: None where the session cannot be refreshed.
        client_id: The registration it was got with.
        client_secret: That registration's secret.
        registration_expires_at: When that registration ends, UTC.
        other: What other tools wrote into the file.
        rejected: Why AWS does not accept the token although it has not expired, as part of a sentence; None if nothing
            is known against it.
    """

    access_token: Secret
    expires_at: datetime
    refresh_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    registration_expires_at: datetime | None = None
    other: dict[str, Any] = field(default_factory=dict, repr=False)
    rejected: str | None = None

    def seconds_left(self, now: datetime) -> float:
        """Return the seconds until the token expires; 0 or less if it has expired or is rejected."""
        left = (self.expires_at - now).total_seconds()
        return left if self.rejected is None else min(0.0, left)

    def can_refresh(self, now: datetime) -> bool:
        """Return True if a refresh may be requested: all its parts are known and the registration is valid (8.1)."""
        return bool(
            self.rejected is None
            and self.refresh_token
            and self.client_id
            and self.client_secret
            and self.registration_expires_at
            and self.registration_expires_at > now
        )

    def refreshed(self, access_token: Secret, expires_in: int, refresh_token: Secret | None, now: datetime) -> Token:
        """This token after a refresh: the refresh token stays where the service gave no new one (8, DECISION)."""
        return replace(
            self,
            access_token=access_token,
            expires_at=cache.seconds_after(now, expires_in),
            refresh_token=refresh_token or self.refresh_token,
        )


def utc_now() -> datetime:
    """The present moment, with its zone."""
    return datetime.now(timezone.utc)


def load(session: Session) -> Token | None:
    """Return the stored token of the session, judged by what is known of it; None if there is none."""
    content = store.current().read(session.key)
    token = parse(content) if content else None
    if content is None or token is None:
        return None
    mismatch = _mismatch(session, content)
    return replace(token, rejected=mismatch) if mismatch else judged(session, token)


def judged(session: Session, token: Token) -> Token:
    """Return the token without what AWS has refused of it: see `refusals`."""
    if refusals.is_refused(session, token.access_token):
        return replace(token, rejected=REFUSED)
    if token.refresh_token and refusals.is_refused(session, token.refresh_token):
        return replace(token, refresh_token=None)
    return token


def _mismatch(session: Session, content: dict[str, Any]) -> str | None:
    """Return why the stored token is not for this session, as after an edit of ``~/.aws/config``; None if it is.

    The AWS CLI finds the token file by the session's name alone and then sends the token to another portal.
    """
    start_url, region = content.get("startUrl"), content.get("region")
    if isinstance(start_url, str) and not any(
        start_url == known or is_same_portal(start_url, known) for known in (session.start_url, session.portal_url)
    ):
        return printable(f"the stored token is for {start_url}")
    # A vanity start URL may lead to a portal in another region than the configured one.
    may_differ = session.start_url.startswith("https:") and not is_aws_owned(session.start_url)
    if isinstance(region, str) and region != session.sso_region and not may_differ:
        return printable(f"the stored token is for the region {region}")
    return None


def parse(content: dict[str, Any]) -> Token | None:
    """The token that a file's content holds."""
    expires_at = cache.parse_timestamp(content.get("expiresAt"))
    access_token = _secret(content, "accessToken")
    if not access_token or not expires_at:
        return None
    client_id = content.get("clientId")
    return Token(
        access_token=access_token,
        expires_at=expires_at,
        refresh_token=_secret(content, "refreshToken"),
        client_id=client_id if isinstance(client_id, str) else None,
        client_secret=_secret(content, "clientSecret"),
        registration_expires_at=cache.parse_timestamp(content.get("registrationExpiresAt")),
        other={key: value for key, value in content.items() if key not in _OURS},
    )


def access_token_in(output: CreateTokenOutput) -> Secret:
    """The access token that the service gave.

    Raises:
        DeserializationError: It is none that a header can hold.
    """
    if not is_sendable(output.access_token):
        raise DeserializationError(
            "The service gave no access token. Try again. If it persists, contact your AWS administrator."
        )
    return output.access_token


def _secret(content: dict[str, Any], key: str) -> Secret | None:
    value = content.get(key)
    return Secret(value) if is_sendable(value) else None


def save(session: Session, token: Token) -> None:
    """Keeps the session's token.

    Raises:
        CacheError: It cannot be kept.
    """
    content: dict[str, Any] = {
        "startUrl": session.start_url,
        "region": session.sso_region,
        "accessToken": token.access_token,
        "expiresAt": cache.format_timestamp(token.expires_at),
    }
    if token.client_id and token.client_secret:
        content |= {"clientId": token.client_id, "clientSecret": token.client_secret}
    if token.registration_expires_at:
        content["registrationExpiresAt"] = cache.format_timestamp(token.registration_expires_at)
    if token.refresh_token:
        content["refreshToken"] = token.refresh_token
    store.current().write(session.key, content | token.other)


def delete(session: Session) -> bool:
    """Removes the session's token; True if there was one.

    Raises:
        CacheError: It is there and cannot be removed.
    """
    return store.current().remove(session.key)
