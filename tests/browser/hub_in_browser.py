"""A JupyterHub with a HOME and a temporary directory for each user, behind configurable-http-proxy, on loopback."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_in_browser import SETTINGS, write_notebook

from sso_magic.common import process_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

PROXY = Path(__file__).parents[1] / "node/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
DEADLINE = 120  # seconds for what must come, on a loaded machine
CONFIG = """
import json
from pathlib import Path

settings = json.loads(Path({settings!r}).read_text())
root = settings["root"]
c.JupyterHub.bind_url = settings["url"]
c.JupyterHub.hub_port = settings["hub_port"]
c.JupyterHub.log_level = "WARN"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = root + "/homes/{{username}}"
c.Spawner.cmd = settings["singleuser"]
c.Spawner.args = ["--allow-root", "--LabApp.extension_manager=readonly"]
c.Spawner.notebook_dir = root + "/homes/{{username}}/work"
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.environment = settings["environment"] | {{"TMPDIR": lambda spawner: f"{{root}}/tmp/{{spawner.user.name}}"}}
c.ConfigurableHTTPProxy.command = settings["proxy"]
c.ConfigurableHTTPProxy.api_url = settings["proxy_api"]
c.JupyterHub.services = [{{"name": "test", "api_token": settings["token"]}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers"]}}]
"""


class Hub:
    """A running hub.

    Args:
        root: A directory for everything.
        environment: What every user's server gets.
    """

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self._token = secrets.token_hex(16)
        hub_port, port, proxy_port = _free_ports(3)
        self.url = f"http://127.0.0.1:{port}"
        for plugin, values in SETTINGS.items():
            path = root / "settings" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        (root / "config" / "labconfig").mkdir(parents=True)
        (root / "config" / "labconfig" / "page_config.json").write_text(
            '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}'
        )
        own = {"JUPYTER_CONFIG_DIR": f"{root}/config", "JUPYTERLAB_SETTINGS_DIR": f"{root}/settings", "TZ": "UTC"}
        settings = {
            "root": str(root),
            "url": self.url,
            "hub_port": hub_port,
            "proxy": [shutil.which("node") or "node", str(PROXY)],
            "proxy_api": f"http://127.0.0.1:{proxy_port}",
            "singleuser": [sys.executable, "-m", "jupyterhub.singleuser"],
            "environment": environment | own,
            "token": self._token,
        }
        (root / "settings.json").write_text(json.dumps(settings))
        (root / "jupyterhub_config.py").write_text(CONFIG.format(settings=str(root / "settings.json")))
        with (root / "hub.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(root / "jupyterhub_config.py")],
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **process_groups.own_group(),
            )
        self._wait(lambda: bool(self._api("")))

    def home(self, user: str) -> Path:
        """Return the user's home directory."""
        return self.root / "homes" / user

    def add(self, user: str) -> None:
        """Add a user with an empty home directory, and start their server without waiting for it."""
        (self.home(user) / "work").mkdir(parents=True, mode=0o700)
        (self.root / "tmp" / user).mkdir(parents=True, mode=0o700)
        self._api(f"users/{user}", "POST")
        self._api(f"users/{user}/server", "POST")

    def start(self, user: str) -> None:
        """Start the user's server, and wait for it."""
        self._api(f"users/{user}/server", "POST")
        self.wait_for(user)

    def wait_for(self, user: str) -> None:
        """Wait for the user's server."""
        self._wait(lambda: any(one["ready"] for one in self._api(f"users/{user}")["servers"].values()))

    def stop(self, user: str) -> None:
        """Stop the user's server, as its button on the hub's page does, and wait for its end."""
        self._api(f"users/{user}/server", "DELETE")
        self._wait(lambda: not self._api(f"users/{user}")["servers"])

    def write(self, user: str, name: str, cells: Sequence[str]) -> Path:
        """Write a notebook into the user's working directory."""
        path = self.home(user) / "work" / name
        write_notebook(path, cells)
        return path

    def end(self) -> None:
        """Stop the hub with all that it has started."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        process_groups.kill_group(self._process)
        self._process.wait()

    def _wait(self, condition) -> None:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                if condition():
                    return
            time.sleep(0.1)
        raise RuntimeError(f"JupyterHub did not do it:\n{(self.root / 'hub.log').read_text()[-3000:]}")

    def _api(self, path: str, method: str = "GET"):
        request = urllib.request.Request(f"{self.url}/hub/api/{path}", method=method)
        request.add_header("Authorization", f"token {self._token}")
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return json.loads(answer.read() or b"{}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
