"""The site that `make docs` builds: it needs no network, and every link in it leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_readme import wrong

ROOT = Path(__file__).parents[2]
LOADED = {("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "srcset")}
DOCUMENTED = ("IdentityCenter.sign_in", "Role.storage_options", "SSO.list_accounts", "LocalIdentityCenter.advance")


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.places |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        is_style = tag == "link" and values.get("rel") in {"stylesheet", "icon", "preload"}
        self.loads += [
            value for name, value in attrs if value and ((tag, name) in LOADED or (is_style and name == "href"))
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("site")
    [line] = [line for line in (ROOT / "Makefile").read_text().splitlines() if " -m sphinx " in line]
    arguments = line.partition(" -m sphinx ")[2].split()
    command = [sys.executable, "-m", "sphinx", *arguments[:-1], str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return output


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def broken(site: Path, pages: dict[Path, Page], path: Path, link: str) -> str | None:
    """Return what is wrong with a link of a page; None if nothing is."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return wrong(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or not target.is_relative_to(site):
        return "names no page"
    if parts.fragment and unquote(parts.fragment) not in pages[target].places | {"top"}:
        return "names no place in its page"
    return None


def test_every_link_leads_somewhere(site, pages):
    assert sum(len(page.links) for page in pages.values()) > 1000
    found = [(path.name, link, broken(site, pages, path, link)) for path, page in pages.items() for link in page.links]
    assert [each for each in found if each[2]] == []


def test_no_page_loads_anything_from_elsewhere(pages):
    assert [(path.name, url) for path, page in pages.items() for url in page.loads if "//" in url] == []
    assert any("panel-light" in url or "sign-in" in url for page in pages.values() for url in page.loads)


def test_every_page_and_every_public_name_is_in_it(site, pages):
    import sso_magic

    for source in [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]:
        assert site / f"{source.stem}.html" in pages
    places = pages[site / "site" / "api.html"].places
    short = {place.rpartition(".")[2] for place in places} | {
        re.sub(r"^sso_magic\.(\w+\.)*?(?=[A-Z])", "", p) for p in places
    }
    told = {name for name in sso_magic.__all__ if not name.endswith("_ipython_extension")}
    assert told - {"SSOMagicError", "SignInRequired"} - short == set()  # those two are on the page of every error
    assert set(DOCUMENTED) - short == set()


def test_a_link_that_leads_nowhere_is_found(site, pages):
    path = site / "index.html"
    for link in ("none.html", "index.html#none", "../../etc/passwd", "ftp://example.com/x"):
        assert broken(site, pages, path, link)
