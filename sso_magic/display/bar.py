"""A bar of ``tqdm.auto`` of which nothing is left: not in the terminal, the cell, or the notebook that is saved."""

from __future__ import annotations

import time
from typing import Any

DELAY = 0.3  # seconds before a bar appears: what is quick needs none
_PAUSE = 0.1  # seconds between two moves


class ProgressBar:
    """Accounts that are done, of those there are. It appears at once.

    Args:
        bar_format: As tqdm takes it.
        total: How many there are, if that is known.
        title: What is counted.
    """

    def __init__(self, bar_format: str, total: int | None = None, title: str = "Accounts") -> None:
        from tqdm.auto import tqdm

        is_widget = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
        # Without the thread that tqdm keeps to watch its bars: these are updated often enough.
        self._bar = type("Bar", (tqdm,), {"monitor_interval": 0})(
            desc=title,
            total=total,
            unit="account",
            leave=False,
            dynamic_ncols=True,
            bar_format=bar_format,
            **({"display": False} if is_widget else {}),
        )
        self._shown_at = float("-inf")
        self._handle: Any = None
        if is_widget:
            from IPython.display import display

            # A widget of ipywidgets 7 shows itself, and then there is no handle; nor is its text to be seen in a file.
            view = {"version_major": 2, "version_minor": 0, "model_id": self._bar.container.model_id}
            bundle = {"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def show(self, done: int, total: int | None = None, note: str = "") -> None:
        """Move it, if it was not moved just before: each time is some messages to the browser."""
        if time.monotonic() - self._shown_at < _PAUSE:
            return
        self._shown_at = time.monotonic()
        if total is not None:
            self._set_total(total)
        self._bar.n = done
        self._bar.set_postfix_str(note)

    def _set_total(self, total: int) -> None:
        if self._handle is not None and total != self._bar.total:
            # tqdm sets these only in `reset`, which also begins its clock anew; until then the bar is short and full.
            _, bar, _ = self._bar.container.children
            bar.max, bar.bar_style, bar.layout.width = total, "", None
        self._bar.total = total

    def write(self, text: str) -> None:
        """Prints lines; in a terminal the bar makes room for them."""
        if self._handle is None:
            self._bar.write(text)
        else:
            print(text)  # noqa: T201 - what the tasks printed

    def close(self) -> None:
        """Takes it away."""
        self._bar.close()
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)  # a closed widget is saved as its text
