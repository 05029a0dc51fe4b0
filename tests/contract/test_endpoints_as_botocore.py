"""For every region, FIPS, dual-stack and service: botocore's URL, or both refuse (PROTOCOL.md 3)."""

from __future__ import annotations

import itertools

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError, InvalidRegionError, NoRegionError
from hypothesis import given
from hypothesis import strategies as st

from sso_magic.client.endpoints import resolve_endpoint
from sso_magic.errors import ConfigError, EndpointError
from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

LOADER = botocore.session.Session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
SERVICES = {"sso": ("portal.sso", SSO), "sso-oidc": ("oidc", SSOOIDC)}
RULES = {
    service: EndpointProvider(LOADER.load_service_model(service, "endpoint-rule-set-1"), PARTITIONS)
    for service in SERVICES
}
LISTED = sorted(region for partition in PARTITIONS["partitions"] for region in partition["regions"])
UNLISTED = [
    *("mars-north-1", "us-gov-north-7", "cn-east-9", "eusc-de-west-3", "us-iso-south-2", "us-isob-south-2"),
    *("eu-isoe-north-4", "us-isof-north-1", "x", "EU-WEST-1", "us-east-1-", "us_east_1"),
]


def theirs(service, region, fips, dual_stack, endpoint=None):
    parameters = {"UseFIPS": fips, "UseDualStack": dual_stack}
    parameters |= {"Region": region} if region else {}
    parameters |= {"Endpoint": endpoint} if endpoint else {}
    try:
        return RULES[service].resolve_endpoint(**parameters).url
    except EndpointProviderError:
        return "refused"


def ours(service, region, fips, dual_stack, endpoint=None):
    try:
        return resolve_endpoint(
            prefix=SERVICES[service][0], region=region, use_fips=fips, use_dual_stack=dual_stack, endpoint=endpoint
        )
    except EndpointError:
        return "refused"


def test_there_are_regions_of_every_partition_to_compare():
    assert len(PARTITIONS["partitions"]) == 8
    assert len(LISTED) > 40


@pytest.mark.parametrize("region", [None, *LISTED, *UNLISTED])
@pytest.mark.parametrize("service", SERVICES)
def test_the_rules_give_the_same_url_or_both_refuse(service, region):
    for fips, dual_stack in itertools.product((False, True), repeat=2):
        case = (service, region, fips, dual_stack)
        assert ours(*case) == theirs(*case), case


@pytest.mark.parametrize("service", SERVICES)
def test_a_custom_endpoint_gives_the_same_url_or_both_refuse(service):
    for fips, dual_stack, region in itertools.product((False, True), (False, True), (None, "us-east-1")):
        case = (service, region, fips, dual_stack, "https://example.com/base")
        assert ours(*case) == theirs(*case), case


@given(
    st.sampled_from(sorted(SERVICES)),
    st.from_regex(r"\A[a-z]{2,5}(-[a-z]{2,5}){0,3}-[0-9]{1,2}\Z"),
    st.booleans(),
    st.booleans(),
)
def test_a_region_that_nobody_has_heard_of_gives_the_same_url(service, region, fips, dual_stack):
    assert ours(service, region, fips, dual_stack) == theirs(service, region, fips, dual_stack)


class Nothing:
    """The body of an empty response, as botocore reads one."""

    def stream(self):
        return iter(())


def asked_of_botocore(service, region, **settings):
    """The URL that a whole botocore client sends its request to."""
    asked = []

    def answer(request, **_kwargs):
        asked.append(request.url)
        return AWSResponse(request.url, 200, {}, Nothing())

    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    client = session.create_client(service, region_name=region, **settings)
    client.meta.events.register("before-send", answer)
    if service == "sso":
        client.logout(accessToken="aoa")
    else:
        client.create_token(clientId="c", clientSecret="s", grantType="g")
    return asked[0].rsplit("/", 1)[0]


@pytest.mark.parametrize(
    "region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "fips-us-east-1", "us-west-2-fips", "fips-us-gov-east-1"]
)
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.filterwarnings("ignore:.*FIPS.*")
def test_a_whole_client_asks_the_same_host(service, region):
    assert SERVICES[service][1](region=region).config.endpoint == asked_of_botocore(service, region)


@pytest.mark.parametrize("region", ["-x", "x-", "a b", "evil.com/", "123", "x" * 64, "eu_west_1"])
def test_a_region_that_no_host_name_can_hold_is_refused_by_both(region):
    with pytest.raises(InvalidRegionError):
        asked_of_botocore("sso", region)
    with pytest.raises(ConfigError):
        SSO(region=region)


def test_no_region_at_all_is_refused_by_both():
    with pytest.raises(NoRegionError):
        asked_of_botocore("sso", None)
    with pytest.raises(EndpointError):
        SSO()


SHARED = """
[default]
services = s
endpoint_url = http://127.0.0.1:5
[services s]
sso =
    endpoint_url = http://127.0.0.1:3
sso_oidc =
    endpoint_url = http://127.0.0.1:4
[profile bare]
endpoint_url = http://127.0.0.1:5
[profile ignoring]
endpoint_url = http://127.0.0.1:5
ignore_configured_endpoint_urls = true
"""
SOURCES = {
    "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_SSO_OIDC": "http://127.0.0.1:2",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:6",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
}


@pytest.mark.parametrize("profile", ["default", "bare", "ignoring"])
@pytest.mark.parametrize("service", SERVICES)
def test_of_all_sources_of_an_endpoint_the_same_one_counts(service, profile, tmp_path, monkeypatch):
    (tmp_path / "config").write_text(SHARED)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", profile)
    for chosen in itertools.product((False, True), repeat=len(SOURCES)):
        for (name, value), is_set in zip(SOURCES.items(), chosen, strict=True):
            monkeypatch.setenv(name, value) if is_set else monkeypatch.delenv(name, raising=False)
        assert SERVICES[service][1](region="eu-west-1").config.endpoint == asked_of_botocore(service, "eu-west-1"), (
            chosen
        )


@pytest.mark.parametrize("setting", ["use_fips_endpoint", "use_dualstack_endpoint"])
def test_fips_or_dual_stack_beside_an_endpoint_of_the_environment_is_refused_where_botocore_drops_it(
    setting, monkeypatch
):
    """A choice of PROTOCOL.md 3.4: differs on purpose, for it is a conflict that matters to security."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:6")
    config = Config(**{setting: True})
    assert asked_of_botocore("sso", "eu-west-1", config=config) == "http://127.0.0.1:6"
    with pytest.raises(EndpointError):
        SSO(region="eu-west-1", **{setting: True})
