"""Signing in through the pages as a person does: allow and deny, another state, too late, reload, a second tab."""

from __future__ import annotations

import queue
import threading
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from sso_magic import IdentityCenter, errors


class SignIn:
    """A sign-in on a thread of its own, as in a kernel; what it shows comes to this thread."""

    def __init__(self, method: str) -> None:
        self._shown: queue.Queue[str] = queue.Queue()
        self._cancel = threading.Event()
        self.outcome: BaseException | None = None
        self.center = IdentityCenter("corp")
        self._thread = threading.Thread(target=self._run, args=(method,))
        self._thread.start()

    def _run(self, method: str) -> None:
        try:
            self.center.sign_in(method=method, open_browser=False, prompt=self, cancel=self._cancel, force=True)
        except errors.SignInError as error:
            self.outcome = error

    def device(self, request) -> None:
        self._shown.put(request.verification_uri_complete)
        self.user_code = request.user_code

    def browser(self, request, *, opened, device) -> None:
        self._shown.put(request.url)

    def close(self, line) -> None:
        self.line = line

    @property
    def url(self) -> str:
        """The link that is shown."""
        return self._shown.get(timeout=60)

    def ended(self) -> BaseException | None:
        """Waits for it; the error it ended in, if it did."""
        self._thread.join(15)
        assert not self._thread.is_alive()
        return self.outcome

    def stop(self) -> None:
        self._cancel.set()
        self._thread.join()


@pytest.fixture
def sign_in(center):
    started = []

    def start(method: str) -> SignIn:
        started.append(SignIn(method))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def page(context):
    page = context.new_page()
    yield page
    page.close()


def test_allow_in_the_browser_signs_in_and_says_the_tab_can_be_closed(sign_in, page):
    started = sign_in("browser")
    page.goto(started.url)
    expect(page.get_by_role("heading", name="Allow sso_magic-corp to use your AWS access?")).to_be_visible()
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
    expect(page.get_by_text("You can close this tab")).to_be_visible()
    assert started.ended() is None
    assert len(started.center.accounts()) == 14


def test_deny_in_the_browser_is_an_error_that_says_so(sign_in, page):
    started = sign_in("browser")
    page.goto(started.url)
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    assert isinstance(started.ended(), errors.SignInDenied)


def test_an_answer_with_another_state_is_refused_and_the_real_one_still_counts(sign_in, page):
    started = sign_in("browser")
    url = started.url
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    page.goto(f"{query['redirect_uri']}?{urlencode({'code': 'stolen', 'state': 'guessed'})}")
    expect(page.get_by_role("heading", name="This is not your sign-in")).to_be_visible()
    page.goto(url)
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
    assert started.ended() is None


def test_reloading_the_page_before_deciding_changes_nothing(sign_in, page):
    started = sign_in("browser")
    page.goto(started.url)
    page.reload()
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
    assert started.ended() is None


def test_a_second_tab_of_one_sign_in_comes_too_late(sign_in, page, context):
    started = sign_in("browser")
    url = started.url
    second = context.new_page()
    page.goto(url)
    second.goto(url)
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
    assert started.ended() is None
    token = started.center.tokens.get()
    with second.expect_event("requestfailed") as failed:  # the listener has gone with the first answer
        second.get_by_role("button", name="Allow access").click()
    assert "/oauth/callback" in failed.value.url
    assert started.center.tokens.get() == token
    second.close()


def test_allow_on_the_device_page_signs_in(sign_in, page):
    started = sign_in("device")
    page.goto(started.url)
    expect(page.get_by_text(started.user_code)).to_be_visible()
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading")).to_be_visible()
    assert started.ended() is None
    assert started.line.startswith("Signed in to corp until")


def test_deny_on_the_device_page_is_an_error_that_says_so(sign_in, page):
    started = sign_in("device")
    page.goto(started.url)
    page.get_by_role("button", name="Deny").click()
    assert isinstance(started.ended(), errors.SignInDenied)


def test_the_code_can_be_typed_on_another_device(sign_in, page, center):
    started = sign_in("device")
    assert started.url
    page.goto(f"{center.portal_url}/#/device")
    page.get_by_role("textbox").fill(started.user_code.replace("-", "").lower())
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow access").click()
    assert started.ended() is None


def test_a_code_that_ran_out_is_said_on_the_page_and_in_the_notebook(sign_in, page, center):
    center.device_code_lifetime = 2
    started = sign_in("device")
    url = started.url
    assert isinstance(started.ended(), errors.SignInExpired)
    page.goto(url)
    expect(page.get_by_role("button", name="Allow access")).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("expired")


def test_reload_and_a_second_tab_of_a_used_code_say_that_it_was_used(sign_in, page, context):
    started = sign_in("device")
    url = started.url
    second = context.new_page()
    page.goto(url)
    second.goto(url)
    page.get_by_role("button", name="Allow access").click()
    assert started.ended() is None
    second.get_by_role("button", name="Allow access").click()
    expect(second.get_by_role("button", name="Allow access")).to_have_count(0)
    second.goto(url)
    expect(second.get_by_role("button", name="Allow access")).to_have_count(0)
    second.close()


def test_the_sign_in_is_done_by_keyboard_alone(sign_in, page):
    started = sign_in("device")
    page.goto(started.url)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Allow access":
            break
    page.keyboard.press("Enter")
    assert started.ended() is None
