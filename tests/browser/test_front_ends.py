"""One notebook in each front end: JupyterLab, Notebook 7, nbclassic and Voila, and the same steps in marimo."""

from __future__ import annotations

import os
import re

import pytest
from conftest import assert_no_secret
from jupyter_in_browser import LabNotebook, write_notebook
from marimo_in_browser import Marimo
from panel_on_screen import PanelOnScreen
from playwright.sync_api import expect

DEADLINE = 120_000  # milliseconds for what must come, on a loaded machine
SANDBOX = "ml-sandbox (873320164592) / PowerUserAccess"
USING_DEV = re.compile(r"^Using payments-dev \(220947583614\) / ReadOnly, until \d\d:\d\d UTC \(\d+ min\)$")
CELLS = (
    "%load_ext sso_magic\n%sso_panel",
    """
import boto3
import ipywidgets
import sso_magic

def use_role(_):
    line.value = repr(sso_magic.IdentityCenter("corp").role("payments-dev", "ReadOnly").use())

def show_identity(_):
    line.value = boto3.client("sts", region_name="eu-west-1").get_caller_identity()["Arn"]

use = ipywidgets.Button(description="Use payments-dev")
use.on_click(use_role)
who = ipywidgets.Button(description="Who am I")
who.on_click(show_identity)
line = ipywidgets.Label()
ipywidgets.VBox([use, who, line])
""".strip(),
)


class FrontEnd:
    """A page that shows the notebook."""

    def __init__(self, page, path) -> None:
        self.page = page
        self.path = path

    @property
    def panel(self):
        """The panel that was shown last."""
        return self.page.locator(".sso-panel").last

    def run(self) -> None:
        """Run the notebook; nothing where the front end does so itself."""

    def save(self) -> None:
        """Save the notebook; nothing where the front end shows a copy."""


class Jupyter(FrontEnd):
    """JupyterLab and Notebook 7."""

    def run(self) -> None:
        opened = LabNotebook(self.page, self.path)
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        opened.wait_until_idle()
        opened.run(0)
        opened.run(1)

    def save(self) -> None:
        LabNotebook(self.page, self.path).save()


class NbClassic(FrontEnd):
    """The notebook of before version 7."""

    def run(self) -> None:
        self.page.wait_for_function(
            """() => {
              const kernel = window.Jupyter?.notebook?.kernel;
              return kernel?.is_connected() && kernel.widget_manager && document.querySelector('.kernel_idle_icon');
            }"""
        )
        self.page.get_by_role("link", name="Cell", exact=True).click()
        self.page.locator("#run_all_cells").click()

    def save(self) -> None:
        with self.page.expect_response(lambda answer: answer.request.method == "PUT"):
            self.page.locator("#save-notbook button").click()  # its name in nbclassic


@pytest.fixture(scope="module", autouse=True)
def patient(context):
    """Gives a loaded machine more time than the other files: these front ends load slowly there."""
    context.set_default_timeout(DEADLINE)
    expect.set_options(timeout=DEADLINE)


@pytest.fixture
def page(context):
    page = context.new_page()
    yield page
    page.close()


def walk(front_end: FrontEnd) -> None:
    """Use a role by the panel and one by Python, release it and sign out."""
    panel = PanelOnScreen(front_end)
    expect(panel.list_state).to_contain_text("28 roles in 14 accounts")
    panel.use("ml-sandbox", SANDBOX)
    expect(panel.status).to_have_text(f"Using {SANDBOX}. New cells run as this role.")
    press(front_end, "Who am I", re.compile("::873320164592:assumed-role/AWSReservedSSO_PowerUserAccess_"))
    press(front_end, "Use payments-dev", USING_DEV)
    expect(panel.role).to_contain_text("payments-dev (220947583614) / ReadOnly")
    expect(panel.status).to_have_count(0)  # what it said is true no longer
    press(front_end, "Who am I", re.compile("::220947583614:assumed-role/AWSReservedSSO_ReadOnly_"))
    panel.press("Release")
    expect(panel.role).to_have_text("No role is in use.")
    panel.press("Sign out")
    expect(panel.state).to_have_text("Not signed in.")


def press(front_end: FrontEnd, button: str, shown: re.Pattern[str]) -> None:
    front_end.page.get_by_role("button", name=button).click()
    expect(front_end.page.get_by_text(shown)).to_be_visible()


@pytest.mark.parametrize(
    ("app", "kind"), [("lab", Jupyter), ("notebook", Jupyter), ("nbclassic", NbClassic), ("voila", FrontEnd)]
)
def test_one_notebook_in_each_front_end_of_jupyter(app, kind, page, jupyter, center):
    jupyter.clean_home(center.config_text(start_url=center.portal_url, profiles=0))
    path = jupyter.notebooks / f"front-end-{app}.ipynb"
    write_notebook(path, CELLS)
    shown = kind(page, path)
    try:
        page.goto(jupyter.address(path.name, app))
        shown.run()
        panel = PanelOnScreen(shown)
        expect(panel.state).to_have_text("Not signed in.")
        panel.sign_in()
        walk(shown)
        shown.save()
        assert_no_secret(path.read_text(encoding="utf-8"), center)
    finally:
        jupyter.shut_down_kernels()


def test_the_same_steps_in_marimo(page, center, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XDG_"))}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true"} | center.environment()
    marimo = Marimo(tmp_path, environment, center.config_text(start_url=center.portal_url, profiles=0))
    try:
        marimo.wait()
        page.goto(marimo.address)
        link = page.get_by_role("link", name="Open the sign-in page")
        link.wait_for()
        expect(page.get_by_text('To choose: center.sign_in(method="browser")')).to_be_visible()
        with page.context.expect_page() as opened:
            link.click()
        opened.value.get_by_role("button", name="Allow access").click()
        opened.value.get_by_role("status").wait_for()
        opened.value.close()
        expect(page.get_by_text("Signed in to corp until")).to_be_visible()
        expect(link).to_have_count(0)
        shown = FrontEnd(page, marimo.notebook)
        expect(shown.panel).to_have_css("color", "rgb(240, 240, 240)")  # on marimo's dark page
        walk(shown)
        assert_no_secret(marimo.written(), center)
    finally:
        marimo.end()
