"""The panel in a real JupyterLab: what a person clicks and types, what AWS says, what is saved."""

from __future__ import annotations

import re

import pytest
from jupyter_in_browser import plant_inventory, plant_token
from panel_on_screen import CELLS, PanelOnScreen
from playwright.sync_api import expect
from test_accessibility import assert_fine, axe, switch_theme

from sso_magic.local import Fault, Organization

assert axe  # a fixture
PROD, DEV, SANDBOX = "731659028443", "220947583614", "873320164592"


@pytest.fixture
def open_panel(notebook):
    """Opens a notebook and its panel."""

    def open_one(cells=CELLS) -> PanelOnScreen:
        opened = notebook(cells)
        opened.run(0)
        panel = PanelOnScreen(opened)
        panel.list.wait_for()
        return panel

    return open_one


@pytest.fixture
def ready(jupyter, notebook, center):
    """Signed in, with a fresh inventory, by another kernel."""
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    center.requests.clear()
    return center


def test_everything_from_nothing_by_clicking(open_panel, center):
    panel = open_panel()
    expect(panel.state).to_have_text("Not signed in.")
    panel.sign_in()
    expect(panel.state).to_contain_text("renews automatically")
    expect(panel.link).to_have_count(0)
    expect(panel.list_state).to_contain_text("28 roles in 14 accounts")
    panel.use("payments prod", "payments-prod (731659028443) / DataScientist")
    expect(panel.role).to_contain_text("PRODUCTION")
    assert panel.who() == f"{PROD} DataScientist"
    panel.use("payments-dev readonly", "payments-dev (220947583614) / ReadOnly")
    expect(panel.role).not_to_contain_text("PRODUCTION")
    assert panel.who() == f"{DEV} ReadOnly"
    panel.press("Release")
    expect(panel.role).to_have_text("No role is in use.")
    assert panel.who() == "nobody"
    panel.press("Sign out")
    expect(panel.state).to_have_text("Not signed in.")
    expect(panel.status).to_have_text("Signed out of corp.")
    assert center.sessions() == []


def test_a_page_that_is_loaded_again_during_a_sign_in_goes_on_with_it(open_panel, center):
    panel = open_panel()
    panel.press("Sign in")
    panel.link.wait_for()
    panel.notebook.save()
    panel.page.reload()
    panel.link.wait_for()
    panel.decide("Allow access")
    expect(panel.state).to_contain_text("Signed in until")
    expect(panel.link).to_have_count(0)


def test_everything_by_keyboard(open_panel, center):
    panel = open_panel()
    keyboard, page = panel.page.keyboard, panel.page

    def tab_to(name: str) -> None:
        for _ in range(25):
            keyboard.press("Tab")
            focused = page.evaluate(
                "() => { const at = document.activeElement; return at.labels?.[0]?.innerText || at.innerText || ''; }"
            )
            if focused.strip() == name:
                return
        pytest.fail(f"TAB does not lead to {name}")

    panel.box.get_by_label("Session").focus()
    tab_to("Sign in")
    keyboard.press("Enter")
    panel.link.wait_for()
    center.approve()  # the page itself is walked by keyboard in test_accessibility
    expect(panel.list_state).to_contain_text("28 roles")
    tab_to("Search")
    keyboard.type("payments prod")
    expect(panel.selection).to_contain_text("payments-prod (731659028443) / DataScientist")
    keyboard.press("ArrowDown")
    expect(panel.list).to_be_focused()
    keyboard.press("ArrowDown")
    expect(panel.selection).to_contain_text("PowerUserAccess")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    tab_to("Use")
    keyboard.press("Enter")
    expect(panel.role).to_contain_text("payments-prod (731659028443) / PowerUserAccess")
    assert panel.who() == f"{PROD} PowerUserAccess"
    panel.search.focus()
    keyboard.press("ControlOrMeta+a")
    keyboard.type("ml-sandbox")
    expect(panel.selection).to_contain_text("ml-sandbox")
    keyboard.press("Enter")
    expect(panel.role).to_contain_text("ml-sandbox")
    panel.box.get_by_label("Session").focus()
    tab_to("Release")
    keyboard.press("Space")
    expect(panel.role).to_have_text("No role is in use.")
    panel.box.get_by_label("Session").focus()
    tab_to("Sign out")
    keyboard.press("Enter")
    expect(panel.state).to_have_text("Not signed in.")


def test_denied_expired_and_canceled(open_panel, center):
    panel = open_panel()
    panel.press("Sign in")
    panel.decide("Deny")
    expect(panel.status).to_have_text("The sign-in was denied on its page. Press Sign in to start again.")
    expect(panel.link).to_have_count(0)
    panel.press("Sign in")
    panel.link.wait_for()
    for _ in range(3):  # a code that expires is replaced
        code = panel.code.inner_text()
        center.advance(3600)
        expect(panel.code).not_to_have_text(code)
    center.advance(3600)
    expect(panel.status).to_have_text("The code ran out before it was approved. Press Sign in to get a new one.")
    expect(panel.link).to_have_count(0)
    panel.press("Sign in")
    panel.link.wait_for()
    assert panel.notebook.run(1) == "nobody"  # the kernel is free meanwhile
    panel.press("Cancel")
    expect(panel.status).to_have_text("Sign-in canceled.")
    expect(panel.link).to_have_count(0)


def test_the_portal_down_and_up_again(open_panel, ready):
    ready.faults = [Fault("GetRoleCredentials", kind="drop"), Fault("ListAccounts", kind="drop")]
    panel = open_panel()
    panel.find("ml-sandbox", "ml-sandbox")
    panel.press_use(panel.status, "Press Use to try again.")
    panel.press("Refresh")
    expect(panel.status).to_have_text(re.compile("The accounts could not be listed"))
    assert panel.who() == "nobody"
    ready.faults = []
    panel.press_use(panel.role, "ml-sandbox")
    assert panel.who() == f"{SANDBOX} PowerUserAccess"


def test_ten_thousand_accounts_without_a_request_in_the_panel_and_in_the_table(
    open_panel, jupyter, notebook, center, axe
):
    center.organization = Organization.generated(10_000)
    plant_token(jupyter.home, center)
    plant_inventory(jupyter.home, center)
    center.requests.clear()
    panel = open_panel(cells=[*CELLS, "%sso_inventory prod", "'last'"])
    expect(panel.list_state).to_contain_text("30,000 roles in 10,000 accounts")
    account = center.organization.accounts[7_777]
    role = min(center.organization.roles_of("alex", account.id))
    panel.search.press_sequentially(account.id[:6])
    panel.find(f"{account.id} {role}", f"{account.name} ({account.id}) / {role}")
    panel.search.fill("")
    assert panel.list.get_by_role("option").count() <= 50
    panel.find(f"{account.id} {role}", f"{account.name} ({account.id}) / {role}")
    assert center.requests.total() == 0
    panel.press_use(panel.role, account.id)
    assert panel.who() == f"{account.id} {role}"
    notebook = panel.notebook
    notebook.run(2)
    table = RoleTableOnScreen(panel.page, notebook.cell(2))
    search_and_sort(table)
    keys_stay_in_the_table(table)
    use_in_a_row(table, panel)
    for theme in ("light", "dark"):
        switch_theme(panel.page, theme)
        assert_fine(panel.page, axe, ".sso-table")
    switch_theme(panel.page, "light")
    expect(table.saved).to_be_hidden()
    jupyter.shut_down_kernels()
    expect(table.saved).to_be_visible()
    expect(table.saved).to_contain_text("fetched")
    expect(table.grid).to_be_hidden()


class RoleTableOnScreen:
    """The table of a cell, found as a person or a screen reader finds it."""

    def __init__(self, page, cell) -> None:
        self.page = page
        self.cell = cell
        self.search = cell.get_by_role("searchbox", name="Search")
        self.grid = cell.get_by_role("grid", name="Roles")
        self.rows = self.grid.locator("[role=row][data-key]")
        self.chosen = self.grid.locator("[aria-selected=true]")
        self.about = cell.locator(".sso-list-text")
        self.status = cell.locator(".sso-status:not(:empty)")
        self.saved = cell.locator("[class^=sso-saved]")

    def ids(self) -> list[str]:
        """The account ids of the rows, as they are on the screen."""
        return self.rows.evaluate_all(
            "rows => rows.sort((one, other) => one.ariaRowIndex - other.ariaRowIndex)"
            ".map(row => row.querySelector('.sso-id').textContent)"
        )


def search_and_sort(table) -> None:
    """By a click on a head and by keyboard; what is sorted how is said."""
    expect(table.search).to_have_value("prod")
    expect(table.about).to_contain_text("hits among 30,000 roles in 10,000 accounts.")
    expect(table.about).to_contain_text("30,000 roles, fetched")
    head = table.grid.get_by_role("columnheader", name="Account ID")
    expect(head).to_have_attribute("aria-sort", "none")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    ids = table.ids()
    assert ids == sorted(ids)
    assert 10 < len(ids) < 60
    table.page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert table.ids()[0] > ids[-1]
    table.search.fill("no such account")
    expect(table.rows).to_have_count(0)
    table.search.fill("")
    expect(table.about).to_contain_text("10,000 accounts, 30,000 roles, fetched")
    expect(table.grid).to_have_attribute("aria-rowcount", "30001")


def keys_stay_in_the_table(table) -> None:
    """The letters by which a notebook deletes and inserts cells."""
    cells = table.page.locator(".jp-Notebook .jp-Cell")
    count = cells.count()
    keyboard = table.page.keyboard
    table.rows.nth(3).click(position={"x": 20, "y": 12})
    expect(table.grid).to_be_focused()
    for key in ("d", "d", "a", "b", "x", "m", "0", "0", "ArrowUp", "ArrowDown", "Shift+Enter"):
        keyboard.press(key)
    keyboard.press("End")
    expect(table.chosen).to_have_attribute("aria-rowindex", "30001")
    expect(table.chosen).to_be_in_viewport()
    expect(table.rows.first).to_be_visible()
    keyboard.press("Home")
    expect(table.chosen).to_have_attribute("aria-rowindex", "2")
    keyboard.press("ArrowUp")
    expect(table.search).to_be_focused()
    table.grid.get_by_role("button", name="Role", exact=True).focus()
    for key in ("d", "d", "b"):
        keyboard.press(key)
    expect(cells).to_have_count(count)


def use_in_a_row(table, panel) -> None:
    """By a click, and by keyboard in production, where an administrator's role asks twice; the focus stays."""
    table.search.fill("dev readonly")
    row = table.rows.first
    button = row.get_by_role("button", name=re.compile("^Use "))
    account = row.locator(".sso-id").inner_text()
    button.click()
    expect(table.status).to_contain_text(f"({account}) / ReadOnly. New cells run as this role.")
    expect(panel.role).to_contain_text(f"({account}) / ReadOnly")
    expect(row.get_by_text("in use")).to_be_visible()
    expect(button).to_be_focused()
    table.search.fill("prod administratoraccess")
    expect(table.chosen).to_contain_text("PRODUCTION")
    account = table.chosen.locator(".sso-id").inner_text()
    href = table.chosen.get_by_role("link", name=re.compile("^Console of ")).get_attribute("href")
    assert f"account_id={account}&role_name=AdministratorAccess" in href
    table.search.press("Enter")
    table.search.press("ArrowDown")
    table.page.keyboard.press("Enter")
    expect(table.status).to_contain_text("Press Use or Enter again")
    expect(table.status).to_have_attribute("role", "alert")
    table.page.keyboard.press("Tab")  # to the heads
    table.page.keyboard.press("Shift+Tab")
    table.page.keyboard.press("Enter")
    expect(panel.role).to_contain_text(f"({account}) / AdministratorAccess")


@pytest.fixture
def busy_cells(jupyter):
    """The panel, who one is, and a cell that runs until `end` is called."""
    wait = "import os, time\nprint('busy')\nwhile not os.path.exists('go'):\n    time.sleep(0.05)\n"
    go = jupyter.notebooks / "go"
    go.unlink(missing_ok=True)  # test_status_bar, which shares the folder, makes one too
    yield [*CELLS, wait + "print('ends as', os.environ.get('AWS_ACCOUNT_ID'))"]
    go.unlink(missing_ok=True)


def begin(panel) -> None:
    """Runs the cell."""
    panel.notebook.cell(2).locator(".cm-content").click()
    panel.page.keyboard.press("Control+Enter")
    panel.notebook.output(2).get_by_text("busy").wait_for()


def end(panel) -> str:
    """Lets the cell end; what it printed."""
    (panel.notebook.path.parent / "go").touch()
    panel.notebook.wait_until_run(2)
    return panel.notebook.output(2).inner_text()


def test_the_panel_goes_on_while_a_cell_runs_and_leaves_its_role_alone(open_panel, ready, busy_cells):
    # JupyterLab may still be asking for the subshell in which the kernel answers the panel while a cell runs.
    until_there_is_one = (
        "shells = get_ipython().kernel.shell_channel_thread.manager.list_subshell\nwhile not shells(): pass"
    )
    panel = open_panel(cells=[*busy_cells, until_there_is_one])
    panel.use("ml-sandbox", "ml-sandbox (873320164592) / PowerUserAccess")
    panel.notebook.run(3)
    begin(panel)
    panel.find("management billing", "management (402618935571) / Billing")
    panel.press_use(panel.status, "As soon as the cell that runs has ended: management / Billing…")
    assert f"ends as {SANDBOX}" in end(panel)
    expect(panel.role).to_contain_text("management (402618935571) / Billing")
    assert panel.who() == "402618935571 Billing"


def test_what_is_pressed_while_the_kernel_cannot_answer_uses_what_was_seen(open_panel, ready, busy_cells, jupyter):
    kernels = "@jupyterlab/apputils-extension/kernels-settings"
    jupyter.set(kernels, {"commsOverSubshells": "disabled"})  # as with any kernel before ipykernel 7
    try:
        panel = open_panel(cells=busy_cells)
    finally:
        jupyter.set(kernels, {})
    panel.find("payments-prod readonly", "payments-prod (731659028443) / ReadOnly")
    begin(panel)
    panel.find("management billing", "management (402618935571) / Billing")  # the list needs no kernel
    panel.press("Use")
    panel.search.fill("ml-sandbox")
    end(panel)
    expect(panel.role).to_contain_text("management (402618935571) / Billing")
    assert panel.who() == "402618935571 Billing"


def test_a_cell_run_right_after_use_was_pressed_has_the_role(open_panel, ready):
    ready.faults.append(Fault("GetRoleCredentials", delay=1.0))
    panel = open_panel()
    panel.find("ml-sandbox", "ml-sandbox")
    panel.press_use(panel.status, "Getting credentials of ml-sandbox")
    assert panel.who() == f"{SANDBOX} PowerUserAccess"


def test_two_panels_and_the_magics_show_the_same(open_panel, ready):
    panel = open_panel(cells=["%load_ext sso_magic\n%sso_panel", "%sso_panel", "%sso_use ml-sandbox", "%sso_use --off"])
    first, second = panel.page.locator(".sso-panel").first, panel.page.locator(".sso-panel").last
    panel.notebook.run(1)
    panel.notebook.run(2)
    for one in (first, second):
        expect(one).to_contain_text("In use: ml-sandbox")
    second.get_by_role("button", name="Release").click()
    for one in (first, second):
        expect(one).to_contain_text("No role is in use.")


def test_an_account_opens_in_the_console_and_becomes_a_favorite(open_panel, ready):
    panel = open_panel()
    panel.find("ml-sandbox", "ml-sandbox")
    with panel.page.context.expect_page() as opened:
        panel.box.get_by_role("link", name="Console").click()
    expect(opened.value.get_by_role("heading", name="PowerUserAccess in ml-sandbox")).to_be_visible()
    panel.press("☆ Favorite")
    expect(panel.button("★ Favorite")).to_be_visible()
    panel.search.fill("")
    expect(panel.list.get_by_role("option").first).to_have_text(re.compile("^★ ?ml-sandbox"))
    assert "Session: corp. Signed in until" in panel.notebook.save()  # what is read where the widget cannot run
