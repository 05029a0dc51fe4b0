"""What holds a role's credentials, and the sentence that says so."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HELD = "object in running code"


class Finding(NamedTuple):
    """Something that holds a role's credentials.

    Attributes:
        label: The role.
        noun: What it is, in the singular: ``function cache``.
        name: Which one it is; empty if the noun says enough.
    """

    label: str
    noun: str
    name: str


def holding(counts: Mapping[str, Mapping[str, int]], found: Iterable[Finding]) -> list[str]:
    """Return a sentence for each role that is still used.

    Args:
        counts: How many of what are known to use which role: by label and noun.
        found: What else holds credentials of which role.
    """
    numbers = {label: Counter(nouns) for label, nouns in counts.items()}
    names: dict[tuple[str, str], list[str]] = {}
    for finding in found:
        numbers.setdefault(finding.label, Counter())[finding.noun] += 1
        known = names.setdefault((finding.label, finding.noun), [])
        if finding.name and finding.name not in known:
            known.append(finding.name)
    return [_sentence(label, nouns, names) for label, nouns in numbers.items()]


def _sentence(label: str, nouns: Mapping[str, int], names: Mapping[tuple[str, str], list[str]]) -> str:
    parts = []
    for noun, count in sorted(nouns.items()):
        called = sorted(names.get((label, noun), ()))
        which = f" ({', '.join(called)})" if called else ""
        parts.append(f"{count} {_plural(noun) if count != 1 else noun}{which}")
    return f"{', '.join(parts)} still {'uses' if sum(nouns.values()) == 1 else 'use'} {label}."


def _plural(noun: str) -> str:
    if noun == HELD:
        return "objects in running code"
    if noun.endswith("ss"):  # child process, class
        return f"{noun}es"
    return noun if noun.endswith("s") else f"{noun}s"
