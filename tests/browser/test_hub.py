"""Two users of a JupyterHub: sign-in by code and by pasted address, the panel, isolation, stop and restart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from conftest import OUTPUT, assert_no_secret, secrets_of
from hub_in_browser import PROXY, Hub
from jupyter_in_browser import TIMEOUT, LabNotebook, missing
from panel_on_screen import WHO, PanelOnScreen
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

LOAD = "%load_ext sso_magic"


@pytest.fixture(scope="module")
def hub(tmp_path_factory, local_identity_center_server):
    if not PROXY.exists():
        missing("configurable-http-proxy")
    running = Hub(tmp_path_factory.mktemp("hub"), local_identity_center_server.environment())
    yield running
    running.end()


@pytest.fixture
def person(hub, browser, request):
    """Logs a user in to the hub with a browser of their own, and opens a notebook with these cells."""
    contexts = {}

    def open_notebook(user: str, name: str, cells: list[str]) -> LabNotebook:
        path = hub.write(user, name, cells)
        if user not in contexts:
            contexts[user] = browser.new_context(viewport={"width": 1100, "height": 900}, locale="en-GB")
            contexts[user].set_default_timeout(2 * TIMEOUT)
            log_in(contexts[user].new_page(), hub, user)
        page = contexts[user].pages[0]
        notebook = LabNotebook(page, path)
        notebook.open(f"{hub.url}/user/{user}/lab/tree/{name}?reset")
        return notebook

    yield open_notebook
    for user, context in contexts.items():
        OUTPUT.mkdir(exist_ok=True)
        context.pages[0].screenshot(path=OUTPUT / f"hub-{request.node.name[:40]}-{user}.png")
        context.close()


def log_in(page: Page, hub: Hub, user: str) -> None:
    page.goto(f"{hub.url}/hub/login?next=/hub/home")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill("any")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/hub/home")


def approve(notebook: LabNotebook, cell: int) -> None:
    """Open the sign-in page from the cell, as a person does, and allow the access."""
    with notebook.page.context.expect_page() as opened:
        notebook.output(cell).get_by_role("link", name="Open the sign-in page").click()
    opened.value.get_by_role("button", name="Allow access").click()
    opened.value.get_by_role("status").wait_for()
    opened.value.close()


def files_with_secrets(directory: Path, center) -> list[str]:
    """Return the files that hold a token or key."""
    secrets = [secret.encode() for secret in secrets_of(center)]
    found = []
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if any(secret in content for secret in secrets):
                found.append(os.fspath(path.relative_to(directory)))
    return sorted(found)


def test_two_users_from_an_empty_home_to_a_restart(hub, person, center):
    url, login = center.portal_url, f"%sso_login {center.portal_url} --sso-region eu-west-1"
    hub.add("ana")
    hub.add("ben")
    hub.wait_for("ana")
    cells = [LOAD, login, "%sso_accounts payments", "%sso_use payments-dev ReadOnly --serve", WHO, "%sso_panel"]
    ana = person("ana", "one.ipynb", cells)

    # by code
    ana.run(0)
    ana.start(1)
    expect(ana.output(1)).to_contain_text("By a code, because the kernel runs elsewhere: JupyterHub")
    approve(ana, 1)
    expect(ana.output(1)).to_contain_text(f"Signed in to {url} until")
    expect(ana.cell(1)).to_contain_text("Next: %sso_accounts lists accounts, %sso_use ACCOUNT [ROLE] uses a role")
    assert "payments-dev" in ana.run(2)
    assert "Using payments-dev" in ana.run(3)
    assert "::220947583614:assumed-role/AWSReservedSSO_ReadOnly_" in ana.run(4)
    ana.run(5)
    panel = PanelOnScreen(ana)
    expect(panel.state).to_contain_text("Signed in until")
    panel.use("ml-sandbox", "ml-sandbox (873320164592) / PowerUserAccess")
    assert "::873320164592:assumed-role/AWSReservedSSO_PowerUserAccess_" in ana.run(4)

    # the other user has nothing of it
    hub.wait_for("ben")
    ben = person("ben", "two.ipynb", [LOAD, "%sso_status", f"{login} --browser", WHO, "%sso_logout"])
    assert ben.page.request.get(f"{hub.url}/user/ben/api/contents").ok
    assert not ben.page.request.get(f"{hub.url}/user/ana/api/contents").ok
    ben.run(0)
    assert "No session is configured" in ben.run(1)
    assert "nobody" in ben.run(3)
    assert files_with_secrets(hub.home("ben"), center) == []

    # by the address that the browser cannot reach
    paste_address(ben, 2)
    expect(ben.output(2)).to_contain_text(f"Signed in to {url} until")
    assert "Signed out" in ben.run(4)
    assert files_with_secrets(hub.home("ben"), center) == []
    assert_no_secret(ben.save(), center)
    assert_no_secret(ana.save(), center)

    # stop and restart: what is left is what the AWS CLI shares
    assert list((hub.root / "tmp" / "ana").glob("sso_magic-*"))  # the files of child processes
    hub.stop("ana")
    assert {path.rpartition("/")[0] for path in files_with_secrets(hub.home("ana"), center)} <= {
        ".aws/sso/cache",
        ".aws/cli/cache",
    }
    assert files_with_secrets(hub.root / "tmp", center) == []
    hub.start("ana")
    ana = person("ana", "three.ipynb", [LOAD, "%sso_status", WHO, "%sso_use payments-dev ReadOnly", "%sso_logout"])
    ana.run(0)
    status = ana.run(1)
    assert "signed in until" in status
    assert "No role is in use." in status
    assert "nobody" in ana.run(2)
    assert "Using payments-dev" in ana.run(3)
    assert "::220947583614:assumed-role/AWSReservedSSO_ReadOnly_" in ana.run(2)
    assert "Signed out" in ana.run(4)
    assert files_with_secrets(hub.home("ana"), center) == []
    assert files_with_secrets(hub.root / "tmp", center) == []


def paste_address(notebook: LabNotebook, cell: int) -> None:
    """Approve in a browser that cannot reach the kernel's loopback, and paste the address where it ended."""
    notebook.start(cell)
    field = notebook.cell(cell).locator("input[type=password]")
    field.wait_for()
    tab = notebook.page.context.new_page()
    network = notebook.page.context.new_cdp_session(tab)
    ended: list[str] = []

    def unreachable(event) -> None:
        ended.append(event["request"]["url"])
        network.send("Fetch.failRequest", {"requestId": event["requestId"], "errorReason": "ConnectionRefused"})

    network.on("Fetch.requestPaused", unreachable)
    network.send("Fetch.enable", {"patterns": [{"urlPattern": "*/oauth/callback*"}]})
    tab.goto(notebook.output(cell).get_by_role("link", name="Open the sign-in page").get_attribute("href"))
    tab.get_by_role("button", name="Allow access").click()
    tab.wait_for_url("chrome-error://**", wait_until="commit")
    tab.close()
    field.fill(ended[0])
    field.press("Enter")
