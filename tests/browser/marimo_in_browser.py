"""marimo's editor with one notebook, on loopback, with a HOME of its own."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

from sso_magic.common import process_groups

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 120  # seconds for what must come, on a loaded machine
# All cells run when the notebook is opened, on a dark page.
SETTINGS = '[runtime]\nauto_instantiate = true\n\n[display]\ntheme = "dark"\n'
NOTEBOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
    import boto3
    import marimo as mo
    import sso_magic

    center = sso_magic.IdentityCenter("corp")
    return boto3, center, mo, sso_magic


@app.cell
def _(center):
    signed_in = center.sign_in()
    return (signed_in,)


@app.cell
def _(signed_in, sso_magic):
    sso_magic.panel("corp")
    return


@app.cell
def _(mo):
    use, who = mo.ui.run_button(label="Use payments-dev"), mo.ui.run_button(label="Who am I")
    mo.hstack([use, who])
    return use, who


@app.cell
def _(center, mo, use):
    mo.stop(not use.value)
    center.role("payments-dev", "ReadOnly").use()
    return


@app.cell
def _(boto3, mo, who):
    mo.stop(not who.value)
    boto3.client("sts", region_name="eu-west-1").get_caller_identity()["Arn"]
    return


if __name__ == "__main__":
    app.run()
"""


class Marimo:
    """A running server of marimo.

    Args:
        root: A directory for everything.
        environment: What the kernel gets.
        config: The text of ``~/.aws/config``.
    """

    def __init__(self, root: Path, environment: dict[str, str], config: str) -> None:
        self._root = root
        home = root / "home"
        (home / ".aws").mkdir(parents=True, mode=0o700)
        (home / ".aws" / "config").write_text(config, encoding="utf-8")
        (home / ".config" / "marimo").mkdir(parents=True)
        (home / ".config" / "marimo" / "marimo.toml").write_text(SETTINGS, encoding="utf-8")
        self.notebook = root / "notebook" / "front_end.py"
        self.notebook.parent.mkdir()
        self.notebook.write_text(NOTEBOOK.lstrip(), encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        token = secrets.token_hex(16)
        self._url = f"http://127.0.0.1:{port}"
        self.address = f"{self._url}/?access_token={token}"
        command = [sys.executable, "-m", "marimo", "edit", str(self.notebook), "--headless", "--skip-update-check"]
        command += ["--host=127.0.0.1", f"--port={port}", f"--token-password={token}"]
        own = {"HOME": str(home), "USERPROFILE": str(home), "TZ": "UTC"}
        with (root / "marimo.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=environment | own,
                cwd=self.notebook.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **process_groups.own_group(),
            )

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self._url}/health", timeout=DEADLINE):
                return
            time.sleep(0.1)
        raise RuntimeError(f"marimo did not start:\n{(self._root / 'marimo.log').read_text()[-3000:]}")

    def written(self) -> str:
        """Return the texts of all files that it has written beside the notebook, and its log."""
        files = [*self.notebook.parent.rglob("*"), self._root / "marimo.log"]
        return "\n".join(path.read_text(encoding="utf-8") for path in files if path.suffix in {".py", ".json", ".log"})

    def end(self) -> None:
        """Stop it with the notebook's kernel."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        process_groups.kill_group(self._process)
        self._process.wait()
