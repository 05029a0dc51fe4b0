"""Panels without a browser: what it would send is sent to the widgets."""

from __future__ import annotations

import re
import sys
import threading
import time
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))  # folders of tests are no packages to import from

from jupyter_in_browser import plant_inventory, plant_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic import Panel
    from sso_magic.local import LocalIdentityCenter


class Screen:
    """A panel as a person sees it, and what they do to it: the messages that a browser sends."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.view = panel._view

    def press(self, name: str) -> None:
        buttons = (getattr(self.view, name) for name in BUTTONS)
        [button] = [one for one in buttons if one.description.endswith(name)]
        if not button.disabled and button.layout.display != "none":
            button._handle_custom_msg({"event": "click"}, [])

    def can_press(self, name: str) -> bool:
        button = next(one for one in (getattr(self.view, it) for it in BUTTONS) if one.description.endswith(name))
        return not button.disabled and button.layout.display != "none"

    def type(self, text: str) -> None:
        self.view.search.set_state({"value": text})

    def press_enter(self) -> None:
        self.view.search._handle_custom_msg({"event": "submit"}, [])

    def type_region(self, text: str) -> None:
        self.view.region.set_state({"value": text})

    def choose(self, line: str) -> None:
        self.view.rows.set_state({"index": self.lines.index(line)})

    def pick_session(self, label: str) -> None:
        self.view.session.set_state({"index": list(self.view.session.options).index(label)})

    def use(self, words: str) -> None:
        """Searches, and uses the best hit."""
        self.type(words)
        self.press("Use")
        self.finish()

    def finish(self) -> None:
        """Waits until what was pressed is done."""
        self.panel._work.wait()

    @property
    def lines(self) -> list[str]:
        return [label for label, _ in self.view.rows.options]

    @property
    def chosen(self) -> str | None:
        return self.view.rows.label

    @property
    def status(self) -> str:
        return text_of(self.view.status)

    @property
    def is_error(self) -> bool:
        return 'role="alert"' in self.view.status.value

    @property
    def sign_in(self) -> str:
        return text_of(self.view.sign_in_state)

    @property
    def role(self) -> str:
        return text_of(self.view.in_use)

    @property
    def list_state(self) -> str:
        return text_of(self.view.list_state)

    @property
    def selection(self) -> str:
        return text_of(self.view.selection)

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until it holds; fails with what is on the screen."""
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, (self.sign_in, self.role, self.list_state, self.status)
            time.sleep(0.01)

    def until_threads_end(self, name: str, left: int = 0) -> None:
        """Waits until no more of them are at work."""
        self.until(lambda: sum(thread.name == name for thread in threading.enumerate()) <= left)

    def sign_in_at(self, center: LocalIdentityCenter) -> None:
        """Signs in from nothing, and waits for the list."""
        self.press("Sign in")
        center.approve(center.wait_for_pending().user_code)
        self.until(lambda: "Signed in until" in self.sign_in and "refreshed" in self.list_state)


BUTTONS = ("sign_in", "cancel", "sign_out", "release", "refresh", "use", "favourite")


def text_of(widget: Any) -> str:
    return unescape(re.sub(r"<[^>]*>", "", widget.value))


@pytest.fixture
def open_panel(shell: InteractiveShell, center: LocalIdentityCenter) -> Iterator[Callable[..., Screen]]:
    """Opens panels, and closes them after the test."""
    import sso_magic

    opened: list[Screen] = []

    def open_one(session: str | None = None, **settings: Any) -> Screen:
        screen = Screen(sso_magic.panel(session, **settings))
        opened.append(screen)
        return screen

    yield open_one
    for screen in opened:
        screen.panel.close()
    for thread in threading.enumerate():  # nothing of this test may take a fault or a request of the next one
        if thread.name.startswith(("sso-panel", "sso-inventory")):
            thread.join(60)


@pytest.fixture
def ready(center: LocalIdentityCenter, clean_environment: Path) -> LocalIdentityCenter:
    """Signed in, with a fresh inventory in the cache, by another kernel."""
    plant_token(clean_environment, center)
    plant_inventory(clean_environment, center)
    center.requests.clear()
    return center
