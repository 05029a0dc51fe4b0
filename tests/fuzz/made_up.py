"""What several of these tests make up: JSON of any kind, and what has been changed in good JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sso_magic.errors import SSOMagicError

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_CHARACTER = st.characters(codec=None, categories=("L", "M", "N", "P", "S", "Z", "C"))  # halves of some as well
TEXTS = st.text(ANY_CHARACTER, max_size=8) | st.sampled_from(["\ud800", "a\x00b", "a\nb", "\U0001f600", "\x1b[2J", ""])
NUMBERS = (
    st.integers(-10, 10_000)
    | st.sampled_from([0, 1, -1, 2**31, 2**63, 10**30, -(10**30), 10**400, 1e300, 1e999, -1e999, 0.5])
    | st.floats()
)
MOMENTS = st.sampled_from(
    [
        "2030-01-01T00:00:00Z",
        "2030-01-01T00:00:00UTC",
        "2030-01-01T00:00:00.123456789+14:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999-23:59",
        "2030-01-01",
        "2030-01-01T00:00:00+99:00",
        "2030-13-01T00:00:00Z",
        "2030-01-01T00:00:00.Z",
        "1893456000",
    ]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | MOMENTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


@st.composite
def changed(draw, good: object) -> object:
    """Good JSON in which something is another value, is missing, or is there beside the rest: often one thing alone."""
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2, 4]))):
        good = draw(changed_once(good))
    return good


@st.composite
def changed_once(draw, good: object) -> object:
    if not isinstance(good, (dict, list)) or not good or draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    copy = good.copy()
    where = draw(st.sampled_from(sorted(good) if isinstance(good, dict) else range(len(good))))
    action = draw(st.sampled_from(["change", "change", "change", "drop", "add"]))
    if action == "change":
        copy[where] = draw(changed_once(good[where]))
    elif action == "drop":
        del copy[where]
    elif isinstance(copy, dict):
        copy[draw(TEXTS)] = draw(VALUES)
    else:
        copy.append(draw(VALUES))
    return copy


def examples(short: int) -> settings:
    """So many of them in the short run; in a long one as many times more as the profile says."""
    return settings(
        max_examples=max(1, short * settings.default.max_examples // 100),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def contents(good: object) -> st.SearchStrategy[bytes]:
    """A file or an answer that may have been good JSON once: cut, damaged, in another encoding; or any bytes."""
    texts = changed(good).map(json.dumps)
    whole = texts.map(str.encode)
    cut = st.tuples(whole, st.integers(0, 200)).map(lambda pair: pair[0][: pair[1]])
    damaged = st.tuples(whole, st.integers(0, 200), st.binary(max_size=3)).map(
        lambda three: three[0][: three[1]] + three[2] + three[0][three[1] + len(three[2]) :]
    )
    encoded = st.tuples(texts, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"])).map(
        lambda pair: pair[0].encode(pair[1])
    )
    odd = st.sampled_from(
        [b"", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000, b"NaN", b"\xed\xa0\x80", b'"\\ud800"']
    )
    return (
        whole
        | whole
        | whole
        | cut
        | damaged
        | encoded
        | odd
        | VALUES.map(lambda value: json.dumps(value).encode())
        | st.binary()
    )


def outcome_of(call: Callable[..., Any], *arguments: Any, refusal: Any = SSOMagicError, **named: Any) -> Any:
    """What the call returns, or the error by which it refuses; any other error is raised."""
    try:
        return call(*arguments, **named)
    except refusal as error:
        return error


def check_error(error: SSOMagicError, *secrets: str) -> None:
    """It is shown in one line, which has no secret in it."""
    [line] = error._render_traceback_()
    check_shown(line)
    assert len(line.splitlines()) == 1
    assert not [secret for secret in secrets if secret in line]


def check_shown(*texts: object) -> None:
    """What is shown can be printed: no half of a character is in it."""
    for text in texts:
        str(text).encode()
