"""The project's text uses the field's words and American spelling; CONTRIBUTING.md says which to avoid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("sso_magic", "tests", "notebooks", ".github/changes")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
SUFFIXES = {".py", ".md", ".ipynb", ".ts", ".mjs", ".css"}
SKIPPED = {"node_modules", "built", "output", "__pycache__"}
ODD = {
    r"of ours\b": "name the class or the package",
    r"whoever": "the caller, the person, the client",
    r"speaks? for\b": "uses, is of",
    r"stands? in the (way|text|name)": "prevents, is in",
    r"puts? aside": "ignored, removed while a role is in use",
    r"what was there\b": "the old content, the environment before",
    r"(is|was|are) told\b": "is called with, gets, is shown",
    r"by itself\b": "automatically, on its own, alone",
    r"needless": "unnecessary, optional",
    r"unforeseen:": "Internal error",
    r"is to be done all the same": "still runs",
    r"the (account|session|role) meant\b": "Resolve text to one account",
    r"if it stays so": "if it persists",
    r"ask who runs it": "contact your AWS administrator",
    r"(favourit|organisation|cancelled(?![a-zA-Z(])|cancelling|colour|behaviour|serialis|normalis|recognis|honour)": (
        "American spelling"
    ),
}


def texts() -> list[Path]:
    """Return every file with text of the project, but this one."""
    found = [ROOT / name for name in PAGES]
    for folder in FOLDERS:
        found += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in SUFFIXES and not SKIPPED & set(path.relative_to(ROOT).parts)
        ]
    return [path for path in found if path != Path(__file__).resolve()]


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    return [
        (f"{path.relative_to(ROOT)}:{number}", line)
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    ]


@pytest.mark.parametrize(("odd", "instead"), ODD.items(), ids=list(ODD))
def test_no_text_has_an_odd_word(lines, odd, instead):
    assert len(lines) > 40_000
    pattern = re.compile(rf"(?<![\w.]){odd}|(?<=_)({odd})", re.IGNORECASE)
    assert [(place, line.strip()) for place, line in lines if pattern.search(line)] == [], f"write: {instead}"


def test_the_words_that_the_patterns_are_for_are_found():
    words = (
        "a role of ours",
        "whoever asks",
        "speak for it",
        "put aside",
        "It is told",
        "cancelled",
        "test_cancelled_x",
    )
    for word in words:
        assert any(re.search(rf"(?<![\w.]){odd}|(?<=_)({odd})", word, re.IGNORECASE) for odd in ODD), word
