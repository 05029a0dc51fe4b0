"""Work and clean-up that a Ctrl-C does not cut short: people press it again if it shows no effect at once."""

from __future__ import annotations

import contextlib
import contextvars
import threading
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


def complete(call: Callable[[], object]) -> None:
    """Make a call in a thread of its own, where no Ctrl-C interrupts it, and wait for its end.

    Args:
        call: The call. It runs in a copy of this thread's context, and in this thread if no other can be started.

    Raises:
        KeyboardInterrupt: An interrupt came. The call has ended, or has not begun.
        BaseException: What the call raised.
    """
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="sso_magic complete")
    try:
        try:
            thread.start()
        except RuntimeError:  # the limit of threads, or the interpreter is shutting down
            run()
        else:
            thread.join()
    except BaseException:
        for _ in range(_ATTEMPTS):
            if not thread.is_alive():
                break
            with contextlib.suppress(KeyboardInterrupt):
                thread.join()
        raise
    if failures:
        raise failures.pop()
