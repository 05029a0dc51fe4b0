"""How far a run is, and the lines that its tasks print, each with its account before it."""

from __future__ import annotations

import time
from typing import Any

DELAY = 0.3  # seconds before the bar appears: what is quick needs none


class RunProgress:
    """A bar of ``tqdm.auto``, and the lines beside it.

    Args:
        total: How many accounts.
        bar: Whether to show one.
    """

    def __init__(self, total: int, *, bar: bool) -> None:
        self._total = total
        self._done = 0
        self._failed = 0
        self._shows_bar = bar
        self._began = time.monotonic()
        self._bar: Any = None
        self._handle: Any = None

    def done(self, label: str, lines: list[str], *, failed: bool) -> None:
        """An account is done."""
        self._done += 1
        self._failed += failed
        if self._shows_bar and self._bar is None and time.monotonic() - self._began > DELAY:
            self._begin()
        if lines:
            self._write("\n".join(f"{label} | {line}" for line in lines))
        if self._bar is not None:
            if self._failed:
                self._bar.set_postfix_str(f", {self._failed:,} failed", refresh=False)
            self._bar.update(self._done - self._bar.n)

    def close(self) -> None:
        """Takes the bar away; a saved notebook has nothing of it."""
        if self._bar is not None:
            self._bar.close()
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)
            self._handle = None

    def _begin(self) -> None:
        """Shows the bar. It is without the thread that tqdm keeps to watch its bars: this one is told often enough."""
        from tqdm.auto import tqdm

        options: dict[str, Any] = {}
        is_widget = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
        if is_widget:
            options["display"] = False
        self._bar = type("Bar", (tqdm,), {"monitor_interval": 0})(
            desc="Accounts",
            total=self._total,
            unit="account",
            leave=False,
            dynamic_ncols=True,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
            **options,
        )
        if is_widget:
            from IPython.display import display

            self._handle = display(self._bar.container, display_id=True)  # type: ignore[no-untyped-call]

    def _write(self, text: str) -> None:
        if self._bar is not None and self._handle is None:
            self._bar.write(text)  # in a terminal the bar makes room for it
        else:
            print(text)  # noqa: T201 - what the tasks printed
