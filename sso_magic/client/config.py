"""A client's configuration: from code, else environment, else shared file, else default; then it never changes.

`resolve_config` is the only place where settings come together (PROTOCOL.md 3.4, 3.5, 3.6, 4.1, 4.2, 9.1, 10.1). Each
value of the result says where it came from (`ClientConfig.sources`), and each error names setting and source.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sso_magic.client.adaptive import AdaptiveRetryStrategy, RateLimiter
from sso_magic.client.ca_bundle import check_ca_bundle
from sso_magic.client.endpoints import check_endpoint, check_region, resolve_endpoint, without_fips_mark
from sso_magic.client.http import RequestsHandler
from sso_magic.client.network import CODE, check_proxies, environment_proxies
from sso_magic.client.retry import LEGACY_ATTEMPTS, STANDARD_ATTEMPTS, RetryStrategy, StandardRetryStrategy
from sso_magic.client.settings import DEFAULT, ExtensionConfiguration, Settings
from sso_magic.common.environment import own_environ
from sso_magic.config.files import load_shared_config
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sso_magic.client.messages import RequestHandler
    from sso_magic.client.service import Service
    from sso_magic.config.files import SharedConfig


RETRY_MODES = ("standard", "adaptive", "legacy")
CONNECTION_TIMEOUTS = {"legacy": 10.0, "standard": 3.1, "cross-region": 3.1, "in-region": 1.1, "mobile": 30.0}
"""Seconds to make a connection, by defaults mode; ``legacy`` is what holds if none is chosen."""
_APP_ID = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~ ]{1,50}\Z")
_NOT_IN_APP_ID = re.compile(r"[^A-Za-z0-9!#$%&'*+\-.^_`|~ ]")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """The resolved configuration of a client. Nothing of it changes.

    Attributes:
        service_id: ``SSO`` or ``SSO OIDC``.
        api_version: The date of the service's model.
        runtime: ``python``.
        profile: The profile whose settings were used.
        region: The region, or None where a custom endpoint needs none.
        endpoint: The base URL that requests go to.
        is_custom_endpoint: Whether `endpoint` was configured, not made by the rules.
        use_fips_endpoint: Whether a FIPS endpoint was asked for.
        use_dualstack_endpoint: Whether a dual-stack endpoint was asked for.
        ignore_configured_endpoint_urls: Whether endpoints of environment and files are passed over.
        max_attempts: How many attempts a call may take, the first included.
        retry_mode: ``standard``, ``adaptive`` or ``legacy`` (``standard`` with 5 attempts).
        retry_strategy: What decides on retries.
        defaults_mode: What the connection timeout follows if it is not given.
        ca_bundle: A file or directory of CA certificates; None for those of requests.
        proxies: By protocol.
        request_handler: What sends requests.
        owns_request_handler: Whether the client made it, and closes it.
        logger: Has ``info`` and ``error``; None logs nothing.
        custom_user_agent: Put at the end of the user agent.
        user_agent_app_id: The application's name in the user agent.
        validate_parameters: Whether inputs are checked before they are sent.
        extensions: The extensions that were applied.
        sleep: Waits a number of seconds between attempts.
        environ: The environment that was read.
        sources: Setting to where its value came from: ``code``, a variable's name, a profile's, ``default``.
    """

    service_id: str
    api_version: str
    profile: str
    region: str | None
    endpoint: str
    is_custom_endpoint: bool
    use_fips_endpoint: bool
    use_dualstack_endpoint: bool
    ignore_configured_endpoint_urls: bool
    max_attempts: int
    retry_mode: str
    retry_strategy: RetryStrategy
    defaults_mode: str
    ca_bundle: str | None
    proxies: Mapping[str, str]
    request_handler: RequestHandler
    owns_request_handler: bool
    logger: Any
    custom_user_agent: str | None
    user_agent_app_id: str | None
    validate_parameters: bool
    extensions: tuple[Any, ...]
    sleep: Callable[[float], None] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    sources: Mapping[str, str] = field(repr=False)
    runtime: str = "python"


def resolve_config(service: Service, settings: dict[str, Any]) -> ClientConfig:
    """The configuration of a client of this service.

    Args:
        service: Which service.
        settings: The constructor's arguments by name; None for what was not given.

    Raises:
        ConfigError: a value is not one the setting can have; the message names the setting and its source.
        ProfileNotFound: a profile was named that no file has.
        EndpointError: no URL can be made of the settings.
    """
    extended = ExtensionConfiguration(settings)
    extensions = tuple(settings["extensions"] or ())
    for extension in extensions:
        extension.configure(extended)
    environ: Mapping[str, str] = own_environ() if settings["environ"] is None else settings["environ"]
    look = Settings(settings, environ)
    look.changed_by_extension = extended.changed
    shared: SharedConfig = settings["shared_config"] or load_shared_config(environ)
    profile = _profile(look, shared)
    region, use_fips = _region(look)
    use_dualstack = look.flag("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT")
    ignore = look.flag("ignore_configured_endpoint_urls", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
    custom = _custom_endpoint(look, service, shared, profile, ignore=ignore)
    endpoint = settings["endpoint_provider"] or resolve_endpoint
    url = endpoint(
        prefix=service.endpoint_prefix,
        region=region,
        use_fips=use_fips,
        use_dual_stack=use_dualstack,
        endpoint=custom,
    )
    mode, attempts, strategy = _retries(look, settings)
    ca_bundle = _ca_bundle(look)
    proxies = _proxies(look, url, environ)
    defaults_mode = _defaults_mode(look, environ, region)
    handler, owned = _request_handler(look, defaults_mode, ca_bundle, proxies)
    return ClientConfig(
        service_id=service.id,
        api_version=service.api_version,
        profile=profile,
        region=region,
        endpoint=check_endpoint(url, look.sources["endpoint"]),
        is_custom_endpoint=custom is not None,
        use_fips_endpoint=use_fips,
        use_dualstack_endpoint=use_dualstack,
        ignore_configured_endpoint_urls=ignore,
        max_attempts=attempts,
        retry_mode=mode,
        retry_strategy=strategy,
        defaults_mode=defaults_mode,
        ca_bundle=ca_bundle,
        proxies=MappingProxyType(proxies),
        request_handler=handler,
        owns_request_handler=owned,
        logger=look.found("logger", settings["logger"], CODE if settings["logger"] else DEFAULT),
        custom_user_agent=_user_agent_part(look, "custom_user_agent"),
        user_agent_app_id=_app_id(look),
        validate_parameters=look.found(
            "validate_parameters", settings["validate_parameters"], DEFAULT if settings["validate_parameters"] else CODE
        ),
        extensions=look.found("extensions", extensions, CODE if extensions else DEFAULT),
        sleep=settings["sleep"] or time.sleep,
        environ=environ,
        sources=MappingProxyType(look.sources),
    )


def _profile(look: Settings, shared: SharedConfig) -> str:
    name = look.text("profile")
    if name is None:
        look.found("profile", None, shared.active_profile_source)
    look.use_profile(name or shared.active_profile, shared.profile(name))
    return name or shared.active_profile


def _region(look: Settings) -> tuple[str | None, bool]:
    """The region, and whether FIPS is wanted: a pseudo region such as ``fips-us-east-1`` says both (3.4)."""
    given = look.text("region", ("AWS_REGION", "AWS_DEFAULT_REGION"), "region")
    use_fips = look.flag("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT")
    if given is None:
        return None, use_fips
    region, is_pseudo = without_fips_mark(given)
    if is_pseudo and not use_fips:
        use_fips = look.found("use_fips_endpoint", value=True, source=look.sources["region"])
    return check_region(region, look.sources["region"]), use_fips


def _custom_endpoint(
    look: Settings, service: Service, shared: SharedConfig, profile: str, *, ignore: bool
) -> str | None:
    """The endpoint by its sources, highest first (PROTOCOL.md 3.4); None for the rules."""
    url = look.text("endpoint")
    if url is not None:
        return check_endpoint(url, look.sources["endpoint"])
    if ignore:
        return None
    url = look.text("endpoint", (f"AWS_ENDPOINT_URL_{service.key.upper()}", "AWS_ENDPOINT_URL"))
    if url is None:
        url = _services_endpoint(look, service, shared, profile)
    if url is None:
        url = look.text("endpoint", key="endpoint_url")
    return None if url is None else check_endpoint(url, look.sources["endpoint"])


def _services_endpoint(look: Settings, service: Service, shared: SharedConfig, profile: str) -> str | None:
    name = shared.profiles.get(profile, {}).get("services")
    if not name:
        return None
    if not isinstance(name, str) or name not in shared.services:
        raise ConfigError(
            f"{look.profile_source('services')} is {name!r}, but {shared.config_path} has no section "
            f"[services {name}]; add it, or take the key out."
        )
    section = shared.services[name].get(service.key)
    url = section.get("endpoint_url") if isinstance(section, dict) else None
    return look.found("endpoint", url, f"[services {name}] by profile {profile!r}") if url else None


def _retries(look: Settings, settings: Mapping[str, Any]) -> tuple[str, int, RetryStrategy]:
    mode = look.choice("retry_mode", "AWS_RETRY_MODE", RETRY_MODES, "standard")
    default = LEGACY_ATTEMPTS if mode == "legacy" else STANDARD_ATTEMPTS
    attempts = look.count("max_attempts", "AWS_MAX_ATTEMPTS", default)
    strategy: RetryStrategy | None = settings["retry_strategy"]
    if strategy is not None:
        look.found("retry_strategy", strategy, CODE)
        return strategy.mode, strategy.max_attempts, strategy
    look.found("retry_strategy", None, look.sources["retry_mode"])
    if mode == "adaptive":
        limiter = RateLimiter(sleep=settings["sleep"] or time.sleep)
        return mode, attempts, AdaptiveRetryStrategy(attempts, limiter=limiter)
    return mode, attempts, StandardRetryStrategy(attempts)


def _ca_bundle(look: Settings) -> str | None:
    """Return the CA bundle by the order of PROTOCOL.md 4.1; an empty variable is as good as none."""
    path = look.text("ca_bundle", ("AWS_CA_BUNDLE",), "ca_bundle")
    if path is None:
        path = look.text("ca_bundle", ("REQUESTS_CA_BUNDLE",))
    return None if path is None else check_ca_bundle(path, look.sources["ca_bundle"])


def _proxies(look: Settings, endpoint: str, environ: Mapping[str, str]) -> dict[str, str]:
    given = look.find("proxies")
    if given is not None:
        return check_proxies(given, endpoint)
    found = environment_proxies(endpoint, environ)
    look.found("proxies", found, "environment" if found else DEFAULT)
    return found


def _defaults_mode(look: Settings, environ: Mapping[str, str], region: str | None) -> str:
    mode = look.choice("defaults_mode", "AWS_DEFAULTS_MODE", (*CONNECTION_TIMEOUTS, "auto"), "legacy")
    if mode != "auto":
        return mode
    here = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not environ.get("AWS_EXECUTION_ENV") or not here:
        return "standard"
    return "in-region" if here == region else "cross-region"


def _request_handler(
    look: Settings, defaults_mode: str, ca_bundle: str | None, proxies: Mapping[str, str]
) -> tuple[RequestHandler, bool]:
    given = look.find("request_handler")
    if given is not None and not isinstance(given, dict):
        return given, False
    options: dict[str, Any] = {"connection_timeout": CONNECTION_TIMEOUTS[defaults_mode], **(given or {})}
    try:
        return RequestsHandler(ca_bundle=ca_bundle, proxies=proxies, **options), True
    except TypeError as error:
        raise ConfigError(f"request_handler from code: {error}.") from None


def _app_id(look: Settings) -> str | None:
    value = look.text("user_agent_app_id", ("AWS_SDK_UA_APP_ID",), "sdk_ua_app_id")
    if value is not None and look.sources["user_agent_app_id"] != CODE:
        return _NOT_IN_APP_ID.sub("-", value)  # as botocore, which cuts nothing off either
    if value is not None and not _APP_ID.match(value):
        look.refuse("user_agent_app_id", value, "1 to 50 letters, digits, blanks or marks")
    return value


def _user_agent_part(look: Settings, name: str) -> str | None:
    value = look.text(name)
    if value is not None and not value.isprintable():
        look.refuse(name, value, "printable text of one line")
    return value
