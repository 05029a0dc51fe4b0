"""Writing ``~/.aws/config``: sign-in sessions, and a profile for every account and role.

A plan says first what would be added, changed and removed. Writing it changes nothing else, keeps comments, order, line
ends and other profiles byte for byte, and leaves a copy of the file as it was beside it. Planning again after that
finds nothing to do.

Profiles written here carry a comment, ``# kept by sso_magic: NAME``. Only these are ever changed or removed, and only
while the comment has the section's own name: one that somebody copied and renamed is theirs. One is removed when its
role is gone from a whole inventory; not when its account could not be asked.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sso_magic import cache
from sso_magic.config_text import ConfigText, Section, check_line, check_readable, header
from sso_magic.errors import ConfigError
from sso_magic.inventory.search import search
from sso_magic.profile_names import TEMPLATE, named

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    import pandas as pd

    from sso_magic.inventory.snapshot import InventorySnapshot
    from sso_magic.profiles import Session

MARK = "kept by sso_magic:"
BACKUP = ".sso_magic.bak"  # at the end of the backup's name


@dataclass(frozen=True, slots=True)
class WantedProfile:
    """A profile that there should be.

    Attributes:
        name: The profile's name.
        account_id: 12 digits.
        account_name: The account's name, if it has one.
        role_name: The role.
        region: The region for the work done; None leaves it as it is, or out.
    """

    name: str
    account_id: str
    account_name: str | None
    role_name: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What would happen to a profile.

    ``taken``: nothing, for a profile of that name is there that was not written here and means something else.
    """

    change: Literal["added", "changed", "removed", "taken"]
    profile: str
    account_id: str
    account_name: str | None
    role_name: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What writing profiles would do.

    Attributes:
        path: The configuration file.
        before: Its text now.
        after: Its text then.
        changes: What would happen to which profile.
        unchanged: How many are as they should be.
    """

    path: Path
    before: str
    after: str
    changes: tuple[ProfileChange, ...]
    unchanged: int

    def frame(self) -> pd.DataFrame:
        """The changes as a table.

        Returns:
            DataFrame: change (``added``, ``changed``, ``removed`` or ``taken``), profile, account_id, account_name,
            role_name, region (strings; account_name and region may be missing).
        """
        import pandas as pd

        from sso_magic.inventory.snapshot import strings

        names = [one.name for one in fields(ProfileChange)]
        frame: pd.DataFrame = pd.DataFrame(
            {name: strings([getattr(one, name) for one in self.changes]) for name in names}
        )
        return frame

    def summary(self) -> str:
        """One line: how many are added, changed, removed, taken and unchanged."""
        kinds = [one.change for one in self.changes]
        parts = [f"{kinds.count(kind):,} {kind}" for kind in ("added", "changed", "removed", "taken") if kind in kinds]
        return ", ".join([*parts, f"{self.unchanged:,} unchanged"])

    def write(self) -> Path | None:
        """Writes it; nothing at all where nothing changes.

        Returns:
            Where the file as it was is now; None if nothing was written, or there was no file.

        Raises:
            ConfigError: The file has changed since it was planned, or cannot be written.
        """
        return None if self.after == self.before else _write(self.path, self.before, self.after)


def plan(
    snapshot: InventorySnapshot,
    session: Session,
    *,
    words: str | Sequence[str] = "",
    template: str = TEMPLATE,
    region: str | None = None,
    path: Path | None = None,
) -> Plan:
    """What it takes to have a profile for every account and role of the inventory.

    Args:
        snapshot: The inventory.
        session: The session they sign in by.
        words: Only the accounts and roles in which all these words stand; other profiles stay as they are.
        template: The profiles' names, of ``{account_name}``, ``{account_id}``, ``{role_name}`` and ``{session}``.
        region: Their region for the work done; None leaves it as it is, or out.
        path: The configuration file; None: AWS_CONFIG_FILE or ``~/.aws/config``.

    Raises:
        UsageError: The template names something else.
        ConfigError: The file cannot be read, or holds what botocore cannot read; the message names the line.
    """
    path = _config_path() if path is None else path
    every = list(snapshot.rows())
    meant = set(search(snapshot, words))
    wanted = [
        WantedProfile(name, row.account_id, row.account_name, row.role_name, region)
        for name, row in zip(named(every, template, session.label), every, strict=True)
        if row in meant
    ]
    return plan_text(_read(path), wanted, session, path=path, may_remove=_Needless(snapshot, wanted))


class _Needless:
    """The roles whose profiles, other than the wanted ones, are needed no more."""

    def __init__(self, snapshot: InventorySnapshot, wanted: Sequence[WantedProfile]) -> None:
        self._complete = snapshot.complete
        self._failed = snapshot.errors
        self._there = {(account_id, name) for account_id, names in snapshot.roles.items() for name in names}
        self._wanted = {(profile.account_id, profile.role_name) for profile in wanted}

    def __contains__(self, role: object) -> bool:
        """Roles that are gone from a whole inventory, and those that get a profile of another name."""
        if not self._complete or not isinstance(role, tuple) or role[0] in self._failed:
            return False
        return role not in self._there or role in self._wanted


def plan_text(
    text: str, wanted: Sequence[WantedProfile], session: Session, *, path: Path, may_remove: Container[object]
) -> Plan:
    """What it takes to have these profiles in a configuration file of this text.

    Args:
        text: The file's text.
        wanted: The profiles, each name once.
        session: The session they sign in by.
        path: The file, for messages and for `Plan.write`.
        may_remove: The (account id, role) pairs whose profiles may go, of those written here for this session.

    Raises:
        ConfigError: The text is not one that botocore can read, or a value cannot be written.
    """
    check_readable(text, path)
    editor = ConfigText(text)
    if session.name is not None and editor.find("sso-session", session.name) is None:
        values = {"sso_start_url": session.start_url, "sso_region": session.region}
        _put(editor, None, header("sso-session", session.name), values | _scopes(session.scopes or ()))
    there = {section.name: section for section in editor.sections if section.kind == "profile" and section.name}
    changes, unchanged = [], 0
    for profile in wanted:
        change = _put_profile(editor, there.get(profile.name), profile, session)
        if change is None:
            unchanged += 1
        else:
            changes.append(
                ProfileChange(
                    change, profile.name, profile.account_id, profile.account_name, profile.role_name, profile.region
                )
            )
    names = {profile.name for profile in wanted}
    others = [section for name, section in there.items() if name not in names]
    changes += _remove_needless(editor, others, session, may_remove)
    after = editor.text()
    if after != text:
        check_readable(after, path)
    return Plan(path, text, after, tuple(changes), unchanged)


def _put_profile(
    editor: ConfigText, section: Section | None, profile: WantedProfile, session: Session
) -> Literal["added", "changed", "taken"] | None:
    """Makes a profile what it should be; what that is. None: it is that already, whoever wrote it."""
    values = _sign_in_keys(session) | {"sso_account_id": profile.account_id, "sso_role_name": profile.role_name}
    ours = section is not None and _is_ours(section, session)
    if section is not None and not ours:
        return None if all(section.get(key) == value for key, value in values.items()) else "taken"
    if profile.region is not None:
        values["region"] = profile.region
    if section is not None and all(section.get(key) == value for key, value in values.items()):
        return None
    _put(editor, section, header("profile", profile.name), values, f"{MARK} {profile.name}")
    return "added" if section is None else "changed"


def _remove_needless(
    editor: ConfigText, sections: Sequence[Section], session: Session, may_remove: Container[object]
) -> Iterator[ProfileChange]:
    for section in sections:
        account_id, role_name = section.get("sso_account_id"), section.get("sso_role_name")
        if _is_ours(section, session) and account_id and role_name and (account_id, role_name) in may_remove:
            editor.remove(section)
            yield ProfileChange("removed", section.name, account_id, None, role_name, section.get("region"))


def _is_ours(section: Section, session: Session) -> bool:
    """Whether the section was written here, for this session, and not copied and renamed since."""
    return f"{MARK} {section.name}" in section.comments.values() and all(
        section.get(key) == value for key, value in _sign_in_keys(session).items()
    )


def _sign_in_keys(session: Session) -> dict[str, str]:
    """What ties a profile to its session: the session's name or, in the legacy format, its start URL and region."""
    if session.name is not None:
        return {"sso_session": session.name}
    return {"sso_start_url": session.start_url, "sso_region": session.region}


def _scopes(scopes: Sequence[str]) -> dict[str, str]:
    return {"sso_registration_scopes": ",".join(scopes)} if scopes else {}


def _put(
    editor: ConfigText, section: Section | None, title: str, values: Mapping[str, str], comment: str | None = None
) -> None:
    """Sets the values in a section, or adds one with them."""
    values = {key: value.strip() for key, value in values.items()}
    for key, value in values.items():
        check_line(value, key)
    if section is None:
        editor.append(title, values, comment)
        return
    for key, value in values.items():
        editor.set(section, key, value)


def write_sso_session(
    name: str, start_url: str, region: str, scopes: Sequence[str] = (), *, path: Path | None = None
) -> Path | None:
    """Adds an ``[sso-session]``, or updates the keys of the one that is there, in their place.

    Args:
        name: The session's name.
        start_url: The access portal's URL.
        region: The region of the Identity Center instance.
        scopes: What to ask for at registration; empty leaves it as it is, or out.
        path: The configuration file; None: AWS_CONFIG_FILE or ``~/.aws/config``.

    Returns:
        Where the file as it was is now; None if nothing was written, or there was no file.

    Raises:
        ConfigError: The file cannot be read or written, or a value cannot stand in it.
    """
    path = _config_path() if path is None else path
    text = _read(path)
    check_readable(text, path)
    values = {"sso_start_url": start_url, "sso_region": region} | _scopes(scopes)
    editor = ConfigText(text)
    _put(editor, editor.find("sso-session", name), header("sso-session", name), values)
    after = editor.text()
    check_readable(after, path)
    return None if after == text else _write(path, text, after)


def _config_path() -> Path:
    from sso_magic.client.shared_config import load_shared_config

    return load_shared_config().config_path


def _read(path: Path) -> str:
    """The file's text, whatever its bytes; empty where there is no file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror or error}). Make it readable and try again."
        ) from error


def _write(path: Path, before: str, after: str) -> Path | None:
    """Puts the text in the file; the file as it was goes beside it."""
    real = Path(os.path.realpath(path))  # a link stays one
    with cache.lock(f"config {real}"):
        if _read(real) != before:
            raise ConfigError(f"{path} has changed since it was looked at; nothing was written. Run it again.")
        try:
            cache.make_directory(path.parent)
            cache.make_directory(real.parent)
            there = real.exists()
            mode = real.stat().st_mode & 0o777 if there else 0o600
            backup = real.with_name(real.name + BACKUP)
            if there:
                _replace(backup, before, mode)
            _replace(real, after, mode)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written ({error.strerror or error}). It is as it was; make it and its directory "
                "writable and try again."
            ) from error
    return backup if there else None


def _replace(path: Path, text: str, mode: int) -> None:
    """Puts the text in the file, wholly or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)  # noqa: PTH101 - the temporary file's name is a str
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
