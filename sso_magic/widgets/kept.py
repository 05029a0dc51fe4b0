"""Recent and favorite roles: a small file under ``~/.aws/sso_magic``, shared by all kernels. It holds no secret.

They belong to a person, not to a sign-in: an ordinary sign-in in the morning keeps them. Tokens have no user name, so
the person is known only once a role is used and STS has named the user of its credentials; see `learn_person`. Until
then the roles of the person who was known last are shown, of which the list keeps those that are assigned now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common import cache
from sso_magic.errors import CacheError
from sso_magic.kernel import person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.kernel_role import Use

VERSION = 1
RECENT = 5  # roles remembered of those used last
FAVORITES = 20


class RoleKey(NamedTuple):
    """Which role in which account."""

    account_id: str
    role_name: str

    @classmethod
    def of_use(cls, use: Use) -> RoleKey:
        """Return which role a use is of."""
        return cls(use.credentials.account_id, use.credentials.role_name)


class Kept(NamedTuple):
    """What is kept of one session.

    Attributes:
        favorites: In the order in which they were made favorites.
        recent: Those used last, the newest first.
    """

    favorites: tuple[RoleKey, ...] = ()
    recent: tuple[RoleKey, ...] = ()


def load(session: str) -> Kept:
    """Return what is kept of the session; a file that cannot be read counts as none."""
    entry = _entry(session)
    return Kept(*(_keys(entry.get(name)) for name in Kept._fields))


def learn_person(session: str, credentials: Credentials) -> bool:
    """Change to the roles of the person whose credentials these are; STS is asked once for each sign-in.

    Args:
        session: The session's key.
        credentials: Credentials that were fetched with the current sign-in.

    Returns:
        True if another person's roles were shown before.
    """
    sign_in = credentials.sign_in
    if sign_in is None or _entry(session).get("sign_in") == sign_in:
        return False
    name = person.name_of(credentials)
    if name is None:
        return False
    now = cache.sha1(f"{session} {name}")
    try:
        with cache.lock("panel", timeout=2, name="the panel's favorites"):
            entry = _entry(session)
            before = entry.get("person")
            if isinstance(before, str) and before != now:
                people = _of(entry, "people")
                people[before] = {field: entry.get(field, []) for field in Kept._fields}
                entry = {**Kept()._asdict(), **_of(people, now), "people": people}
            _put(session, {**entry, "person": now, "sign_in": sign_in})
    except CacheError:
        return False
    return before not in (None, now)


def remember_use(session: str, key: RoleKey) -> None:
    """Put the role in front of the recent ones; if the file cannot be written, nothing else fails."""

    def change(kept: Kept) -> Kept:
        return kept._replace(recent=(key, *(other for other in kept.recent if other != key))[:RECENT])

    if load(session).recent[:1] != (key,):
        _change(session, change)


def toggle_favorite(session: str, key: RoleKey) -> bool:
    """Make the role a favorite, or no longer one.

    Returns:
        Whether it is one now.

    Raises:
        CacheError: The file cannot be written.
    """

    def change(kept: Kept) -> Kept:
        others = tuple(other for other in kept.favorites if other != key)
        return kept._replace(favorites=others if key in kept.favorites else (*others, key)[-FAVORITES:])

    return key in _write(session, change).favorites


def _change(session: str, change: Callable[[Kept], Kept]) -> None:
    try:
        _write(session, change)
    except CacheError:
        return


def _write(session: str, change: Callable[[Kept], Kept]) -> Kept:
    with cache.lock("panel", timeout=2, name="the panel's favorites"):
        kept = change(load(session))
        _put(session, {**_entry(session), **kept._asdict()})
        return kept


def _put(session: str, entry: dict[str, Any]) -> None:
    cache.write(_path(), {"version": VERSION, "sessions": {**_sessions(), session: entry}})


def _entry(session: str) -> dict[str, Any]:
    return _of(_sessions(), session)


def _of(content: dict[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _path() -> Path:
    return cache.own_directory() / "panel.json"


def _sessions() -> dict[str, Any]:
    content = cache.read(_path())
    sessions = content.get("sessions") if content and content.get("version") == VERSION else None
    return sessions if isinstance(sessions, dict) else {}


def _keys(value: object) -> tuple[RoleKey, ...]:
    pairs = value if isinstance(value, list) else []
    return tuple(
        RoleKey(*pair)
        for pair in pairs
        if isinstance(pair, list) and len(pair) == len(RoleKey._fields) and all(isinstance(text, str) for text in pair)
    )
