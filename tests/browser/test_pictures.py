"""The pictures of the README, taken of what they show: ``SSO_MAGIC_PICTURES=1 pytest tests/browser/test_pictures.py``.

They are taken in every run, so that what they show works; with the variable set they go to notebooks/images, else to
tests/output.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jupyter_in_browser import plant_inventory, plant_token
from panel_on_screen import CELLS, PanelOnScreen
from playwright.sync_api import expect
from test_accessibility import switch_theme

ROOT = Path(__file__).parents[2]
LARGEST = 90_000  # bytes of a picture: a README is read on a phone, too


@pytest.fixture
def keep():
    """Takes a picture of an element."""
    folder = ROOT / ("notebooks/images" if os.environ.get("SSO_MAGIC_PICTURES") else "tests/output")
    folder.mkdir(exist_ok=True)

    def take(element, name: str) -> None:
        element.page.mouse.move(0, 0)  # nothing is drawn as pointed at
        path = folder / f"{name}.png"
        element.screenshot(path=path, animations="allow", caret="hide")
        assert 5_000 < path.stat().st_size < LARGEST

    return take


def test_the_panel_light_and_dark(notebook, center, jupyter, keep):
    plant_inventory(jupyter.home, center, age=240)
    opened = notebook(CELLS)
    opened.run(0)
    panel = PanelOnScreen(opened)
    panel.sign_in()
    panel.find("security-audit readonly", "security-audit")
    panel.press("☆ Favorite")
    expect(panel.button("★ Favorite")).to_be_visible()
    panel.use("payments-prod readonly", "payments-prod (731659028443) / ReadOnly")
    panel.search.fill("")
    expect(panel.list_state).to_contain_text("28 roles")
    panel.find("payments", "payments-dev (220947583614) / AdministratorAccess")
    for theme in ("light", "dark"):
        switch_theme(panel.page, theme)
        keep(panel.box, f"panel-{theme}")


def test_the_sign_in_prompt(notebook, center, keep):
    opened = notebook(["%load_ext sso_magic", "%sso_login"])
    opened.run_all(wait=False)
    link = opened.output(1).get_by_role("link", name="Open the sign-in page")
    link.wait_for()
    card = link.locator("xpath=ancestor::div[contains(@style, 'border-radius')][1]")
    keep(card, "sign-in")
    center.approve()
    expect(opened.output(1)).to_contain_text("Signed in to corp until")


def test_the_inventory_table(notebook, center, jupyter, keep):
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    opened = notebook(["%load_ext sso_magic", "%sso_inventory payments"])
    opened.run_all()
    expect(opened.output(1)).to_contain_text("payments-prod-eu")
    keep(opened.output(1).locator("table"), "inventory")
