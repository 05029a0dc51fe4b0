"""The line of a switch, completed as soon as the search behind the switch has found what still uses another role.

A notebook's line is replaced where it stands. A terminal's prompt may have input in it by then, so that the sentence is
printed before the next cell's output instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.display import Shown, is_notebook, say
from sso_magic.kernel.kernel_role import KERNEL

if TYPE_CHECKING:
    from collections.abc import Callable

_waiting: list[str] = []


def show(render: Callable[[str | None], tuple[str, str]], holders: str | None) -> None:
    """Show the line of a switch, and search for what still uses another role.

    Args:
        render: Returns the line as text and as HTML, with the sentence of what still uses another role.
        holders: That sentence, as far as it is known at once.
    """
    global _waiting  # noqa: PLW0603 - the search of an earlier switch keeps the list it has
    waiting = _waiting = []
    if not is_notebook():
        say(render(holders)[0])
        KERNEL.search_holders(waiting.append)
        return
    from IPython.display import display

    handle = display(Shown(*render(holders)), display_id=True)  # type: ignore[no-untyped-call]
    KERNEL.search_holders(lambda found: handle.update(Shown(*render(found))))


def waiting_sentence() -> str | None:
    """Return, once, what the search has found since the switch; None if that is shown already or nothing."""
    return _waiting.pop() if _waiting else None
