"""The panel's list by keyboard, and the panel without its kernel: in a real JupyterLab."""

from __future__ import annotations

import re

from jupyter_in_browser import plant_inventory, plant_token
from panel_on_screen import CELLS, PanelOnScreen
from playwright.sync_api import expect


def test_no_key_of_the_list_reaches_the_notebook(notebook, jupyter, center):
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    opened = notebook([*CELLS, "'third'"])
    opened.run(0)
    panel = PanelOnScreen(opened)
    cells = panel.page.locator(".jp-Notebook .jp-Cell")
    expect(panel.list_state).to_contain_text("28 roles")
    keyboard = panel.page.keyboard
    panel.list.get_by_role("option").nth(2).click()
    expect(panel.list).to_be_focused()
    for key in (
        "d",
        "d",
        "a",
        "b",
        "x",
        "z",
        "y",
        "m",
        "ArrowDown",
        "ArrowUp",
        "0",
        "0",
        "Shift+M",
        "Shift+Enter",
        " ",
    ):
        keyboard.press(key)
    expect(cells).to_have_count(3)
    expect(panel.page.locator(".jp-Notebook .jp-MarkdownCell")).to_have_count(0)
    expect(panel.role).to_have_text("No role is in use.")  # Shift+Enter is a habit of notebooks
    panel.button("Refresh").focus()
    for key in ("d", "d", "a", "b", "x"):
        keyboard.press(key)
    expect(cells).to_have_count(3)

    panel.search.focus()
    keyboard.press("ArrowDown")
    keyboard.press("Home")
    expect(panel.selection).to_contain_text("analytics")
    keyboard.press("End")
    last = panel.list.get_by_role("option", selected=True)
    expect(last).to_have_attribute("aria-posinset", "28")
    expect(last).to_be_in_viewport()
    keyboard.press("PageUp")
    expect(panel.list.get_by_role("option", selected=True)).not_to_have_attribute("aria-posinset", "28")
    keyboard.type("ml-s")
    expect(panel.selection).to_contain_text("ml-sandbox")
    keyboard.press("Enter")
    expect(panel.role).to_contain_text("In use: ml-sandbox")
    panel.search.fill("web")
    keyboard.press("ArrowDown")
    keyboard.press("Escape")
    expect(panel.search).to_be_focused()
    expect(panel.search).to_have_value("")
    panel.find("data-lake", "data-lake")
    panel.list.get_by_role("option", name=re.compile("data-lake.*ReadOnly")).dblclick()
    expect(panel.role).to_contain_text("In use: data-lake")


def test_a_saved_panel_on_a_new_kernel_says_when_and_what_to_run(notebook, jupyter, center):
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    opened = notebook(CELLS)
    opened.run(0)
    panel = PanelOnScreen(opened)
    panel.use("ml-sandbox", "ml-sandbox")
    saved = opened.page.locator("[class^=sso-saved]")
    expect(saved).to_be_hidden()
    opened.save()
    jupyter.shut_down_kernels()
    expect(panel.role).to_be_hidden()
    opened.page.reload()
    expect(saved).to_be_visible()
    expect(saved).to_contain_text(re.compile(r"The panel at \d{4}-\d\d-\d\d \d\d:\d\d UTC:"))
    expect(saved).to_contain_text("run %sso_panel")
    expect(opened.page.get_by_text("Error displaying widget")).to_be_hidden()
    expect(opened.page.get_by_text("In use: ml-sandbox")).to_be_hidden()
