"""A kernel on another machine than the browser: the address is pasted into a hidden field below the cell."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from jupyter_client.manager import start_new_async_kernel

LOGIN = "%sso_login --browser --force"


class Notebook:
    """A kernel and a person in front of it."""

    def __init__(self, manager, client, loop):
        self.manager, self._client, self._loop = manager, client, loop
        self.shown: list[str] = []
        self.asked: list[dict] = []
        self.link: str | None = None
        self.linked = threading.Event()

    def run(self, code, answer=None):
        """Run a cell; `answer` makes the reply to each request for input of the link, None: no reply."""
        self.shown, self.asked, self.link, self._answer = [], [], None, None
        self._needs_link = "sso_login" in code
        self.linked.clear()

        def ask(message):
            self.asked.append(message["content"])
            self._answer = answer
            self._reply()

        running = self._client.execute_interactive(
            code, allow_stdin=True, stdin_hook=ask, output_hook=self._show, timeout=60
        )
        return self._loop.run_until_complete(running)["content"]

    def interrupt(self):
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self.manager.interrupt_kernel()))

    def _reply(self):
        """Reply once the link is there: it comes on another channel than the request for input."""
        if self._answer is not None and (self.link or not self._needs_link):
            answer, self._answer = self._answer, None
            self._client.input(answer(self))

    def _show(self, message):
        content = message["content"]
        text = content.get("data", {}).get("text/plain") or content.get("text") or str(content.get("evalue", ""))
        if text:
            self.shown.append(text)
        found = re.search(r"Open   (http\S+)", text)
        if found:
            self.link = found[1]
            self.linked.set()
            self._reply()


@pytest.fixture
def notebook(center, tmp_path, monkeypatch):
    center.auto_approve = True
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    with (tmp_path / "kernel.log").open("wb") as log:
        loop = asyncio.new_event_loop()
        starting = start_new_async_kernel(kernel_name="python3", env=dict(os.environ), stderr=log)
        manager, client = loop.run_until_complete(starting)
        try:
            opened = Notebook(manager, client, loop)
            opened.run("%load_ext sso_magic\nfrom sso_magic.signin import opener\nopener.COMMAND = ('false',)")
            yield opened
        finally:
            client.stop_channels()
            loop.run_until_complete(manager.shutdown_kernel(now=True))
            loop.close()


def location(link):
    return requests.get(link, allow_redirects=False, timeout=60).headers["Location"]


def test_the_address_is_entered_hidden_and_kept_nowhere(notebook, center, tmp_path):
    addresses = []

    def answer(notebook):
        if len(notebook.asked) == 1:
            return "http://127.0.0.1/oauth/callback?code=of-somebody&state=else"
        addresses.append(location(notebook.link))
        return addresses[-1]

    assert notebook.run(LOGIN, answer)["status"] == "ok"
    assert [request["password"] for request in notebook.asked] == [True, True]
    assert notebook.asked[0]["prompt"] == "Paste the address here (it stays hidden), then press Enter: "
    assert notebook.asked[1]["prompt"].startswith("That address belongs to another sign-in.")
    shown = "\n".join(notebook.shown)
    assert "1. Open the page in the browser on your own machine, and approve there." in shown
    assert notebook.shown[-1].startswith("Signed in to corp until")
    code = parse_qs(urlsplit(addresses[0]).query)["code"][0]
    notebook.run("import os\nfor name, value in list(globals().items()):\n    print(name, value)\n%history -g")
    assert code not in shown + "\n".join(notebook.shown)
    for path in (tmp_path / "ipython").rglob("*"):
        assert path.is_dir() or code.encode() not in path.read_bytes()
    assert center.requests.total("StartDeviceAuthorization") == 0


def test_the_callback_of_a_forwarded_port_ends_the_wait_for_input(notebook):
    def browse():
        notebook.linked.wait(30)
        requests.get(notebook.link, timeout=60)

    browser = threading.Thread(target=browse)
    browser.start()
    assert notebook.run(LOGIN)["status"] == "ok"
    browser.join()
    assert notebook.asked
    assert notebook.shown[-1].startswith("Signed in to corp until")
    # What is entered too late answers no later request.
    notebook._client.input("a late address")
    assert notebook.run("print(input('name'))", lambda _: "Ann")["status"] == "ok"
    assert "".join(notebook.shown).strip() == "Ann"


def test_the_stop_button_ends_the_wait_for_input(notebook):
    def stop():
        notebook.linked.wait(30)
        notebook.interrupt()

    person = threading.Thread(target=stop)
    person.start()
    assert notebook.run(LOGIN)["status"] == "error"
    person.join()
    assert "Sign-in canceled. Run %sso_login to start again." in "\n".join(notebook.shown)
    assert notebook.run("print('alive')")["status"] == "ok"


def test_a_refused_device_code_leads_to_the_field_by_itself(notebook, center):
    center.refuse_device_grant = True
    assert notebook.run("%sso_login", lambda notebook: location(notebook.link))["status"] == "ok"
    shown = "\n".join(notebook.shown)
    assert "The sign-in service refuses device codes (device grant is blocked). Sign in through the browser." in shown
    assert notebook.shown[-1].startswith("Signed in to corp until")
