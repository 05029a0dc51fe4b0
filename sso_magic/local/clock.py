"""The time by which everything here ends: this machine's clock plus an offset."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sso_magic.local.knobs import Knobs


class Clock:
    """Seconds since the epoch, `clock_offset` seconds ahead of this machine (behind, if negative)."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._date = (0, "")

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time() + self._knobs.clock_offset

    def date(self) -> str:
        """The HTTP ``Date`` header, made once a second."""
        second = int(self.now())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]
