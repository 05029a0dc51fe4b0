"""The local half of a logout: what is stored of a session on this machine (PROTOCOL.md 6.1, 6.3, 11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache
from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError, SSOMagicError, kept_in

if TYPE_CHECKING:
    from pathlib import Path

    from sso_magic.config.files import SharedConfig

OWN_KEY = "SsoMagic"
"""The key under which files that this package writes say what the AWS CLI's leave out."""

Entries = list[tuple["Path", dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """Whose a stored token is: a session's by name or, in the legacy format, a start URL's alone."""

    session_name: str | None
    start_url: str

    def is_same(self, session_name: object, start_url: object) -> bool:
        """Whether name and start URL are this session's: the name decides, where there is one."""
        if self.session_name is not None or session_name is not None:
            return session_name == self.session_name
        return start_url == self.start_url


def forget_locally(access_token: str) -> None:
    """Remove the stored tokens that hold this access token, their registrations, and their role credentials.

    Where no stored token holds it, what is stored came by other sign-ins, and stays.

    Raises:
        CacheError: a file cannot be removed.
    """
    stored = [
        (path, token) for path, token in cache.scan(cache.sso_directory()) if token.get("accessToken") == access_token
    ]
    config = _config()
    for path, token in stored:
        ended = _session_of(path, token, config)
        cache.remove(path)
        client_id = token.get("clientId")
        if isinstance(client_id, str):
            remove_registrations(client_id)
        remove_role_credentials(session_name=ended.session_name, start_url=ended.start_url)


def remove_registrations(client_id: str) -> None:
    """Remove the files of this client registration, which hold its secret; a tool that needs one registers again.

    Raises:
        CacheError: A file cannot be removed.
    """
    for path, content in list(cache.scan(cache.sso_directory())):
        if content.get("clientId") == client_id and "accessToken" not in content:
            cache.remove(path)


def remove_role_credentials(*, session_name: str | None, start_url: str) -> None:
    """Removes a session's role credentials from the cache shared with the AWS CLI.

    A file stays only where it can be shown to be another session's: by what this package wrote into it, or because its
    name is the hash of another session of the configuration with an account and a role that are known. The rest goes,
    as ``aws sso logout`` removes them all: to fetch one again costs a call, and a logout that leaves keys is none.

    Args:
        session_name: The session's name; None in the legacy format.
        start_url: Its start URL as configured.

    Raises:
        CacheError: a file cannot be removed; the others are.
    """
    ended = StoredSession(session_name, start_url)
    entries = [
        (path, entry) for path, entry in cache.scan(cache.role_directory()) if entry.get("ProviderType") == "sso"
    ]
    anothers = _names_of_others(_config(), ended, entries)
    failures: list[SSOMagicError] = []
    for path, entry in entries:
        own = _object(entry, OWN_KEY)
        stays = not ended.is_same(own.get("sessionName"), own.get("startUrl")) if own else path.name in anothers
        if not stays:
            with kept_in(failures):
                cache.remove(path)
    if failures:
        raise failures[0]


def _config() -> SharedConfig | None:
    try:
        return load_shared_config()
    except ConfigError:
        return None  # a file with a slip in it must not keep anybody signed in


def _session_of(path: Path, token: dict[str, Any], config: SharedConfig | None) -> StoredSession:
    names = config.sso_sessions if config is not None else {}
    name = next((name for name in names if cache.token_path(name).name == path.name), None)
    return StoredSession(name, str(token.get("startUrl") or ""))


def _names_of_others(config: SharedConfig | None, ended: StoredSession, entries: Entries) -> set[str]:
    """The file names that other sessions of the configuration give their role credentials."""
    if config is None:
        return set()
    sessions = {StoredSession(name, keys.get("sso_start_url", "")) for name, keys in config.sso_sessions.items()}
    sessions |= {StoredSession(None, url) for url in _profile_values(config, "sso_start_url")}
    others = {each for each in sessions if not ended.is_same(each.session_name, each.start_url)}
    accounts = _profile_values(config, "sso_account_id") | _entry_values(entries, "Credentials", "AccountId")
    roles = _profile_values(config, "sso_role_name") | _entry_values(entries, OWN_KEY, "roleName")
    return {
        cache.role_path(
            account_id=account, role_name=role, session_name=session.session_name, start_url=session.start_url
        ).name
        for session, account, role in product(others, accounts, roles)
    }


def _profile_values(config: SharedConfig, key: str) -> set[str]:
    return {value for profile in config.profiles.values() if isinstance(value := profile.get(key), str)}


def _entry_values(entries: Entries, part: str, key: str) -> set[str]:
    return {value for _, entry in entries if isinstance(value := _object(entry, part).get(key), str)}


def _object(entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}
