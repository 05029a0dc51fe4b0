"""Access key IDs that this process has handed out, by role: they identify a role's credentials wherever they are held.

An access key ID is no secret to AWS, but is kept as a `Secret` here, and only for as long as its credentials can sign.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common.secret import Secret

_GRACE = timedelta(hours=1)  # until an answer has told AWS's time, a clock that is ahead makes valid ones look expired
_SHORTEST = 12  # characters; a shorter text, such as a redacted key, would be found in unrelated strings
_MOST_ROLES = 1000  # above this, roles whose credentials have all expired are dropped


class HandedOut(dict[Secret, datetime]):
    """The access key IDs of one role, each with its expiry."""

    def __repr__(self) -> str:
        return f"HandedOut({len(self)})"

    def prune(self) -> None:
        """Drop the IDs whose credentials have expired."""
        oldest = SERVICE_CLOCK.now() - _GRACE
        for key_id, expires_at in list(self.items()):
            if expires_at < oldest:
                self.pop(key_id, None)


_BY_ROLE: dict[tuple[str, str], HandedOut] = {}


def note(account_id: str, role_name: str, key_id: Secret, expires_at: datetime) -> None:
    """Remember the access key ID of a role's credentials until they expire."""
    if not isinstance(key_id, Secret) or len(key_id.reveal()) < _SHORTEST:
        return
    if len(_BY_ROLE) > _MOST_ROLES:
        _drop_expired_roles()
    known = _BY_ROLE.setdefault((account_id, role_name), HandedOut())
    if key_id not in known:
        known.prune()
        known[key_id] = expires_at


def of_role(account_id: str, role_name: str) -> list[Secret]:
    """Return the access key IDs that this role had in this process and that may still be valid."""
    known = _BY_ROLE.get((account_id, role_name))
    if known is None:
        return []
    known.prune()
    return list(known)


def clear() -> None:
    """Forget all access key IDs."""
    _BY_ROLE.clear()


def _drop_expired_roles() -> None:
    for role, known in list(_BY_ROLE.items()):
        known.prune()
        if not known:
            _BY_ROLE.pop(role, None)
