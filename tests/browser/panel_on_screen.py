"""A panel in the browser, and what a person does to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from jupyter_in_browser import LabNotebook
    from playwright.sync_api import Locator, Page

WHO = (
    "import boto3, botocore.exceptions\n"
    "try:\n"
    "    print(boto3.client('sts', region_name='eu-west-1').get_caller_identity()['Arn'])\n"
    "except botocore.exceptions.NoCredentialsError:\n"
    "    print('nobody')"
)
CELLS = ("%load_ext sso_magic\n%sso_panel", WHO)


class PanelOnScreen:
    """The panel that a notebook shows, found as a person or a screen reader finds it: by role and name."""

    def __init__(self, notebook: LabNotebook) -> None:
        self.notebook = notebook
        self.page: Page = notebook.page
        self.box = notebook.panel
        self.search = self.box.get_by_label("Search")
        self.list = self.box.get_by_role("listbox", name="Roles")
        self.state = self.box.locator(".sso-head .sso-grow")
        self.role = self.box.locator(".sso-use .sso-grow")
        self.list_state = self.box.locator(".sso-info .sso-grow")
        self.selection = self.box.locator(".sso-selection")
        self.status = self.box.locator(".sso-status:not(:empty)")
        self.link = self.box.get_by_role("link", name="Open the sign-in page")
        self.code = self.box.locator(".sso-live").get_by_text(re.compile(r"^[A-Z]{4}-[A-Z]{4}$"))

    def button(self, name: str) -> Locator:
        return self.box.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).click()

    def sign_in(self) -> None:
        """Presses Sign in, approves in a second tab, and waits until the panel knows."""
        self.press("Sign in")
        self.decide("Allow access")
        expect(self.state).to_contain_text("Signed in until")

    def decide(self, decision: str) -> None:
        """Opens the page in a second tab, compares the code, and decides."""
        code = self.code.inner_text()
        with self.page.context.expect_page() as opened:
            self.link.click()
        tab = opened.value
        expect(tab.get_by_text(code)).to_be_visible()
        tab.get_by_role("button", name=decision).click()
        tab.get_by_role("status").wait_for()
        tab.close()

    def find(self, words: str, best: str) -> None:
        """Types the words; waits until this is chosen."""
        self.search.fill(words)
        expect(self.selection).to_contain_text(best)

    def use(self, words: str, best: str) -> None:
        self.find(words, best)
        self.press_use(self.role, best.split(" (", maxsplit=1)[0])
        expect(self.status).to_contain_text("Using")

    def press_use(self, place: Locator, text: str) -> None:
        """Press Use, and wait until this text is there."""
        self.press("Use")
        expect(place).to_contain_text(text)

    def who(self) -> str:
        """Who the kernel is, by AWS's word: the account and the role."""
        arn = self.notebook.run(1)
        found = re.search(r"::(\d+):assumed-role/AWSReservedSSO_(\w+?)_[0-9a-f]{16}/", arn)
        return f"{found[1]} {found[2]}" if found else arn.strip()
