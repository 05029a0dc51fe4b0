"""Signing in and out in the panel, on a thread, while the kernel goes on."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from ipywidgets import Widget
from jupyter_in_browser import plant_inventory, plant_token

from sso_magic import IdentityCenter
from sso_magic.common.secret import Secret
from sso_magic.local import Fault
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session


def test_signing_in_fills_the_list_and_says_until_when(open_panel, center):
    screen = open_panel()
    assert screen.sign_in == "Not signed in."
    assert not screen.can_press("Sign out")
    screen.sign_in_at(center)
    assert "renews automatically" in screen.sign_in
    assert len(screen.lines) == 28
    assert screen.can_press("Sign out")
    assert not screen.can_press("Sign in")


def test_a_token_that_a_beat_sees_before_its_sign_in_has_ended_is_no_other_ones(open_panel, center, monkeypatch):
    screen = open_panel()
    line = IdentityCenter.sign_in_line

    def look_first(it: IdentityCenter) -> str:
        if threading.current_thread().name == "sso-panel-sign-in":
            screen.panel._beat()
        return line(it)

    monkeypatch.setattr(IdentityCenter, "sign_in_line", look_first)
    screen.sign_in_at(center)
    screen.until(lambda: screen.status == "Signed in to corp.")
    assert len(screen.lines) == 28


def test_a_sign_in_elsewhere_fills_the_list(open_panel, center, clean_environment):
    screen = open_panel()
    assert screen.lines == []
    plant_token(clean_environment, center)
    screen.until(lambda: len(screen.lines) == 28)


def cards(sent) -> list[str]:
    """What was sent to be shown of the link and code; an empty text takes them away."""
    contents = [message["data"].get("content") or {} for message in sent]
    return [content["html"] for content in contents if content.get("kind") == "live"]


def test_link_and_code_are_sent_to_the_browser_and_taken_away(open_panel, center, sent):
    screen = open_panel()
    screen.press("Sign in")
    code = center.wait_for_pending().user_code
    screen.until(lambda: any(code in card for card in cards(sent)))
    center.approve(code)
    screen.until(lambda: "Signed in until" in screen.sign_in)
    screen.until(lambda: cards(sent)[-1] == "")


def test_without_segno_link_and_code_come_without_a_picture(open_panel, center, sent, monkeypatch):
    monkeypatch.setitem(sys.modules, "segno", None)
    screen = open_panel()
    screen.press("Sign in")
    code = center.wait_for_pending().user_code
    screen.until(lambda: any(code in str(message) for message in sent))
    [card] = [str(message) for message in sent if code in str(message)]
    assert f"/device?user_code={code}" in card
    assert "<svg" not in card


def test_a_page_that_is_loaded_again_gets_link_and_code_again_until_they_are_taken_away(open_panel, center, sent):
    screen = open_panel()
    screen.press("Sign in")
    code = center.wait_for_pending().user_code
    screen.until(lambda: any(code in card for card in cards(sent)))
    number = len(cards(sent))
    assert code not in str(Widget.get_manager_state())  # what a page asks for when it is loaded
    screen.panel._beat()
    assert len(cards(sent)) == number  # else the link would be taken from under the pointer
    screen.send("hello")
    assert code in cards(sent)[-1]
    screen.press("Cancel")
    assert cards(sent)[-1] == ""
    screen.send("hello")
    assert cards(sent)[-1] == ""


def test_a_denied_sign_in_says_how_to_start_again(open_panel, center):
    screen = open_panel()
    screen.press("Sign in")
    center.deny(center.wait_for_pending().user_code)
    screen.until(lambda: screen.is_error)
    assert screen.status == "The sign-in was denied on its page. Press Sign in to start again."
    assert screen.can_press("Sign in")


def test_a_code_that_runs_out_says_how_to_get_a_new_one(open_panel, center):
    center.device_code_lifetime = 1
    screen = open_panel()
    screen.press("Sign in")
    screen.until(lambda: screen.is_error)
    assert screen.status == "The code ran out before it was approved. Press Sign in to get a new one."


def test_cancel_ends_the_wait_at_once_and_another_sign_in_can_begin(open_panel, center):
    screen = open_panel()
    screen.press("Sign in")
    first = center.wait_for_pending().user_code
    assert screen.sign_in == "Waiting for your approval."
    screen.press("Cancel")
    assert screen.sign_in == "Not signed in."
    assert screen.status == "Sign-in canceled."
    screen.until_threads_end("sso-panel-sign-in")
    assert screen.status == "Sign-in canceled."
    assert not screen.is_error
    screen.press("Sign in")
    screen.until(lambda: len(center.pending()) == 2)
    center.approve(next(one.user_code for one in center.pending() if one.user_code != first))
    screen.until(lambda: "Signed in until" in screen.sign_in)


def test_a_canceled_sign_in_that_ends_late_takes_nothing_of_the_next_one_away(open_panel, center, sent):
    screen = open_panel()
    center.faults.append(Fault("StartDeviceAuthorization", times=1, delay=0.5))
    screen.press("Sign in")
    screen.until(lambda: center.requests.total("RegisterClient") == 1)
    screen.press("Cancel")
    screen.press("Sign in")
    screen.until(lambda: len(center.pending()) == 2)
    screen.until_threads_end("sso-panel-sign-in", left=1)
    screen.until(lambda: screen.live != "")
    shown = cards(sent)
    assert shown[-1]  # the second sign-in's card, and nothing after it
    assert len([card for card in shown if card]) == 1


def test_cancel_that_comes_after_the_sign_in_has_ended_changes_nothing(open_panel, center):
    screen = open_panel()
    screen.sign_in_at(center)
    screen.until(lambda: screen.status == "Signed in to corp.")
    screen.push("Cancel")
    assert screen.status == "Signed in to corp."
    assert "Signed in until" in screen.sign_in


def test_two_presses_start_one_sign_in(open_panel, center):
    screen = open_panel()
    screen.press("Sign in")
    screen.push("Sign in")
    center.wait_for_pending()
    assert center.requests.total("StartDeviceAuthorization") == 1


def test_a_token_that_is_there_is_used_without_asking(open_panel, ready):
    screen = open_panel()
    assert "Signed in until" in screen.sign_in
    assert not screen.can_press("Sign in")


@pytest.mark.parametrize(
    ("renewable", "said", "can_sign_in"),
    [(True, "Signed in; renews at its next use.", False), (False, "The sign-in has ended.", True)],
)
def test_a_token_that_has_ended_says_whether_it_is_renewed(
    open_panel, ready, clean_environment, renewable, said, can_sign_in
):
    session = ready.sign_in()
    now = datetime.now(timezone.utc)
    token = tokens.Token(Secret(ready.access_token(session=session)), now - timedelta(seconds=1))
    if renewable:
        token = replace(
            token,
            refresh_token=Secret(session.refresh_token),
            client_id=session.registration.client_id,
            client_secret=Secret(session.registration.client_secret),
            registration_expires_at=now + timedelta(days=1),
        )
    tokens.save(find_session("corp"), token)
    plant_inventory(clean_environment, ready)  # of this sign-in: the panel would list it, and renew the token for that
    screen = open_panel()
    assert screen.sign_in == said
    assert screen.can_press("Sign in") is can_sign_in


def test_signing_out_ends_the_session_and_releases_its_role(open_panel, center):
    screen = open_panel()
    screen.sign_in_at(center)
    screen.use("ml-sandbox")
    screen.press("Sign out")
    screen.finish()
    assert screen.status == "Signed out of corp."
    assert screen.sign_in == "Not signed in."
    assert screen.role == "No role is in use."
    assert center.sessions() == []


def test_the_portal_down_is_said_with_the_button_to_press(open_panel, ready, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    screen = open_panel()
    screen.use("ml-sandbox")
    assert screen.is_error
    assert screen.status.endswith("Press Use to try again.")
    assert "127.0.0.1:9" in screen.status


def test_a_sign_in_by_another_way_ends_the_panels_wait(open_panel, center, clean_environment):
    screen = open_panel()
    screen.press("Sign in")
    center.wait_for_pending()
    plant_token(clean_environment, center)
    screen.until(lambda: "Signed in until" in screen.sign_in)
    screen.until_threads_end("sso-panel-sign-in")
    assert not screen.is_error
    screen.until(lambda: screen.live == "")
    assert len(center.pending()) == 1  # nobody approved that one


def test_a_code_that_expires_is_replaced_on_the_screen(open_panel, center, sent):
    screen = open_panel()
    screen.press("Sign in")
    first = center.wait_for_pending().user_code
    screen.until(lambda: any(first in str(message) for message in sent))
    center.advance(center.device_code_lifetime + 1)
    second = center.wait_for_pending().user_code
    screen.until(lambda: any(second in str(message) for message in sent))
    assert second in screen.live
    assert first not in screen.live
    assert "The previous code expired. This is a new one." in screen.live
    center.approve(second)
    screen.until(lambda: "Signed in until" in screen.sign_in)
    assert not screen.is_error


def test_another_session_is_signed_in_to_by_picking_it(open_panel, center, clean_environment):
    config = clean_environment / ".aws" / "config"
    config.write_text(center.config_text() + "\n" + center.config_text("second"))
    screen = open_panel()
    assert screen.shown["sessions"][:2] == ["corp", "second"]
    screen.sign_in_at(center)
    screen.pick_session("second")
    assert screen.sign_in == "Not signed in."
    assert screen.lines == []
    screen.pick_session("corp")
    assert "Signed in until" in screen.sign_in
    assert len(screen.lines) == 28


def test_the_magics_go_on_with_the_session_signed_in_to(open_panel, center, clean_environment, shell):
    config = clean_environment / ".aws" / "config"
    config.write_text(center.config_text() + "\n" + center.config_text("second"))
    screen = open_panel()
    screen.pick_session("second")
    screen.sign_in_at(center)
    magics = shell.magics_manager.registry["SSOMagics"]
    assert magics.center().session.label == "second"


def test_without_any_session_a_start_url_is_asked_for(open_panel, center, clean_environment):
    (clean_environment / ".aws" / "config").unlink()
    screen = open_panel()
    assert screen.shown["is_other"]
    screen.press("Sign in")
    assert screen.status.startswith("Fill in the start URL of your access portal")
    screen.start_url = center.start_url
    screen.press("Sign in")
    assert screen.status.endswith("fill in the region that your Identity Center is in.")
    screen.sso_region = center.region
    screen.sign_in_at(center)
    assert not screen.shown["is_other"]
    assert center.start_url in screen.shown["sessions"]


@pytest.mark.parametrize(
    ("url", "region", "said"),
    [
        (
            "corp.awsapps.com",
            "",
            "The region of corp.awsapps.com is not known: fill in the region that your Identity Center is in.",
        ),
        ("https://", "eu-west-1", "'https://' is not a start URL. A start URL is https://, a host, and often /start."),
        (
            "{start_url}",
            "us-east-1",
            "corp is in eu-west-1 ({config}), not in us-east-1: leave --sso-region out, or correct sso_region there.",
        ),
    ],
)
def test_a_start_url_that_cannot_be_one_says_why(open_panel, center, clean_environment, url, region, said):
    screen = open_panel()
    screen.pick_session("Another start URL…")
    screen.start_url = url.format(start_url=center.start_url)
    screen.sso_region = region
    screen.press("Sign in")
    assert screen.is_error
    assert screen.status == said.format(config=clean_environment / ".aws" / "config")
    assert center.requests.total() == 0


@pytest.mark.parametrize("error", [ValueError("ASIAsecret"), OSError("x")])
def test_an_unforeseen_error_shows_no_text_of_its_own(open_panel, ready, monkeypatch, error):
    screen = open_panel()

    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr(screen.panel._center, "role", fail)
    screen.use("ml-sandbox")
    assert screen.is_error
    assert type(error).__name__ in screen.status
    assert str(error) not in screen.status.replace("press", "").replace("next", "")
