"""%sso_doctor finds what prevents signing in and using roles, and says what to do about it."""

from __future__ import annotations

import http.server
import os
import ssl
import sys
import threading
from datetime import datetime, timedelta, timezone

import pytest
import trustme

from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.doctor.report import Report, examine
from sso_magic.local import Fault
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session


@pytest.fixture(autouse=True)
def no_aws_cli(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)


def found(report: Report, level: str) -> dict[str, str]:
    return {finding.text: finding.fix for finding in report.findings if finding.level == level}


def only(report: Report, level: str) -> tuple[str, str]:
    [(text, fix)] = found(report, level).items()
    return text, fix


def test_where_all_is_well_it_says_so(signed_in, shell):
    report = shell.run_line_magic("sso_doctor", "")
    assert report.is_ok
    assert found(report, "problem") == {}
    assert {"Signed in.", "The clock agrees with the service's."} <= set(found(report, "ok"))
    assert repr(report).startswith(f"✓ Session corp: {signed_in.start_url}, eu-west-1.")
    assert "<script" not in report._repr_mimebundle_()["text/html"]


def test_no_session_says_how_to_begin(clean_environment):
    text, fix = only(examine(), "problem")
    assert text == "No session can be signed in to."
    assert "%sso_login https://YOUR-PORTAL" in fix


def test_an_endpoint_of_ones_own_is_named_with_its_source(signed_in):
    notes = found(examine(), "note")
    assert notes[f"The portal is reached at {signed_in.url} (AWS_ENDPOINT_URL_SSO)."] == "This is not AWS."


def test_a_region_that_is_not_the_start_urls(center, clean_environment):
    (clean_environment / ".aws" / "config").write_text(
        "[sso-session corp]\nsso_start_url = https://ssoins-1.portal.eu-west-3.app.aws\nsso_region = us-east-1\n"
    )
    text, fix = only(examine(), "problem")
    assert text == "The start URL says eu-west-3, the session says us-east-1."
    assert fix.startswith("Set sso_region = eu-west-3 in the session")


def test_a_service_that_does_not_answer(signed_in):
    signed_in.faults.append(Fault("*", kind="reset"))
    (portal, fix), (sign_in, again) = found(examine(), "problem").items()
    assert portal.startswith("The portal does not answer: 127.0.0.1:")
    assert sign_in.startswith("The sign-in service does not answer: 127.0.0.1:")
    assert "could not be connected to (" in portal
    assert (fix, again) == ("Check network, VPN, the region and the endpoint.", "")  # once


class OfAWS(http.server.BaseHTTPRequestHandler):
    """Refuses everything, as AWS does."""

    def end_headers(self) -> None:
        self.send_header("x-amzn-RequestId", "1")
        super().end_headers()


@pytest.fixture
def company_server():
    """An https server whose certificate is from a CA that this machine does not know; its URL."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = http.server.HTTPServer(("127.0.0.1", 0), OfAWS)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", authority
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_certificate_that_is_not_accepted(signed_in, company_server, monkeypatch, tmp_path):
    url, authority = company_server
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", url)
    text, fix = only(examine(), "problem")
    assert text.startswith("The sign-in service does not answer: ")
    assert fix == "Behind a company proxy, set AWS_CA_BUNDLE to the company's CA file."
    bundle = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    assert f"The sign-in service answers at {url}." in found(examine(), "ok")


def test_a_proxy_that_does_not_answer_is_named_with_the_settings_to_check(center, monkeypatch):
    for name in ("AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://alex:pass%20word@127.0.0.1:9/")
    report = examine()
    assert "pass" not in repr(report)
    notes = found(report, "note")
    assert notes["The portal and the sign-in service are reached through the proxy 127.0.0.1:9 (HTTPS_PROXY)."] == ""
    assert not [text for text in notes if " reached at " in text]  # it is AWS
    (portal, fix), (sign_in, again) = found(report, "problem").items()
    assert portal.startswith(
        "The portal does not answer: portal.sso.eu-west-1.amazonaws.com could not be reached through the proxy ("
    )
    assert sign_in.startswith(
        "The sign-in service does not answer: oidc.eu-west-1.amazonaws.com could not be reached through the proxy ("
    )
    assert (fix, again) == ("Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.", "")


@pytest.mark.parametrize(("seconds", "word"), [(-400, "ahead"), (400, "behind")])
def test_a_clock_that_is_off(signed_in, seconds, word):
    signed_in.clock_offset = seconds
    text, fix = only(examine(), "problem")
    assert text == f"This machine's clock is 7 min {word}."
    assert "NTP" in fix


def test_a_ca_bundle_that_is_not_there(signed_in, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    text, fix = only(examine(), "problem")
    assert text == "No client can be made of the settings."
    assert "/nowhere.pem" in fix


def test_an_active_profile_that_no_file_has(signed_in, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "gone")
    text, fix = only(examine(), "problem")
    assert text == "The active profile cannot be used."
    assert "'gone' (named by AWS_PROFILE)" in fix


def test_a_configuration_that_cannot_be_read(signed_in, clean_environment):
    (clean_environment / ".aws" / "config").write_text("[sso-session corp]\na = 1\na = 2\n")
    assert "The active profile cannot be used." in found(examine(), "problem")


def test_keys_that_somebody_else_put_there(signed_in, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATHEIRS")
    notes = found(examine(), "note")
    assert "AWS_ACCESS_KEY_ID is set in the environment: its keys win over AWS_PROFILE." in notes
    assert not [text for text in notes if "AKIATHEIRS" in text]


def test_what_was_set_after_a_role_was_used(signed_in, shell):
    shell.run_line_magic("sso_use", "payments-prod ReadOnly")
    os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:1/"
    text, _ = only(examine(), "problem")
    assert text.startswith("AWS_CONTAINER_CREDENTIALS_FULL_URI was set after %sso_use and may win over it")


def test_a_token_file_that_cannot_be_read(signed_in):
    path = cache.token_path("corp")
    path.write_text("{")
    text, fix = only(examine(), "problem")
    assert text == f"{path} holds no token that can be read."
    assert fix == "Remove it and run %sso_login corp"


def test_a_cache_that_is_a_file(center, clean_environment):
    (clean_environment / ".aws" / "sso").mkdir()
    cache.sso_directory().write_text("in the way")
    text, fix = only(examine(), "problem")
    assert text == f"{cache.sso_directory()} is a file."
    assert fix.startswith("Move it away")


def test_a_cache_that_cannot_be_written(signed_in, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert f"{cache.sso_directory()} cannot be written." in found(examine(), "problem")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_a_token_that_others_may_read(signed_in):
    path = cache.token_path("corp")
    path.chmod(0o644)
    text, fix = only(examine(), "problem")
    assert text == f"{path} is open to other users of this machine."
    assert fix == f"chmod go= {path}"


@pytest.mark.parametrize(
    ("answer", "old"),
    [
        ("aws-cli/1.46.3 Python/3.11.7 Linux/6 botocore/1.43.62", True),
        ("aws-cli/2.9.19 Python/3.11", True),
        ("aws-cli/2.36.7 Python/3.13", False),
        ("something else", False),
    ],
)
def test_an_old_aws_cli_is_named(signed_in, monkeypatch, answer, old):
    import subprocess

    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/aws")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, answer, ""))
    named = [text for text in found(examine(), "note") if text.startswith("The AWS CLI is version")]
    assert bool(named) is old


def test_an_aws_cli_that_cannot_be_started_is_passed_over(signed_in, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda _: str(tmp_path / "aws"))
    report = examine()
    assert report.is_ok
    assert "AWS CLI" not in repr(report)


def test_no_sign_in_says_how_to_begin(signed_in):
    cache.remove(cache.token_path("corp"))
    assert found(examine(), "note")["Not signed in to corp."] == "Run %sso_login corp"


def test_a_sign_in_that_has_ended_says_how_to_begin_again(signed_in):
    moment = datetime.now(timezone.utc) - timedelta(seconds=1)
    tokens.save(find_session("corp"), tokens.Token(Secret(signed_in.access_token()), moment))
    notes = found(examine(), "note")
    assert notes["The sign-in has ended."] == "Run %sso_login corp"
    assert "Not signed in to corp." not in notes


@pytest.mark.parametrize(
    ("is_remote", "line"),
    [
        (
            True,
            "✓ Sign-in: By a code, because the kernel runs elsewhere: a hub.\n    To sign in through the browser: ",
        ),
        (False, "✓ Sign-in: Through the browser, because the kernel runs on your machine: a hub.\n"),
    ],
)
def test_the_method_of_a_sign_in_is_said_with_its_reason(center, monkeypatch, is_remote, line):
    from sso_magic.signin import choice, where

    monkeypatch.setattr(choice, "placement", lambda: where.Placement(is_remote=is_remote, reason="a hub"))
    assert line in repr(examine())
