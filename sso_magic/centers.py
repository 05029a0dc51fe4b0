"""The Identity Centers of this process: one a session, shared by magics and panels; and signing out of all of them."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from sso_magic.center import IdentityCenter
from sso_magic.kernel import KERNEL
from sso_magic.profiles import Session, find_session

if TYPE_CHECKING:
    from sso_magic.secret import Secret

_SHARED: dict[Session, IdentityCenter] = {}
_SHARED_LOCK = threading.Lock()


def shared_center(session: str | Session | None = None, *, region: str | None = None) -> IdentityCenter:
    """The one `IdentityCenter` of a session in this process, for magics and panels to see each other's changes.

    Args:
        session: As in `IdentityCenter`.
        region: As in `IdentityCenter`.

    Raises:
        SessionNotFound: There is no such session.
        Ambiguous: None was named and there are several.
        ConfigError: The session lacks a setting.
    """
    found = session if isinstance(session, Session) else find_session(session, region=region)
    with _SHARED_LOCK:
        center = _SHARED.get(found)
        if center is None:
            center = _SHARED[found] = IdentityCenter(found)
        return center


def sign_out_all() -> list[str]:
    """Ends every session that has a token on this machine, as ``aws sso logout`` does (portal-protocol 13).

    Returns:
        The sessions' names; a start URL where a token's session is not configured.
    """
    from sso_magic import cache
    from sso_magic.signin.tokens import parse
    from sso_magic.status import known_sessions

    ended = [session.label for session in known_sessions() if _center_of(session).sign_out()]
    for _, content in cache.scan(cache.sso_directory()):
        token, region = parse(content), content.get("region")
        if token is not None and isinstance(region, str):
            _sign_out_unknown(region, token.access_token)
            ended.append(str(content.get("startUrl", "a session of another tool")))
    KERNEL.forget()
    return ended


def _center_of(session: Session) -> IdentityCenter:
    return _SHARED.get(session) or IdentityCenter(session)


def _sign_out_unknown(region: str, access_token: Secret) -> None:
    """Ends a session that no file names any more; the client removes its token file."""
    from sso_magic.portal import SSO, SSOServiceException

    with SSO(region=region) as portal, contextlib.suppress(SSOServiceException):
        portal.logout(access_token=access_token)
