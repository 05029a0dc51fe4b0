"""A real JupyterLab and Notebook 7 in Chromium: one server a run, one notebook a test.

    def test_something(notebook, center):
        page = notebook(["%load_ext sso_magic", "%sso_login"])       # or app="notebook"
        page.run_all(wait=False)
        page.output(1).get_by_role("link", name="Open the sign-in page").click()

After the test each notebook is saved, with its widgets' state, and searched for every secret that the Identity Center
has given out; its kernel is shut down. A failed test leaves a picture in tests/output. Never `time.sleep`: playwright
serves its handlers only inside its own calls, and its locators wait by themselves.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # conftest files have no package to import from

from jupyter_in_browser import (
    FLAGS,
    IN_CI,
    TIMEOUT,
    JupyterServer,
    LabNotebook,
    find_chromium,
    missing,
    write_notebook,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Browser, BrowserContext

    from sso_magic.local import LocalIdentityCenter

OUTPUT = Path(__file__).parents[1] / "output"


@pytest.fixture(scope="session")
def jupyter(
    tmp_path_factory: pytest.TempPathFactory, local_identity_center_server: LocalIdentityCenter
) -> Iterator[JupyterServer]:
    """One server for the whole run, whose kernels talk to the Identity Center of this machine."""
    pytest.importorskip("jupyterlab") if not IN_CI else __import__("jupyterlab")
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JUPYTER"))}
    try:
        server.start(kept | {"AWS_EC2_METADATA_DISABLED": "true"} | local_identity_center_server.environment())
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as long as this file's tests run: playwright keeps an event loop in this thread meanwhile."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT)
    chromium = find_chromium()
    if chromium is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for a file's tests, so that JupyterLab's own code is fetched once."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, color_scheme="light", locale="en-GB")
    context.set_default_timeout(TIMEOUT)
    yield context
    context.close()


@pytest.fixture
def notebook(
    context: BrowserContext,
    jupyter: JupyterServer,
    center: LocalIdentityCenter,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., LabNotebook]]:
    """Opens a notebook with these cells, in JupyterLab or, with ``app="notebook"``, in Notebook 7."""
    jupyter.clean_home(center.config_text(start_url=center.portal_url, profiles=0))
    opened: list[LabNotebook] = []

    def open_notebook(cells: Sequence[str], *, app: str = "lab") -> LabNotebook:
        name = re.sub(r"\W+", "-", request.node.name)[:60]
        path = jupyter.notebooks / f"{name}-{len(opened)}.ipynb"
        write_notebook(path, cells)
        page = LabNotebook(context.new_page(), path)
        opened.append(page)
        page.open(jupyter.address(path.name, app))
        return page

    yield open_notebook
    try:
        for number, page in enumerate(opened):
            if request.node.stash.get(FAILED, False):
                OUTPUT.mkdir(exist_ok=True)
                page.page.screenshot(path=OUTPUT / f"{request.node.name}-{number}.png")
            else:
                assert_no_secret(page.save(), center)
                assert page.errors == []
    finally:
        for page in list(context.pages):
            page.close()
        jupyter.shut_down_kernels()


def secrets_of(center: LocalIdentityCenter) -> set[str]:
    """Everything that the Identity Center has given out and nobody else may have, user codes included."""
    state = center.state
    with state.lock:
        found = {*state.access_tokens, *state.refresh_tokens, *state.devices, *state.user_codes, *state.codes}
        found |= {registration.client_secret for registration in state.registrations.values()}
    for keys in center.keys.values():
        found |= {keys.secret_access_key, keys.session_token}
    return found


def assert_no_secret(text: str, center: LocalIdentityCenter) -> None:
    """Nothing of it is in the text, nor as JSON has it."""
    for secret in secrets_of(center):
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """Remembers for the fixtures whether the test failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
