"""The sign-in through a browser on another machine: the person pastes the address that it ended on."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sso_magic import IdentityCenter
from sso_magic.common.secret import Secret
from sso_magic.display import prompt as display
from sso_magic.errors import SignInDenied, SignInError, SignInExpired
from sso_magic.local import Fault
from sso_magic.signin import browser, browser_answer, flow, pasted, registration

PASTE = "Paste the address here (it stays hidden), then press Enter"


@pytest.fixture
def corp(center) -> IdentityCenter:
    center.auto_approve = True
    return IdentityCenter("corp")


def address_after_approval(url: str) -> str:
    """Approve on the page as a browser elsewhere does; the address that it cannot reach."""
    return requests.get(url, allow_redirects=False, timeout=60).headers["Location"]


@pytest.fixture
def attempt(corp):
    """A sign-in that waits for the browser's answer."""
    registered = registration.register(
        corp.oidc, corp.session, grant_types=browser.GRANT_TYPES, redirect_uris=(browser.REGISTERED_URI,)
    )
    with browser.BrowserSignIn(corp.session, registered, browser.authorize_url(corp.oidc)) as sign_in:
        yield sign_in


class Pasting:
    """A prompt in front of a person who pastes an address, made of the link by each of these functions in turn."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self._asked = False
        self.requests, self.lines, self.devices = [], [], []
        self.refused = []

    def device(self, request):
        self.devices.append(request)

    def browser(self, request, *, opened, device):
        self.requests.append(request)
        self._asked = request.is_remote
        self.opened = opened

    def pasted(self):
        if not self._asked or not self._answers:
            return None
        return Secret(self._answers.pop(0)(self.requests[-1].url))

    def wrong(self, line):
        self.refused.append(line)

    def close(self, line):
        self.lines.append(line)


SHAPES = {
    "as it is": str,
    "white space around": lambda address: f"  {address}\r\n",
    "broken over lines": lambda address: f"{address[:60]}\n  {address[60:]}",
    "localhost": lambda address: address.replace("127.0.0.1", "localhost"),
    "IPv6": lambda address: address.replace("127.0.0.1", "[::1]"),
    "another port": lambda address: re.sub(r"127\.0\.0\.1:\d+", "localhost:49152", address),
    "without a port": lambda address: re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", address),
    "https": lambda address: address.replace("http:", "https:"),
    "without a scheme": lambda address: address.removeprefix("http://"),
    "the query": lambda address: address.partition("?")[2],
    "the query with its mark": lambda address: f"?{address.partition('?')[2]}",
    "a fragment": lambda address: f"{address}#",
    "quoted": lambda address: f'"{address}"',
    "in angle brackets": lambda address: f"<{address}>",
    "parameters in another order": lambda address: (
        address.partition("?")[0] + "?" + "&".join(reversed(address.partition("?")[2].split("&")))
    ),
    "another parameter": lambda address: f"{address}&iss=https%3A%2F%2Fexample.com",
}


def test_no_browser_is_opened_beside_a_remote_kernel(corp, center, kernel_is_remote, monkeypatch):
    monkeypatch.setattr(flow, "Opening", lambda _: pytest.fail("a browser was opened"))
    prompt = Pasting(address_after_approval)
    corp.sign_in(method="browser", prompt=prompt)
    assert not prompt.opened


@pytest.mark.parametrize("shape", SHAPES)
def test_the_address_signs_in(corp, center, kernel_is_remote, shape):
    prompt = Pasting(lambda url: SHAPES[shape](address_after_approval(url)))
    corp.sign_in(method="browser", open_browser=False, prompt=prompt)
    assert prompt.refused == []
    assert len(corp.accounts()) > 5
    assert center.requests.total("StartDeviceAuthorization") == 0


WRONG = {
    "nothing": (lambda address: "", pasted.EMPTY),
    "blanks": (lambda address: " \t ", pasted.EMPTY),
    "words": (lambda address: "where is it?", "That is not the address that the browser ended on"),
    "a word": (lambda address: "help", "That is not the address that the browser ended on"),
    "without its query": (lambda address: address.partition("?")[0], pasted.INCOMPLETE),
    "without its state": (lambda address: re.sub(r"&?state=[^&]*", "", address), pasted.INCOMPLETE),
    "without its code": (lambda address: re.sub(r"code=[^&]*&?", "", address), pasted.INCOMPLETE),
    "cut off in its state": (lambda address: address[:-4], pasted.FOREIGN),
    "another state": (lambda address: re.sub(r"state=[^&]*", "state=guessed", address), pasted.FOREIGN),
    "a state that is no text": (lambda address: re.sub(r"state=[^&]*", "state=%ff%00", address), pasted.FOREIGN),
    "another host": (lambda address: address.replace("127.0.0.1", "evil.test"), "That is not the address"),
    "a host that looks so": (lambda address: address.replace("127.0.0.1", "127.0.0.1.evil.test"), "That is not"),
    "a host after a user": (lambda address: address.replace("127.0.0.1:", "127.0.0.1@evil.test:"), "That is not"),
    "another path": (lambda address: address.replace("/oauth/callback", "/oauth"), "That is not the address"),
    "another scheme": (lambda address: address.replace("http:", "javascript:"), "That is not the address"),
    "a port that is none": (lambda address: re.sub(r"1:\d+", "1:port", address), "That is not the address"),
    "half an IPv6 address": (lambda address: "http://[::1/oauth/callback?code=a&state=b", "That is not the address"),
    "too long": (lambda address: address + "&x=" + "y" * 20_000, "That is not the address"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_address_is_refused_by_one_line_and_asked_for_again(corp, kernel_is_remote, kind):
    change, line = WRONG[kind]
    prompt = Pasting(lambda url: change(address_after_approval(url)), address_after_approval)
    corp.sign_in(method="browser", open_browser=False, prompt=prompt)
    [shown] = prompt.refused
    assert shown.startswith(line)
    assert "\n" not in shown
    assert not set(parse_qs(urlsplit(prompt.requests[0].url).query)["state"]) & set(re.split(r"[ =&]", shown))
    assert len(corp.accounts()) > 5


def test_the_page_itself_is_no_answer(corp, kernel_is_remote):
    prompt = Pasting(str, address_after_approval)
    corp.sign_in(method="browser", open_browser=False, prompt=prompt)
    assert prompt.refused == [pasted.TOO_EARLY]


def test_it_is_not_asked_for_without_an_end(corp, kernel_is_remote):
    prompt = Pasting(*[lambda url: "no"] * 50)
    with pytest.raises(SignInError) as caught:
        corp.sign_in(method="browser", open_browser=False, prompt=prompt)
    assert len(prompt.refused) == pasted.ATTEMPTS - 1
    assert str(caught.value).endswith("After 5 attempts the sign-in ended; run %sso_login again.")
    assert prompt.lines == [""]


def test_an_address_with_a_refusal_ends_the_sign_in(corp, center, kernel_is_remote):
    def denied(url):
        query = parse_qs(urlsplit(url).query)
        return f"{query['redirect_uri'][0]}?error=access_denied&state={query['state'][0]}"

    with pytest.raises(SignInDenied) as caught:
        corp.sign_in(method="browser", open_browser=False, prompt=Pasting(denied))
    assert str(caught.value) == "The sign-in to corp was denied in the browser. Run %sso_login to start again."


def test_a_code_that_was_changed_says_so(corp, kernel_is_remote):
    prompt = Pasting(lambda url: address_after_approval(url).replace("code=", "code=x"))
    with pytest.raises(SignInError) as caught:
        corp.sign_in(method="browser", open_browser=False, prompt=prompt)
    assert str(caught.value) == (
        "The sign-in service did not accept the code that the browser came back with. Run %sso_login to start again."
    )


def test_an_address_that_never_comes_ends_the_sign_in(corp, kernel_is_remote, monkeypatch):
    minutes = itertools.count(step=60)
    monkeypatch.setattr(browser_answer, "time", SimpleNamespace(monotonic=lambda: next(minutes)))
    with pytest.raises(SignInExpired):
        corp.sign_in(method="browser", open_browser=False, prompt=Pasting())


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "localhost:49152", "127.0.0.1"])
def test_a_forwarded_port_reaches_the_callback_under_any_loopback_name(attempt, host):
    state = parse_qs(urlsplit(attempt.request().url).query)["state"][0]
    host = host.format(port=urlsplit(attempt.redirect_uri).port)
    page = requests.get(attempt.redirect_uri, params={"code": "x", "state": state}, headers={"Host": host}, timeout=60)
    assert page.status_code == 200
    assert attempt.answered.is_set()


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "127.0.0.1@evil.test", "localhost:x", ""])
def test_another_name_does_not(attempt, host):
    state = parse_qs(urlsplit(attempt.request().url).query)["state"][0]
    page = requests.get(attempt.redirect_uri, params={"code": "x", "state": state}, headers={"Host": host}, timeout=60)
    assert page.status_code == 404
    assert not attempt.answered.is_set()


# ---- a sign-in service that refuses device codes ----


def refused_by(kind, center):
    if kind == "the local knob":
        center.refuse_device_grant = True
        return "device grant is blocked"
    operation, error = kind.split()
    center.faults.append(Fault(operation, times=3, status=403 if error == "403" else 400, error=error, message="no"))
    return None


REFUSALS = [
    "the local knob",
    "StartDeviceAuthorization AccessDeniedException",
    "StartDeviceAuthorization UnauthorizedClientException",
    "StartDeviceAuthorization UnsupportedGrantTypeException",
    "StartDeviceAuthorization 403",
]


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refused_device_code_leads_to_the_browser(corp, center, kernel_is_remote, kind):
    words = refused_by(kind, center)
    prompt = Pasting(address_after_approval)
    corp.sign_in(prompt=prompt)
    [request] = prompt.requests
    assert request.is_remote
    assert request.reason.startswith("The sign-in service refuses device codes (")
    if words:
        assert request.reason == f"The sign-in service refuses device codes ({words}). Sign in through the browser."
    assert len(corp.accounts()) > 5
    assert corp.tokens.peek().refresh_token


def test_a_refused_registration_for_device_codes_leads_to_the_browser_too(corp, center, kernel_is_remote):
    center.faults.append(Fault("RegisterClient", times=1, status=400, error="AccessDeniedException"))
    corp.sign_in(prompt=Pasting(address_after_approval))
    assert len(corp.accounts()) > 5


@pytest.mark.parametrize("kind", REFUSALS)
def test_with_the_device_code_asked_for_the_error_names_the_browser(corp, center, kernel_is_remote, kind, prompt):
    refused_by(kind, center)
    with pytest.raises(SignInError) as caught:
        corp.sign_in(method="device", prompt=prompt)
    assert str(caught.value).startswith("The sign-in service refuses device codes (")
    assert str(caught.value).endswith("). Run %sso_login corp --browser instead.")


def test_a_persons_refusal_is_none_of_the_service(center, person, prompt, kernel_is_remote):
    person.denies()
    with pytest.raises(SignInDenied):
        IdentityCenter("corp").sign_in(prompt=prompt)
    assert prompt.browsers == []


def test_a_browser_here_that_does_not_answer_gets_the_field_where_codes_are_refused(
    corp, center, kernel_is_here, browser_fails
):
    center.refuse_device_grant = True
    prompt = Pasting(address_after_approval)
    corp.sign_in(method="browser", prompt=prompt)
    assert [request.is_remote for request in prompt.requests] == [False, True]
    assert len(corp.accounts()) > 5


# ---- what is shown ----


def test_the_prompt_says_from_the_first_second_what_to_do(shell, center, kernel_is_remote, monkeypatch):
    center.auto_approve = True
    shown = []

    def follow_the_link(text):
        """Follow the link that is shown, as a browser does whose port is forwarded."""
        shown.append(text)
        if len(shown) == 1:
            requests.get(re.search(r"Open   (http\S+)", text)[1], timeout=60)

    monkeypatch.setattr(display, "write", follow_the_link)
    shell.run_line_magic("sso_login", "--browser --no-open")
    title, first, second, third, link, check = shown[0].splitlines()
    assert title.startswith("Sign in to corp (")
    assert first == "  1. Open the page in the browser on your own machine, and approve there."
    assert re.fullmatch(
        r"  2\. The browser ends on an address that begins with http://127\.0\.0\.1:\d+/oauth/callback\.", second
    )
    assert third.startswith("  3. If it cannot show that page, copy the whole address from the address bar")
    assert link.startswith(f"  Open   {center.url}/authorize?")
    assert check == "  Approve only a sign-in that you started yourself. Interrupt to cancel."


def test_the_prompt_says_why_a_code(shell, center, person, kernel_is_remote, capsys):
    person.approves()
    shell.run_line_magic("sso_login", "")
    assert (
        "  By a code, because the kernel runs elsewhere: a hub (a test says so). To choose: %sso_login --browser or "
        "%sso_login --device.\n"
    ) in capsys.readouterr().out


# ---- in a terminal ----

TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal
from sso_magic.signin import choice, where
choice.placement = lambda: where.Placement(True, "a test")
from sso_magic.__main__ import main
sys.exit(main(["login", "corp", "--browser", "--no-open", *sys.argv[1:]]))
"""


class Terminal:
    """`sso-magic login` in a terminal, and what a person sees and types there."""

    def __init__(self):
        import pty

        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TERMINAL], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        self._slave = slave
        self.shown = ""

    def until(self, words):
        while words not in self.shown:
            self.shown += os.read(self._master, 65536).decode()

    def type(self, text):
        os.write(self._master, text.encode())

    def echoes(self):
        import termios

        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def close(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            os.set_blocking(self._master, False)
            self.shown += os.read(self._master, 65536).decode()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def terminal(corp):
    pytest.importorskip("pty", reason="Windows has no such terminals")
    opened = Terminal()
    yield opened
    opened.close()


def test_a_terminal_takes_a_long_address_without_showing_it(terminal, corp, center):
    terminal.until("Interrupt to cancel.")
    terminal.until(PASTE)
    assert not terminal.echoes()
    address = address_after_approval(re.search(r"Open   (http\S+)", terminal.shown)[1])
    terminal.type("no\r")
    terminal.until("That is not the address that the browser ended on")
    terminal.type(f"{address}&padding={'x' * 6000}\r")
    terminal.until("Signed in to corp until")
    assert terminal.process.wait() == 0
    assert terminal.echoes()
    code = parse_qs(urlsplit(address).query)["code"][0]
    assert code not in terminal.shown
    assert "xxxx" not in terminal.shown


def test_ctrl_c_ends_the_wait_and_puts_the_terminal_back(terminal):
    terminal.until(PASTE)
    terminal.type("half an addr\x03")
    terminal.until("Sign-in canceled.")
    assert terminal.process.wait() == 130
    assert terminal.echoes()
    assert "half" not in terminal.shown


def test_a_forwarded_port_ends_the_wait_in_a_terminal(terminal, corp):
    terminal.until("Interrupt to cancel.")
    terminal.until(PASTE)
    requests.get(re.search(r"Open   (http\S+)", terminal.shown)[1], timeout=60)
    terminal.until("Signed in to corp until")
    assert terminal.process.wait() == 0
    assert terminal.echoes()
