"""The inventory's cache: one file a session under ``~/.aws/sso_magic/inventory``, 0600, written whole or not at all.

It holds the last whole fetch with what changed in it; what was asked singly since, such as one account's roles; and a
fetch that has not ended, so that a kernel that was killed goes on where it was. A file that is corrupt, of another
version, or not of this session counts as none. It holds no secret.

Several kernels may share it: a change is made under the session's lock, to what the file holds then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache, locks
from sso_magic.errors import CacheError
from sso_magic.inventory.part import Change, Part, changes_between
from sso_magic.inventory.snapshot import accounts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sso_magic.signin.marks import Mark

VERSION = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """What the file holds.

    Attributes:
        whole: The last whole fetch.
        since: What was asked singly since.
        unfinished: A fetch that has not ended, or was killed.
        changes: What the last whole fetch has added and removed, as a text of its own: there may be as many changes as
            there are roles, and they are seldom looked at. See `decode_changes`.
    """

    whole: Part | None = None
    since: Part | None = None
    unfinished: Part | None = None
    changes: str = "[]"


class Store:
    """The cache file of one session.

    Args:
        key: What tells this session from others.
        owner: Returns the mark of the current sign-in, which may be another person's than what the file holds; None if
            nobody is signed in.
    """

    def __init__(self, key: str, owner: Callable[[], Mark | None] = lambda: None) -> None:
        self._key = key
        self._owner = owner
        self.warning: str | None = None  # why the file could not be written, for the caller to show
        self._writing = locks.Lock()
        self._reading = locks.Lock()
        self._held: tuple[object, Stored] = (None, Stored())  # which file was read last, and what was in it
        self._texts: dict[int, tuple[Part, str]] = {}  # parts as they were written last, by identity

    @property
    def path(self) -> Path:
        """The file."""
        return cache.own_file("inventory", self._key)

    def load(self) -> Stored:
        """What the file holds; it is read again only when it is another one."""
        owner = self._owner()
        with self._reading:
            mark = (self._mark(), owner)
            if self._held[0] != mark:
                self._held = (mark, self._decoded(cache.read(self.path), owner))
            return self._held[1]

    def update(self, change: Callable[[Stored], Stored], owner: Mark | None = None) -> Stored:
        """Write what `change` makes of what the file holds; the parts in it must not grow after that.

        Where it cannot be written, this object holds it all the same, and `warning` says why.

        Args:
            change: Returns what the file is to hold.
            owner: The mark of the sign-in that the change was fetched with; nothing is written if that is no longer the
                current one: somebody has signed out, or in as another person, while it was on the wire.
        """
        with self._writing, cache.lock(f"inventory {self._key}", timeout=5, name="the cached inventory"):
            if owner is not None and self._owner() != owner:
                return self.load()
            stored = change(self.load())
            try:
                cache.write_text(self.path, self._encoded(stored, owner))
                self.warning = None
            except CacheError as error:
                self.warning = str(error)
            self._held = ((self._mark(), owner), stored)
            return stored

    def remove(self) -> None:
        """Removes the file.

        Raises:
            CacheError: It cannot be removed.
        """
        with self._writing, cache.lock(f"inventory {self._key}", timeout=5, name="the cached inventory"):
            self._held = (None, Stored())
            self._texts = {}
            cache.remove(self.path)

    def _mark(self) -> object:
        """What tells this file from the one that takes its place; None: there is none."""
        return cache.stamp(self.path)

    def _is_of(self, owner: Mark, sign_in: object) -> bool:
        """Return False for another sign-in's file; one without a mark, of an earlier version, goes by its time."""
        if sign_in is not None:
            return sign_in == owner.id
        written_at = cache.modified_at(self.path)
        return written_at is not None and written_at >= owner.since

    def _encoded(self, stored: Stored, owner: Mark | None) -> str:
        """The file's text. A part that was in it before, the last whole fetch above all, is not put in words again."""
        texts: dict[int, tuple[Part, str]] = {}
        fields = [
            f'"version":{VERSION}',
            f'"key":{json.dumps(self._key)}',
            f'"sign_in":{json.dumps(owner.id if owner else None)}',
        ]
        for name, part in (("whole", stored.whole), ("since", stored.since), ("unfinished", stored.unfinished)):
            if part is not None:
                known = self._texts.get(id(part))
                text = known[1] if known and known[0] is part else _compact(_encode_part(part))
                texts[id(part)] = (part, text)
                fields.append(f'"{name}":{text}')
        fields.append(f'"changes":{json.dumps(stored.changes)}')
        self._texts = texts
        return "{" + ",".join(fields) + "}"

    def _decoded(self, content: dict[str, Any] | None, owner: Mark | None) -> Stored:
        if content is None or content.get("version") != VERSION or content.get("key") != self._key:
            return Stored()
        if owner is not None and not self._is_of(owner, content.get("sign_in")):
            return Stored()
        try:
            return Stored(
                whole=_decode_part(content.get("whole")),
                since=_decode_part(content.get("since")),
                unfinished=_decode_part(content.get("unfinished")),
                changes=_all_texts([content["changes"]])[0],
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return Stored()


def encode_changes(changes: Sequence[Change]) -> str:
    """The changes as a text."""
    return _compact(changes)


def decode_changes(text: str) -> list[Change]:
    """The changes in a text; none where it is not one of theirs."""
    try:
        changes = [Change(*change) for change in cache.from_json(text)]
    except (TypeError, ValueError, RecursionError):
        return []
    return changes if {*map(type, chain.from_iterable(changes))} <= {str, type(None)} else []


def _encode_part(part: Part) -> dict[str, Any]:
    """Columns, for they are read faster than rows. Names of roles stand once, and so does each combination of them."""
    combinations = {names: number for number, names in enumerate(dict.fromkeys(part.roles.values()))}
    names = list(dict.fromkeys(name for combination in combinations for name in combination))
    numbers = {name: number for number, name in enumerate(names)}
    return {
        "started_at": cache.format_timestamp(part.started_at),
        "listed": part.listed,
        "next_token": part.next_token,
        "sorted": part.sorted_,
        "role_names": names,
        "combinations": [[numbers[name] for name in combination] for combination in combinations],
        "account_ids": list(part.accounts),
        "account_names": [one.account_name for one in part.accounts.values()],
        "email_addresses": [one.email_address for one in part.accounts.values()],
        "roles": [combinations[part.roles[one]] if one in part.roles else None for one in part.accounts],
        "errors": part.errors,
    }


def _decode_part(content: Any) -> Part | None:
    if content is None:
        return None
    started_at = cache.parse_timestamp(content["started_at"])
    if started_at is None:
        raise ValueError("started_at")
    role_names = _all_texts(content["role_names"])
    combinations = [tuple([role_names[number] for number in numbers]) for numbers in content["combinations"]]
    ids = _all_texts(content["account_ids"])
    names, addresses, roles = content["account_names"], content["email_addresses"], content["roles"]
    if not {*map(type, names), *map(type, addresses)} <= {str, type(None)}:
        raise TypeError
    return Part(
        started_at=started_at,
        accounts=dict(zip(ids, accounts_of(ids, names, addresses), strict=True)),
        roles={one: combinations[number] for one, number in zip(ids, roles, strict=True) if number is not None},
        errors=dict(zip(_all_texts(content["errors"]), _all_texts(content["errors"].values()), strict=True)),
        listed=content["listed"] is True,
        next_token=_text_or_none(content["next_token"]),
        sorted_=content["sorted"] is True,
    )


def _all_texts(values: Iterable[Any]) -> list[str]:
    """The values, all of which must be strings."""
    texts = list(values)
    if not {*map(type, texts)} <= {str}:
        raise TypeError
    return texts


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _text_or_none(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value


def with_whole(stored: Stored, part: Part) -> Stored:
    """The cache after a whole fetch: what was asked singly during it stays."""
    newer = stored.since if stored.since and stored.since.started_at >= part.started_at else None
    changes = changes_between(stored.whole, part) if stored.whole else []
    return Stored(whole=part.in_order(), since=newer, changes=encode_changes(changes))
