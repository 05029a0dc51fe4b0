"""The role in use in JupyterLab's status bar: of the notebook in front, at every switch, never of another kernel."""

from __future__ import annotations

import json
import re

import pytest
from cut_network import CutNetwork
from jupyter_in_browser import LabNotebook, plant_inventory, plant_token, write_notebook
from playwright.sync_api import expect
from test_accessibility import assert_fine, axe, switch_theme

from sso_magic.notebook.identity_comm import COMM

assert axe  # a fixture

LOAD = "%load_ext sso_magic\nimport sso_magic, threading, time\ncenter = sso_magic.IdentityCenter('corp')"
PROD, DEV = "payments-prod / ReadOnly", "payments-dev / ReadOnly"

# Each text of the item with its tooltip, which names the notebook, from the first change on.
WATCH = """() => {
  const item = document.querySelector('.sso-magic-identity'), button = item.querySelector('button');
  window.seen = [];
  const look = () => {
    if (!item.classList.contains('lm-mod-hidden')) window.seen.push([button.textContent, button.title]);
  };
  new MutationObserver(look).observe(item, { attributes: true, childList: true, characterData: true, subtree: true });
}"""

# 65 switches of a kernel between two roles: by magic, by %%sso_as, by a block, on a thread. No cell runs meanwhile.
SWITCHES = """
import pathlib
def switch():
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    shell = get_ipython()
    for _ in range(16):
        shell.run_line_magic("sso_use", "{first}")
        shell.run_cell_magic("sso_as", "{second}", "pass")
        with center.role(*"{second}".split()).use():
            time.sleep(0.02)  # other notebooks come to the front meanwhile
        other = threading.Thread(target=lambda: center.role(*"{second}".split()).use())
        other.start(), other.join()
    center.role(*"{second}".split()).use()

thread = threading.Thread(target=switch)
thread.start()
"""
END = "thread.join()\n'at the end'"


@pytest.fixture
def ready(jupyter, notebook, center):
    """Signed in, with a fresh inventory, by another kernel."""
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    return center


class FrontNotebook(LabNotebook):
    """The one in front of several in a page."""

    def cell(self, number: int):
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").nth(number)


def item(page):
    return page.locator(".sso-magic-identity")


def choose(page, label: str) -> None:
    item(page).get_by_role("button").click()
    page.get_by_role("menuitem", name=label).click()


def test_a_role_from_load_to_unload_and_across_a_restart(notebook, ready, jupyter):
    opened = notebook(
        [
            LOAD,
            "%sso_use payments-prod ReadOnly --region eu-west-1",
            "%unload_ext sso_magic",
            "%sso_use payments-dev ReadOnly",
        ]
    )
    bar = item(opened.page)
    expect(bar).to_be_hidden()
    opened.run(0)
    expect(bar).to_have_text("AWS: no role")
    opened.run(1)
    expect(bar).to_contain_text(f"PRODUCTION {PROD} · eu-west-1 · ")
    expect(bar).to_have_attribute("data-production", "true")
    edge = opened.cell(1).locator(".sso-magic-edge")
    expect(edge).to_have_attribute("title", re.compile(r"^Ran in production as payments-prod \(\d{12}\) / ReadOnly$"))
    opened.run(2)
    expect(bar).to_be_hidden()
    opened.run(0)
    opened.run(3)
    expect(bar).to_contain_text(DEV)
    expect(bar).to_have_attribute("data-production", "false")
    opened.save()
    opened.page.reload()  # the new page asks the kernel once
    expect(bar).to_contain_text(DEV)
    other = opened.page.context.new_page()  # a second browser on the same kernel
    other.goto(jupyter.address(opened.path.name, "lab").replace("?reset&", "?"))
    expect(item(other)).to_contain_text(DEV)
    opened.wait_until_idle()
    opened.run(1)
    expect(item(other)).to_contain_text(PROD)
    other.close()
    opened.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    opened.page.locator("[data-command='kernelmenu:restart']").click()
    opened.page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(bar).to_be_hidden()
    opened.wait_until_idle()
    opened.run(0)
    expect(bar).to_have_text("AWS: no role")
    [kernel] = jupyter.api("api/kernels")
    jupyter.api(f"api/kernels/{kernel['id']}", "DELETE")
    expect(bar).to_be_hidden()


# A switch while the browser is not connected. JupyterLab gives up after seven attempts to connect: it is a short time.
LATER = """
import pathlib
role = center.role("payments-prod", "ReadOnly")
role.credentials()
def switch():
    while not pathlib.Path("is-cut").exists():
        time.sleep(0.02)
    role.use()
    pathlib.Path("is-switched").touch()

threading.Thread(target=switch).start()
"""


def test_no_role_is_shown_while_the_network_is_cut_and_the_new_one_after_it(jupyter, context, ready):
    for name in ("is-cut", "is-switched"):
        (jupyter.notebooks / name).unlink(missing_ok=True)
    network = CutNetwork(int(jupyter.url.rpartition(":")[2]))
    path = jupyter.notebooks / "cut.ipynb"
    write_notebook(path, [f"{LOAD}\n%sso_use payments-dev ReadOnly", LATER])
    opened = LabNotebook(context.new_page(), path)
    opened.open(jupyter.address(path.name, "lab").replace(jupyter.url, f"http://127.0.0.1:{network.port}"))
    opened.run(0)
    opened.run(1)
    bar = item(opened.page)
    expect(bar).to_contain_text(DEV)
    network.cut()
    expect(bar).to_have_text("AWS: not connected", timeout=60_000)
    (jupyter.notebooks / "is-cut").touch()
    while not (jupyter.notebooks / "is-switched").exists():
        opened.page.wait_for_timeout(20)
    shown = bar.inner_text()
    network.mend()
    assert shown == "AWS: not connected"
    expect(bar).to_contain_text(PROD, timeout=120_000)
    expect(bar).to_have_attribute("data-production", "true")
    opened.page.close()
    network.cut()


def test_a_switch_shows_while_its_cell_runs_and_the_kernel_is_asked_nothing_meanwhile(notebook, ready):
    opened = notebook([f"{LOAD}\ncenter.role('payments-dev', 'ReadOnly').use()\ninput('Go on?')", "1"])
    sent: list[bytes] = []

    def listen(socket) -> None:
        socket.on("framesent", lambda frame: sent.append(frame if isinstance(frame, bytes) else frame.encode()))

    opened.page.on("websocket", listen)
    opened.page.reload()
    opened.wait_until_idle()
    asked = len([frame for frame in sent if COMM.encode() in frame])
    opened.start(0)
    expect(item(opened.page)).to_contain_text(DEV)
    button = item(opened.page).get_by_role("button")
    expect(button).to_have_attribute("title", re.compile(rf"Notebook {opened.path.name}, kernel Python 3"))
    button.click()
    release = opened.page.get_by_role("menuitem", name="Release Role")
    expect(release).to_have_attribute("aria-disabled", "true")  # it would wait for the cell
    opened.page.keyboard.press("Escape")
    assert len([frame for frame in sent if COMM.encode() in frame]) == asked
    opened.output(0).locator("input").fill("yes")
    opened.output(0).locator("input").press("Enter")
    opened.wait_until_run(0)


def test_the_menu_runs_magics_in_the_notebook_in_front_and_shows_them_in_the_side_bar(notebook, ready, axe):
    fails_once = "import sso_magic.errors\ntries = globals().get('tries', 0) + 1\nif tries == 1:\n"
    fails_once += (
        "    raise sso_magic.errors.SignInRequired('Not signed in to corp. Run %sso_login corp')\n'try', tries"
    )
    opened = notebook(
        [LOAD, "%sso_use payments-prod ReadOnly", "%sso_use payments-dev ReadOnly", "%history -n", fails_once]
    )
    page = opened.page
    for number in range(2):
        opened.run(number)
    assert "SignInRequired" in opened.run(4)
    offer = opened.cell(4).get_by_role("button", name="Sign in and run again")
    expect(offer).to_have_attribute("title", "Run %sso_login corp, then this cell")
    edge = opened.cell(4).get_by_role("img", name="Ran in production as payments-prod")
    expect(edge).to_be_visible()
    for theme in ("light", "dark"):
        switch_theme(page, theme)
        assert_fine(page, axe, ".sso-magic-offer, .sso-magic-edge")
    offer.focus()
    page.keyboard.press("Enter")
    expect(opened.output(4)).to_contain_text("('try', 2)")
    expect(offer).to_be_hidden()
    expect(page.locator("#sso-magic-sidebar")).to_contain_text("signed in to corp", ignore_case=True)
    opened.wait_until_idle()
    opened.run(2)
    saved = opened.save()
    assert "sso-magic-" not in saved  # neither the button nor the edge
    side = page.locator("#sso-magic-sidebar")
    button = item(page).get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")  # all of it by keyboard
    expect(page.get_by_role("menuitem", name=re.compile("Use Previous Role: payments-prod"))).to_be_visible()
    page.keyboard.press("u")
    page.keyboard.press("Enter")
    expect(item(page)).to_contain_text(f"PRODUCTION {PROD}")
    expect(side).to_contain_text("PRODUCTION Using payments-prod")
    choose(page, "Status")
    expect(side).to_contain_text("In use: payments-prod")
    choose(page, "Link to the AWS Console")
    expect(side.get_by_role("link").first).to_be_visible()
    choose(page, "Panel in the Side Bar")
    expect(side.locator(".sso-panel")).to_be_visible()
    for theme in ("light", "dark"):
        switch_theme(page, theme)
        assert_fine(page, axe, ".sso-magic-identity")
        assert_fine(page, axe, "#sso-magic-sidebar")
    side.locator(".sso-panel").get_by_role("button", name="Release").click()
    expect(item(page)).to_have_text("AWS: no role")
    assert_fine(page, axe, ".sso-magic-identity")
    choose(page, "Sign In")
    expect(side).to_contain_text("signed in to corp", ignore_case=True)
    assert "%sso_status" not in opened.run(3)


def test_the_roles_that_cells_ran_as_are_kept_in_their_metadata(notebook, ready):
    on = "%config SSOMagics.record_identity = True"
    opened = notebook(
        [
            f"{LOAD}\n{on}\n%sso_use payments-prod ReadOnly",
            "%sso_use --pin",
            "%%sso_as payments-dev ReadOnly\n2",
            "%sso_use --off",
            "print(len(get_ipython().run_line_magic('sso_status', '--notebook')), 'recorded')",
        ]
    )
    for number in range(4):
        opened.run(number)
    choose(opened.page, "Status")  # it runs in no cell
    expect(opened.page.locator("#sso-magic-sidebar")).to_contain_text("No role is in use")

    def kept() -> list[list[str]]:
        opened.save()
        cells = json.loads(opened.path.read_text())["cells"]
        records = [cell["metadata"].get("sso_magic", {"ran_as": []})["ran_as"] for cell in cells]
        return [[f"{one['account_id']} {one['role_name']}" for one in record] for record in records]

    first, *found = kept()
    [prod] = first  # as output metadata too: the kernel did not know of the extension before
    [dev] = set(found[1]) - {prod}
    assert found == [[prod], [prod, dev], [prod], []]
    outputs = [cell["outputs"] for cell in json.loads(opened.path.read_text())["cells"]]
    assert [len([one for one in cell if one.get("data") == {}]) for cell in outputs] == [1, 0, 0, 0, 0]
    pin = json.loads(opened.path.read_text())["metadata"]["sso_magic"]
    assert [f"{pin['account']} {pin['role']}", pin["region"]] == [prod, None]
    assert "5 recorded" in opened.run(4)
    assert "No role is in use that the notebook can be pinned to." in opened.run(1)
    assert kept() == [[prod], [], [prod, dev], [prod], []]


def test_notebook_7_shows_the_role_above_the_notebook(notebook, ready):
    opened = notebook([LOAD, "%sso_use payments-prod ReadOnly"], app="notebook")
    opened.run(0)
    opened.run(1)
    expect(item(opened.page)).to_contain_text(f"PRODUCTION {PROD}")
    choose(opened.page, "Release Role")
    expect(item(opened.page)).to_have_text("AWS: no role")


def test_three_notebooks_on_three_kernels_never_show_one_anothers_role(jupyter, context, ready):
    roles = {
        "one": ("payments-prod ReadOnly", "payments-dev ReadOnly"),
        "two": ("ml-sandbox PowerUserAccess", "data-lake ReadOnly"),
        "three": ("payments-dev AdministratorAccess", "web-shop-staging ReadOnly"),
    }
    page = context.new_page()
    front = FrontNotebook(page, jupyter.notebooks)
    for name, (first, second) in roles.items():
        write_notebook(jupyter.notebooks / f"{name}.ipynb", [LOAD, SWITCHES.format(first=first, second=second), END])
    page.goto(jupyter.address("one.ipynb", "lab").replace("doc/tree", "lab/tree"))
    tabs = {name: page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=f"{name}.ipynb") for name in roles}
    title = {name: re.compile(f"Notebook {name}.ipynb") for name in roles}
    button = item(page).get_by_role("button")
    for name in roles:
        page.locator(".jp-DirListing-item", has_text=f"{name}.ipynb").dblclick()
        expect(tabs[name]).to_have_class(re.compile("lm-mod-current"))
        front.wait_until_idle()
        front.run(0)
        front.run(1)
        expect(button).to_have_attribute("title", title[name])
        expect(button).to_have_text("AWS: no role")
    page.evaluate(WATCH)
    (jupyter.notebooks / "go").touch()
    for _ in range(5):
        for name in roles:
            tabs[name].click()
            expect(button).to_have_attribute("title", title[name])
    expected = {name: {label(one) for one in pair} for name, pair in roles.items()}
    for name in roles:
        tabs[name].click()
        assert "at the end" in front.run(2)
        expect(button).to_contain_text(label(roles[name][1]))
    ended = page.evaluate("() => window.seen")
    shown_in = {name: {text for text, title in ended if f"Notebook {name}.ipynb" in title} for name in roles}
    for name, texts in shown_in.items():
        others = set.union(*(expected[one] for one in roles if one != name))
        assert [text for text in texts for other in others if other in text] == []
        assert any(one in text for text in texts for one in expected[name])
    page.close()


def label(words: str) -> str:
    account, role = words.split()
    return f"{account} / {role}"
