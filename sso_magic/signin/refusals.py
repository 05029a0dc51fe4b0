"""Tokens that AWS has refused, remembered for every kernel that shares the token file.

The token file itself stays as it is: it belongs to the AWS CLI and to botocore as well. A file beside it, 0600 under
``~/.aws/sso_magic/refused``, holds hashes of the refused tokens. A new token has another hash, so nothing has to be
reset when one arrives.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache
from sso_magic.errors import CacheError

if TYPE_CHECKING:
    from pathlib import Path

    from sso_magic.common.secret import Secret
    from sso_magic.signin.sessions import Session

_KEPT = 8  # hashes of each session: more than one, since an access token and its refresh token are refused together
_here: dict[str, tuple[str, ...]] = {}  # by session key; also where no file can be written


def path(session: Session) -> Path:
    """Return the file with the hashes of the session's refused tokens."""
    return cache.own_file("refused", session.key)


def stamp(session: Session) -> object:
    """Return a value that changes whenever `is_refused` may change."""
    return (cache.stamp(path(session)), _here.get(session.key))


def is_refused(session: Session, token: Secret) -> bool:
    """Return True if AWS has refused this access token or refresh token in the session's region."""
    digest = _digest(session, token)
    return digest in _here.get(session.key, ()) or digest in _stored(session)


def remember(session: Session, *refused: Secret) -> None:
    """Remember refused tokens; a file that cannot be written limits this to the current process."""
    digests = [_digest(session, token) for token in refused]
    kept = tuple(dict.fromkeys([*digests, *_here.get(session.key, ())]))[:_KEPT]
    _here[session.key] = kept
    content = {"refused": list(dict.fromkeys([*kept, *_stored(session)]))[:_KEPT]}
    with contextlib.suppress(CacheError):
        cache.write(path(session), content)


def forget(session: Session) -> None:
    """Remove what is remembered of the session.

    Raises:
        CacheError: The file cannot be removed.
    """
    _here.pop(session.key, None)
    cache.remove(path(session))


def _stored(session: Session) -> list[Any]:
    content = cache.read(path(session))
    found = content.get("refused") if content else None
    return found if isinstance(found, list) else []


def _digest(session: Session, token: Secret) -> str:
    # A portal refuses the tokens of every other region: with the region corrected, the same token may be valid.
    return hashlib.sha256(f"{session.sso_region}\n{token.reveal()}".encode()).hexdigest()
