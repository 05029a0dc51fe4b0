"""The console's sign-in URL by the federation endpoint, on the right hosts, and never logged."""

from __future__ import annotations

import logging
import ssl
import subprocess
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from sso_magic.center.identity_center import IdentityCenter
from sso_magic.common.secret import Secret
from sso_magic.credentials.federation import _home, _sign_in_host, federated_url
from sso_magic.errors import ConfigError, ConnectError, CredentialsError, ProxyError, ResponseStreamError, TLSError


@pytest.fixture
def keys(signed_in):
    return IdentityCenter("corp").role("payments-dev", "ReadOnly").credentials()


def test_it_opens_the_console_as_the_role(keys, signed_in):
    url = federated_url(keys, region="eu-west-1", endpoint=signed_in.url)
    assert isinstance(url, Secret)
    query = parse_qs(urlsplit(url.reveal()).query)
    assert query["Action"] == ["login"]
    assert query["Destination"] == ["https://console.aws.amazon.com/console/home?region=eu-west-1"]
    with urllib.request.urlopen(url.reveal(), timeout=60) as page:
        text = page.read().decode()
    assert "ReadOnly" in text
    assert "220947583614" in text


def test_nothing_of_it_is_logged_or_shown(keys, signed_in, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    url = federated_url(keys, endpoint=signed_in.url)
    secrets = [*keys.environment().values(), url.reveal(), parse_qs(urlsplit(url.reveal()).query)["SigninToken"][0]]
    shown = caplog.text + "".join(capsys.readouterr()) + repr(url) + f"{url}"
    for secret in secrets:
        if secret != keys.account_id:
            assert secret not in shown


def test_credentials_that_have_ended_are_told(keys, signed_in):
    signed_in.advance(7200)
    with pytest.raises(CredentialsError, match=r"gives no sign-in token \(400\).*Use the role again"):
        federated_url(keys, endpoint=signed_in.url)


def test_no_answer_is_told_without_the_url(keys):
    with pytest.raises(ConnectError, match=r"127\.0\.0\.1 did not answer") as caught:
        federated_url(keys, endpoint="http://127.0.0.1:9")
    assert keys.session_token.reveal() not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_no_http_is_told_without_the_url(keys):
    class Answers(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ResponseStreamError) as caught:
            federated_url(keys, endpoint=f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    assert str(caught.value) == "127.0.0.1 did not answer as HTTP does (BadStatusLine): retry."
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [(302, {"Location": "https://elsewhere.example/"}, b""), (200, {}, b"<html>"), (200, {}, b'{"SigninToken": 1}')],
)
def test_no_redirect_is_followed_and_no_nonsense_taken(keys, status, headers, body):
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(CredentialsError, match="no sign-in token"):
            federated_url(keys, endpoint=f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()


@pytest.mark.parametrize(
    ("region", "host", "home"),
    [
        (None, "https://signin.aws.amazon.com", "https://console.aws.amazon.com/console/home"),
        ("eu-west-1", "https://eu-west-1.signin.aws.amazon.com", "https://console.aws.amazon.com/console/home"),
        ("cn-north-1", "https://cn-north-1.signin.amazonaws.cn", "https://console.amazonaws.cn/console/home"),
        (
            "us-gov-west-1",
            "https://us-gov-west-1.signin.amazonaws-us-gov.com",
            "https://console.amazonaws-us-gov.com/console/home",
        ),
        (
            "eusc-de-east-1",
            "https://eusc-de-east-1.signin.amazonaws-eusc.eu",
            "https://console.amazonaws-eusc.eu/console/home",
        ),
    ],
)
def test_each_partition_has_hosts_of_its_own(region, host, home):
    assert _sign_in_host(region) == host
    assert _home(region) == home + (f"?region={region}" if region else "")


def test_a_console_that_is_not_known_is_asked_for(keys):
    with pytest.raises(ConfigError, match="console of partition aws-iso is not known: give its URL as destination"):
        federated_url(keys, region="us-iso-east-1")


@pytest.mark.parametrize("endpoint", ["http://signin.example", "https://", "https://[::1"])
def test_keys_go_to_https_or_to_this_machine_only(keys, endpoint):
    with pytest.raises(ConfigError) as caught:
        federated_url(keys, endpoint=endpoint)
    assert str(caught.value) == f"endpoint {endpoint}: keys go to https, or to this machine; give an https URL."


# ---- certificates and proxies, as at a sign-in ----


@pytest.fixture
def company_console(tmp_path):
    """A sign-in host behind a CA that nobody trusts: its URL and the CA's file."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"SigninToken": "token-of-the-company"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        bundle = tmp_path / "company.pem"
        authority.cert_pem.write_to_path(str(bundle))
        yield f"https://127.0.0.1:{server.server_address[1]}", bundle
        server.shutdown()
        thread.join()


def test_the_ca_bundle_of_the_profile_counts_as_at_a_sign_in(keys, company_console, clean_environment):
    url, bundle = company_console
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(f"\n[default]\nca_bundle = {bundle}\n")
    assert "token-of-the-company" in federated_url(keys, endpoint=url).reveal()


def test_the_ca_bundle_of_the_environment_may_be_a_directory(keys, company_console, monkeypatch):
    url, bundle = company_console
    named = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", bundle], capture_output=True, text=True, check=True
    ).stdout.strip()
    directory = bundle.parent / "hashed"
    directory.mkdir()
    (directory / f"{named}.0").write_bytes(bundle.read_bytes())
    monkeypatch.setenv("AWS_CA_BUNDLE", str(directory))
    assert "token-of-the-company" in federated_url(keys, endpoint=url).reveal()


def test_ssl_cert_file_counts_no_more_than_at_a_sign_in(keys, company_console, monkeypatch):
    url, bundle = company_console
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with pytest.raises(TLSError, match=r"could not be trusted \(.*\)\. Behind a company proxy, set AWS_CA_BUNDLE to"):
        federated_url(keys, endpoint=url)


def test_a_ca_file_that_cannot_be_loaded_is_named(keys, company_console, monkeypatch):
    url, bundle = company_console
    bundle.write_text("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with pytest.raises(ConfigError) as caught:
        federated_url(keys, endpoint=url)
    assert str(caught.value) == (
        f"ca_bundle from AWS_CA_BUNDLE: a certificate in {bundle} is damaged. Replace the file, or name another one."
    )


def test_a_proxy_that_wants_a_password_is_named(keys, monkeypatch):
    class Proxy(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(ProxyError) as caught:
            federated_url(keys, region="eu-west-1")
        server.shutdown()
        thread.join()
    assert str(caught.value) == (
        "eu-west-1.signin.aws.amazon.com could not be reached: the proxy requires a user name and a password (HTTP "
        "407). Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, or for NTLM and Negotiate to a local helper (Px, "
        "Cntlm)."
    )
