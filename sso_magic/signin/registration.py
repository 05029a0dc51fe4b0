"""The client registration of a session, in the file that the AWS CLI uses too (PROTOCOL.md 2.2, 6.2)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.errors import CacheError, DeserializationError
from sso_magic.signin.sessions import DEFAULT_SCOPE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sso_magic.oidc import SSOOIDC
    from sso_magic.signin.sessions import Session

# A registration that ends this soon is not begun with: the sign-in may take ten minutes (7.3).
MARGIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered public client.

    Attributes:
        client_id: Its id.
        client_secret: Its secret.
        expires_at: When it ends, UTC.
    """

    client_id: str
    client_secret: Secret
    expires_at: datetime


def path(session: Session) -> Path:
    """The session's registration file. A bare start URL has the legacy format's name, as for the AWS CLI."""
    return cache.registration_path(
        region=session.sso_region, scopes=session.scopes, session_name=session.name, start_url=session.start_url
    )


def load(session: Session, now: datetime, *, grant_types: tuple[str, ...] = ()) -> Registration | None:
    """The registration in the file, if it holds for a while and was made for these grants.

    One that names ``authorization_code`` serves the browser alone, one that does not the device code alone.
    """
    content = cache.read(path(session))
    if not content:
        return None
    client_id, client_secret = content.get("clientId"), content.get("clientSecret")
    expires_at = cache.parse_timestamp(content.get("expiresAt"))
    if not isinstance(client_id, str) or not isinstance(client_secret, str) or not expires_at:
        return None
    listed = content.get("grantTypes")
    for_browser = isinstance(listed, list) and "authorization_code" in listed
    if expires_at - now < MARGIN or for_browser != ("authorization_code" in grant_types):
        return None
    return Registration(client_id, Secret(client_secret), expires_at)


def register(
    oidc: SSOOIDC,
    session: Session,
    *,
    grant_types: tuple[str, ...] = (),
    redirect_uris: tuple[str, ...] = (),
    keep: bool = True,
) -> Registration:
    """Registers a client and keeps it in the file, unless told not to; a file that cannot be written costs only that.

    The default scope is registered where none is configured, since only a scoped registration gets a refresh
    token (2.4). A legacy profile's is not scoped: the AWS CLI shares its token and cannot refresh it (7.2).
    """
    scopes = session.scopes or ((DEFAULT_SCOPE,) if session.name is not None else None)
    output = oidc.register_client(
        client_name=f"sso_magic-{session.name or 'notebook'}",
        client_type="public",
        scopes=scopes,
        grant_types=grant_types or None,
        redirect_uris=redirect_uris or None,
        issuer_url=session.portal_url if grant_types else None,
    )
    if not output.client_id or not output.client_secret:
        raise DeserializationError(
            "The service registered no client. Try again. If it persists, contact your AWS administrator."
        )
    expires_at = cache.seconds_after(cache.EPOCH, output.client_secret_expires_at or 0)
    registration = Registration(output.client_id, output.client_secret, expires_at)
    if keep:
        _store(session, registration, scopes, grant_types)
    return registration


def _store(
    session: Session, registration: Registration, scopes: tuple[str, ...] | None, grant_types: tuple[str, ...]
) -> None:
    content: dict[str, object] = {
        "clientId": registration.client_id,
        "clientSecret": registration.client_secret,
        "expiresAt": cache.format_timestamp(registration.expires_at),
    }
    if session.scopes or grant_types:
        content["scopes"] = list(scopes or ())
    if grant_types:
        content["grantTypes"] = list(grant_types)
    with contextlib.suppress(CacheError):
        cache.write(path(session), content)


def remove(session: Session, client_id: str | None) -> None:
    """Remove the session's client registration, and others with this id, for a sign-out.

    Args:
        session: The session.
        client_id: The registration that the session's token was fetched with; None if there was no token.

    Raises:
        CacheError: A file is there and cannot be removed.
    """
    from sso_magic.client.signout import remove_registrations

    file = path(session)
    cache.remove_unfinished(file.parent, file.name)
    cache.remove(file)
    if client_id is not None:
        remove_registrations(client_id)


def forget(session: Session) -> None:
    """Removes the file: the service refused the registration in it."""
    with contextlib.suppress(CacheError):
        cache.remove(path(session))
