"""Settings come from code, else environment, else the shared files, else a default, and say which."""

from __future__ import annotations

import dataclasses
import logging

import pytest

from sso_magic.client.retry import StandardRetryStrategy
from sso_magic.errors import ConfigError, EndpointError, ProfileNotFound
from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

URL = "https://center.example.com"


@pytest.fixture
def configured(tmp_path):
    """Makes a client of what the environment and the configuration file say."""

    def make(config="", *, client=SSO, environ=None, **code):
        (tmp_path / "config").write_text(config)
        return client(environ={"AWS_CONFIG_FILE": str(tmp_path / "config"), **(environ or {})}, **code)

    return make


PROFILE = """
[default]
region = eu-south-1
[profile dev]
region = eu-north-1
max_attempts = 7
retry_mode = adaptive
use_fips_endpoint = TRUE
use_dualstack_endpoint = true
ignore_configured_endpoint_urls = true
sdk_ua_app_id = of-profile
defaults_mode = mobile
"""


def test_every_setting_of_a_profile_counts_where_nothing_else_says_it(configured):
    config = configured(PROFILE, profile="dev").config
    assert (config.profile, config.region, config.max_attempts, config.retry_mode) == (
        "dev",
        "eu-north-1",
        7,
        "adaptive",
    )
    assert (config.use_fips_endpoint, config.use_dualstack_endpoint, config.ignore_configured_endpoint_urls) == (
        True,
    ) * 3
    assert (config.user_agent_app_id, config.defaults_mode) == ("of-profile", "mobile")
    assert config.endpoint == "https://portal.sso-fips.eu-north-1.api.aws"
    assert config.sources["region"] == "region of profile 'dev'"
    assert config.sources["max_attempts"] == "max_attempts of profile 'dev'"
    assert config.sources["user_agent_app_id"] == "sdk_ua_app_id of profile 'dev'"


def test_the_environment_wins_over_the_profile(configured):
    config = configured(
        PROFILE,
        profile="dev",
        environ={
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-2",
            "AWS_MAX_ATTEMPTS": "9",
            "AWS_RETRY_MODE": "Standard",
            "AWS_USE_FIPS_ENDPOINT": "false",
            "AWS_USE_DUALSTACK_ENDPOINT": "False",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_SDK_UA_APP_ID": "of-environment",
            "AWS_DEFAULTS_MODE": "in-region",
        },
    ).config
    assert (config.region, config.max_attempts, config.retry_mode) == ("eu-west-1", 9, "standard")
    assert (config.use_fips_endpoint, config.use_dualstack_endpoint, config.ignore_configured_endpoint_urls) == (
        False,
    ) * 3
    assert (config.user_agent_app_id, config.defaults_mode) == ("of-environment", "in-region")
    assert config.sources["region"] == "AWS_REGION"
    assert config.sources["retry_mode"] == "AWS_RETRY_MODE"


def test_code_wins_over_all_and_may_be_a_value_or_a_function(configured):
    config = configured(
        PROFILE,
        environ={"AWS_REGION": "eu-west-1", "AWS_MAX_ATTEMPTS": "9"},
        region=lambda: "us-east-1",
        max_attempts=lambda: 2,
        retry_mode="legacy",
        use_fips_endpoint=lambda: False,
        profile=lambda: "dev",
    ).config
    assert (config.region, config.max_attempts, config.retry_mode, config.profile) == ("us-east-1", 2, "legacy", "dev")
    assert config.use_fips_endpoint is False
    assert {config.sources[name] for name in ("region", "max_attempts", "retry_mode", "profile")} == {"code"}


def test_without_any_word_the_defaults_hold_and_say_so(configured):
    config = configured(region="eu-west-1").config
    assert (config.max_attempts, config.retry_mode, config.defaults_mode, config.profile) == (
        3,
        "standard",
        "legacy",
        "default",
    )
    assert (config.ca_bundle, dict(config.proxies), config.is_custom_endpoint) == (None, {}, False)
    assert {source for name, source in config.sources.items() if name != "region"} == {"default"}


def test_the_region_of_aws_default_region_counts_after_aws_region(configured):
    config = configured(environ={"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}).config
    assert (config.region, config.sources["region"]) == ("eu-west-2", "AWS_DEFAULT_REGION")


def test_the_retry_mode_legacy_is_standard_with_five_attempts(configured):
    config = configured(region="eu-west-1", environ={"AWS_RETRY_MODE": "legacy"}).config
    assert config.max_attempts == 5
    assert type(config.retry_strategy) is StandardRetryStrategy
    assert config.retry_strategy.max_attempts == 5


def test_a_retry_strategy_handed_in_is_used_and_says_mode_and_attempts(configured):
    strategy = StandardRetryStrategy(11, retry_throttles=False)
    config = configured(region="eu-west-1", max_attempts=2, retry_strategy=strategy).config
    assert config.retry_strategy is strategy
    assert (config.max_attempts, config.retry_mode) == (11, "standard")


@pytest.mark.parametrize(
    ("config", "environ", "code", "told"),
    [
        (
            "",
            {"AWS_MAX_ATTEMPTS": "many"},
            {},
            "max_attempts from AWS_MAX_ATTEMPTS is 'many'; it must be a whole number of",
        ),
        (
            "",
            {"AWS_MAX_ATTEMPTS": "0"},
            {},
            "max_attempts from AWS_MAX_ATTEMPTS is 0; it must be a whole number of 1 or",
        ),
        ("", {}, {"max_attempts": 1.5}, "max_attempts from code is 1.5; it must be a whole number of 1 or more."),
        ("", {}, {"max_attempts": True}, "max_attempts from code is True; it must be a whole number of 1 or more."),
        ("", {"AWS_RETRY_MODE": "fast"}, {}, "retry_mode from AWS_RETRY_MODE is 'fast'; it must be one of standard, "),
        ("", {}, {"use_fips_endpoint": "yes"}, "use_fips_endpoint from code is 'yes'; it must be true or false."),
        ("", {"AWS_DEFAULTS_MODE": "fast"}, {}, "defaults_mode from AWS_DEFAULTS_MODE is 'fast'; it must be one of"),
        ("", {"AWS_REGION": "eu west 1"}, {}, "region from AWS_REGION is 'eu west 1', which no host name can hold;"),
        ("", {"AWS_REGION": "evil.com/"}, {}, "region from AWS_REGION is 'evil.com/', which no host name can hold;"),
        ("", {}, {"region": ""}, "region from code is '', which no host name can hold; give one such as 'eu-west-1'."),
        ("", {}, {"region": 5}, "region from code is 5; it must be text."),
        ("", {"AWS_ENDPOINT_URL": "center"}, {}, "endpoint from AWS_ENDPOINT_URL is not a URL of the form https://"),
        (
            "",
            {},
            {"endpoint": "ftp://center"},
            "endpoint from code is not a URL of the form https://host[:port][/path];",
        ),
        ("", {}, {"endpoint": "https://u:p@center"}, "endpoint from code is not a URL of the form"),
        ("", {}, {"endpoint": "https://center?x=1"}, "endpoint from code is not a URL of the form"),
        ("", {}, {"endpoint": "https://center:port"}, "endpoint from code is not a URL of the form"),
        ("", {}, {"endpoint": "https://[::1"}, "endpoint from code is not a URL of the form"),
        ("", {}, {"user_agent_app_id": "x" * 51}, "user_agent_app_id from code is 'xxx"),
        (
            "",
            {},
            {"custom_user_agent": "a\nb"},
            "custom_user_agent from code is 'a\\nb'; it must be printable text of one",
        ),
        (
            "",
            {"AWS_CA_BUNDLE": " "},
            {},
            "ca_bundle from AWS_CA_BUNDLE is blank; name a file of CA certificates, or take",
        ),
        ("", {}, {"ca_bundle": ""}, "ca_bundle from code is blank;"),
        (
            "[default]\nca_bundle = /no/such\n",
            {},
            {},
            "ca_bundle from ca_bundle of profile 'default': there is nothing at",
        ),
        (
            "",
            {"AWS_CA_BUNDLE": __file__},
            {},
            f"ca_bundle from AWS_CA_BUNDLE: {__file__} has no certificate in PEM format",
        ),
        ("", {}, {"request_handler": {"pool": 5}}, "request_handler from code: "),
        (
            "",
            {},
            {"request_handler": {"request_timeout": 0}},
            "request_timeout is 0; it must be a number of seconds above",
        ),
        (
            "",
            {},
            {"request_handler": {"max_connections": 0}},
            "max_connections is 0; it must be a whole number of 1 or",
        ),
        (
            "[default]\nservices = gone\n",
            {},
            {},
            "services of profile 'default' is 'gone', but ",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_setting_and_source(configured, config, environ, code, told):
    with pytest.raises(ConfigError) as error:
        configured(config, environ=environ, **{"region": "eu-west-1", **code} if "AWS_REGION" not in environ else code)
    assert str(error.value).startswith(told)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["1", "yes", "on", "no", "False"])
@pytest.mark.parametrize("flag", ["use_fips_endpoint", "use_dualstack_endpoint", "ignore_configured_endpoint_urls"])
def test_a_flag_that_is_not_true_is_false_as_in_botocore(configured, flag, value):
    config = configured(
        f"[default]\n{flag} = true\n", region="eu-west-1", environ={f"AWS_{flag.upper()}": value}
    ).config
    assert getattr(config, flag) is False
    config = configured(f"[default]\n{flag} = {value}\n", region="eu-west-1").config
    assert getattr(config, flag) is False


def test_an_empty_ca_bundle_is_none_and_an_odd_application_id_is_sent_as_botocore_sends_it(configured):
    environ = {"AWS_CA_BUNDLE": "", "AWS_SDK_UA_APP_ID": "my/app(1)" + "x" * 50}
    config = configured(region="eu-west-1", environ=environ).config
    assert config.ca_bundle is None
    assert config.user_agent_app_id == "my-app-1-" + "x" * 50


def test_a_profile_that_does_not_exist_is_refused_however_it_was_named(configured):
    with pytest.raises(ProfileNotFound, match=r"no profile 'gone' in "):
        configured(region="eu-west-1", profile="gone")
    with pytest.raises(ProfileNotFound, match=r"no profile 'gone' \(named by AWS_PROFILE\) in "):
        configured(region="eu-west-1", environ={"AWS_PROFILE": "gone"})


SERVICES = """
[profile dev]
services = local
endpoint_url = https://of-profile
[services local]
sso =
    endpoint_url = https://sso-of-services
sso_oidc =
    endpoint_url = https://oidc-of-services
"""


@pytest.mark.parametrize(
    ("client", "environ", "code", "endpoint", "source"),
    [
        (SSO, {}, {}, "https://sso-of-services", "[services local] by profile 'dev'"),
        (SSOOIDC, {}, {}, "https://oidc-of-services", "[services local] by profile 'dev'"),
        (SSO, {"AWS_ENDPOINT_URL": "https://any"}, {}, "https://any", "AWS_ENDPOINT_URL"),
        (
            SSO,
            {"AWS_ENDPOINT_URL_SSO": "https://sso", "AWS_ENDPOINT_URL": "https://any"},
            {},
            "https://sso",
            "AWS_ENDPOINT_URL_SSO",
        ),
        (
            SSOOIDC,
            {"AWS_ENDPOINT_URL_SSO_OIDC": "https://oidc", "AWS_ENDPOINT_URL_SSO": "https://sso"},
            {},
            "https://oidc",
            "AWS_ENDPOINT_URL_SSO_OIDC",
        ),
        (SSO, {"AWS_ENDPOINT_URL_SSO": ""}, {}, "https://sso-of-services", "[services local] by profile 'dev'"),
        (SSO, {"AWS_ENDPOINT_URL_SSO": "https://sso"}, {"endpoint": "https://code"}, "https://code", "code"),
        (
            SSO,
            {"AWS_ENDPOINT_URL_SSO": "https://sso"},
            {"ignore_configured_endpoint_urls": True},
            "https://portal.sso.eu-west-1.amazonaws.com",
            "default",
        ),
        (
            SSO,
            {},
            {"ignore_configured_endpoint_urls": True, "endpoint": "https://code"},
            "https://code",
            "code",
        ),
    ],
)
def test_an_endpoint_is_taken_from_its_highest_source(configured, client, environ, code, endpoint, source):
    config = configured(SERVICES, client=client, profile="dev", region="eu-west-1", environ=environ, **code).config
    assert (config.endpoint, config.sources["endpoint"]) == (endpoint, source)
    assert config.is_custom_endpoint is (source != "default")


def test_the_profiles_own_endpoint_counts_last(configured):
    config = configured("[default]\nendpoint_url = https://of-profile/\n").config
    assert (config.endpoint, config.sources["endpoint"]) == ("https://of-profile", "endpoint_url of profile 'default'")


@pytest.mark.parametrize(
    ("setting", "words"), [("use_fips_endpoint", "FIPS"), ("use_dualstack_endpoint", "dual-stack")]
)
def test_fips_or_dual_stack_and_an_endpoint_of_ones_own_is_a_conflict(configured, setting, words):
    """A choice of PROTOCOL.md 3.4; botocore drops the first without a word."""
    with pytest.raises(EndpointError, match=f"^{words} is asked for and so is the endpoint {URL}; only one"):
        configured(environ={"AWS_ENDPOINT_URL": URL}, **{setting: True})
    with pytest.raises(EndpointError, match=f"^{words} is asked for"):
        configured(endpoint=URL, **{setting: True})


def test_no_region_and_no_endpoint_says_what_to_set(configured):
    with pytest.raises(EndpointError, match=r"^No region: pass region=, set AWS_REGION, or give the profile a region"):
        configured()


def test_an_endpoint_needs_no_region(configured):
    config = configured(endpoint=URL).config
    assert (config.region, config.endpoint) == (None, URL)


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("fips-us-east-1", "https://portal.sso-fips.us-east-1.amazonaws.com"),
        ("us-east-1-fips", "https://portal.sso-fips.us-east-1.amazonaws.com"),
        ("fips-aws-global", "https://portal.sso-fips.us-east-1.amazonaws.com"),
        ("aws-fips", "https://portal.sso-fips.us-east-1.amazonaws.com"),
        ("fips-dkr-us-east-1", "https://portal.sso-fips.us-east-1.amazonaws.com"),
        ("fips-us-gov-west-1", "https://portal.sso.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_pseudo_region_means_the_region_with_fips(configured, region, endpoint):
    config = configured(environ={"AWS_REGION": region}).config
    assert config.endpoint == endpoint
    assert (config.use_fips_endpoint, config.sources["use_fips_endpoint"]) == (True, "AWS_REGION")


def test_an_endpoint_provider_has_the_last_word(configured):
    asked = {}

    def provide(**parameters):
        asked.update(parameters)
        return URL

    config = configured(region="eu-west-1", use_fips_endpoint=True, endpoint_provider=provide).config
    assert config.endpoint == URL
    assert asked == {
        "prefix": "portal.sso",
        "region": "eu-west-1",
        "use_fips": True,
        "use_dual_stack": False,
        "endpoint": None,
    }


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 10.0),
        ({"AWS_DEFAULTS_MODE": "standard"}, 3.1),
        ({"AWS_DEFAULTS_MODE": "mobile"}, 30.0),
        ({"AWS_DEFAULTS_MODE": "auto"}, 3.1),
        ({"AWS_DEFAULTS_MODE": "auto", "AWS_EXECUTION_ENV": "x", "AWS_REGION": "eu-west-1"}, 1.1),
        ({"AWS_DEFAULTS_MODE": "auto", "AWS_EXECUTION_ENV": "x", "AWS_REGION": "us-east-1"}, 3.1),
    ],
)
def test_the_time_to_connect_follows_the_defaults_mode(configured, environ, seconds):
    config = configured(region="eu-west-1", environ=environ).config
    assert config.request_handler.timeout == (seconds, 60.0)


def test_the_options_of_the_transport_are_given_as_a_dict(configured):
    handler = configured(
        endpoint=URL, request_handler={"connection_timeout": 1, "request_timeout": 2.5, "max_connections": 3}
    ).config.request_handler
    assert (handler.timeout, handler.max_connections) == ((1.0, 2.5), 3)


def test_an_extension_may_look_at_and_change_settings(configured):
    class Extension:
        def configure(self, configuration):
            assert configuration.get("region") == "eu-west-1"
            configuration.set("region", "eu-west-3")

    extension = Extension()
    config = configured(region="eu-west-1", extensions=[extension]).config
    assert (config.region, config.sources["region"]) == ("eu-west-3", "extension")
    assert config.extensions == (extension,)


def test_an_extension_that_sets_what_is_no_setting_is_told_the_settings(configured):
    class Extension:
        def configure(self, configuration):
            configuration.set("regoin", "eu-west-3")

    with pytest.raises(
        ConfigError, match=r"^An extension sets 'regoin'; the settings are ca_bundle, custom_user_agent"
    ):
        configured(extensions=[Extension()])


def test_the_configuration_cannot_be_changed(configured):
    config = configured(region="eu-west-1").config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.region = "x"
    with pytest.raises(TypeError):
        config.sources["region"] = "x"


def test_every_value_says_where_it_came_from(configured):
    config = configured(region="eu-west-1", logger=logging.getLogger("x")).config
    told = {
        "service_id",
        "api_version",
        "runtime",
        "is_custom_endpoint",
        "owns_request_handler",
        "sleep",
        "environ",
        "sources",
    }
    assert {field.name for field in dataclasses.fields(config)} - told == set(config.sources)
    assert config.sources["logger"] == "code"


def test_what_the_files_say_can_be_handed_in(configured, tmp_path):
    from sso_magic.config.files import load_shared_config

    (tmp_path / "other").write_text("[default]\nregion = eu-central-2\n")
    shared = load_shared_config({"AWS_CONFIG_FILE": str(tmp_path / "other")})
    assert configured(shared_config=shared).config.region == "eu-central-2"
