"""The workflows and forms in .github, which no test can run here: what they must say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_and_says_its_release(path):
    uses = [line.strip(" -") for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert uses
    wanted = r"uses: (\./\S+( # .*)?|[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)"
    assert [line for line in uses if not re.fullmatch(wanted, line)] == []


def test_the_tests_run_on_every_supported_python_and_platform():
    [job] = read(GITHUB / "workflows" / "tests.yml")["jobs"].values()
    supported = re.findall(r"Python :: (3\.\d+)", PYPROJECT)
    assert job["strategy"]["matrix"]["python"] == supported
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make demo ARGS=--run", "make test"]


def test_a_tag_is_published_without_a_token_and_only_after_the_tests():
    workflow = read(GITHUB / "workflows" / "publish.yml")
    publish = workflow["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert set(publish["needs"]) == {"tests", "build"}
    assert "secrets." not in (GITHUB / "workflows" / "publish.yml").read_text(encoding="utf-8")


def test_a_bug_report_asks_for_the_doctor():
    fields = {field.get("id"): field for field in read(GITHUB / "ISSUE_TEMPLATE" / "bug_report.yml")["body"]}
    assert fields["doctor"]["attributes"]["label"] == "The output of %sso_doctor"
    assert fields["doctor"]["validations"]["required"]


def test_each_fragment_of_the_changelog_has_a_known_kind_and_whole_sentences():
    kinds = re.findall(r'\[\[tool\.towncrier\.type\]\]\ndirectory = "(\w+)"', PYPROJECT)
    assert len(kinds) == 6
    fragments = [path for path in (GITHUB / "changes").glob("*") if path.is_file()]
    name = rf"\+[a-z0-9-]+\.({'|'.join(kinds)})\.md"
    assert [path.name for path in fragments if not re.fullmatch(name, path.name)] == []
    texts = {path.name: path.read_text(encoding="utf-8") for path in fragments}
    assert [name for name, text in texts.items() if not re.fullmatch(r"[^\s-].*\.\n", text, re.DOTALL)] == []


def test_a_copy_without_tags_has_the_version_of_the_last_release_in_the_changelog():
    [fallback] = re.findall(r'^fallback-version = "(.+?)"', PYPROJECT, re.MULTILINE)
    releases = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert fallback == releases[0]


def test_the_whole_history_is_fetched_where_the_version_is_counted_from_its_tags():
    checkout = read(GITHUB / "workflows" / "publish.yml")["jobs"]["build"]["steps"][0]
    assert checkout["with"]["fetch-depth"] == 0
