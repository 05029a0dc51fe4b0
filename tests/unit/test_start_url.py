"""Start URLs as people paste them, the hosts that AWS owns, and the regions in hosts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso_magic.config.start_url import is_aws_owned, is_same_portal, looks_like_start_url, normalize, region_of

CORP = "https://corp.awsapps.com/start"


@pytest.mark.parametrize(
    "pasted",
    [
        CORP,
        f"{CORP}/",
        f"{CORP}/#/",
        f"{CORP}#/",
        f"{CORP}/#/console?account_id=111111111101&role_name=ReadOnly",
        f"{CORP}?tab=accounts",
        f"{CORP}/?referrer=mail#/",
        f"{CORP}/login",
        "HTTPS://Corp.AwsApps.com/Start",
        "corp.awsapps.com/start",
        "corp.awsapps.com",
        "//corp.awsapps.com/start",
        "https://corp.awsapps.com",
        "https://corp.awsapps.com/",
        "https://corp.awsapps.com:443/start",
        "https://corp.awsapps.com./start",
        f"  {CORP}\t",
        f"<{CORP}>",
        f"({CORP}).",
        f"{CORP},",
        f"{CORP}/ ;",
        f"\u200b{CORP}\ufeff",
        f"\u3000{CORP}\u2060 \u200b",
        f"\u201c{CORP}\u201d",
    ],
)
def test_a_pasted_start_url_is_the_same_portal(pasted):
    assert normalize(pasted) == CORP
    assert is_same_portal(pasted, CORP)
    assert looks_like_start_url(pasted)


@pytest.mark.parametrize(
    ("pasted", "normal"),
    [
        (
            "https://start.us-gov-home.awsapps.com/directory/corp#/",
            "https://start.us-gov-home.awsapps.com/directory/corp",
        ),
        ("https://ssoins-72230000.portal.us-east-1.app.aws/", "https://ssoins-72230000.portal.us-east-1.app.aws"),
        (
            "https://identitycenter.amazonaws.com/ssoins-72230000",
            "https://identitycenter.amazonaws.com/ssoins-72230000",
        ),
        ("http://127.0.0.1:8080/start/#/", "http://127.0.0.1:8080/start"),
        ("http://[::1]:8080/start", "http://[::1]:8080/start"),
        ("aws.example.com/Portal/", "https://aws.example.com/Portal"),
    ],
)
def test_other_forms_keep_their_path(pasted, normal):
    assert normalize(pasted) == normal


@pytest.mark.parametrize(
    "text", ["", "https://", "ftp://corp.awsapps.com/start", "https://[", "https://a b/", "https://h:x/"]
)
def test_what_is_not_a_url_of_a_page_is_none(text):
    assert normalize(text) is None
    assert not is_same_portal(text, CORP)


@pytest.mark.parametrize("name", ["corp", "corp.prod", "my session", "corp-eu", "a/b"])
def test_a_name_of_a_session_is_not_taken_for_a_start_url(name):
    assert not looks_like_start_url(name)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://ssoins-72230000.portal.us-east-1.app.aws", "us-east-1"),
        ("https://SSOINS-72230000.PORTAL.US-EAST-1.APP.AWS", "us-east-1"),
        ("https://ssoins-7223.eu-central-2.portal.amazonaws.com/", "eu-central-2"),
        ("https://ssoins-7223.us-gov-west-1.portal.amazonaws.com", "us-gov-west-1"),
        ("https://ssoins-7223.cn-north-1.portal.amazonaws.com.cn", "cn-north-1"),
        ("https://ssoins-7223.portal.cn-northwest-1.app.amazonwebservices.com.cn", "cn-northwest-1"),
        ("https://ssoins-7223.eusc-de-east-1.portal.amazonaws.eu", "eusc-de-east-1"),
        ("https://ssoins-7223.portal.eusc-de-east-1.api.amazonwebservices.eu", "eusc-de-east-1"),
        ("https://identitycenter.amazonaws.eu/ssoins-7223", "eusc-de-east-1"),
        ("https://start.us-gov-home.awsapps.com/directory/d-9a67", "us-gov-west-1"),
        ("https://start.us-gov-east-1.us-gov-home.awsapps.com/directory/d-9a67#/", "us-gov-east-1"),
        ("https://start.cn-north-1.home.awsapps.cn/directory/d-9a67", "cn-north-1"),
        ("https://start.home.awsapps.cn/directory/d-9a67", None),
        ("https://identitycenter.amazonaws.com/ssoins-7223", None),
        (CORP, None),
        ("https://ssoins-7223.portal.us-east-1.app.aws.evil.example", None),
        ("https://evil.example/ssoins-7223.portal.us-east-1.app.aws", None),
    ],
)
def test_the_region_is_read_from_the_host(url, region):
    assert region_of(url) == region


@pytest.mark.parametrize(
    "url",
    [
        CORP,
        "https://Corp.AWSapps.com./start",
        "https://corp.awsapps.cn/start",
        "https://identitycenter.amazonaws.com/ssoins-7223",
        "https://identitycenter.amazonaws.com.cn/ssoins-7223",
        "https://identitycenter.us-gov.amazonaws.com/ssoins-7223",
        "https://identitycenter.amazonaws.eu/ssoins-7223",
        "https://x.portal.us-east-1.app.aws",
        "https://x.us-east-1.portal.amazonaws.com",
    ],
)
def test_hosts_that_aws_owns(url):
    assert is_aws_owned(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://awsapps.com/start",
        "https://corp.awsapps.com.evil.example/start",
        "https://evilawsapps.com/start",
        "https://corp.awsapps.com@evil.example/start",
        "https://x.identitycenter.amazonaws.com/",
        "https://aws.example.com/start",
        "http://127.0.0.1:8080/start",
    ],
)
def test_hosts_that_aws_does_not_own(url):
    assert not is_aws_owned(url)


@given(st.text(max_size=60))
def test_no_text_breaks_it_and_normal_is_normal(text):
    normal = normalize(text)
    looks_like_start_url(text)
    region_of(text)
    is_aws_owned(text)
    if normal is not None:
        assert normalize(normal) == normal
