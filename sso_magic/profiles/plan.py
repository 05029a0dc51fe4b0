"""Writing ``~/.aws/config``: sign-in sessions, and a profile for every account and role.

A plan says first what would be added, changed and removed. Writing it changes nothing else, keeps comments, order, line
ends and other profiles byte for byte, and leaves a copy of the file as it was beside it. Planning again after that
finds nothing to do.

Profiles written here carry a comment, ``# kept by sso_magic: NAME``. Only these are ever changed or removed, and only
while the comment has the section's own name: one that somebody copied and renamed is theirs. One is removed when its
role is gone from a whole inventory, not when its account could not be asked; one that another template named stays
unless ``replace`` is given.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Literal

from sso_magic.config.edit import ConfigText, Section, check_line, check_readable, header
from sso_magic.config.stored import config_path, read_config, write_config
from sso_magic.errors import ConfigError
from sso_magic.inventory.search import search
from sso_magic.profiles.names import TEMPLATE, named
from sso_magic.profiles.planned import Plan, ProfileChange, WantedProfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sso_magic.inventory.snapshot import InventorySnapshot
    from sso_magic.profiles.planned import Change
    from sso_magic.signin.sessions import Session

MARK = "kept by sso_magic:"


def plan(
    snapshot: InventorySnapshot,
    session: Session,
    *,
    words: str | Sequence[str] = "",
    template: str = TEMPLATE,
    region: str | None = None,
    path: Path | None = None,
    replace: bool = False,
) -> Plan:
    """What it takes to have a profile for every account and role of the inventory.

    Args:
        snapshot: The inventory.
        session: The session they sign in by.
        words: Only the accounts and roles in which all these words stand; other profiles stay as they are.
        template: The profiles' names, of ``{account_name}``, ``{account_id}``, ``{role_name}`` and ``{session}``.
        region: Their region for the work done; None leaves it as it is, or out.
        path: The configuration file; None: AWS_CONFIG_FILE or ``~/.aws/config``.
        replace: Remove the profiles that were written here for the same roles under other names, by another template.

    Raises:
        UsageError: The template names something else.
        ConfigError: The file cannot be read, or holds what botocore cannot read; the message names the line.
    """
    path = config_path() if path is None else path
    every = list(snapshot.rows())
    meant = set(search(snapshot, words))
    wanted = [
        WantedProfile(name, row.account_id, row.account_name, row.role_name, region)
        for name, row in zip(named(every, template, session.label), every, strict=True)
        if row in meant
    ]
    return plan_text(read_config(path), wanted, session, path=path, removal=_Removal(snapshot, wanted, replace=replace))


class _Removal:
    """Which profiles of this package, other than the wanted ones, are removed, and why.

    Args:
        snapshot: The inventory.
        wanted: The profiles that there should be.
        replace: True if the profiles of the same roles under other names are removed.
    """

    def __init__(self, snapshot: InventorySnapshot, wanted: Sequence[WantedProfile], *, replace: bool) -> None:
        self._complete = snapshot.complete
        self._failed = snapshot.errors
        self._there = {(account_id, name) for account_id, names in snapshot.roles.items() for name in names}
        self._wanted = {(profile.account_id, profile.role_name): profile.name for profile in wanted}
        self._replace = replace

    def reason(self, account_id: str, role_name: str) -> str | None:
        """Return why the profile of this role is removed; None if it is kept."""
        if not self._complete or account_id in self._failed:
            return None
        if (account_id, role_name) not in self._there:
            return "the role is no longer assigned to you"
        if self._replace and self.is_renamed(account_id, role_name):
            return "--replace: the role has a profile of another name"
        return None

    def is_renamed(self, account_id: str, role_name: str) -> bool:
        """Return True if the role has a profile of another name among the wanted ones."""
        return (account_id, role_name) in self._wanted


def plan_text(
    text: str, wanted: Sequence[WantedProfile], session: Session, *, path: Path, removal: _Removal | None = None
) -> Plan:
    """What it takes to have these profiles in a configuration file of this text.

    Args:
        text: The file's text.
        wanted: The profiles, each name once.
        session: The session they sign in by.
        path: The file, for messages and for `Plan.write`.
        removal: Which profiles are removed, of those written here for this session; None: none.

    Raises:
        ConfigError: The text is not one that botocore can read, or a value cannot be written.
    """
    check_readable(text, path)
    editor = ConfigText(text)
    if session.name is not None and editor.find("sso-session", session.name) is None:
        values = {"sso_start_url": session.start_url, "sso_region": session.sso_region}
        _put(editor, None, header("sso-session", session.name), values | _scopes(session.scopes or ()))
    there = {section.name: section for section in editor.sections if section.kind == "profile" and section.name}
    changes, unchanged = [], 0
    for profile in wanted:
        if not _can_be_written(profile):
            changes.append(_change_of("skipped", profile))
            continue
        change = _put_profile(editor, there.get(profile.name), profile, session)
        if change is None:
            unchanged += 1
        else:
            changes.append(_change_of(change, profile))
    names = {profile.name for profile in wanted}
    others = [section for name, section in there.items() if name not in names]
    renamed = 0
    for section in others if removal is not None else ():
        role = _role_of(section, session)
        if role is None or removal is None:
            continue
        reason = removal.reason(*role)
        if reason is not None:
            editor.remove(section)
            changes.append(
                ProfileChange("removed", section.name, role[0], None, role[1], section.get("region"), reason)
            )
        else:
            renamed += removal.is_renamed(*role)
    after = editor.text()
    if after != text:
        check_readable(after, path)
    return Plan(path, text, after, tuple(changes), unchanged, renamed)


_REASONS = {
    "taken": "another profile has the name",
    "skipped": "the role's name has a character that the file cannot hold",
}


def _change_of(change: Change, profile: WantedProfile) -> ProfileChange:
    values = {one.name: getattr(profile, one.name) for one in fields(profile) if one.name != "name"}
    return ProfileChange(change, profile.name, **values, reason=_REASONS.get(change))


def _can_be_written(profile: WantedProfile) -> bool:
    try:
        check_line(profile.role_name, "")
        check_line(profile.account_id, "")
    except ConfigError:
        return False
    return profile.role_name.strip() == profile.role_name != ""


def _put_profile(
    editor: ConfigText, section: Section | None, profile: WantedProfile, session: Session
) -> Literal["added", "changed", "taken"] | None:
    """Change a profile to what it should be, and return that; None if it is that already."""
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


def _role_of(section: Section, session: Session) -> tuple[str, str] | None:
    """The account id and role of a profile that was written here for this session; None if it was not."""
    account_id, role_name = section.get("sso_account_id"), section.get("sso_role_name")
    return (account_id, role_name) if _is_ours(section, session) and account_id and role_name else None


def _is_ours(section: Section, session: Session) -> bool:
    """Whether the section was written here, for this session, and not copied and renamed since."""
    return f"{MARK} {section.name}" in section.comments.values() and all(
        section.get(key) == value for key, value in _sign_in_keys(session).items()
    )


def _sign_in_keys(session: Session) -> dict[str, str]:
    """What ties a profile to its session: the session's name or, in the legacy format, its start URL and region."""
    if session.name is not None:
        return {"sso_session": session.name}
    return {"sso_start_url": session.start_url, "sso_region": session.sso_region}


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
    path = config_path() if path is None else path
    text = read_config(path)
    check_readable(text, path)
    values = {"sso_start_url": start_url, "sso_region": region} | _scopes(scopes)
    editor = ConfigText(text)
    _put(editor, editor.find("sso-session", name), header("sso-session", name), values)
    after = editor.text()
    check_readable(after, path)
    return None if after == text else write_config(path, text, after)
