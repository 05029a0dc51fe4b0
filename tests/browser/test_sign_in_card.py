"""The card of a sign-in whose kernel is gone: CSS alone crosses it out at its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from test_accessibility import AXE, assert_fine

from sso_magic.common.secret import Secret
from sso_magic.display import browser_card, device_card
from sso_magic.signin.browser import BrowserRequest
from sso_magic.signin.device import DeviceRequest
from sso_magic.signin.sessions import find_session
from sso_magic.signin.tokens import utc_now

URL = "https://device.sso.eu-west-1.amazonaws.com/"
LOOKS = """link => {
  const style = getComputedStyle(link);
  return [style.pointerEvents, style.textDecorationLine, style.color];
}"""


def card(kind: str, left: float) -> str:
    """A card whose sign-in ends in so many seconds."""
    session = find_session("corp")
    ends = utc_now() + timedelta(seconds=left)
    if kind == "device":
        request = DeviceRequest(
            session, "ABCD-EFGH", URL, f"{URL}?user_code=ABCD-EFGH", ends, 600, 5.0, Secret("x" * 20)
        )
        return device_card(request, "Stop the cell to cancel.")
    page = BrowserRequest(session, f"{URL}authorize", "http://127.0.0.1:1/oauth/callback", round(left))
    return browser_card(page, None, "Stop the cell to cancel.", opened=False)


@pytest.mark.parametrize("kind", ["device", "browser"])
def test_a_card_is_crossed_out_when_nobody_has_replaced_it_after_its_end(context, center, kind):
    axe = AXE.read_text(encoding="utf-8")
    page = context.new_page()
    ended = page.locator(".sso-ended")
    link = page.get_by_role("link", name="Open the sign-in page")
    page.set_content(f"<!doctype html><html lang=en><title>card</title><body>{card(kind, 600)}")
    expect(ended).to_be_hidden()
    assert link.evaluate(LOOKS) == ["auto", "none", "rgb(255, 255, 255)"]
    page.set_content(f"<!doctype html><html lang=en><title>card</title><body>{card(kind, -60)}")
    expect(ended).to_be_visible()
    assert ended.evaluate("one => getComputedStyle(one, '::after').content") == (
        '"This sign-in has expired. Start it again."'
    )
    assert link.evaluate(LOOKS) == ["none", "line-through", "rgb(0, 0, 0)"]
    assert_fine(page, axe, "body")
    page.close()
