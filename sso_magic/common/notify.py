"""Change notifications between magics and panels."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Notifier:
    """Calls its listeners on the thread that made the change; an error in one of them does not reach the others.

    There is no lock, because an interrupt could leave one held: adding to, removing from and copying a dict are each
    one step in Python.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[], None]] = {}

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after every change from now on; calling what is returned ends that."""
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def notify(self) -> None:
        """Call all listeners; the caller holds no lock that a listener may need."""
        for listener in list(self._listeners.values()):
            with contextlib.suppress(Exception):
                listener()


# The role in use in this process, its credentials or their renewal have changed. The kernel's role notifies; a listener
# can subscribe without importing it.
ROLE_CHANGED = Notifier()
