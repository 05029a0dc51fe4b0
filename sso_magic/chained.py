"""A profile whose role is assumed on top of another profile's: ``role_arn`` and ``source_profile``.

The chain ends at a profile of SSO, whose role credentials are fetched here; each role on top of it is assumed by STS,
through boto3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sso_magic.credentials import RoleCredentials
from sso_magic.errors import ConfigError, CredentialsError, RoleNotAssigned, SSOMagicError
from sso_magic.profiles import sso_profile
from sso_magic.secret import Secret, Unshown

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.client.shared_config import SharedConfig
    from sso_magic.profiles import SSOProfile

_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_DEFAULT_DURATION = 3600  # seconds; AWS's limit for a role assumed by way of another role


def is_chained(name: str, config: SharedConfig) -> bool:
    """Whether the profile's role is assumed on top of another profile's."""
    return isinstance(config.profile(name).get("role_arn"), str)


def root(name: str, config: SharedConfig) -> SSOProfile:
    """The SSO profile that the chain ends at.

    Raises:
        ConfigError: It ends elsewhere, or goes round in a circle.
    """
    seen: list[str] = []
    while is_chained(name, config):
        if name in seen:
            raise ConfigError(
                f"The profiles {' -> '.join([*seen, name])} go round in a circle: correct source_profile."
            )
        seen.append(name)
        source = config.profile(name).get("source_profile")
        if not isinstance(source, str):
            raise ConfigError(
                f"Profile {name} has role_arn but no source_profile: name the SSO profile that may assume the role."
            )
        name = source
    found = sso_profile(name, config)
    if found is None:
        raise ConfigError(
            f"Profile {name} is not one of SSO: it lacks sso_session, sso_account_id and sso_role_name. boto3 and the "
            f"AWS CLI use it as it is, with AWS_PROFILE={name}."
        )
    return found


def assume(name: str, config: SharedConfig, base: Callable[[], RoleCredentials]) -> RoleCredentials:
    """The credentials of the chain's last role.

    Args:
        name: The profile.
        config: The shared configuration.
        base: Gives the credentials of the SSO profile at the chain's root.

    Raises:
        ConfigError: A profile of the chain cannot be used.
        CredentialsError: boto3 is missing, or STS refuses.
    """
    if not is_chained(name, config):
        return base()
    settings = config.profile(name)
    return _assume_role(name, settings, assume(str(settings["source_profile"]), config, base))


def _assume_role(name: str, settings: dict[str, Any], source: RoleCredentials) -> RoleCredentials:
    role_arn = str(settings["role_arn"])
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        raise ConfigError(f"Profile {name} has role_arn = {role_arn}, which is no role's ARN: correct it.")
    if settings.get("mfa_serial"):
        raise CredentialsError(f"Profile {name} asks for MFA, which a notebook cannot: use the AWS CLI for it.")
    answer = _ask_sts(name, settings, role_arn, source)
    return RoleCredentials(
        match[1],
        None,
        match[2],
        Secret(answer["AccessKeyId"]),
        Secret(answer["SecretAccessKey"]),
        Secret(answer["SessionToken"]),
        answer["Expiration"],
        source.sign_in,
    )


def _ask_sts(name: str, settings: dict[str, Any], role_arn: str, source: RoleCredentials) -> Unshown:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise CredentialsError(
            f"Profile {name} assumes {role_arn}, which takes boto3: pip install boto3, and run this again."
        ) from None
    from sso_magic.libraries import logs

    logs.install()
    asked = {"RoleArn": role_arn, "RoleSessionName": settings.get("role_session_name") or "sso_magic"}
    asked["DurationSeconds"] = _duration(name, settings)
    if settings.get("external_id"):
        asked["ExternalId"] = settings["external_id"]
    failure: SSOMagicError
    try:
        session = boto3.Session(
            aws_access_key_id=source.access_key_id.reveal(),
            aws_secret_access_key=source.secret_access_key.reveal(),
            aws_session_token=source.session_token.reveal(),
            region_name=settings.get("region") or "us-east-1",
        )
        return Unshown(session.client("sts").assume_role(**asked)["Credentials"])
    except ClientError as error:
        text = error.response.get("Error", {}).get("Message") or str(error)
        failure = RoleNotAssigned(f"{source.account_label} / {source.role_name} may not assume {role_arn}: {text}")
    except BotoCoreError as error:
        failure = CredentialsError(f"STS could not be asked for {role_arn}: {error}")
    except BaseException as interruption:  # noqa: BLE001 - Ctrl-C above all; it goes on
        raise interruption.with_traceback(None)  # noqa: B904 - the same one; botocore's frames hold the keys
    raise failure  # here, where no error of botocore's, whose frames hold the keys, becomes its context


def _duration(name: str, settings: dict[str, Any]) -> int:
    """Seconds for which the role is assumed."""
    given = settings.get("duration_seconds") or _DEFAULT_DURATION
    try:
        return int(given)
    except (TypeError, ValueError):
        raise ConfigError(f"Profile {name} has duration_seconds = {given}: give a number of seconds.") from None
