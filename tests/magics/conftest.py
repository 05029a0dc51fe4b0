"""A shell that is a kernel's, for tests of what the kernel tells its front ends."""

from __future__ import annotations

import json
from types import SimpleNamespace

import comm
import pytest
from comm.base_comm import BaseComm, CommManager
from IPython.core.displaypub import DisplayPublisher


class Publisher(DisplayPublisher):
    """A kernel's publisher of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata: list[dict] = []
        self.texts: list[str] = []
        self.hooks: list = []

    def publish(self, data, metadata=None, **_):
        if data == {}:
            self.metadata.append(metadata)
        elif "text/plain" in data:
            self.texts.append(data["text/plain"])
        for hook in self.hooks:
            hook({"msg_type": "display_data", "content": {}})

    def clear_output(self, wait=False):  # noqa: FBT002 - IPython's signature
        for hook in self.hooks:
            hook({"msg_type": "clear_output", "content": {"wait": wait}})

    def register_hook(self, hook):
        self.hooks.append(hook)

    def unregister_hook(self, hook):
        self.hooks.remove(hook)


@pytest.fixture
def kernel(shell, monkeypatch):
    """A shell that is a kernel's: `sent` has the comm's records, `parent` the header of the message it handles."""
    sent: list[list[dict]] = []
    pins: list[dict] = []
    offers: list[dict] = []

    class Comm(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            if "ran_as" in data:
                sent.append(json.loads(json.dumps(data["ran_as"])))
            if "pin" in data:
                pins.append(json.loads(json.dumps(data["pin"])))
            if "offer" in data:
                offers.append(json.loads(json.dumps(data["offer"])))

    found = SimpleNamespace(
        sent=sent, pins=pins, offers=offers, parent={}, outputs=Publisher(), manager=CommManager(), shell=shell
    )
    shell.run_line_magic("unload_ext", "sso_magic")
    monkeypatch.setattr(comm, "create_comm", Comm)
    monkeypatch.setattr(shell, "kernel", SimpleNamespace(comm_manager=found.manager), raising=False)
    monkeypatch.setattr(shell, "get_parent", lambda: {"header": found.parent}, raising=False)
    monkeypatch.setattr(shell, "display_pub", found.outputs)
    shell.run_line_magic("load_ext", "sso_magic")
    shell.run_line_magic("config", "SSOMagics.record_identity = True")
    yield found
    shell.run_line_magic("unload_ext", "sso_magic")
    monkeypatch.undo()
    shell.run_line_magic("load_ext", "sso_magic")
