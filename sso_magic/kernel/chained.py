"""A profile whose role is assumed on top of other credentials: ``role_arn`` with ``source_profile`` or another source.

botocore assumes the roles, as it does for boto3: it chooses STS's region and endpoint, and what is sent. Only the
credentials of the SSO profile at the end of the chain come from this package.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from sso_magic.common.environment import own_environ
from sso_magic.common.secret import Secret, Unshown
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.errors import ConfigError, CredentialsError, RoleNotAssigned, SSOMagicError
from sso_magic.signin.sessions import assumes_role, chain, lacking, listed, sso_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.config.files import SharedConfig
    from sso_magic.signin.sessions import SSOProfile

_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_SESSION_NAME = "sso_magic"  # in CloudTrail, where the profile has no role_session_name


def is_chained(name: str, config: SharedConfig) -> bool:
    """Return True if the profile's role is assumed on top of other credentials."""
    return assumes_role(config.profile(name))


def root(name: str, config: SharedConfig) -> SSOProfile | None:
    """Return the SSO profile that the chain ends at; None if it ends at the environment, the machine or a web identity.

    Raises:
        ConfigError: The chain ends elsewhere or in a loop, or a profile of it cannot be used.
    """
    names = chain(name, config)
    end = names[-1]
    settings = config.profile(end)
    for number, one in enumerate(names):
        if assumes_role(config.profile(one), is_source=number > 0):
            _check_link(one, config.profile(one))
    if settings.get("credential_source") or (len(names) > 1 and settings.get("web_identity_token_file")):
        return None
    found = sso_profile(end, config)
    if found is None:
        on_top = "" if end == name else f", so that %sso_use cannot use profile {name} on top of it"
        is_begun = any(key.startswith("sso_") for key in settings)
        rest = "Add them." if is_begun else f"boto3 and the AWS CLI use it as it is, with AWS_PROFILE={name}."
        raise ConfigError(f"Profile {end} is not one of SSO{on_top}: it lacks {listed(lacking(settings))}. {rest}")
    return found


def _check_link(name: str, settings: dict[str, Any]) -> None:
    """Check for mistakes that botocore reports without naming the profile or the key, or reads as something else."""
    sources = [key for key in ("source_profile", "credential_source") if settings.get(key)]
    if not sources:
        raise ConfigError(
            f"Profile {name} has role_arn but no source_profile: name the SSO profile that may assume the role."
        )
    if len(sources) > 1:
        raise ConfigError(f"Profile {name} has both source_profile and credential_source: remove one of them.")
    if _ROLE_ARN.fullmatch(str(settings["role_arn"])) is None:
        raise ConfigError(f"Profile {name} has role_arn = {settings['role_arn']}, which is no role's ARN: correct it.")
    duration = settings.get("duration_seconds")
    if duration is not None and not str(duration).strip().isdecimal():
        raise ConfigError(f"Profile {name} has duration_seconds = {duration}: give a number of seconds.")


def assume(
    name: str,
    config: SharedConfig,
    base: Callable[[], Credentials] | None,
    ask: Callable[[str], str] | None = None,
) -> Credentials:
    """Return the credentials of the profile's role; those of `base` if it is not assumed on top of others.

    Args:
        name: The profile.
        config: The shared configuration.
        base: Returns the credentials of the SSO profile at the chain's end; None if it does not end at one.
        ask: Returns the code of the MFA device that it is given the question for; None if nobody can be asked.

    Raises:
        ConfigError: A profile of the chain cannot be used.
        CredentialsError: botocore is missing, the MFA code cannot be asked for, or STS refuses.
    """
    if base is not None and not is_chained(name, config):
        return base()
    end = root(name, config)
    if ask is None:
        _refuse_mfa(name, config)
    source = base() if base is not None else None
    match = _ROLE_ARN.fullmatch(str(config.profile(name)["role_arn"]))
    assert match is not None
    keys = _assumed(name, config, end.name if end is not None else None, source, ask)
    return Credentials(
        match[1],
        None,
        match[2],
        Secret(keys["access_key"]),
        Secret(keys["secret_key"]),
        Secret(keys["token"]),
        keys["expiry_time"],
        source.sign_in if source is not None else None,
    )


def _refuse_mfa(name: str, config: SharedConfig) -> None:
    for one in chain(name, config):
        if assumes_role(config.profile(one)) and config.profile(one).get("mfa_serial"):
            raise CredentialsError(
                f"Profile {one} asks for MFA (mfa_serial), and no one can enter the code here. Run "
                f"%sso_use {name} in a notebook or a terminal."
            )


def _assumed(
    name: str,
    config: SharedConfig,
    end: str | None,
    source: Credentials | None,
    ask: Callable[[str], str] | None,
) -> Unshown:
    """Let botocore assume the roles of the chain."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError

        from sso_magic.kernel.libraries.assume import Chain
    except ImportError:
        raise CredentialsError(
            f"Profile {name} assumes {config.profile(name)['role_arn']}, which takes boto3: pip install boto3, and run "
            "this again."
        ) from None
    failure: SSOMagicError
    assumed = Chain(name, own_environ(), end, source, ask, _SESSION_NAME)
    try:
        return _with_expiry(assumed.keys())
    except ClientError as error:
        failure = _refusal(name, config, assumed.asked, copy.deepcopy(error.response.get("Error", {})))
    except BotoCoreError as error:
        failure = CredentialsError(f"The role of profile {name} could not be assumed: {' '.join(str(error).split())}")
    except SSOMagicError as error:
        failure = error.with_traceback(None)
    except BaseException as interruption:  # noqa: BLE001 - Ctrl-C above all; it is raised again
        raise interruption.with_traceback(None)  # noqa: B904 - the same one; botocore's frames hold the keys
    raise failure  # here, where no error of botocore's, whose frames hold the keys, becomes its context


def _with_expiry(keys: dict[str, Any]) -> Unshown:
    from sso_magic.common.cache import parse_timestamp

    expires_at = parse_timestamp(keys["expiry_time"])
    if expires_at is None:
        raise CredentialsError("STS gave credentials without a time at which they end.")
    return Unshown(keys, expiry_time=expires_at)


def _refusal(name: str, config: SharedConfig, asked: dict[str, Any], error: dict[str, Any]) -> SSOMagicError:
    """Return what a refusal of STS means for the profile that it came for."""
    text = f"{error.get('Message') or error.get('Code')}"
    role_arn = asked.get("RoleArn")
    profile = next((one for one in chain(name, config) if config.profile(one).get("role_arn") == role_arn), name)
    if "DurationSeconds" in asked and re.search("duration", text, re.IGNORECASE):
        return ConfigError(
            f"STS refuses duration_seconds = {asked['DurationSeconds']} of profile {profile}: {text}. Set "
            "duration_seconds to 3600 or less, or remove it: a role on top of another lasts an hour at most."
        )
    if "SerialNumber" in asked and re.search("multifactor|mfa", text, re.IGNORECASE):
        return CredentialsError(f"STS refuses the MFA code for profile {profile}: {text}. Run %sso_use {name} again.")
    if error.get("Code") == "RegionDisabledException":
        return ConfigError(
            f"STS is not activated in the region of profile {profile}: {text}. Set region in the profile, or "
            "sts_regional_endpoints = legacy."
        )
    if error.get("Code") in {"AccessDenied", "AccessDeniedException"}:
        return RoleNotAssigned(
            f"STS does not let the source of profile {profile} assume {role_arn}: {text}. Check role_arn and "
            "external_id, and the role's trust policy."
        )
    return CredentialsError(f"STS refuses to assume {role_arn} for profile {profile}: {text}")
