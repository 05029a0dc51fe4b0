"""The panel's notebook as a user takes it: every cell run in JupyterLab, the sign-in done in the panel."""

from __future__ import annotations

from pathlib import Path

import nbformat
from panel_on_screen import PanelOnScreen
from playwright.sync_api import expect

PANEL = Path(__file__).parents[2] / "notebooks" / "panel.ipynb"


def test_the_panels_notebook_from_the_first_cell_to_the_last(notebook, center):
    cells = [cell.source for cell in nbformat.read(PANEL, as_version=4).cells if cell.cell_type == "code"]
    opened = notebook(cells)
    opened.run(0)
    opened.run(1)
    panel = PanelOnScreen(opened)
    panel.sign_in()
    assert "Signed in to corp until" in opened.run(2)
    opened.run(3)
    expect(panel.role).to_contain_text("analytics (096431857720) / DataScientist in eu-west-1")
    assert "::096431857720:assumed-role/AWSReservedSSO_DataScientist_" in opened.run(4)
    panel.use("ml-sandbox", "ml-sandbox (873320164592) / PowerUserAccess")
    assert "::873320164592:assumed-role/AWSReservedSSO_PowerUserAccess_" in opened.run(4)
    opened.run(5)
    expect(panel.role).to_have_text("No role is in use.")
    assert "No role is in use" in opened.run(6)
