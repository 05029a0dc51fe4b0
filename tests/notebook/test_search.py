"""A switch's line in a notebook is completed when the search behind the switch is done."""

from __future__ import annotations

HOLD = """
import os, sys, types
made_up = sys.modules["made_up"] = types.ModuleType("made_up")
made_up.cached_key = os.environ["AWS_ACCESS_KEY_ID"]
"""
FOUND = "1 module variable (made_up.cached_key) still uses payments-dev ("
WAIT = """
import threading
for thread in threading.enumerate():
    if thread.name == "sso_magic canary":
        thread.join()
"""


def test_the_line_of_a_switch_names_what_the_search_has_found(run_cells, signed_in):
    notebook = run_cells(
        "%load_ext sso_magic\n%sso_use payments-dev ReadOnly",
        HOLD,
        "%sso_use payments-prod ReadOnly",
        WAIT,
        "%sso_use --off",
        WAIT,
    )
    [switch] = notebook.cells[2].outputs
    assert switch["data"]["text/plain"].startswith("PRODUCTION Using payments-prod (")
    assert FOUND in switch["data"]["text/plain"]
    assert FOUND in switch["data"]["text/html"]
    [release] = notebook.cells[4].outputs
    assert release["data"]["text/plain"].startswith("Released payments-prod (")
    assert FOUND in release["data"]["text/plain"]
    assert [cell.outputs for cell in (notebook.cells[3], notebook.cells[5])] == [[], []]
