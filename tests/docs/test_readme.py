"""The README: short, true, and the same on PyPI as in the repository."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
REPOSITORY = re.search(r'^Homepage = "(https://github\.com/[\w-]+/[\w-]+)"$', PROJECT, re.MULTILINE)[1]
RAW = REPOSITORY.replace("//github.com", "//raw.githubusercontent.com")
MAGICS = re.search(r"## Ten lines that matter\n\n```python\n(.*?)```", README, re.DOTALL)[1].splitlines()


class Addresses(HTMLParser):
    """Collects the addresses of HTML in Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in {"src", "srcset", "href"}]


def addresses(markdown: str) -> list[str]:
    """Return every address that the text links to or shows, in Markdown or in HTML; code is left out."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", markdown, flags=re.DOTALL | re.MULTILINE)
    parser = Addresses()
    parser.feed(prose)
    return [*re.findall(r"\]\(([^)\s]+)\)", prose), *parser.found]


def wrong(address: str) -> str | None:
    """Return what is wrong with an absolute address; None if nothing is. The network is not asked."""
    parts = urlsplit(address)
    if parts.scheme != "https" or "." not in parts.netloc or not re.fullmatch(r"[\w./?=&%#:~+@-]+", address):
        return "is not an absolute https address"
    for base, kind in ((f"{REPOSITORY}/blob/main/", "page"), (f"{RAW}/main/", "image")):
        if address.startswith(base):
            path, _, fragment = address.removeprefix(base).partition("#")
            if not (ROOT / path).is_file():
                return f"is no {kind} of this repository"
            if fragment and fragment not in anchors((ROOT / path).read_text(encoding="utf-8")):
                return f"names no heading of {path}"
    return None


def anchors(markdown: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a text."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_it_has_at_most_900_words():
    assert len(README.split()) <= 900


def test_it_has_links_and_pictures():
    found = addresses(README)
    assert len(found) > 20
    assert {f"{RAW}/main/notebooks/images/panel-{theme}.png" for theme in ("light", "dark")} <= set(found)


@pytest.mark.parametrize("address", sorted(set(addresses(README))))
def test_each_address_is_absolute_and_leads_somewhere(address):
    assert wrong(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "notebooks/quickstart.ipynb",
        "http://example.com/",
        "https://example/",
        f"{REPOSITORY}/blob/main/notebooks/none.ipynb",
        f"{REPOSITORY}/blob/main/SECURITY.md#no-such-heading",
        f"{RAW}/main/notebooks/images/none.png",
    ],
)
def test_an_address_that_leads_nowhere_is_found(address):
    assert addresses(f"[text]({address}) and `[code](x)`") == [address]
    assert wrong(address)


def test_the_workflow_of_the_badge_is_there():
    [name] = re.findall(rf"{REPOSITORY}/actions/workflows/([\w.]+)/badge\.svg", README)
    assert (ROOT / ".github" / "workflows" / name).is_file()


def test_the_projects_urls_and_pythons_are_on_pypi():
    urls = re.search(r"\[project\.urls\]\n(.*?)\n\n", PROJECT, re.DOTALL)[1]
    found = re.findall(r'= "(.+)"', urls)
    assert len(found) >= 4
    assert [url for url in found if wrong(url)] == []
    assert re.findall(r"Python :: (3\.\d+)", PROJECT) == ["3.10", "3.11", "3.12", "3.13", "3.14"]


def test_the_ten_lines_do_what_they_say(shell, center):
    center.auto_approve = True
    assert len(MAGICS) == 10
    shell.run_cell("import pandas as pd")
    results = [shell.run_cell(line) for line in MAGICS]
    assert [line for line, result in zip(MAGICS, results, strict=True) if not result.success] == []
    by_line = {line.split("  #")[0].strip(): result.result for line, result in zip(MAGICS, results, strict=True)}
    assert "payments-prod" in set(by_line["%sso_accounts payments"]["account_name"])
    assert not by_line['pd.read_csv("s3://payments-prod-reports/2026/costs.csv")'].empty


def test_the_cell_in_every_account_does_what_it_says(shell, signed_in):
    [cell] = re.findall(r"```python\n(%%sso_each.*?)```", README, re.DOTALL)
    result = shell.run_cell(cell)
    assert result.success
    assert {"account_name", "Name"} <= set(result.result.columns)
