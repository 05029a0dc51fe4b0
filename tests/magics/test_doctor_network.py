"""%sso_doctor on a hub: the session in use, both services, proxies, CA files and directories."""

from __future__ import annotations

import contextlib
import http.server
import os
import socketserver
import ssl
import tempfile
import threading

import pytest
import trustme

from sso_magic.center.shared import shared_center
from sso_magic.doctor.report import examine
from sso_magic.errors import ProxyError
from sso_magic.local import Fault
from sso_magic.oidc import SSOOIDC

ENDPOINTS = ("AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC")


@pytest.fixture(autouse=True)
def no_aws_cli(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)


def found(level: str, *session: str) -> dict[str, str]:
    return {finding.text: finding.fix for finding in examine(*session).findings if finding.level == level}


@contextlib.contextmanager
def serving(handler, wrap=None):
    """Serve with the handler on loopback, and yield the port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None
        if wrap is not None:
            server.socket = wrap(server.socket)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


# ---- the session ----


@pytest.fixture
def no_config(center, clean_environment):
    """A start URL that no file names."""
    (clean_environment / ".aws" / "config").unlink()
    center.auto_approve = True
    return center


def test_a_start_url_without_a_config_file_is_examined_once_it_is_in_use(no_config, shell):
    before = shell.run_line_magic("sso_doctor", "")
    assert "No session can be signed in to." in repr(before)
    shell.run_line_magic("sso_login", f"{no_config.start_url} --sso-region eu-west-1 --device")
    after = repr(shell.run_line_magic("sso_doctor", ""))
    assert f"✓ Session {no_config.start_url}: {no_config.start_url}, eu-west-1." in after
    assert "✓ Signed in." in after
    assert "No session" not in after


def test_a_start_url_that_another_kernel_has_signed_in_to_is_the_one(no_config, shell):
    shell.run_line_magic("sso_login", f"{no_config.start_url} --sso-region eu-west-1 --device")
    assert f"Session {no_config.start_url}: {no_config.start_url}, eu-west-1." in found("ok")


def test_the_session_in_use_is_examined_where_several_are_configured(center, shell, clean_environment):
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(center.config_text("second"))
    center.auto_approve = True
    assert "Which session? Name one: corp, second." in repr(shell.run_line_magic("sso_doctor", ""))
    shell.run_line_magic("sso_login", "second --device")
    assert repr(shell.run_line_magic("sso_doctor", "")).startswith("✓ Session second: ")
    assert repr(shell.run_line_magic("sso_doctor", "corp")).startswith("✓ Session corp: ")


def test_a_start_url_is_examined_with_its_region_before_a_sign_in(no_config, shell):
    report = shell.run_line_magic("sso_doctor", f"{no_config.start_url} --sso-region eu-west-1")
    assert f"✓ Session {no_config.start_url}: {no_config.start_url}, eu-west-1." in repr(report)
    assert report.is_ok


# ---- both services ----


@pytest.mark.parametrize(("variable", "silent"), [(ENDPOINTS[0], "portal"), (ENDPOINTS[1], "sign-in service")])
def test_either_service_is_asked(signed_in, monkeypatch, variable, silent):
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    [(text, fix)] = found("problem").items()
    assert text.startswith(f"The {silent} does not answer: 127.0.0.1:9 could not be connected to (")
    assert fix == "Check network, VPN, the region and the endpoint."
    other = {"portal": "sign-in service", "sign-in service": "portal"}[silent]
    answers = found("ok")
    assert f"The {other} answers at {signed_in.url}." in answers
    assert "The clock agrees with the service's." in answers


class BlockedPage(http.server.BaseHTTPRequestHandler):
    """What a filter answers in place of a host that it blocks."""

    def do_GET(self) -> None:
        body = b"<html><title>Blocked</title></html>"
        self.send_response(403)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def test_a_page_of_a_filter_is_no_answer(signed_in, monkeypatch):
    with serving(BlockedPage) as port:
        monkeypatch.setenv(ENDPOINTS[0], f"http://127.0.0.1:{port}")
        problems = found("problem")
    text = f"http://127.0.0.1:{port} answers with a web page (HTTP 403), which is not from the portal."
    assert problems == {
        text: "A proxy or a network sign-in page answers in its place: ask its administrator to allow this host."
    }


def test_a_refusal_of_the_service_is_an_answer(signed_in):
    signed_in.faults.append(Fault("*", kind="error", status=403))
    assert found("problem") == {}


# ---- proxies ----


@pytest.fixture
def at_aws(center, monkeypatch):
    """The endpoints are those of AWS, which only a proxy can lead to."""
    for name in (*ENDPOINTS, "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


def refusing(status: str):
    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    return Proxy


def test_a_proxy_that_wants_a_password_says_so_once_and_names_what_ntlm_needs(at_aws, monkeypatch):
    with serving(refusing("407 Proxy Authentication Required")) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        (portal, fix), (sign_in, again) = found("problem").items()
        with SSOOIDC(region="eu-west-1", max_attempts=1) as oidc, pytest.raises(ProxyError) as caught:
            oidc.register_client(client_name="x", client_type="public")
    what = "could not be reached: the proxy requires a user name and a password (HTTP 407) ("
    assert portal.startswith(f"The portal does not answer: portal.sso.eu-west-1.amazonaws.com {what}")
    assert sign_in.startswith(f"The sign-in service does not answer: oidc.eu-west-1.amazonaws.com {what}")
    assert fix == (
        "Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, or for NTLM and Negotiate to a local helper (Px, Cntlm)."
    )
    assert again == ""
    assert fix in str(caught.value)


def test_a_proxy_that_blocks_a_host_is_named(at_aws, monkeypatch):
    with serving(refusing("403 Forbidden")) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        text, fix = next(iter(found("problem").items()))
    assert "portal.sso.eu-west-1.amazonaws.com could not be reached: the proxy does not allow it (" in text
    assert fix.startswith("Ask the proxy's administrator to allow this host")


# ---- CA files ----


@pytest.fixture
def company(monkeypatch, tmp_path, signed_in):
    """Both services behind a CA that nobody trusts; its file."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(path))

    class OfAWS(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("x-amzn-RequestId", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    with serving(OfAWS, lambda sock: context.wrap_socket(sock, server_side=True)) as port:
        for name in ENDPOINTS:
            monkeypatch.setenv(name, f"https://127.0.0.1:{port}")
        yield str(path)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "PIP_CERT"])
def test_a_ca_file_of_another_program_that_would_do_is_the_advice(company, monkeypatch, variable):
    monkeypatch.setenv(variable, company)
    problems = found("problem")
    assert list(problems.values()) == [
        f"AWS_CA_BUNDLE=${variable} would do: the certificate is accepted with that CA file.",
        "",
    ]
    monkeypatch.setenv("AWS_CA_BUNDLE", company)
    assert found("problem") == {}
    assert f"Certificates are checked against {company} (AWS_CA_BUNDLE)." in found("note")


def test_requests_ca_bundle_would_do_where_another_setting_hides_it(company, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", company)
    assert found("problem") == {}  # the AWS tools read it, too
    monkeypatch.setenv("AWS_CA_BUNDLE", str(other))
    assert next(iter(found("problem").values())).startswith("AWS_CA_BUNDLE=$REQUESTS_CA_BUNDLE would do")


def test_a_ca_file_that_does_not_help_is_not_recommended(company, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for name in ("SSL_CERT_FILE", "PIP_CERT", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(other))
    assert next(iter(found("problem").values())) == (
        "Behind a company proxy, set AWS_CA_BUNDLE to the company's CA file."
    )


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_tilde_that_only_a_shell_expands_is_named(signed_in, clean_environment, monkeypatch, variable):
    path = clean_environment / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    monkeypatch.setenv(variable, "~/ca.pem")
    notes = found("note")
    assert notes[f"{variable} is ~/ca.pem: boto3 and the AWS CLI do not expand ~, so they find no CA file."] == (
        f"Set it to the whole path: {path}"
    )


def test_a_tilde_in_the_profile_is_named(signed_in, clean_environment):
    trustme.CA().cert_pem.write_to_path(str(clean_environment / "ca.pem"))
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write("\n[default]\nca_bundle = ~/ca.pem\n")
    assert [text for text in found("note") if text.startswith("ca_bundle of the active profile is ~/ca.pem")]


# ---- directories ----


def test_a_tmpdir_that_cannot_be_written_is_named_with_what_is_used_instead(signed_in, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    text = f"TMPDIR is {tmp_path / 'gone'}, which is no directory that can be written. {tempfile.gettempdir()} is used"
    assert found("note")[f"{text} instead."] == "Set TMPDIR to a directory that you can write."


def test_no_temporary_directory_at_all_is_a_problem_and_the_network_is_examined_all_the_same(signed_in, monkeypatch):
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    assert found("problem") == {
        "No directory for temporary files can be written.": "Set TMPDIR to a directory that you can write."
    }
    assert "The clock agrees with the service's." in found("ok")


def test_the_session_of_a_script_is_found_by_its_token(no_config):
    center = shared_center(no_config.start_url, sso_region="eu-west-1")
    center.sign_in(method="device", interactive=False)
    assert f"Session {no_config.start_url}: {no_config.start_url}, eu-west-1." in found("ok")
    assert os.environ.get("AWS_PROFILE") is None
