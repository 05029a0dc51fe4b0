"""Sessions and profiles of ``~/.aws/config``, by botocore's rules (PROTOCOL.md 5.3, 5.4).

A session is what a person signs in to: an ``[sso-session]`` section, or, in the legacy format, a start URL that
profiles carry themselves. A profile names an account and a role under a session.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from sso_magic.config.files import load_shared_config, nearest
from sso_magic.config.start_url import is_aws_owned, is_same_portal, looks_like_start_url, normalize, region_of
from sso_magic.errors import Ambiguous, ConfigError, ProfileNotFound, SessionNotFound
from sso_magic.signin.sso_session import DEFAULT_SCOPE, Session, SSOProfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sso_magic.config.files import SharedConfig


def sessions(config: SharedConfig | None = None) -> list[Session]:
    """Every session that can be signed in to: ``[sso-session]`` sections, then start URLs of legacy profiles."""
    config = config or load_shared_config()
    found = {}
    for name, section in config.sso_sessions.items():
        if section.get("sso_start_url") and section.get("sso_region"):
            found[name] = _named_session(name, config)
    for settings in config.profiles.values():
        legacy = _legacy_session(settings)
        if legacy:
            found.setdefault(legacy.key, legacy)
    return list(found.values())


def find_session(
    text: str | None = None, *, sso_region: str | None = None, config: SharedConfig | None = None
) -> Session:
    """Resolve a name or a start URL to a session; without one, the active profile's, else the only one.

    Args:
        text: The name of an ``[sso-session]``, or a start URL (also one that no file has).
        sso_region: The region of the Identity Center instance; needed for a start URL that no file has.
        config: The shared configuration, if it is at hand.

    Raises:
        SessionNotFound: Nothing fits; says how to sign in without any configuration.
        Ambiguous: None was named and there are several.
        ConfigError: The session lacks a setting, or ``sso_region`` contradicts it.
    """
    config = config or load_shared_config()
    session = _by_text(text, sso_region, config) if text else _by_default(config)
    if sso_region and sso_region != session.sso_region:
        raise ConfigError(
            f"{session.label} is in {session.sso_region} ({config.config_path}), not in {sso_region}: "
            "leave --sso-region out, or correct sso_region there."
        )
    return session


def _by_text(text: str, sso_region: str | None, config: SharedConfig) -> Session:
    if text in config.sso_sessions:
        return _named_session(text, config)
    if text not in config.profiles and looks_like_start_url(text):
        return _by_start_url(text, sso_region, config)
    if text in config.profiles:
        end = chain(text, config)[-1]
        session = session_of(config.profiles[end], end, config)
        if session:
            return session
        source = "" if end == text else f", which profile {text} assumes its role on top of,"
        keys = " and ".join(lacking(config.profiles[end])[:1])
        example = f"{keys} = NAME" if keys == "sso_session" else keys
        raise SessionNotFound(f"Profile {end}{source} has no SSO session: add {example} to it, or name a session.")
    misquoted = config.misquoted(text)
    if misquoted is not None:
        raise SessionNotFound(f"There is no session or profile {text!r}{misquoted}")
    known = [session.label for session in sessions(config)]
    near = difflib.get_close_matches(text, known, 3, 0.5) or known[:5]
    hint = f"Known: {', '.join(near)}." if near else f"None is in {config.config_path}. {_START_URL_HINT}"
    raise SessionNotFound(f"There is no session {text!r}. {hint}")


_START_URL_HINT = (
    "Sign in with your portal's start URL: %sso_login https://YOUR-PORTAL.awsapps.com/start --sso-region REGION"
)


def _by_start_url(text: str, sso_region: str | None, config: SharedConfig) -> Session:
    url = _checked_url(text)
    matching = [session for session in sessions(config) if is_same_portal(session.start_url, url)]
    # Two sessions under one start URL are two people: a URL alone does not say which, unless one has no name.
    for session in matching:
        if session.name is None or len(matching) == 1:
            return session
    if matching:
        raise Ambiguous(f"{text} is used by the sessions {', '.join(s.label for s in matching)}. Name one of them.")
    return Session(None, url, sso_region or _region_for(url), (DEFAULT_SCOPE,))


def session_to_save(text: str, sso_region: str | None, name: str) -> Session:
    """Return the session of a start URL, to be kept under a name.

    Raises:
        SessionNotFound: The text is not a start URL.
        ConfigError: The name is another portal's, the URL is not https, or its region is not known.
    """
    config = load_shared_config()
    url = _checked_url(text)
    there = config.sso_sessions.get(name)
    if there is None:
        return Session(name, url, sso_region or _region_for(url), (DEFAULT_SCOPE,))
    if not is_same_portal(there.get("sso_start_url", ""), url):
        raise ConfigError(
            f"{config.config_path} has a session {name} already, for {there.get('sso_start_url')}: choose another name."
        )
    return find_session(name, sso_region=sso_region, config=config)


def _checked_url(text: str) -> str:
    """Return the start URL in the form that the services are sent."""
    url = normalize(text)
    if url is None:
        raise SessionNotFound(f"{text!r} is not a start URL. A start URL is https://, a host, and often /start.")
    if not url.startswith("https://"):
        from sso_magic.signin.vanity import check_scheme

        check_scheme(url)
    return url


def _region_for(url: str) -> str:
    region = region_of(url) or _region_behind(url)
    if not region:
        raise ConfigError(
            f"The region of {url} is not known. Add --sso-region REGION, the region of your Identity Center; "
            "your AWS administrator knows it."
        )
    return region


def _region_behind(url: str) -> str | None:
    """Return the region of the portal that a vanity start URL redirects to; asks the URL's host, over https only."""
    if is_aws_owned(url) or not url.startswith("https://"):
        return None
    from sso_magic.signin.vanity import portal_of

    return region_of(portal_of(url))


def _by_default(config: SharedConfig) -> Session:
    if config.active_profile in config.profiles:
        end = chain(config.active_profile, config)[-1]
        session = session_of(config.profiles[end], end, config)
        if session:
            return session
    known = sessions(config)
    if len(known) == 1:
        return known[0]
    if known:
        raise Ambiguous(f"Which session? Name one: {', '.join(session.label for session in known)}.")
    if config.config_path.parts[:1] == ("~",):
        raise SessionNotFound(
            "This user has no home directory, so no session is configured. Set HOME, or sign in with your portal's "
            "start URL: %sso_login https://YOUR-PORTAL.awsapps.com/start --sso-region REGION"
        )
    raise SessionNotFound(f"No session is configured in {config.config_path}. {_START_URL_HINT}")


def _named_session(name: str, config: SharedConfig) -> Session:
    section = config.sso_sessions[name]
    missing = [key for key in ("sso_start_url", "sso_region") if not section.get(key)]
    if missing:
        raise ConfigError(f"[sso-session {name}] in {config.config_path} lacks {' and '.join(missing)}: add it.")
    return Session(name, section["sso_start_url"], section["sso_region"], _scopes(section))


def _scopes(section: Mapping[str, str]) -> tuple[str, ...] | None:
    listed = section.get("sso_registration_scopes")
    if listed is None:
        return None
    return tuple(scope.strip() for scope in listed.split(",") if scope.strip()) or None


def _legacy_session(settings: Mapping[str, object]) -> Session | None:
    start_url, region = settings.get("sso_start_url"), settings.get("sso_region")
    if settings.get("sso_session") or not isinstance(start_url, str) or not isinstance(region, str):
        return None
    if not start_url or not region:
        return None
    return Session(None, start_url, region)


def session_of(settings: Mapping[str, object], profile: str, config: SharedConfig) -> Session | None:
    """The session a profile belongs to; None if it has nothing to do with SSO.

    Raises:
        SessionNotFound: ``sso_session`` names a section that is not there.
        ConfigError: The profile and its session contradict each other (PROTOCOL.md 5.4).
    """
    name = settings.get("sso_session")
    if not isinstance(name, str):
        return _legacy_session(settings)
    if not name:
        raise ConfigError(f"Profile {profile} has an empty sso_session: name a session, or remove the key.")
    if name not in config.sso_sessions:
        raise SessionNotFound(
            f"Profile {profile} names the session {name}, but {config.config_path} has no [sso-session {name}]: add it."
        )
    for key, value in config.sso_sessions[name].items():
        own = settings.get(key)
        if own is not None and own != value:
            raise ConfigError(
                f"Profile {profile} has {key} = {own}, its session {name} has {value}: remove {key} from the profile."
            )
    return _named_session(name, config)


def lacking(settings: Mapping[str, object]) -> list[str]:
    """Return the keys that a profile needs to name a session, an account and a role, and does not have."""

    def absent(*keys: str) -> list[str]:
        return [key for key in keys if not isinstance(settings.get(key), str) or not settings[key]]

    session = [] if settings.get("sso_session") else absent("sso_start_url", "sso_region")
    return [*(["sso_session"] if len(session) == 2 else session), *absent("sso_account_id", "sso_role_name")]


def listed(keys: Sequence[str]) -> str:
    """Return keys as a sentence lists them: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(keys[:-1]), *keys[-1:]]))


def assumes_role(settings: Mapping[str, object], *, is_source: bool = False) -> bool:
    """Return True if botocore assumes the profile's role on top of other credentials.

    Args:
        settings: The profile's keys.
        is_source: Whether it is another profile's source; keys of its own come first then.
    """
    is_assumed = bool(settings.get("role_arn")) and "web_identity_token_file" not in settings
    return is_assumed and not (is_source and _has_keys(settings))


def chain(name: str, config: SharedConfig) -> list[str]:
    """Return the profile and the source profiles that its role is assumed on top of, one after the other.

    Raises:
        ProfileNotFound: A profile of the chain is in no file.
        ConfigError: The chain is a loop.
    """
    names = [name]
    while assumes_role(config.profile(names[-1]), is_source=len(names) > 1):
        source = config.profile(names[-1]).get("source_profile")
        if not isinstance(source, str) or not source:
            break
        if source == name == names[-1] and _has_keys(config.profile(name)):
            break  # botocore allows a profile that has keys and a role on top of them
        if source in names:
            raise ConfigError(
                f"The profiles {' -> '.join([*names, source])} go round in a circle: correct source_profile."
            )
        if source not in config.profiles:
            raise ProfileNotFound(
                f"Profile {names[-1]} has source_profile = {source}, which is in neither {config.config_path} nor "
                f"{config.credentials_path}{config.misquoted(source) or nearest(source, config.profiles)}"
            )
        names.append(source)
    return names


def _has_keys(settings: Mapping[str, object]) -> bool:
    return "aws_access_key_id" in settings or "aws_secret_access_key" in settings


def sso_profile(name: str, config: SharedConfig | None = None) -> SSOProfile | None:
    """The profile's session, account and role; None if the profile is not one of SSO.

    Raises:
        ProfileNotFound: No file has it.
        ConfigError: Settings are missing or contradict each other (PROTOCOL.md 5.4).
    """
    config = config or load_shared_config()
    settings = config.profile(name)
    if settings.get("sso_account_id") is None and settings.get("sso_role_name") is None:
        return None
    session = session_of(settings, name, config)
    missing = lacking(settings)
    if missing or session is None:
        it = "it" if len(missing) == 1 else "them"
        raise ConfigError(f"Profile {name} in {config.config_path} lacks {listed(missing)}: add {it}.")
    account_id = str(settings["sso_account_id"]).replace("-", "")
    if re.fullmatch("[0-9]{12}", account_id) is None:  # a part of a number or a name would be a guess
        raise ConfigError(
            f"Profile {name} in {config.config_path} has sso_account_id = {settings['sso_account_id']}, which is not "
            "an account's 12 digits: correct it."
        )
    region = settings.get("region")
    return SSOProfile(
        name,
        session,
        account_id,
        str(settings["sso_role_name"]),
        region if isinstance(region, str) else None,
    )


__all__ = [
    "DEFAULT_SCOPE",
    "ProfileNotFound",
    "SSOProfile",
    "Session",
    "find_session",
    "region_of",
    "session_of",
    "sessions",
    "sso_profile",
]
