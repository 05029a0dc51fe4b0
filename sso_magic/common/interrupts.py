"""Clean-up that a second Ctrl-C does not cut short: people press it again if the first one shows no effect at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_ATTEMPTS = 100  # interrupts, in a row, that the clean-up withstands


def run_then(call: Callable[[], T], clean_up: Callable[[], object]) -> T:
    """Make a call and clean up after it. An interrupt ends the call, but not the clean-up.

    Args:
        call: The call.
        clean_up: Called once; called again if an interrupt has stopped it.

    Raises:
        KeyboardInterrupt: An interrupt came. The clean-up is complete.
    """
    is_clean = False
    try:
        try:
            return call()
        finally:
            clean_up()
            is_clean = True
    except KeyboardInterrupt:
        for _ in range(_ATTEMPTS):
            if is_clean:
                break
            with contextlib.suppress(KeyboardInterrupt):
                clean_up()
                is_clean = True
        raise
