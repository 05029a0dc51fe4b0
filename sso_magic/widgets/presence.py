"""Whether a browser shows a panel, so that a panel which nobody sees costs nothing.

Each place that shows a panel is a page with a number of its own. It sends a message when it appears (``hello``), every
few seconds (``alive``) and when it is taken away (``bye``): an output that is replaced sends it, a closed tab cannot. A
panel without a page has no thread. Its widget is closed once its pages have said good-bye, a little later, because an
output that is moved is taken away and shown again.
"""

from __future__ import annotations

import time
from typing import Protocol

from sso_magic.common import locks

SILENCE = 150.0  # seconds without a message from a page: browsers run a hidden tab's timers once a minute
GRACE = 10.0  # seconds between the good-bye of the last page and the end of the widget
UNSEEN = 20  # panels that no browser has shown, as in a run without one, whose widgets are kept


class Pages:
    """The pages that show one panel."""

    def __init__(self) -> None:
        self._lock = locks.Lock()
        self._heard: dict[str, float] = {}
        self._left_at: float | None = None

    def hear(self, page: str, *, is_leaving: bool) -> None:
        """Note that a page has sent a message."""
        with self._lock:
            if is_leaving:
                self._heard.pop(page, None)
                self._left_at = None if self._heard else time.monotonic()
            else:
                self._heard[page] = time.monotonic()
                self._left_at = None

    @property
    def is_watched(self) -> bool:
        """True if a page has sent a message lately."""
        with self._lock:
            return any(time.monotonic() - heard < SILENCE for heard in self._heard.values())

    @property
    def is_left(self) -> bool:
        """True if all pages have said good-bye, and none came back."""
        left_at = self._left_at
        return left_at is not None and time.monotonic() - left_at >= GRACE

    @property
    def is_unseen(self) -> bool:
        """True if no page has shown it yet."""
        return not self._heard and self._left_at is None


class Freeable(Protocol):
    """A panel, as far as its presence matters.

    Attributes:
        pages: The pages that show it.
    """

    pages: Pages

    def free(self) -> None:
        """Release what the panel holds, because no page shows it any more."""


_lock = locks.Lock()
_panels: list[Freeable] = []  # those that have a widget, in the order in which they were made


def register(panel: Freeable) -> None:
    """Watch a panel that has a widget, and free those that nobody sees any more."""
    with _lock:
        if panel not in _panels:
            _panels.append(panel)
    sweep()


def forget(panel: Freeable) -> None:
    """End what `register` began."""
    with _lock:
        if panel in _panels:
            _panels.remove(panel)


def sweep() -> None:
    """Free the panels whose pages have left, and all but the newest of those that no browser has shown."""
    with _lock:
        unseen = [panel for panel in _panels if panel.pages.is_unseen][:-UNSEEN]
        over = [panel for panel in _panels if panel.pages.is_left or panel in unseen]
        for panel in over:
            _panels.remove(panel)
    for panel in over:
        panel.free()
