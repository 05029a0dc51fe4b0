"""Moments and durations, as messages show them."""

from __future__ import annotations

from datetime import datetime, timezone


def clock(moment: datetime) -> str:
    """Format a moment as the local time of day, with its date if that is not today."""
    local = moment.astimezone()
    today = datetime.now(timezone.utc).astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


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
