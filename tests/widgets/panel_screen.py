"""Panels without a browser: the messages that it would send are sent, and those that it would get are kept."""

from __future__ import annotations

import json
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))  # folders of tests are no packages to import from

from jupyter_in_browser import plant_inventory, plant_token

from sso_magic.inventory import RoleAssignment, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic import Panel
    from sso_magic.local import LocalIdentityCenter


class Screen:
    """A panel as a person sees it, and what they do to it: the messages of a browser, whose search is Python's here."""

    def __init__(self, panel: Panel, page: str = "page") -> None:
        self.panel = panel
        self.page = page
        self.words = ""
        self.region = ""
        self.start_url = self.sso_region = ""
        self.live = ""
        self.chosen_key: tuple[str, str] | None = None
        self._accounts: dict[str, list[Any]] = {}
        self._lock = threading.Lock()
        self._widget = panel.widget
        self._watch()
        self.send("hello")

    def _watch(self) -> None:
        send = self._widget.send

        def sent(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
            send(content, buffers)
            self._take(content, buffers)

        self._widget.send = sent

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None) -> None:
        if content["kind"] == "live":
            self.live = content["html"]
        if content["kind"] != "roles" or content["page"] not in (None, self.page):
            return
        content = json.loads(zlib.decompress(buffers[0])) if buffers else content
        with self._lock:
            kept = {} if content["reset"] else dict(self._accounts)
            for account_id in content["gone"]:
                del kept[account_id]
            for account_id, name, address, numbers, marked in content["put"]:
                kept[account_id] = [name, address, [content["names"][number] for number in numbers], marked]
            self._accounts = kept

    # ---- what a person does ----

    def send(self, do: str, **more: Any) -> None:
        self._widget._handle_custom_msg({"do": do, "page": self.page, **more}, [])

    def press(self, name: str) -> None:
        if self.can_press(name):
            self.push(name)

    def push(self, name: str) -> None:
        """Press it, though it may be off by now: the press was on its way."""
        if name in {"Use", "Favorite"}:
            key = self.chosen_key or (None, None)
            self.send(name.lower(), account_id=key[0], role_name=key[1], region=self.region)
        elif name == "Sign in":
            self.send("sign_in", start_url=self.start_url, sso_region=self.sso_region)
        else:
            self.send(name.lower().replace(" ", "_"))

    def can_press(self, name: str) -> bool:
        shown = self.shown
        return {
            "Sign in": shown["sign_in_state"] == "out",
            "Cancel": shown["sign_in_state"] == "waiting",
            "Sign out": shown["sign_in_state"] == "in",
            "Release": shown["in_use"] is not None,
            "Refresh": not shown["is_other"] and shown["progress"] is None,
        }.get(name, self.chosen_key is not None)

    def type(self, text: str) -> None:
        self.words = text
        rows = self.rows
        self.chosen_key = _key(rows[0]) if text.strip() and rows else None

    def press_enter(self) -> None:
        self.push("Use")

    def choose(self, line: str) -> None:
        self.chosen_key = _key(self.rows[self.lines.index(line)])

    def pick_session(self, label: str) -> None:
        assert label in self.shown["sessions"]
        self.send("session", label=label)

    def use(self, words: str) -> None:
        """Search, and use the best hit."""
        self.type(words)
        self.press("Use")
        self.finish()

    def finish(self) -> None:
        """Wait until what was pressed is done."""
        self.panel._work.wait()

    # ---- what a person sees ----

    @property
    def shown(self) -> dict[str, Any]:
        return self.panel._view.shown

    @property
    def rows(self) -> list[RoleAssignment]:
        with self._lock:
            accounts = self._accounts
        rows = [
            RoleAssignment(account_id, name or None, address or None, role)
            for account_id, (name, address, roles, _) in accounts.items()
            for role in roles
        ]
        if self.words.strip():
            return search(rows, self.words)
        top = [RoleAssignment(one[0], one[1] or None, None, one[2]) for one in self.shown["top"]]
        keys = set(map(_key, top))
        return [*top, *(row for row in rows if _key(row) not in keys)]

    @property
    def lines(self) -> list[str]:
        return list(map(self._line, self.rows))

    def _line(self, row: RoleAssignment) -> str:
        top = {(one[0], one[2]): one for one in self.shown["top"]}.get(_key(row))
        marks = ["recent"] if top and top[4] and not self.words.strip() else []
        marks += ["in use"] if self.shown["in_use_key"] == list(_key(row)) else []
        star = "★ " if top and top[3] else ""
        line = " · ".join([*([row.account_name] if row.account_name else []), row.role_name, row.account_id])
        return f"{star}{line}{' (' + ', '.join(marks) + ')' if marks else ''}"

    @property
    def chosen(self) -> str | None:
        return next((self._line(row) for row in self.rows if _key(row) == self.chosen_key), None)

    @property
    def is_chosen_production(self) -> bool:
        return bool(self._accounts[self.chosen_key[0]][3])

    @property
    def status(self) -> str:
        status = self.shown["status"]
        holds = status["about"] is None or tuple(status["about"]) == self.chosen_key
        return status["text"] if holds else ""

    @property
    def is_error(self) -> bool:
        return bool(self.status) and self.shown["status"]["is_error"]

    @property
    def sign_in(self) -> str:
        return self.shown["sign_in"]

    @property
    def role(self) -> str:
        shown = self.shown
        badge = "PRODUCTION " if shown["is_production"] else ""
        line = f"In use: {badge}{''.join(shown['in_use'])}" if shown["in_use"] else "No role is in use."
        return "".join([line, *shown["warnings"]])

    @property
    def list_state(self) -> str:
        total = self.shown["total"]
        return f"{total}. {self.shown['note']}" if total else self.shown["note"]

    @property
    def console(self) -> str | None:
        template = self.shown["console"]
        if self.chosen_key is None or template is None:
            return None
        return template.replace("ACCOUNT_ID", self.chosen_key[0]).replace("ROLE_NAME", self.chosen_key[1])

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; fails with what is on the screen."""
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, (self.sign_in, self.role, self.list_state, self.status)
            time.sleep(0.01)

    def until_threads_end(self, name: str, left: int = 0) -> None:
        """Wait until no more of them are at work."""
        self.until(lambda: sum(thread.name == name for thread in threading.enumerate()) <= left)

    def sign_in_at(self, center: LocalIdentityCenter) -> None:
        """Sign in from nothing, and wait for the list."""
        self.press("Sign in")
        center.approve(center.wait_for_pending().user_code)
        self.until(lambda: "Signed in until" in self.sign_in and "refreshed" in self.list_state)


def _key(row: RoleAssignment) -> tuple[str, str]:
    return row.account_id, row.role_name


@pytest.fixture
def open_panel(shell: InteractiveShell, center: LocalIdentityCenter) -> Iterator[Callable[..., Screen]]:
    """Open panels, and close them after the test."""
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
