"""The pictures of the README, taken of what they show: ``SSO_MAGIC_PICTURES=1 pytest tests/browser/test_pictures.py``.

They are taken in every run, so that what they show works; with the variable set they go to notebooks/images, else to
tests/output.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from jupyter_in_browser import plant_inventory, plant_token
from panel_on_screen import CELLS, PanelOnScreen
from PIL import Image
from playwright.sync_api import expect
from test_accessibility import switch_theme

ROOT = Path(__file__).parents[2]
LARGEST = 90_000  # bytes of a picture: a README is read on a phone, too
LARGEST_FILM = 300_000


class Film:
    """An animated GIF of a panel.

    Args:
        panel: The panel.
    """

    def __init__(self, panel: PanelOnScreen) -> None:
        self._panel = panel
        self._frames: list[Image.Image] = []
        self._durations: list[int] = []

    def take(self, milliseconds: int) -> None:
        """Take a frame that is shown so long."""
        self._panel.page.mouse.move(0, 0)
        picture = self._panel.box.screenshot(animations="allow", caret="hide")
        self._frames.append(Image.open(io.BytesIO(picture)).convert("RGB"))
        self._durations.append(milliseconds)

    def save(self, path: Path) -> None:
        """Write it; each frame has the size of the largest one."""
        size = tuple(max(frame.size[axis] for frame in self._frames) for axis in (0, 1))
        frames = []
        for frame in self._frames:
            canvas = Image.new("RGB", size, "white")
            canvas.paste(frame)
            frames.append(canvas.quantize(48, dither=Image.Dither.NONE))
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=self._durations, loop=0, optimize=True)


def folder() -> Path:
    """Return where the pictures go."""
    path = ROOT / ("notebooks/images" if os.environ.get("SSO_MAGIC_PICTURES") else "tests/output")
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
def keep():
    """Takes a picture of an element."""

    def take(element, name: str) -> None:
        element.page.mouse.move(0, 0)  # nothing is drawn as pointed at
        path = folder() / f"{name}.png"
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
    table = opened.output(1)
    expect(table).to_contain_text("fetched 2")
    table.evaluate("one => { one.style.width = 'fit-content'; }")
    keep(table, "inventory")


def test_a_film_of_sign_in_search_and_use(notebook, center, jupyter):
    plant_inventory(jupyter.home, center, age=240)
    opened = notebook(CELLS)
    opened.run(0)
    opened.page.set_viewport_size(
        {"width": 1100, "height": 1200}
    )  # the panel with the card is higher than most windows
    panel = PanelOnScreen(opened)
    expect(panel.list_state).to_contain_text("28 roles")
    film = Film(panel)
    film.take(1200)
    panel.press("Sign in")
    panel.link.wait_for()
    film.take(2400)
    panel.decide("Allow access")
    expect(panel.state).to_contain_text("Signed in until")
    expect(panel.link).to_be_hidden()
    film.take(1600)
    for words in ("p", "pay", "payme", "payments", "payments-prod", "payments-prod read"):
        panel.search.fill(words)
        film.take(350)
    panel.find("payments-prod readonly", "payments-prod (731659028443) / ReadOnly")
    film.take(1400)
    panel.press_use(panel.role, "payments-prod (731659028443) / ReadOnly")
    expect(panel.status).to_contain_text("Using")
    film.take(3500)
    path = folder() / "panel.gif"
    film.save(path)
    assert 20_000 < path.stat().st_size < LARGEST_FILM
