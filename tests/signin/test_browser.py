"""The sign-in through the browser: authorization code with PKCE, its callback, and the way out by device code."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import socket
import threading
import time
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import ConfigError, SignInCanceled, SignInDenied, SignInError, SignInExpired
from sso_magic.local import Fault
from sso_magic.signin import browser, browser_answer, flow

pytestmark = pytest.mark.usefixtures("kernel_is_here")


@pytest.fixture
def corp(center) -> IdentityCenter:
    return IdentityCenter("corp")


@pytest.fixture
def attempt(corp, center):
    """A sign-in that waits for the browser's answer."""
    from sso_magic.signin import registration

    registered = registration.register(
        corp.oidc, corp.session, grant_types=browser.GRANT_TYPES, redirect_uris=(browser.REGISTERED_URI,)
    )
    with browser.BrowserSignIn(corp.session, registered, browser.authorize_url(corp.oidc)) as waiting:
        yield waiting


def answer(attempt, **query) -> requests.Response:
    return requests.get(attempt.redirect_uri, params=query, timeout=60)


def state_of(attempt) -> str:
    return parse_qs(urlsplit(attempt.request().url).query)["state"][0]


def test_the_challenge_is_the_rfcs():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert browser.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_browser_signs_in_and_comes_back_to_a_page(corp, center, prompt, fetching_browser):
    center.auto_approve = True
    corp.sign_in(method="browser", prompt=prompt)
    assert len(corp.accounts()) > 5
    assert corp.tokens.peek().refresh_token
    [(request, opened, device)] = prompt.browsers
    assert (opened, device) == (True, None)
    assert request.url.startswith(f"{center.url}/authorize?response_type=code&client_id=")
    assert prompt.lines[0].startswith("Signed in to corp until")
    assert center.requests.total("StartDeviceAuthorization") == 0
    wait_for(fetching_browser.exists)
    wait_for(lambda: "You can close this tab" in fetching_browser.read_text())


def test_the_request_is_the_aws_clis(attempt, center):
    query = parse_qs(urlsplit(attempt.request().url).query)
    assert list(query) == [
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge_method",
        "scopes",
        "code_challenge",
    ]
    assert query["scopes"] == ["sso:account:access"]
    assert query["redirect_uri"] == [attempt.redirect_uri]
    assert len(query["code_challenge"][0]) == 43


def test_the_registration_is_kept_for_the_browser_alone(corp, center, prompt, fetching_browser):
    center.auto_approve = True
    corp.sign_in(method="browser", prompt=prompt)
    corp.sign_in(method="browser", prompt=prompt, force=True)
    assert center.requests.total("RegisterClient") == 1
    path = cache.registration_path(
        region=corp.session.sso_region, scopes=corp.session.scopes, session_name="corp", start_url=center.start_url
    )
    assert cache.read(path)["grantTypes"] == ["authorization_code", "refresh_token"]
    corp.sign_in(method="device", prompt=prompt, force=True)
    assert center.requests.total("RegisterClient") == 2
    assert "grantTypes" not in cache.read(path)


def test_the_listener_is_on_loopback_alone_and_gone_afterwards(attempt):
    port = int(urlsplit(attempt.redirect_uri).port)
    assert attempt._server.server_address == ("127.0.0.1", port)
    attempt.__exit__()
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), 1):
        pass
    attempt.__enter__()


def test_an_answer_with_another_state_is_not_ours(attempt):
    page = answer(attempt, code="stolen", state="guessed")
    assert page.status_code == 400
    assert "not your sign-in" in page.text
    assert not attempt.answered.is_set()


def test_an_answer_with_neither_a_code_nor_an_error_is_none(attempt):
    page = answer(attempt, state=state_of(attempt))
    assert page.status_code == 400
    assert "not your sign-in" in page.text
    assert not attempt.answered.is_set()


def test_the_page_repeats_nothing_of_the_request(attempt):
    page = answer(attempt, error="<script>alert(1)</script>", error_description="<b>x", state=state_of(attempt))
    assert "<script>" not in page.text
    assert "<b>x" not in page.text
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/oauth/callback/", "/oauth/callback%2F", "/favicon.ico"])
def test_another_path_is_not_there(attempt, path):
    base = attempt.redirect_uri.removesuffix("/oauth/callback")
    page = requests.get(f"{base}{path}", params={"code": "x", "state": state_of(attempt)}, timeout=60)
    assert page.status_code == 404
    assert not attempt.answered.is_set()


def test_another_host_name_is_another_site(attempt):
    page = requests.get(
        attempt.redirect_uri,
        params={"code": "x", "state": state_of(attempt)},
        headers={"Host": "evil.test"},
        timeout=60,
    )
    assert page.status_code == 404
    assert not attempt.answered.is_set()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_another_method_is_refused(attempt, method):
    page = requests.request(method, attempt.redirect_uri, params={"code": "x", "state": state_of(attempt)}, timeout=60)
    assert page.status_code == 501
    assert not attempt.answered.is_set()


def test_a_person_who_denies_is_told_so(attempt, corp):
    page = answer(attempt, error="access_denied", state=state_of(attempt))
    assert "The request was denied or failed" in page.text
    with pytest.raises(SignInDenied) as caught:
        attempt.redeem(corp.oidc)
    assert str(caught.value) == ("The sign-in to corp was denied in the browser. Run %sso_login to start again.")


@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (
            "AccessDeniedException",
            SignInDenied,
            "The sign-in to corp was denied in the browser. Run %sso_login to start again.",
        ),
        ("ExpiredTokenException", SignInExpired, "The approval came too late. Run %sso_login to start again."),
    ],
)
def test_a_code_that_the_service_takes_no_more_is_told(corp, center, prompt, fetching_browser, error, kind, line):
    center.auto_approve = True
    center.faults.append(Fault("CreateToken", status=400, error=error))
    with pytest.raises(kind) as caught:
        corp.sign_in(method="browser", prompt=prompt)
    assert str(caught.value) == line
    assert prompt.lines == [""]


@pytest.mark.parametrize(("error", "shown"), [("server_error", "server_error"), ("<b>bad\n", "an error")])
def test_another_error_is_named_if_it_is_a_name(attempt, corp, error, shown):
    answer(attempt, error=error, state=state_of(attempt))
    with pytest.raises(SignInError) as caught:
        attempt.redeem(corp.oidc)
    assert str(caught.value) == (
        f"The sign-in page answered {shown}. Run %sso_login again, or %sso_login --device for a code."
    )


def test_a_browser_that_cannot_be_opened_gets_a_code_without_starting_over(corp, center, prompt, person, browser_fails):
    person.approves()
    corp.sign_in(method="browser", prompt=prompt)
    (_, opening, no_code), (_, opened, code) = prompt.browsers
    assert (opening, no_code, opened) == (True, None, False)
    assert code.user_code
    assert len(corp.accounts()) > 5


def test_a_browser_that_does_not_come_back_gets_a_code_too(corp, center, prompt, person, monkeypatch, browser_opens):
    monkeypatch.setattr(flow, "FALLBACK_AFTER", 0.3)
    person.approves()
    corp.sign_in(method="browser", prompt=prompt)
    assert prompt.browsers[-1][2].user_code
    assert len(corp.accounts()) > 5


@contextlib.contextmanager
def answered_when(ready, center, prompt):
    """The page in the browser is approved as soon as this holds."""

    def answer():
        wait_for(ready)
        center.auto_approve = True
        requests.get(prompt.browsers[0][0].url, timeout=60)

    thread = threading.Thread(target=answer)
    thread.start()
    yield
    thread.join()


def test_the_browser_can_still_answer_while_the_code_is_shown(corp, center, prompt, monkeypatch, browser_opens):
    monkeypatch.setattr(flow, "FALLBACK_AFTER", 0.2)

    with answered_when(lambda: len(prompt.browsers) == 2, center, prompt):
        corp.sign_in(method="browser", prompt=prompt)
    assert len(corp.accounts()) > 5


def test_without_a_code_beside_the_link_the_browser_is_waited_for(corp, center, prompt, monkeypatch, browser_opens):
    monkeypatch.setattr(flow, "FALLBACK_AFTER", 0)
    center.faults.append(Fault("StartDeviceAuthorization", status=500))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with answered_when(lambda: center.requests.total("StartDeviceAuthorization"), center, prompt):
        corp.sign_in(method="browser", prompt=prompt)
    assert [device for _, _, device in prompt.browsers] == [None]
    assert len(corp.accounts()) > 5


def test_a_browser_that_is_waited_for_in_vain_ends_the_sign_in(corp, center, prompt, monkeypatch, browser_opens):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    center.faults.append(Fault("StartDeviceAuthorization", status=500))
    minutes = itertools.count(step=60)
    monkeypatch.setattr(browser_answer, "time", SimpleNamespace(monotonic=lambda: next(minutes)))
    with pytest.raises(SignInExpired) as caught:
        corp.sign_in(method="browser", prompt=prompt)
    assert str(caught.value) == "The sign-in was not approved in time. Run %sso_login to start again."
    assert prompt.lines == [""]


def test_with_no_open_only_the_link_is_shown(corp, center, prompt, monkeypatch):
    monkeypatch.setattr(flow, "Opening", lambda _: pytest.fail("a browser was opened"))
    center.auto_approve = True
    seen = threading.Thread(
        target=lambda: (wait_for(lambda: prompt.browsers), requests.get(prompt.browsers[0][0].url, timeout=60))
    )
    seen.start()
    corp.sign_in(method="browser", open_browser=False, prompt=prompt)
    seen.join()
    assert prompt.browsers[0][1] is False


def wait_for(condition) -> None:
    while not condition():
        time.sleep(0.02)


def test_canceling_ends_the_wait_and_leaves_nothing(corp, center, prompt, browser_opens):
    cancel = threading.Event()
    threading.Thread(target=lambda: (wait_for(lambda: prompt.browsers), cancel.set())).start()
    with pytest.raises(SignInCanceled, match=r"Sign-in canceled\. Run %sso_login to start again\."):
        corp.sign_in(method="browser", prompt=prompt, cancel=cancel)
    assert prompt.lines == [""]
    assert not [thread for thread in threading.enumerate() if thread.name == "sso-magic-callback"]


def test_without_a_port_the_device_code_is_named(corp, center, prompt, monkeypatch):
    def refuse(*_):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(browser, "_Listener", refuse)
    with pytest.raises(SignInError) as caught:
        corp.sign_in(method="browser", prompt=prompt)
    assert str(caught.value) == (
        "No port on 127.0.0.1 could be opened for the browser's answer (Address already in use). "
        "Run %sso_login --device"
    )


def test_a_method_that_is_none_is_refused(corp, prompt):
    with pytest.raises(ConfigError) as caught:
        corp.sign_in(method="telepathy", prompt=prompt)
    assert str(caught.value) == "sign_in is 'telepathy': it can be 'auto', 'browser' or 'device'."


def test_auto_takes_the_device_code_where_the_browser_is_elsewhere(corp, center, prompt, kernel_is_remote):
    center.auto_approve = True
    corp.sign_in(prompt=prompt)
    assert center.requests.total("StartDeviceAuthorization") == 1


def test_auto_takes_the_browser_where_it_is_here(corp, center, prompt, fetching_browser):
    center.auto_approve = True
    corp.sign_in(prompt=prompt)
    assert center.requests.total("StartDeviceAuthorization") == 0


def test_a_bare_start_url_signs_in_and_can_be_refreshed(center, clean_environment, prompt):
    (clean_environment / ".aws" / "config").unlink()
    center.auto_approve = True
    bare = IdentityCenter(start_url=center.start_url, sso_region="eu-west-1")
    bare.sign_in(method="device", prompt=prompt)
    assert bare.tokens.peek().refresh_token
    assert cache.token_path(center.start_url).exists()
    assert len(bare.accounts()) > 5


def test_a_legacy_profile_signs_in_as_the_aws_cli_does(center, clean_environment, prompt):
    (clean_environment / ".aws" / "config").write_text(
        f"[profile old]\nsso_start_url = {center.start_url}\nsso_region = eu-west-1\n"
    )
    center.auto_approve = True
    legacy = IdentityCenter("old")
    legacy.sign_in(prompt=prompt)
    assert legacy.tokens.peek().refresh_token is None
    assert len(legacy.accounts()) > 5


def test_a_terminal_shows_the_page_and_then_who_is_signed_in(shell, center, fetching_browser, capsys):
    center.auto_approve = True
    shell.run_line_magic("sso_login", "--browser")
    title, words, link, check, line = capsys.readouterr().out.splitlines()
    assert title.startswith("Sign in to corp (")
    assert words == "  A page opens in your browser. If none opens, use the link."
    assert link.startswith(f"  Open   {center.url}/authorize?response_type=code&client_id=")
    assert check == "  Approve only a sign-in that you started yourself. Interrupt to cancel."
    assert line.startswith("Signed in to corp until")


def test_a_terminal_shows_the_code_below_the_page_where_no_browser_opens(shell, center, person, capsys, browser_fails):
    person.approves()
    shell.run_line_magic("sso_login", "--browser")
    page, code = capsys.readouterr().out.split("\n\n")
    assert page.splitlines()[1] == "  A page opens in your browser. If none opens, use the link."
    assert f"  Open   {center.portal_url}/#/device?user_code=" in code
    assert "  Approve only if that page shows this code, and only a sign-in that you started." in code
    assert code.splitlines()[-1].startswith("Signed in to corp until")


class Terminal(io.StringIO):
    """An output that is a terminal, and tells when the countdown is there."""

    def __init__(self):
        super().__init__()
        self.counts = threading.Event()

    def isatty(self):
        return True

    def write(self, text):
        if "Waiting for approval" in text:
            self.counts.set()
        return super().write(text)


@pytest.mark.parametrize("method", ["--device", "--browser"])
def test_a_terminal_counts_down_until_the_sign_in_has_ended(shell, center, monkeypatch, method, browser_fails):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    approving = threading.Thread(
        target=lambda: (terminal.counts.wait(20), center.approve(center.wait_for_pending().user_code))
    )
    approving.start()
    shell.run_line_magic("sso_login", method)
    approving.join()
    assert re.search(r"\rWaiting for approval, \d+:\d\d left ", terminal.getvalue())
    left = terminal.getvalue().rpartition("\r")[2]
    assert left.startswith("Signed in to corp until")
    assert "sso-magic-countdown" not in [thread.name for thread in threading.enumerate()]
