"""CA bundle and proxies are looked up once, when the client is made (PROTOCOL.md 4.1, 4.2)."""

from __future__ import annotations

import pytest
import trustme

from sso_magic.client.network import environment_proxies
from sso_magic.errors import ConfigError
from sso_magic.portal import SSO

AWS = "https://portal.sso.eu-west-1.amazonaws.com"
PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("environ", "endpoint", "proxies"),
    [
        ({}, AWS, {}),
        ({"HTTPS_PROXY": PROXY}, AWS, {"https": PROXY}),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, AWS, {"https": PROXY}),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, AWS, {}),
        ({"ALL_PROXY": PROXY}, AWS, {"https": PROXY}),
        ({"HTTP_PROXY": PROXY}, AWS, {}),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "amazonaws.com"}, AWS, {}),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "x.com, .amazonaws.com"}, AWS, {}),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, AWS, {}),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "zonaws.com"}, AWS, {"https": PROXY}),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "center:8443"}, "https://center:8443", {}),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "center:8443"}, "https://center:443", {"https": PROXY}),
        # a token must not leave this machine unencrypted, not even by way of a proxy
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.1:8000", {}),
        ({"HTTP_PROXY": "http://127.0.0.1:3128"}, "http://127.0.0.1:8000", {"http": "http://127.0.0.1:3128"}),
        ({"HTTP_PROXY": "localhost:3128"}, "http://127.0.0.1:8000", {"http": "localhost:3128"}),
        # in a CGI script HTTP_PROXY is a header of the request
        ({"HTTP_PROXY": "http://localhost:1", "REQUEST_METHOD": "GET"}, "http://127.0.0.1:8000", {}),
        (
            {"http_proxy": "http://localhost:1", "REQUEST_METHOD": "GET"},
            "http://127.0.0.1:8000",
            {"http": "http://localhost:1"},
        ),
    ],
)
def test_the_environments_proxies_are_taken_by_the_rules_of_urllib(environ, endpoint, proxies):
    assert environment_proxies(endpoint, environ) == proxies


def test_proxies_of_the_environment_say_so(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    config = SSO(region="eu-west-1").config
    assert dict(config.proxies) == {"https": PROXY}
    assert config.sources["proxies"] == "environment"
    monkeypatch.delenv("HTTPS_PROXY")
    assert dict(config.proxies) == {"https": PROXY}


def test_proxies_of_code_win_and_are_not_bypassed():
    environ = {"HTTPS_PROXY": "http://other", "NO_PROXY": "*"}
    config = SSO(region="eu-west-1", proxies={"https": PROXY}, environ=environ).config
    assert dict(config.proxies) == {"https": PROXY}
    assert config.sources["proxies"] == "code"


def test_a_proxy_that_would_carry_a_plain_request_off_this_machine_is_refused():
    with pytest.raises(ConfigError, match=r"^proxies would carry requests to http://127\.0\.0\.1:1 off this machine"):
        SSO(endpoint="http://127.0.0.1:1", proxies={"http": PROXY})


@pytest.mark.parametrize("proxy", ["http://me:hunter2@proxy:port", "http://me:hunter2@", "http://[::1", "http://p:0"])
def test_a_proxy_that_is_no_url_is_refused_without_showing_it(proxy):
    with pytest.raises(ConfigError) as error:
        SSO(region="eu-west-1", proxies={"https": proxy})
    assert str(error.value) == "The proxy for https from code is not of the form http://host:port; correct it."
    with pytest.raises(ConfigError, match=r"^The proxy for https from HTTPS_PROXY is not of the form http://host:port"):
        SSO(region="eu-west-1", environ={"HTTPS_PROXY": proxy})


def test_the_password_of_a_proxy_is_not_shown():
    config = SSO(region="eu-west-1", proxies={"https": "http://me:hunter2@proxy:3128"}).config
    assert "hunter2" not in repr(config)
    assert config.proxies["https"] == "http://me:hunter2@proxy:3128"


def test_requests_go_by_the_proxy(service):
    """A plain request to a proxy names the whole URL."""
    with SSO(endpoint="http://localhost:1", proxies={"http": service.url}) as sso:
        sso.list_accounts(access_token="aoaPLANTED")
    assert service.last.target == "http://localhost:1/assignment/accounts"


def test_a_proxy_that_cannot_be_reached_is_named_as_the_culprit():
    from sso_magic.errors import ProxyError

    with (
        SSO(endpoint="https://localhost:1", proxies={"https": "http://127.0.0.1:9"}, max_attempts=1) as sso,
        pytest.raises(ProxyError, match=r"^localhost:1 could not be reached through the proxy\. Check HTTPS_PROXY"),
    ):
        sso.list_accounts(access_token="aoaPLANTED")


PEM = trustme.CA().cert_pem.bytes().decode()


@pytest.mark.parametrize(
    ("places", "found"),
    [
        (["REQUESTS_CA_BUNDLE"], "REQUESTS_CA_BUNDLE"),
        (["profile", "REQUESTS_CA_BUNDLE"], "profile"),
        (["AWS_CA_BUNDLE", "profile", "REQUESTS_CA_BUNDLE"], "AWS_CA_BUNDLE"),
        (["code", "AWS_CA_BUNDLE", "profile"], "code"),
    ],
)
def test_the_ca_bundle_is_taken_from_its_highest_source(tmp_path, places, found):
    paths = {place: tmp_path / f"{place}.pem" for place in places}
    for path in paths.values():
        path.write_text(PEM)
    environ = {name: str(path) for name, path in paths.items() if name.endswith("BUNDLE")}
    environ["AWS_CONFIG_FILE"] = str(tmp_path / "config")
    if "profile" in paths:
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {paths['profile']}\n")
    code = {"ca_bundle": str(paths["code"])} if "code" in paths else {}
    config = SSO(region="eu-west-1", environ=environ, **code).config
    assert config.ca_bundle == str(paths[found])
    assert config.sources["ca_bundle"] == ("ca_bundle of profile 'default'" if found == "profile" else found)


def test_the_home_may_stand_in_a_ca_bundles_path(clean_environment):
    (clean_environment / "ca.pem").write_text(PEM)
    config = SSO(region="eu-west-1", environ={"AWS_CA_BUNDLE": "~/ca.pem"}).config
    assert config.ca_bundle == str(clean_environment / "ca.pem")


def test_curl_ca_bundle_and_netrc_are_not_looked_at(clean_environment, service, monkeypatch):
    monkeypatch.setenv("CURL_CA_BUNDLE", "/no/such/bundle")
    (clean_environment / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    with SSO(endpoint=service.url) as sso:
        sso.list_accounts(access_token="aoaPLANTED")
    assert "authorization" not in service.last.headers
