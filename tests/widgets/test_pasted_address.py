"""The panel's field for the address that a browser on another machine ended on."""

from __future__ import annotations

import re

import pytest
import requests

from sso_magic.signin import choice, where


@pytest.fixture
def refusing(center, monkeypatch):
    """A service that refuses device codes, and a kernel on another machine."""
    monkeypatch.setattr(choice, "placement", lambda: where.Placement(is_remote=True, reason="a test"))
    center.auto_approve = True
    center.refuse_device_grant = True
    return center


def link_in(sent) -> str:
    [link] = set(re.findall(r'href="(http[^"]*/authorize[^"]*)"', "".join(map(str, sent))))
    return link.replace("&amp;", "&")


def is_shown(screen) -> bool:
    return screen.shown.get("address") is not None


def paste(screen, text):
    screen.send("address", text=text)


def test_the_address_is_pasted_into_a_field_that_keeps_nothing(open_panel, refusing, sent):
    screen = open_panel()
    assert not is_shown(screen)
    screen.press("Sign in")
    screen.until(lambda: is_shown(screen))
    assert screen.shown["address"] == "Paste the address here, then press Enter."
    address = requests.get(link_in(sent), allow_redirects=False, timeout=60).headers["Location"]
    paste(screen, "http://127.0.0.1/oauth/callback?code=of-somebody&state=else")
    screen.until(lambda: "another sign-in" in screen.shown["address"])
    paste(screen, address)
    screen.until(lambda: "Signed in until" in screen.sign_in)
    screen.until(lambda: not is_shown(screen))
    code = re.search("code=([^&]+)", address)[1]
    assert code not in str(screen.panel.widget.get_state()) + str(sent)
    assert code not in repr(vars(screen.panel._address))


def test_cancel_takes_the_field_away(open_panel, refusing):
    screen = open_panel()
    screen.press("Sign in")
    screen.until(lambda: is_shown(screen))
    screen.press("Cancel")
    assert not is_shown(screen)
    paste(screen, "http://127.0.0.1/oauth/callback?code=late&state=late")
    assert screen.panel._address._pasted is None


def test_too_many_wrong_addresses_end_the_sign_in(open_panel, refusing):
    screen = open_panel()
    screen.press("Sign in")
    screen.until(lambda: is_shown(screen))
    for number in range(5):
        paste(screen, f"wrong {number}")
        screen.until(lambda: screen.panel._address._pasted is None)
    screen.until(lambda: not is_shown(screen))
    screen.until(lambda: "After 5 attempts the sign-in ended" in screen.status)
