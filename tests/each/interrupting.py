"""An interrupt at any event of a trace function: at each line, call and return."""

from __future__ import annotations

import sys
from pathlib import Path


class Interrupt:
    """A trace function that raises KeyboardInterrupt at the event with this number, counted where `counts` says.

    Attributes:
        where: The place of the interrupt; empty as long as there was none.
    """

    def __init__(self, number: int) -> None:
        self.left = number
        self.where = ""

    def counts(self, frame) -> bool:
        raise NotImplementedError

    def __call__(self, frame, event, argument):
        return self.count(frame, event, argument) if self.counts(frame) else None

    def count(self, frame, event, argument):
        self.left -= 1
        if self.left == 0:
            sys.settrace(None)
            self.where = f"{event} {Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}:{frame.f_lineno}"
            raise KeyboardInterrupt
        return self.count
