"""Made-up input for all that reads what others wrote: files, answers, lines, cells.

A short run that is the same each time is part of `make test`. `make fuzz` makes up other input, and far more of it, and
remembers in ``.hypothesis`` what failed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up`, whose asserts pytest explains: folders are not packages
pytest.register_assert_rewrite("made_up")

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first time zone on Earth, where the system can be told (Windows cannot)."""
    if not hasattr(time, "tzset"):
        yield
        return
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "XXX-14")
        time.tzset()
        yield
    time.tzset()
