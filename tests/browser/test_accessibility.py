"""axe-core finds no serious violation in panel, prompt and pages, light and dark; the pages work by keyboard."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from jupyter_in_browser import missing, plant_inventory, plant_token
from panel_on_screen import CELLS, PanelOnScreen
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

import sso_magic

AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("light", "dark")


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's own code."""
    if not AXE.is_file():
        missing("axe-core (npm install --prefix tests/node)")
    return AXE.read_text(encoding="utf-8")


RUN = """async within => {
  const body = document.body, height = body.style.height;
  body.style.height = '100vh';  // JupyterLab's is 0: axe-core would take all that is in it for hidden
  const found = await axe.run(within, { resultTypes: ['violations', 'passes'] });
  body.style.height = height;
  return found;
}"""


def violations(page, axe: str, within: str) -> list[str]:
    """What axe-core finds of serious or critical impact, a line each."""
    if not page.evaluate("() => typeof axe !== 'undefined'"):
        page.evaluate(axe)
    found = page.evaluate(RUN, within)
    compared = [
        node
        for rule in found["violations"] + found["passes"]
        if rule["id"] == "color-contrast"
        for node in rule["nodes"]
        if node["any"] and (node["any"][0]["data"] or {}).get("contrastRatio")
    ]
    assert compared  # what axe-core does not see, it does not find fault with
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def assert_fine(page, axe: str, within: str) -> None:
    assert violations(page, axe, within) == []


def switch_theme(page, theme: str) -> None:
    """JupyterLab follows the browser."""
    page.emulate_media(color_scheme=theme)
    light = "true" if theme == "light" else "false"
    page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


@pytest.mark.parametrize("theme", THEMES)
def test_the_panel_in_each_of_its_states(notebook, center, jupyter, axe, theme):
    opened = notebook(CELLS)
    switch_theme(opened.page, theme)
    opened.run(0)
    panel = PanelOnScreen(opened)
    assert_fine(panel.page, axe, ".sso-panel")
    panel.press("Sign in")
    panel.link.wait_for()
    assert_fine(panel.page, axe, ".sso-panel")
    center.deny()
    expect(panel.status).to_have_attribute("role", "alert")
    assert_fine(panel.page, axe, ".sso-panel")
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    panel.use("payments prod", "payments-prod (731659028443) / DataScientist")
    assert_fine(panel.page, axe, ".sso-panel")
    panel.box.get_by_label("Session").select_option("Another start URL…")
    panel.box.get_by_label("Start URL").wait_for()
    assert_fine(panel.page, axe, ".sso-panel")


def test_in_forced_colors_an_error_and_an_end_differ_from_other_lines(context):
    style = (Path(sso_magic.__file__).parent / "widgets" / "panel.css").read_text(encoding="utf-8")
    lines = "".join(
        f"<div class='{kind}'>A line.</div>" for kind in ("sso-ending", "sso-status sso-error", "sso-status")
    )
    page = context.new_page()
    page.set_content(f"<style>{style}</style><section class='sso-panel'>{lines}</section>")
    looks = "lines => lines.map(line => [getComputedStyle(line).borderTopWidth, getComputedStyle(line).fontWeight])"
    page.emulate_media(forced_colors="active")
    shown = page.locator("section > div").evaluate_all(looks)
    page.close()
    assert shown == [["1px", "600"], ["1px", "600"], ["0px", "400"]]


STICKING_OUT = """() => {
  const panel = document.querySelector('.sso-panel'), edge = panel.getBoundingClientRect();
  return [...panel.querySelectorAll('button, input, select, a, b, [role=option], .sso-id, .sso-grow')]
    .filter(one => one.getClientRects().length && getComputedStyle(one).visibility === 'visible')
    .filter(one => one.getBoundingClientRect().right > edge.right + 1).map(one => one.outerHTML.slice(0, 120));
}"""


def test_the_panel_fits_narrow_and_wide_cells_with_any_name(notebook, center, jupyter):
    name = "Ünternehmen-東京-" + "sehr-langer-name-" * 6
    center.organization.add_account("000000000001", name)
    center.organization.assign("alex", "000000000001", "ReadOnly")
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    opened = notebook(CELLS)
    opened.run(0)
    panel = PanelOnScreen(opened)
    panel.use("東京", name)
    for width in (420, 700, 1600):
        opened.page.set_viewport_size({"width": width, "height": 1200})
        opened.page.wait_for_function("width => innerWidth === width", arg=width)
        with contextlib.suppress(PlaywrightTimeoutError):  # JupyterLab lays out a moment after it was resized
            panel.page.wait_for_function(f"() => ({STICKING_OUT})().length === 0")
        assert panel.page.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_pages_of_the_identity_center(context, center, axe, theme):
    plain = context.new_page()
    plain.emulate_media(color_scheme=theme)
    client = center.sign_in()
    assert client.user == "alex"
    for path, heading in (
        ("start", "AWS access portal"),
        ("device", "Enter the code"),
        ("device?user_code=ABCD-EFGH", "Enter the code"),
        ("console?account_id=873320164592&role_name=PowerUserAccess", "PowerUserAccess in ml-sandbox"),
        ("nowhere", "Nothing here"),
    ):
        plain.goto(f"{center.url}/{path}")
        expect(plain.get_by_role("heading", level=1)).to_have_text(heading)
        assert_fine(plain, axe, "html")
    plain.close()


@pytest.mark.parametrize("theme", THEMES)
def test_the_device_page_by_keyboard(context, center, axe, theme):
    code = ask_for_a_code(center)
    page = context.new_page()
    page.emulate_media(color_scheme=theme)
    page.goto(f"{center.url}/device")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(code.replace("-", "").lower())
    page.keyboard.press("Enter")
    allow = page.get_by_role("button", name="Allow access")
    allow.wait_for()
    assert_fine(page, axe, "html")
    for _ in range(12):
        page.keyboard.press("Tab")
        if allow.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Request approved")
    assert_fine(page, axe, "html")
    page.close()
    assert center.pending() == []


def ask_for_a_code(center) -> str:
    """A sign-in that waits for approval."""
    from sso_magic import SSOOIDC

    with SSOOIDC(region=center.region) as oidc:
        client = oidc.register_client(client_name="a test", client_type="public")
        request = oidc.start_device_authorization(
            client_id=client.client_id, client_secret=client.client_secret, start_url=center.start_url
        )
        return request.user_code


@pytest.mark.parametrize("theme", THEMES)
def test_the_callback_pages_of_the_sign_in(context, axe, theme):
    from sso_magic.signin.callback_page import page as callback_page

    shown = context.new_page()
    shown.emulate_media(color_scheme=theme)
    for kind in ("done", "denied", "foreign", "missing"):
        shown.set_content(callback_page(kind).decode())
        assert_fine(shown, axe, "html")
    shown.close()


def test_the_browser_sign_in_from_the_panel_to_its_callback_page(notebook, context, center, axe):
    opened = notebook(["%load_ext sso_magic\n%config SSOMagics.sign_in = 'browser'\n%sso_panel", CELLS[1]])
    opened.run(0)
    panel = PanelOnScreen(opened)
    panel.press("Sign in")
    with context.expect_page() as tab:
        panel.link.click()
    page = tab.value
    page.get_by_role("button", name="Allow access").wait_for()
    assert_fine(page, axe, "html")
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signed in")
    assert_fine(page, axe, "html")
    page.close()
    expect(panel.state).to_contain_text("renews automatically")
