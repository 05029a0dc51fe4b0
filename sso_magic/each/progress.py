"""How far a run is, and the lines that its tasks print, each with its account before it."""

from __future__ import annotations

import time

from sso_magic.display.bar import DELAY, ProgressBar

_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class RunProgress:
    """A bar, and the lines beside it.

    Args:
        total: How many accounts, or regions of accounts.
        bar: Whether to show one.
        title: What the bar counts.
    """

    def __init__(self, total: int, *, bar: bool, title: str = "Accounts") -> None:
        self._total = total
        self._title = title
        self._done = 0
        self._failed = 0
        self._shows_bar = bar
        self._began = time.monotonic()
        self._bar: ProgressBar | None = None

    def done(self, label: str, lines: list[str], *, failed: bool) -> None:
        """Count a task that is done, and show the lines that it printed."""
        self._done += 1
        self._failed += failed
        if self._shows_bar and self._bar is None and time.monotonic() - self._began > DELAY:
            self._bar = ProgressBar(_FORMAT, self._total, self._title)
        if lines:
            self._write("\n".join(f"{label} | {line}" for line in lines))
        if self._bar is not None:
            self._bar.show(self._done, note=f"{self._failed:,} failed" if self._failed else "")

    def close(self) -> None:
        """Remove the bar, so that a saved notebook does not have it."""
        if self._bar is not None:
            self._bar.close()

    def _write(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text)
        else:
            print(text)  # noqa: T201 - what the tasks printed
