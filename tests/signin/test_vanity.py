"""A start URL of a company's own that redirects to an AWS access portal."""

from __future__ import annotations

import http.server
import json
import ssl
import threading

import pytest
import trustme

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import ConfigError, ConnectError, TLSError
from sso_magic.signin import vanity
from sso_magic.signin.sessions import find_session

pytestmark = pytest.mark.usefixtures("kernel_is_here")

PORTAL = "https://d-9a67000000.awsapps.com/start"
SCOPES = "sso_registration_scopes = sso:account:access\n"
REGIONAL = "https://ssoins-72230000.portal.eu-central-1.app.aws"


class Company(http.server.ThreadingHTTPServer):
    """Answers every request as a test says, by https under the name localhost."""

    def __init__(self, tmp_path):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked, self.status, self.location, self.no_head = [], 302, PORTAL, None
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.bundle = tmp_path / "company.pem"
        authority.cert_pem.write_to_path(str(self.bundle))
        self.url = f"https://localhost:{self.server_port}/portal"

    def handle_error(self, request, client_address):
        """A client that does not trust the certificate hangs up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.server.asked.append(f"{self.command} {self.path}")
        if self.command == "HEAD" and self.server.no_head:
            self.send_response(self.server.no_head)
        else:
            self.send_response(self.server.status)
            if self.server.location is not None:
                self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815 - http.server's name

    def log_message(self, format, *args):  # noqa: A002
        """Prints nothing."""


@pytest.fixture
def company(tmp_path, monkeypatch):
    server = Company(tmp_path)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.bundle))
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def write_config(home, start_url, region="eu-west-1"):
    text = f"# mine\n[sso-session corp]\nsso_start_url = {start_url}\nsso_region = {region}\n{SCOPES}"
    (home / ".aws" / "config").write_text(text)


@pytest.mark.parametrize("method", ["device", "browser"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_services_get_the_portal_and_the_cache_the_configured_url(
    center, company, clean_environment, prompt, fetching_browser, status, method
):
    write_config(clean_environment, company.url)
    company.status = status
    company.location = f"{PORTAL}/?x=1#/"
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method=method, prompt=prompt)
    assert len(corp.accounts()) > 5
    assert company.asked == ["HEAD /portal"]
    token = json.loads(cache.token_path("corp").read_text())
    assert token["startUrl"] == company.url
    assert corp.session.portal_url == PORTAL
    assert corp.session.start_url == company.url


@pytest.mark.parametrize("status", [405, 501])
def test_get_is_asked_where_head_is_refused(company, status):
    company.no_head = status
    assert vanity.portal_of(company.url) == PORTAL
    assert company.asked == ["HEAD /portal", "GET /portal"]


def test_a_url_that_does_not_redirect_stays(company):
    company.status, company.location = 200, None
    assert vanity.portal_of(company.url) == company.url


def test_a_redirect_without_a_location_stays(company):
    company.location = None
    assert vanity.portal_of(company.url) == company.url


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://evil.example/start?token=x", "https://evil.example/start"),
        ("http://d-9a67000000.awsapps.com/start", "http://d-9a67000000.awsapps.com/start"),
        ("https://d-9a67000000.awsapps.com.evil.example/start", "https://d-9a67000000.awsapps.com.evil.example/start"),
        ("/elsewhere", "{company}/elsewhere"),
        ("https://[", "https://["),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_a_redirect_to_anything_but_a_portal_of_aws_is_refused(
    center, company, clean_environment, prompt, location, shown
):
    write_config(clean_environment, company.url)
    company.location = location
    with pytest.raises(ConfigError) as caught:
        IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    shown = shown.format(company=company.url.removesuffix("/portal"))
    assert str(caught.value) == (
        f"The start URL {company.url} redirects to {shown}, which is not an AWS access portal. "
        "Check sso_start_url, or sign in with the portal's own URL."
    )
    assert len(company.asked) == 1
    assert center.requests.total("RegisterClient") == 0


def test_the_region_of_the_portal_is_used_and_written_to_the_configuration(center, company, clean_environment, prompt):
    write_config(clean_environment, company.url, region="eu-west-1")
    company.location = REGIONAL
    center.auto_approve = True
    corp = IdentityCenter("corp")
    before = corp.oidc
    corp.sign_in(method="device", prompt=prompt)
    assert corp.session.sso_region == corp.oidc.config.region == "eu-central-1"
    assert corp.oidc is not before
    text = (clean_environment / ".aws" / "config").read_text()
    assert text == (f"# mine\n[sso-session corp]\nsso_start_url = {company.url}\nsso_region = eu-central-1\n{SCOPES}")
    assert json.loads(cache.token_path("corp").read_text())["region"] == "eu-central-1"


def test_a_sign_in_that_fails_leaves_the_configured_region(center, company, clean_environment, prompt, person):
    write_config(clean_environment, company.url)
    before = (clean_environment / ".aws" / "config").read_text()
    company.location = REGIONAL
    person.denies()
    with pytest.raises(Exception, match="was denied"):
        IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    assert (clean_environment / ".aws" / "config").read_text() == before


def test_a_start_url_that_no_file_has_gets_its_region_from_the_portal(center, company, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    company.location = REGIONAL
    assert find_session(company.url).sso_region == "eu-central-1"


def test_a_host_of_aws_is_not_asked(center, monkeypatch):
    monkeypatch.setattr(vanity, "portal_of", lambda url: pytest.fail(f"{url} was asked"))
    session = find_session(PORTAL, sso_region="eu-west-1")
    assert vanity.resolve(session) is session


@pytest.mark.parametrize("start_url", ["http://aws.example.com/", "http://corp.awsapps.com/start"])
def test_a_start_url_by_plain_http_is_refused_before_any_request(center, clean_environment, prompt, start_url):
    write_config(clean_environment, start_url)
    with pytest.raises(ConfigError) as caught:
        IdentityCenter("corp").sign_in(prompt=prompt)
    shown = start_url.rstrip("/")
    assert str(caught.value) == f"The start URL {shown} must begin with https://. Correct it."
    assert center.requests.total() == 0


def test_a_certificate_that_is_not_trusted_is_said(center, company, monkeypatch):
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(TLSError, match=f"localhost:{company.server_port} could not be trusted"):
        vanity.portal_of(company.url)


def test_a_host_that_does_not_answer_is_said(center):
    with pytest.raises(ConnectError, match=r"127\.0\.0\.1:9 could not be connected to"):
        vanity.portal_of("https://127.0.0.1:9/portal")


def test_the_local_identity_center_has_a_vanity_start_url(center, clean_environment, prompt):
    write_config(clean_environment, center.vanity_url)
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    assert corp.session.portal_url.endswith(".awsapps.com/start")
    assert len(corp.accounts()) > 5
