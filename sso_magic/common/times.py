"""Moments and durations, as messages show them.

A time of day always has its zone: the kernel may run in another one than the person who reads it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|m|s)(?:ays?|ours?|rs?|in(?:utes?)?|ec(?:onds?)?)?", re.IGNORECASE)
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def clock(moment: datetime, *, seconds: bool = False) -> str:
    """Format a moment as the local time of day, with its zone, and its date if that is not today: ``14:03 UTC``."""
    local = moment.astimezone()
    today = datetime.now(timezone.utc).astimezone().date()
    time = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{time} {_zone(local)}" if local.date() == today else f"{local:%Y-%m-%d} {time} {_zone(local)}"


def stamp(moment: datetime) -> str:
    """Format a moment as the local date and time of day, with its zone: ``2026-11-28 14:03 UTC``."""
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M} {_zone(local)}"


def _zone(local: datetime) -> str:
    """Return the zone's abbreviation, or its offset where it has none, as on Windows."""
    name = local.tzname() or ""
    if name.isascii() and name.isalpha() and len(name) <= 5:
        return name
    offset = f"{local:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"


def duration(text: str) -> timedelta:
    """Return the duration that a text names: ``6h``, ``90 min``, ``1h30m``, ``2 days``.

    Raises:
        ValueError: It names none.
    """
    compact = text.strip()
    parts = _PART.findall(compact)
    if not parts or _PART.sub("", compact).strip():
        raise ValueError(f"{text!r} is not a duration such as 6h or 90m")
    try:
        found = timedelta(seconds=sum(float(number) * _UNITS[unit.lower()] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{text!r} is too long") from None
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 6h or 90m")
    return found


def span(seconds: float) -> str:
    """Format a duration in seconds, rounded: ``55 min``."""
    left = max(0, round(seconds))
    minutes = round(left / 60)
    if left < 60:
        return f"{left} s"
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{round(minutes / 60 / 24)} days"


def until(moment: datetime) -> str:
    """Format a moment and the time left: ``until 14:03 (55 min)``."""
    return f"until {clock(moment)} ({span((moment - datetime.now(timezone.utc)).total_seconds())})"
