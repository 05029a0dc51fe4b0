"""PROTOCOL.md has every section that code and tests cite, and names its sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_readme import wrong

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "sso_magic" / "client" / "PROTOCOL.md").read_text(encoding="utf-8")
NUMBER = r"\d+(?:\.\d+)*"
CITATION = re.compile(rf"PROTOCOL\.md[ \n]({NUMBER}(?:,[ \n]{NUMBER})*)(?!\.?\d|(?:,| and| to)\s\d)")
MENTION = re.compile(r"PROTOCOL\.md|portal-protocol")
FILES = sorted(
    path for folder in ("sso_magic", "tests") for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)
)


def sections(text: str) -> list[str]:
    """Return the number of each heading, in order."""
    return re.findall(rf"^##+ ({NUMBER}) \S", text, re.MULTILINE)


def cited(source: str) -> list[str]:
    """Return the numbers that a source cites, in order."""
    return [number for found in CITATION.findall(source) for number in re.split(r",\s", found)]


def unresolved(source: str) -> list[str]:
    """Return the citations of a source that no heading answers, and mentions in another form."""
    known = set(sections(PROTOCOL))
    whole = re.sub(r"\n\s*(?:# )?", "\n", source)  # a citation can go on in the next line of a comment or docstring
    places = {match.start() for match in CITATION.finditer(whole)}
    found = [number for number in cited(whole) if number not in known]
    return found + [whole[at.start() :][:40] for at in MENTION.finditer(whole) if at.start() not in places]


def without_paths(source: str) -> str:
    """Return the source without what names the whole document: a path to it, and "the section of PROTOCOL.md"."""
    return re.sub(r"/PROTOCOL\.md|section of PROTOCOL\.md", "", source)


def test_every_citation_leads_to_a_heading():
    found = {str(path.relative_to(ROOT)): unresolved(without_paths(path.read_text(encoding="utf-8"))) for path in FILES}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
    assert sum(len(cited(path.read_text(encoding="utf-8"))) for path in FILES) > 100


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("PROTOCOL.md 1.1, 2.5", []),
        ("(PROTOCOL.md 1.1,\n    # 99)", ["99"]),
        ("PROTOCOL.md 99.1", ["99.1"]),
        ("PROTOCOL.md 1.1, 99.1", ["99.1"]),
        ("as PROTOCOL.md says", ["PROTOCOL.md says"]),
        ("portal-protocol 1.1", ["portal-protocol 1.1"]),
        ("PROTOCOL.md 1.1 and 99", ["PROTOCOL.md 1.1 and 99"]),
        ("PROTOCOL.md 1.1, 1.2 to 1.4", ["PROTOCOL.md 1.1, 1.2 to 1.4"]),
    ],
)
def test_a_citation_that_leads_nowhere_is_found(source, expected):
    assert unresolved(source) == expected


def test_the_sections_are_numbered_without_a_gap():
    numbers = [[int(part) for part in number.split(".")] for number in sections(PROTOCOL)]
    chapters = [number for number in numbers if len(number) == 1]
    assert chapters == [[n] for n in range(1, len(chapters) + 1)]
    expected = [[*chapter, n + 1] for chapter in chapters for n in range(sum(s[:-1] == chapter for s in numbers))]
    assert [number for number in numbers if len(number) > 1] == expected
    assert len(numbers) == len(re.findall(r"^##", PROTOCOL, re.MULTILINE))


def test_every_chapter_but_the_local_identity_centers_names_its_sources():
    chapters = re.split(r"^## ", PROTOCOL, flags=re.MULTILINE)[1:]
    without = [chapter for chapter in chapters if not re.search(r"Sources?: |botocore [(`]", chapter)]
    assert [chapter.partition("\n")[0] for chapter in without] == ["13 The local Identity Center"]


def test_each_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", PROTOCOL)
    assert len(links) > 10
    assert [link for link in links if wrong(link)] == []


def test_it_is_linked_where_a_contributor_looks():
    assert "](sso_magic/client/PROTOCOL.md)" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
