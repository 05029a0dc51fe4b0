"""Panels without a browser: what it would send is sent to the widgets, what it would get is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # conftest files have no package to import from

from panel_screen import open_panel, ready

__all__ = ["open_panel", "ready", "sent"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """All that is sent to the browser."""
    import comm

    messages: list[dict[str, Any]] = []

    class Comm(comm.DummyComm):
        def publish_msg(self, msg_type: str, data: Any = None, *arguments: Any, **more: Any) -> None:
            buffers = more.get("buffers") or []
            messages.append({"type": msg_type, "to": self.comm_id, "data": data or {}, "buffers": buffers})

    # A test that imported ipykernel has put ipykernel's own comm there, for the whole process.
    monkeypatch.setattr(comm, "create_comm", Comm)
    return messages
