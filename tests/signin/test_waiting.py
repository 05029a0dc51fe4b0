"""A prompt that waits: it ends when a valid token arrives from elsewhere, and replaces codes that expire."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import requests
from IPython.utils.capture import capture_output

from sso_magic import IdentityCenter, errors
from sso_magic.__main__ import main
from sso_magic.common import cache
from sso_magic.display import NotebookPrompt, TerminalPrompt, browser_card, device_card
from sso_magic.local import Fault
from sso_magic.signin import device, flow, registration
from sso_magic.signin.browser_answer import BrowserAnswer
from sso_magic.signin.prompt import BrowserRequest
from sso_magic.signin.tokens import utc_now
from sso_magic.signin.waiting import Waiting

pytestmark = pytest.mark.usefixtures("kernel_is_here")

ELSEWHERE = "Another notebook or program signed in during the wait."
SIGN_IN = """
from sso_magic import IdentityCenter
class Silent:
    def device(self, request): print(request.user_code, flush=True)
    def browser(self, request, *, opened, device): pass
    def close(self, line): print(line, flush=True)
IdentityCenter("corp").sign_in(method="device", prompt=Silent(), force=True)
"""
REPLACED = {
    1: "The first code expired; its replacement was approved.",
    3: "3 codes expired; the next one was approved.",
}
RENEWED = "The previous code expired. This is a new one."


@pytest.fixture
def corp(center) -> IdentityCenter:
    return IdentityCenter("corp")


@pytest.fixture
def in_the_background():
    """Runs functions on threads, and waits for them after the test."""
    threads = []

    def run(function):
        threads.append(threading.Thread(target=function))
        threads[-1].start()

    yield run
    for thread in threads:
        thread.join()


def start(code: str = SIGN_IN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(condition) -> None:
    """Wait until the condition holds; the test's own timeout ends a wait in vain."""
    while not condition():
        time.sleep(0.02)


def sign_in_elsewhere(center) -> None:
    """Sign in from another process, whose code alone is approved."""
    kernel = start()
    center.approve(kernel.stdout.readline().strip())
    out, err = kernel.communicate()
    assert kernel.returncode == 0, err
    assert out.startswith("Signed in to corp until")


def expire_codes(center) -> None:
    center.advance(center.device_code_lifetime + 1)


@pytest.mark.parametrize("case", ["device", "browser", "browser and code"])
def test_a_sign_in_in_another_kernel_ends_the_prompt(
    corp, center, prompt, monkeypatch, in_the_background, browser_opens, case
):
    monkeypatch.setattr(flow, "FALLBACK_AFTER", 0 if case == "browser and code" else 1000)
    shown = {"device": lambda: prompt.devices, "browser": lambda: prompt.browsers}
    is_shown = shown.get(case, lambda: len(prompt.browsers) == 2)
    in_the_background(lambda: (wait_for(is_shown), sign_in_elsewhere(center)))
    corp.sign_in(method=case.partition(" ")[0], prompt=prompt)
    [line] = prompt.lines
    assert line.startswith("Signed in to corp until")
    assert line.endswith(f", renews automatically. {ELSEWHERE}")
    assert corp.tokens.peek().access_token.reveal() in center.state.access_tokens
    assert len(center.sessions()) == 1
    assert len(center.pending()) == (0 if case == "browser" else 1)  # nobody approved the code shown here


def test_a_token_that_the_aws_cli_writes_ends_the_prompt_once_it_is_whole(corp, center, prompt, in_the_background):
    content = {
        "startUrl": center.start_url,
        "region": "eu-west-1",
        "accessToken": center.access_token(),
        "expiresAt": cache.format_timestamp(utc_now() + timedelta(hours=1)),
    }
    text = json.dumps(content)

    def write():  # in place, as botocore's JSONFileCache does
        wait_for(lambda: prompt.devices)
        path = cache.token_path("corp")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            file.write(text[:60])
            file.flush()
            polls = center.requests.total("CreateToken")
            wait_for(lambda: center.requests.total("CreateToken") > polls + 1)
            file.write(text[60:])

    in_the_background(write)
    corp.sign_in(method="device", prompt=prompt)
    assert prompt.lines[0].endswith(f", sign in again after that. {ELSEWHERE}")
    assert len(corp.accounts()) > 5


def test_eight_prompts_end_with_one_approval(center):
    kernels = [start() for _ in range(8)]
    codes = [kernel.stdout.readline().strip() for kernel in kernels]
    center.approve(codes[3])
    ended = [kernel.communicate() for kernel in kernels]
    assert [kernel.returncode for kernel in kernels] == [0] * 8, ended
    assert len(center.sessions()) == 1
    assert [out.strip().endswith(ELSEWHERE) for out, _ in ended] == [number != 3 for number in range(8)]


def test_the_command_lines_prompt_ends_too(center, monkeypatch, capsys, in_the_background, browser_fails):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    in_the_background(lambda: (center.wait_for_pending(), sign_in_elsewhere(center)))
    assert main(["login", "--device"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(ELSEWHERE)


def test_a_refresh_elsewhere_ends_the_prompt_of_a_sign_in_but_not_of_a_forced_one(
    corp, center, prompt, in_the_background
):
    center.auto_approve = True
    corp.sign_in(method="device", prompt=prompt)
    center.auto_approve = False
    forced, asked = Waiting(corp.tokens, newer=True), Waiting(corp.tokens, newer=False)
    content = json.loads(cache.token_path("corp").read_text())
    cache.write(cache.token_path("corp"), content | {"expiresAt": cache.format_timestamp(utc_now())})
    assert asked.arrived() is None
    before = corp.tokens.peek().access_token
    code = "from sso_magic import IdentityCenter\nIdentityCenter('corp').tokens.get()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert corp.tokens.peek().access_token != before
    assert asked.arrived() is not None
    assert forced.arrived() is None
    in_the_background(lambda: (wait_for(lambda: prompt.devices), sign_in_elsewhere(center)))
    corp.sign_in(method="device", prompt=prompt, force=True)
    assert prompt.lines[-1].endswith(ELSEWHERE)
    assert forced.arrived() is not None


def test_a_forced_prompt_is_not_ended_by_the_token_at_hand(corp, center, prompt, in_the_background):
    center.sign_in()
    looks = []

    def approve():
        wait_for(lambda: len(looks) > 2)
        center.approve(prompt.devices[0].user_code)

    class Tokens:
        def __getattr__(self, name):
            if name == "peek":
                looks.append(name)
            return getattr(corp.tokens, name)

    in_the_background(approve)
    waiting = Waiting(Tokens())
    corp.tokens.sign_in(prompt, method="device", waiting=waiting)
    assert waiting.note is None
    assert len(center.sessions()) == 2


def test_a_token_that_aws_has_refused_does_not_end_the_prompt(corp, center):
    waiting = Waiting(corp.tokens, newer=False)
    center.sign_in()
    assert waiting.arrived() is not None
    corp.tokens.refuse(corp.tokens.peek().access_token)
    assert waiting.arrived() is None


def test_a_fault_of_the_service_does_not_matter_once_a_token_is_there(corp, center, prompt, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    center.faults.append(Fault("StartDeviceAuthorization", status=400, error="InternalServerException"))
    before = registration.register

    def register(*arguments, **named):
        center.sign_in()
        return before(*arguments, **named)

    monkeypatch.setattr(registration, "register", register)
    corp.sign_in(method="device", prompt=prompt)
    assert prompt.lines[0].endswith(ELSEWHERE)


@pytest.mark.parametrize("expired", [1, 3])
@pytest.mark.parametrize("method", ["device", "browser"])
def test_a_code_that_expires_is_replaced_in_the_same_prompt(
    corp, center, prompt, in_the_background, browser_fails, method, expired
):
    def codes():
        return prompt.devices if method == "device" else [code for _, _, code in prompt.browsers if code]

    def come_back():
        for number in range(1, expired + 1):
            wait_for(lambda number=number: len(codes()) == number)
            expire_codes(center)
        wait_for(lambda: len(codes()) == expired + 1)
        center.approve(codes()[-1].user_code)

    in_the_background(come_back)
    corp.sign_in(method=method, prompt=prompt)
    assert [code.renewed for code in codes()] == [False] + [True] * expired
    assert len({code.user_code for code in codes()}) == expired + 1
    assert prompt.lines[0].endswith(f", renews automatically. {REPLACED[expired]}")
    assert len(corp.accounts()) > 5


@pytest.mark.parametrize("method", ["device", "browser"])
def test_four_codes_that_expire_end_the_sign_in(corp, center, prompt, monkeypatch, browser_fails, method):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(device, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def pass_time(self, seconds, *, unless=None):
        clock.now += seconds
        return False

    monkeypatch.setattr(Waiting, "wait", pass_time)
    monkeypatch.setattr(BrowserAnswer, "wait", pass_time)
    with pytest.raises(errors.SignInExpired) as caught:
        corp.sign_in(method=method, prompt=prompt)
    assert str(caught.value) == ("4 codes expired before one of them was approved. Run %sso_login to get a new one.")
    assert center.requests.total("StartDeviceAuthorization") == 4
    assert prompt.lines == [""]


def test_the_browser_can_still_answer_after_a_code_was_replaced(corp, center, prompt, in_the_background, browser_fails):
    def come_back():
        wait_for(lambda: len(prompt.browsers) == 2)
        expire_codes(center)
        wait_for(lambda: len(prompt.browsers) == 3)
        center.auto_approve = True
        requests.get(prompt.browsers[0][0].url, timeout=60)

    in_the_background(come_back)
    corp.sign_in(method="browser", prompt=prompt)
    assert len(corp.accounts()) > 5


@pytest.fixture
def requests_shown(corp, center):
    """A browser request, and a code that replaced another."""
    registered = registration.register(corp.oidc, corp.session)
    code = replace(device.start(corp.oidc, corp.session, registered), renewed=True)
    return BrowserRequest(corp.session, "https://example.com/authorize"), code


def test_the_card_in_a_notebook_says_that_the_kernel_waits_for_a_page_that_is_loaded_again(shell, requests_shown):
    page, code = requests_shown
    prompt = NotebookPrompt()
    with capture_output() as shown:
        prompt.device(code)
        prompt.browser(page, opened=True, device=code)
        prompt.close("")
    with_code, with_page, over = (output.data["text/html"] for output in shown.outputs)
    for card in (with_code, with_page):
        assert "The kernel waits meanwhile, also after this page is loaded again." in card
        assert "Interrupt the kernel to cancel." in card
    assert over == ""


def test_every_prompt_says_that_the_code_is_a_new_one(requests_shown, capsys):
    page, code = requests_shown
    assert RENEWED in device_card(code, "")
    assert RENEWED in browser_card(page, code, "", opened=True)
    terminal = TerminalPrompt()
    terminal.device(code)
    terminal.browser(page, opened=True, device=code)
    terminal.close("done")
    assert capsys.readouterr().out.count(RENEWED) == 2


def test_a_terminal_counts_down_for_the_code_that_is_shown_last(requests_shown, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    _, code = requests_shown
    prompt = TerminalPrompt()
    try:
        for seconds in (5, 3000):
            prompt.device(replace(code, expires_in=seconds))
        wait_for(lambda: "Waiting for approval, 49:5" in terminal.getvalue())
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("sso-magic-countdown") == 1
    finally:
        prompt.close("done")
