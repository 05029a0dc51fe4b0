"""`UseStack`: the changes of the stack of uses; each computes a new stack and commits it.

Changes run one at a time, see `sso_magic.kernel.changes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.errors import BlockInUse
from sso_magic.kernel.layers import Entry, closed, pushed, refuse_other_callers, released, settled, without

if TYPE_CHECKING:
    from sso_magic.kernel.in_use import InUse, State
    from sso_magic.kernel.layers import Caller, Layer, Place
    from sso_magic.kernel.renewal import SharedRoles
    from sso_magic.kernel.use import Use


class UseStack:
    """The uses that lie on top of one another.

    Args:
        in_use: The state in use.
        roles: The roles of the process, one object for each.
    """

    def __init__(self, in_use: InUse, roles: SharedRoles) -> None:
        self._in_use = in_use
        self._roles = roles

    @property
    def _previous(self) -> Use | None:
        return self._in_use.state.previous

    def put(self, layer: Layer) -> None:
        """Put a layer's use on top.

        Raises:
            BlockInUse: Another thread or task is inside a block.
        """
        use, in_use = layer.use, self._in_use.state.use
        stack = settled(self._in_use.state.stack)
        refuse_other_callers(stack, layer.place.caller)
        if use is not None:
            use.role = self._roles.share(use.key, use.role, use.fetch)
            if use.region is None and in_use is not None:
                use.region = in_use.region
        self._in_use.commit(pushed(stack, Entry(layer.place, use)), self._previous_after(use))

    def _previous_after(self, use: Use | None) -> Use | None:
        replaced = self._in_use.state.use
        return self._previous if replaced is None or (use and use.is_same(replaced)) else replaced

    def undo(self, place: Place, before: State | None) -> bool:
        """Take a use out that was interrupted after it was made; return False if it was not made.

        Args:
            place: The use's place.
            before: The state before it, which returns if no other change was made since; None: the use is taken out.
        """
        stack = self._in_use.state.stack
        if not any(entry.place is place for entry in stack):
            return False
        if before is not None and stack[-1].place is place:
            self._in_use.commit(before.stack, before.previous)
        else:  # another thread has changed the role since
            self._in_use.commit(without(stack, place), self._previous)
        return True

    def open(self, layer: Layer, caller: Caller) -> None:
        """Put a use that is not the topmost one on top again, as a block.

        Raises:
            BlockInUse: Another thread or task is inside a block.
        """
        place = layer.place
        stack = settled(self._in_use.state.stack)
        use = next((entry.use for entry in stack if entry.place is place), layer.use)
        stack = without(stack, place)
        try:
            refuse_other_callers(stack, caller)
        except BlockInUse:
            self._in_use.commit(stack, self._previous)  # its use was made for this block
            raise
        place.caller = caller
        self._in_use.commit(pushed(stack, Entry(place, use)), self._previous)
        place.signs["entered"] = True

    def close(self, place: Place) -> None:
        """Take the block's use out, and the plain uses that were made on top of it."""
        stack = settled(self._in_use.state.stack)
        rest = closed(stack, place)
        if rest is not stack:
            self._in_use.commit(rest, self._previous)
        place.ended()

    def release(self, layer: Layer) -> Use | None:
        """Take the role out, inside a block until the block ends; return the role that was in use.

        Raises:
            BlockInUse: Another thread or task is inside a block.
        """
        stack = settled(self._in_use.state.stack)
        refuse_other_callers(stack, layer.place.caller)
        in_use = self._in_use.state.use
        blocks = released(stack)
        self._in_use.commit((*blocks, Entry(layer.place, None)) if blocks else (), self._previous_after(None))
        return in_use

    def forget(self, session: str | None) -> Use | None:
        """Take the roles of a session (None: of all) out, of blocks too; return the role in use if it was one."""

        def left(use: Use | None) -> Use | None:
            return None if use is None or session in (None, use.session) else use

        in_use = self._in_use.state.use
        stack = tuple(Entry(place, left(use)) for place, use in self._in_use.state.stack)
        self._in_use.commit(stack, left(self._previous))
        return in_use if in_use is not left(in_use) else None
