"""Whether the browser shows what the kernel believes it shows.

A list box tells the kernel a position, not a name; a button tells it nothing but that it was pressed. Over a slow line,
or after a cell that kept the kernel busy, either may have been meant for a list that the kernel has replaced since, and
the role used would be one that nobody saw. So each new list carries a number, which a link in the browser (no code of
ours) sends back when it has got it. Messages keep their order: what arrives before the number comes back was done to an
older list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipywidgets import IntText, Layout, jsdlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Seen:
    """The numbers of the list that was sent last and of the one that the browser has."""

    def __init__(self) -> None:
        layout = Layout(display="none")
        self._sent = IntText(value=1, layout=layout)
        self._shown = IntText(value=0, layout=layout)
        self._link = jsdlink((self._sent, "value"), (self._shown, "value"))

    def renew(self) -> None:
        """Another list was sent; called after it was."""
        self._sent.value += 1

    @property
    def is_current(self) -> bool:
        """Whether the browser has the list that was sent last.

        One that has never sent a number back does not know links: it is believed.
        """
        return self._shown.value in (0, self._sent.value)

    def on_shown(self, listener: Callable[[Any], None]) -> None:
        """Calls the listener whenever the browser says that it has got a list."""
        self._shown.observe(listener, "value")

    def widgets(self) -> Iterator[Any]:
        """What has to be closed."""
        yield from (self._link, self._sent, self._shown)
