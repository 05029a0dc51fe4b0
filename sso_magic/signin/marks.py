"""The mark of a sign-in: tells which sign-in a token belongs to, and with it what was fetched by that token.

Tokens name nobody, and the AWS CLI and botocore rewrite the token file without any key of this package. So a file of
this package's own, under ``~/.aws/sso_magic/sign-ins``, holds hashes of the tokens of the last sign-ins. A mark is the
start of the hash of a sign-in's first access token; it is no secret. It survives every refresh:

* one by this package, which writes the new token's hash here before the token itself;
* one by another tool that gets the same refresh token back;
* one by another tool that gets a new refresh token, if the registration is the same and the old token was in its last
  15 minutes: that is when botocore refreshes.

Any other token is another sign-in, perhaps another person's. Where that is not certain, as for a token that another
tool replaced after its end, it is taken for another one: what is cached is then fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common import cache, locks
from sso_magic.errors import CacheError
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from sso_magic.common.secret import Secret
    from sso_magic.signin.sessions import Session
    from sso_magic.signin.tokens import Token

VERSION = 1
WINDOW = 900  # seconds before its end in which botocore refreshes a token (PROTOCOL.md 7.1)
_KEPT = 4  # sign-ins of each session
_TOKENS = 16  # access tokens of each sign-in: a kernel may still hold the last but one

_MOST = 256  # tokens that this process remembers; a kernel that runs for months refreshes thousands

_here: dict[tuple[str, str], Mark] = {}  # by session key and hash of the access token
_lock = locks.RLock()


class Mark(NamedTuple):
    """A sign-in.

    Attributes:
        id: Tells it from every other sign-in.
        since: When it was made or first seen, in seconds since the epoch.
    """

    id: str
    since: float


def path(session: Session) -> Path:
    """Return the file that tells the session's sign-ins apart."""
    return cache.own_file("sign-ins", session.key)


def known(session: Session, access_token: Secret) -> Mark | None:
    """Return the mark of the sign-in that this access token came from; None if the token has not been seen."""
    digest = _digest(access_token)
    found = _here.get((session.key, digest))
    if found is None:
        entry = next((each for each in _entries(session) if digest in each["access"]), None)
        if entry is None:
            return None
        found = _remember(session, digest, _mark(entry))
    return found


def of(session: Session, token: Token, written_at: float | None) -> Mark:
    """Return the mark of the sign-in that a stored token came from.

    Args:
        session: The token's session.
        token: The stored token.
        written_at: When it was written, in seconds since the epoch; None if that is not known.
    """
    found = known(session, token.access_token)
    if found is not None:
        return found
    with _changing(session):
        found = known(session, token.access_token)  # another thread or kernel may have been first
        if found is not None:
            return found
        moment = utc_now().timestamp() if written_at is None else written_at
        entries = _entries(session)
        if not (entries and _is_refreshed(entries[0], token, moment)):
            entries.insert(0, {"id": _digest(token.access_token)[:32], "since": moment, "access": []})
        return _write(session, entries, token)


def began(session: Session, token: Token) -> None:
    """Remember a sign-in that this package has made; called before its token is written."""
    with _changing(session):
        entry = {"id": _digest(token.access_token)[:32], "since": utc_now().timestamp(), "access": []}
        _write(session, [entry, *_entries(session)], token)


def refreshed(session: Session, old: Token, new: Token) -> None:
    """Remember a refresh by this package; called before the new token is written."""
    before = known(session, old.access_token)
    with _changing(session):
        entries = _entries(session)
        entry = next((each for each in entries if before is not None and each["id"] == before.id), None)
        if entry is None:
            entry = {"id": _digest(old.access_token)[:32], "since": utc_now().timestamp(), "access": []}
            entry["access"] = [_digest(old.access_token)]
        _write(session, [entry, *(each for each in entries if each is not entry)], new)


def forget(session: Session) -> None:
    """Remove what is known of the session's sign-ins.

    Raises:
        CacheError: The file cannot be removed.
    """
    for key in [key for key in _here if key[0] == session.key]:
        _here.pop(key, None)
    cache.remove(path(session))


@contextlib.contextmanager
def _changing(session: Session) -> Any:
    with _lock, cache.lock(f"sign-ins {session.key}", timeout=5, name=f"the sign-in to {session.label}"):
        yield


def _is_refreshed(entry: dict[str, Any], token: Token, moment: float) -> bool:
    """Return True if another tool has got this token by refreshing the sign-in's last one."""
    if not token.refresh_token or not token.client_id or entry.get("client") != _digest(token.client_id):
        return False
    if entry.get("refresh") == _digest(token.refresh_token):
        return True
    expires_at = entry.get("expires_at")
    return isinstance(expires_at, (int, float)) and 0 <= expires_at - moment <= WINDOW


def _write(session: Session, entries: list[dict[str, Any]], token: Token) -> Mark:
    """Add the token to the first sign-in; a file that cannot be written limits this to the current process."""
    entry, digest = entries[0], _digest(token.access_token)
    entry["access"] = list(dict.fromkeys([digest, *entry["access"]]))[:_TOKENS]
    entry["refresh"] = _digest(token.refresh_token) if token.refresh_token else None
    entry["client"] = _digest(token.client_id) if token.client_id else None
    entry["expires_at"] = token.expires_at.timestamp()
    mark = _remember(session, digest, _mark(entry))
    with contextlib.suppress(CacheError):
        cache.write(path(session), {"version": VERSION, "sign_ins": entries[:_KEPT]})
    return mark


def _entries(session: Session) -> list[dict[str, Any]]:
    content = cache.read(path(session))
    found = content.get("sign_ins") if content and content.get("version") == VERSION else None
    return [each for each in found if _is_entry(each)] if isinstance(found, list) else []


def _is_entry(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("since"), (int, float))
        and isinstance(value.get("access"), list)
    )


def _remember(session: Session, digest: str, mark: Mark) -> Mark:
    _here[session.key, digest] = mark
    with contextlib.suppress(RuntimeError):  # another thread has just added one
        for oldest in list(_here)[:-_MOST]:
            _here.pop(oldest, None)
    return mark


def _mark(entry: dict[str, Any]) -> Mark:
    return Mark(entry["id"], float(entry["since"]))


def _digest(text: str) -> str:
    """Return a digest of a text, or of a `Secret` without its characters in a variable of a frame."""
    return hashlib.sha256(b"sso_magic " + text.encode()).hexdigest()
