"""The lower bounds of pyproject.toml are the releases that `make test-oldest` installs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
BOUND = re.compile(r'"([a-z0-9-]+)(?:\[[a-z,]+\])?>=([0-9.]+)')
PIN = re.compile(r"^([a-z0-9-]+)==([0-9.]+)", re.MULTILINE)


def plain(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in version.split(".")]
    while numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def test_every_lower_bound_is_what_the_oldest_environment_has():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = text[text.index("\ndependencies = [") : text.index('"pytest>=')]  # from there on, only tests' own tools
    pins = dict(PIN.findall((ROOT / "tests" / "oldest.txt").read_text(encoding="utf-8")))
    bounds = BOUND.findall(promised)
    assert len(bounds) > 20
    assert {name: plain(version) for name, version in bounds} == {
        name: plain(pins[name]) if name in pins else None for name, _ in bounds
    }
