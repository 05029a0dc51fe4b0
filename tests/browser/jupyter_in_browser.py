"""JupyterLab and Notebook 7 in a browser, and what is laid out for them; used by the tests and by the benchmark."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from unittest import mock

import nbformat
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from sso_magic.local import LocalIdentityCenter, Organization

FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # loopback only
]
# Settings of JupyterLab, by plugin. Every cell is drawn, light and dark follow the browser, and the widgets' state is
# saved: what is in it is looked at.
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/themes": {"adaptive-theme": True},
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
}
IN_CI = bool(os.environ.get("CI"))
TIMEOUT = 30_000  # milliseconds a locator waits; a loaded machine is slow, a right page is there sooner


def missing(what: str) -> None:
    """What these tests need is not here: no excuse in CI."""
    if IN_CI:
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def find_chromium() -> str | None:
    """The browser's program; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class JupyterServer:
    """JupyterLab, Notebook 7, nbclassic and Voila on one loopback port, with a HOME and directories of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.notebooks = root / "notebooks"
        self._token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: dict[str, str]) -> None:
        for folder in (self.home, self.notebooks, self.root / "config" / "labconfig"):
            folder.mkdir(parents=True)
        (self.root / "config" / "labconfig" / "page_config.json").write_text(
            '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}'
        )
        for plugin, values in SETTINGS.items():
            self.set(plugin, values)
        own = {f"JUPYTER_{name}_DIR": str(self.root / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        own |= {f"JUPYTERLAB_{name}_DIR": str(self.root / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
        own |= {"IPYTHONDIR": str(self.root / "ipython"), "HOME": str(self.home), "USERPROFILE": str(self.home)}
        own |= {"JUPYTER_TOKEN": self._token, "TZ": "UTC"}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += [f"--port={self._port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.notebooks}"]
        command += ["--LabApp.extension_manager=readonly"]
        with (self.root / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env=environment | own, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.api("api/status")
                return
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.root / 'server.log').read_text()[-3000:]}")

    def set(self, plugin: str, values: dict[str, object]) -> None:
        """Settings of JupyterLab, for the notebooks opened from now on."""
        path = self.root / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def api(self, path: str, method: str = "GET") -> object:
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        request.add_header("Authorization", f"token {self._token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def address(self, path: str, app: str) -> str:
        where = {
            "lab": f"doc/tree/{path}",
            "notebook": f"notebooks/{path}",
            "nbclassic": f"nbclassic/notebooks/{path}",
            "voila": f"voila/render/{path}",
        }[app]
        return f"{self.url}/{where}?reset&token={self._token}"

    def shut_down_kernels(self) -> None:
        for kernel in self.api("api/kernels"):
            with contextlib.suppress(OSError):
                self.api(f"api/kernels/{kernel['id']}", "DELETE")

    def clean_home(self, config: str) -> None:
        shutil.rmtree(self.home / ".aws", ignore_errors=True)
        (self.home / ".aws").mkdir(mode=0o700)
        (self.home / ".aws" / "config").write_text(config, encoding="utf-8")


class LabNotebook:
    """A notebook that is open in the browser."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        # Where the kernels are listed late, on a machine under load, Jupyter asks which one, as it asks a person.
        page.add_locator_handler(
            page.locator(".jp-Dialog", has_text="Select Kernel"), lambda asked: asked.locator(".jp-mod-accept").click()
        )

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        self.wait_until_idle()
        self.errors.clear()  # Notebook 7 has two of its own while it loads

    @property
    def panel(self) -> Locator:
        """The panel that was shown last."""
        return self.page.locator(".sso-panel").last

    def cell(self, number: int) -> Locator:
        """The code cell, counted from 0."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def output(self, number: int) -> Locator:
        """What the code cell shows."""
        return self.cell(number).locator(".jp-OutputArea-output").first

    def run_all(self, *, wait: bool = True) -> None:
        """Run > Run All Cells."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator("[data-command='runmenu:run-all']").click()
        if wait:
            for number in range(self.page.locator(".jp-Notebook .jp-CodeCell").count()):
                self.wait_until_run(number)

    def run(self, number: int) -> str:
        """Runs the cell, waits until it is done; what it shows, as text."""
        before = self.start(number)
        self.wait_until_run(number, before)
        shown = self.cell(number).locator(".jp-OutputArea-output").all_inner_texts()
        return "\n".join(text.strip() for text in shown)

    def start(self, number: int) -> str:
        """Start the cell, and return the number that it had before."""
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        before = self._prompt(number)
        for _ in range(4):  # as a person would: a page that is not done with loading may drop the keys without a word
            self.cell(number).locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            with contextlib.suppress(PlaywrightTimeout):
                self._wait_for_prompt(number, "prompt.innerText.trim() !== before", before, 10_000)
                break
        return before

    def wait_until_run(self, number: int, before: str = "[ ]:") -> None:
        """Waits until the cell has a number, another than before."""
        has_number = "/\\[\\d+\\]/.test(prompt.innerText) && prompt.innerText.trim() !== before"
        self._wait_for_prompt(number, has_number, before, 60_000)

    def _wait_for_prompt(self, number: int, condition: str, before: str, timeout: float) -> None:
        self.page.wait_for_function(
            f"([prompt, before]) => {condition}",
            arg=[self.cell(number).locator(".jp-InputPrompt").element_handle(), before],
            timeout=timeout,
        )

    def _prompt(self, number: int) -> str:
        return self.cell(number).locator(".jp-InputPrompt").inner_text().strip()

    def wait_until_idle(self) -> None:
        """Waits for a kernel that has nothing to do. Before there is one, commands are dropped without a word."""
        state = self.page.locator(".jp-Notebook-ExecutionIndicator, .jp-NotebookKernelStatus").first
        state.wait_for(state="attached")
        self.page.wait_for_function(
            """() => {
              const asked = document.querySelector('.jp-Dialog');
              if (asked && /Select Kernel/.test(asked.innerText)) asked.querySelector('.jp-mod-accept').click();
              const bar = document.querySelector('#jp-main-statusbar');
              if (bar) return /\\| Idle/.test(bar.innerText);
              const indicator = document.querySelector('.jp-Notebook-ExecutionIndicator');
              return indicator && indicator.dataset.status === 'idle';
            }""",
            timeout=60_000,
        )

    def save(self) -> str:
        """Saves the notebook; its file's text."""
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        def is_saved(response) -> bool:
            return response.request.method == "PUT" and response.url.split("?")[0].endswith(self.path.name)

        for _ in range(4):  # JupyterLab drops the command while an earlier save makes its checkpoint
            with contextlib.suppress(PlaywrightTimeout):
                with self.page.expect_response(is_saved, timeout=15_000):
                    self.page.keyboard.press("Escape")
                    self.page.locator("[data-jp-item-name=save]").first.click()
                return self.path.read_text(encoding="utf-8")
        raise AssertionError("JupyterLab has not saved the notebook")


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)


def plant_inventory(
    home: Path, center: LocalIdentityCenter, organization: Organization | None = None, *, age: float = 0
) -> None:
    """Lays corp's inventory into the cache under this HOME, as another kernel left it so many seconds ago."""
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import Account
    from sso_magic.inventory.part import Part
    from sso_magic.inventory.store import Stored
    from sso_magic.signin.sessions import find_session

    organization = organization or center.organization
    user = organization.user().name
    part = Part(datetime.fromtimestamp(time.time() - age, timezone.utc), listed=True)
    for account in organization.accounts_of(user):
        part.accounts[account.id] = Account(account.id, account.name, account.email)
        part.roles[account.id] = tuple(sorted(organization.roles_of(user, account.id)))
    with mock.patch.dict(os.environ, {"HOME": str(home), "USERPROFILE": str(home)}):
        directory = IdentityCenter(find_session("corp")).directory
        directory._store.update(lambda _: Stored(whole=part))


def plant_token(home: Path, center: LocalIdentityCenter) -> None:
    """Lays an access token of corp into the cache under this HOME, as another kernel would have left it."""
    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    ends = datetime.fromtimestamp(time.time() + 3600, timezone.utc)
    with mock.patch.dict(os.environ, {"HOME": str(home), "USERPROFILE": str(home)}):
        tokens.save(find_session("corp"), tokens.Token(Secret(center.access_token()), ends))
