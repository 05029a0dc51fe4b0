"""The Identity Centers of this process: one a session, shared by magics and panels; and signing out of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.center.identity_center import SHARED, IdentityCenter
from sso_magic.common import cache
from sso_magic.config.files import usable_config
from sso_magic.errors import Ambiguous, ConfigError, SessionNotFound, SSOMagicError, kept_in
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import tokens
from sso_magic.signin.sessions import Session, find_session, sessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso_magic.common.secret import Secret
    from sso_magic.signin.tokens import Token


def shared_center(session: str | Session | None = None, *, sso_region: str | None = None) -> IdentityCenter:
    """The one `IdentityCenter` of a session in this process, for magics and panels to see each other's changes.

    Args:
        session: As in `IdentityCenter`.
        sso_region: As in `IdentityCenter`.

    Raises:
        SessionNotFound: There is no such session.
        Ambiguous: None was named and there are several.
        ConfigError: The session lacks a setting.
    """
    found = session if isinstance(session, Session) else session_meant(session, sso_region=sso_region)
    return IdentityCenter.shared(found)


def session_meant(text: str | None = None, *, sso_region: str | None = None) -> Session:
    """Return the session as `find_session` does; without a name and a configuration, the only one that has a token.

    So a start URL that was signed in to in another kernel need not be typed again.

    Args:
        text: The name of an ``[sso-session]``, or a start URL.
        sso_region: The region of the Identity Center.

    Raises:
        SessionNotFound: There is no such session.
        Ambiguous: None was named and there are several.
        ConfigError: The session lacks a setting.
    """
    try:
        return find_session(text, sso_region=sso_region)
    except SessionNotFound:
        signed_in = [] if text or sso_region else [one for one in known_sessions() if token_of(one) is not None]
        if len(signed_in) > 1:
            labels = ", ".join(one.label for one in signed_in)
            raise Ambiguous(f"Which session? Name one: {labels}.") from None
        if not signed_in:
            raise
        return find_session(signed_in[0].key, sso_region=signed_in[0].sso_region)


def signed_in_here() -> list[Session]:
    """The sessions that this process has a token of, in a file or, where none can be written, in memory."""
    return [session for session, center in list(SHARED.items()) if center.tokens.peek() is not None]


def token_of(session: Session) -> Token | None:
    """The session's token at hand, valid or not; never the network."""
    center = SHARED.get(session)
    return tokens.load(session) if center is None else center.tokens.peek()


def refresh_failure(session: Session) -> str | None:
    """Return why the session's token could not be refreshed the last time; None if it could, or was not tried."""
    center = SHARED.get(session)
    return None if center is None else center.tokens.refresh_failure


def release() -> bool:
    """Take the role in use out of the environment, and restore what the environment was before.

    Returns:
        True if a role was in use.
    """
    return KERNEL.release() is not None


def known_account_name(account_id: str) -> str | None:
    """Return the name of an account as a session on this machine has listed it; never the network.

    Returns:
        None if no session has listed the account.
    """
    for session in dict.fromkeys([*SHARED, *known_sessions()]):
        for account in _center_of(session).directory.cached_accounts() or ():
            if account.account_id == account_id and account.account_name:
                return account.account_name
    return None


def sign_out_all() -> list[str]:
    """Ends every session that has a token on this machine, as ``aws sso logout`` does.

    One that fails keeps no other from being ended.

    Returns:
        The sessions' names; a start URL where a token's session is not configured.

    Raises:
        SSOMagicError: What the first failed with of those that did.
    """
    ended: list[str] = []
    failures: list[SSOMagicError] = []
    for session in dict.fromkeys([*known_sessions(), *signed_in_here()]):
        with kept_in(failures):
            ended += [session.label] if _center_of(session).sign_out() else []
    for label, region, token in list(_tokens_of_unknown_sessions()):
        with kept_in(failures):
            _sign_out_unknown(label, region, token)
            ended.append(label)
    KERNEL.forget()
    if failures:
        raise failures[0]
    return ended


def _center_of(session: Session) -> IdentityCenter:
    return SHARED.get(session) or IdentityCenter(session)


def _tokens_of_unknown_sessions() -> Iterator[tuple[str, str, Secret]]:
    """What a message calls the session, its region and its access token, for each that no file names any more."""
    from sso_magic.common import cache

    for _, content in cache.scan(cache.sso_directory()):
        token, region = tokens.parse(content), content.get("region")
        if token is not None and isinstance(region, str):
            yield str(content.get("startUrl", "a session of another tool")), region, token.access_token


def _sign_out_unknown(label: str, region: str, access_token: Secret) -> None:
    from sso_magic.client.patience import add_read_timeouts
    from sso_magic.client.signout import forget_locally
    from sso_magic.portal import SSO
    from sso_magic.signin.access_token import end_session

    with SSO(region=region, shared_config=usable_config()) as portal:
        add_read_timeouts(portal.middleware_stack)
        try:
            forget_locally(access_token)
        finally:
            end_session(portal, access_token, label)


def known_sessions() -> list[Session]:
    """The sessions of the configuration, and start URLs that were signed in to without one."""
    try:
        known = {session.key: session for session in sessions()}
    except ConfigError:
        known = {}  # what is wrong there is said where it is needed; a status has to show the rest
    for session in (*_signed_in_by_url(), *signed_in_here()):
        if session.name is None:
            known.setdefault(session.key, session)
    return list(known.values())


def _signed_in_by_url() -> list[Session]:
    found = []
    for path, content in cache.scan(cache.sso_directory()):
        url, region = content.get("startUrl"), content.get("region")
        if isinstance(url, str) and isinstance(region, str) and path == cache.token_path(url):
            found.append(Session(None, url, region))
    return found
