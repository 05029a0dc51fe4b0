"""The uses of roles that lie on top of one another in a kernel: plain uses and blocks.

A plain use is replaced by the next one. A block (``with``, ``%%sso_as``) ends where its code ends. `KernelRole.use`
cannot know which of the two it begins, so a use is plain until its `Layer` is entered.

The stack of uses is an immutable tuple, bottom first. A change of the stack is computed as a new tuple and then made in
one step, see `sso_magic.kernel.kernel_role`.
"""

from __future__ import annotations

import copy
import functools
import operator
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sso_magic.common.times import until
from sso_magic.errors import BlockInUse
from sso_magic.kernel.libraries.tasks import refuse_in_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from sso_magic.kernel.use import Use


class Kernel(Protocol):
    """What a layer asks of the role in use, see `sso_magic.kernel.kernel_role`."""

    @property
    def current(self) -> Use | None:
        """The role in use."""

    def open_block(self, layer: Layer) -> None:
        """Put a use that is not the topmost one on top again, as a block."""

    def close_block(self, place: Place, *_: object) -> None:
        """Take the block's use out, and the plain uses that were made on top of it."""

    def holders(self) -> str | None:
        """Return what is known to use another role than the one in use, in one line; None if nothing is."""

    def find_holders(self) -> str | None:
        """Search this process and its children as well; return the line of `holders` with what was found."""


class Caller:
    """The thread and the asyncio or trio task that a use was made in.

    Raises:
        TaskError: It is a task of ``%%sso_each`` on threads, in which the kernel's role cannot be changed.
    """

    def __init__(self) -> None:
        refuse_in_task()
        self._thread = threading.current_thread()
        task = _current_task()
        self._task = None if task is None else weakref.ref(task)
        name = getattr(task, "get_name", lambda: getattr(task, "name", None))()
        self.label = f"thread {self._thread.name}" + (f", task {name}" if name else "")

    def is_same(self, other: Caller) -> bool:
        """Return True if both are one thread and one task."""
        return self._thread is other._thread and self._task == other._task  # of living tasks, == is identity

    def is_gone(self) -> bool:
        """Return True if the thread or the task has ended."""
        if self._task is None:
            return not self._thread.is_alive()
        task: Any = self._task()
        return task is None or not self._thread.is_alive() or bool(getattr(task, "done", bool)())


def _current_task() -> Any:
    for name, find in (("asyncio", "current_task"), ("trio.lowlevel", "current_task")):
        library = sys.modules.get(name)
        try:
            task = getattr(library, find)() if library is not None else None
        except RuntimeError:
            task = None  # no event loop runs in this thread
        if task is not None:
            return task
    return None


class Place:
    """A use's place in the stack, shared by its `Layer` and the kernel.

    Attributes:
        caller: Where the use was made.
        layer: The `Layer`, as long as the caller holds it; without it the use cannot become a block.
    """

    def __init__(self, layer: Layer, caller: Caller, leave: Callable[..., None]) -> None:
        self.caller = caller
        self.layer = weakref.ref(layer)
        self.signs: dict[str, Any] = {"exit": functools.partial(leave, self)}
        self._watch: weakref.ref[Any] | None = weakref.ref(self.signs["exit"], functools.partial(_lost, self, leave))

    @property
    def is_block(self) -> bool:
        """True if the layer was entered and can still be left."""
        return "entered" in self.signs and ("exit" not in self.signs or self.layer() is not None)

    @property
    def can_become_block(self) -> bool:
        """True if the caller still holds the layer."""
        return self.layer() is not None

    def ended(self) -> None:
        """Record that the block has ended."""
        self._watch = None
        self.signs.pop("entered", None)


def _lost(place: Place, leave: Callable[..., None], _: object) -> None:
    """End a block whose ``__exit__`` was interrupted before its first line."""
    if "entered" in place.signs and "exit" not in place.signs:
        leave(place)


class _Slot(property):
    """A special method found on the instance, without a Python function in between.

    A Ctrl-C at the first bytecode of an ``__enter__`` written in Python leaves the role in use although the block never
    began; at the first bytecode of an ``__exit__`` it leaves the role in use after the block. So `with` finds methods
    written in C. They only mark the layer as entered, and give `with` the one reference to the function that ends the
    block. If that function is interrupted before it has begun, `with` drops the reference, and `_lost` ends the block.
    """

    def __call__(self, layer: Layer, *exception: object) -> Any:
        """Call the method; `contextlib.ExitStack` gets it from the class."""
        assert self.fget is not None
        return self.fget(layer)(*exception)


class Layer:
    """A use of a role; as a context manager a block, at whose end the role that was in use before returns."""

    def __init__(self, kernel: Kernel, use: Use | None, caller: Caller) -> None:
        self._kernel = kernel
        self.use = use
        self.place = Place(self, caller, kernel.close_block)
        leave = functools.partial(kernel.close_block, self.place)
        self._take_exit = functools.partial(self.place.signs.pop, "exit", leave)
        # What `with` binds is a copy: a reference to this object itself would be a cycle, and `Place` has to know at
        # once when the caller has dropped it.
        self._enter = functools.partial(self.place.signs.setdefault, "entered", copy.copy(self))

    def __repr__(self) -> str:
        use = self.use
        if use is None:
            return "Using no role"
        if self._kernel.current is not use:
            return f"No longer in use: {use.label}"
        region = f" in {use.region}" if use.region else ""
        return f"Using {use.label}{region}, {until(use.credentials.local_expires_at)}"

    @property
    def holders(self) -> str | None:
        """What is known to use another role still, in one line; None if nothing is."""
        return self._kernel.holders()

    def find_holders(self) -> str | None:
        """Search this process and its children for what uses another role still; see `KernelRole.find_holders`."""
        return self._kernel.find_holders()

    if TYPE_CHECKING:

        def __enter__(self) -> Self:
            """Begin the block."""

        def __exit__(self, *exception: object) -> None:
            """End the block."""
    else:
        __enter__ = _Slot(operator.attrgetter("_enter"))
        __exit__ = _Slot(operator.methodcaller("_take_exit"))

        def _enter(self) -> Self:
            """Begin the block of a use that is not the topmost one any more."""
            self._kernel.open_block(self)
            return self

    def displace(self) -> None:
        """Record that this use is not the topmost one any more: entering the layer puts it on top again."""
        self.__dict__.pop("_enter", None)


class Entry(NamedTuple):
    """One use in the stack; without a role (None) the environment is what it was before any use."""

    place: Place
    use: Use | None


Stack = tuple[Entry, ...]


def refuse_other_callers(stack: Stack, caller: Caller) -> None:
    """Refuse a change of the role while another thread or task is inside a block.

    Raises:
        BlockInUse: One is.
    """
    for place, use in stack:
        if place.is_block and not place.caller.is_same(caller) and not place.caller.is_gone():
            role = "No role" if use is None else use.label
            raise BlockInUse(
                f"{role} is in use by a block in {place.caller.label}, and a kernel has one role at a time. "
                "Wait for its end, or take role.boto3_session() or %%sso_each, which need no block."
            )


def settled(stack: Stack) -> Stack:
    """Return the stack; from now on no use in it becomes a block without `KernelRole.open_block`."""
    for entry in stack:
        layer = entry.place.layer()
        if layer is not None:
            layer.displace()
    return stack


def pushed(stack: Stack, entry: Entry) -> Stack:
    """Return the stack with an entry on top, without the plain uses that nothing can return to."""
    kept = [
        low for low, high in zip(stack, (*stack[1:], entry), strict=False)
        if low.place.is_block or high.place.is_block or high.place.can_become_block
    ]  # fmt: skip
    return (*kept, entry)


def released(stack: Stack) -> Stack:
    """Return the stack without the plain uses on top."""
    end = len(stack)
    while end and not stack[end - 1].place.is_block:
        end -= 1
    return stack[:end]


def closed(stack: Stack, place: Place) -> Stack:
    """Return the stack without a use and the plain uses that were made on top of it."""
    start = next((number for number, entry in enumerate(stack) if entry.place is place), None)
    if start is None:
        return stack
    end = start + 1
    while end < len(stack) and not stack[end].place.is_block:
        end += 1
    return stack[:start] + stack[end:]


def without(stack: Stack, place: Place) -> Stack:
    """Return the stack without a use, and with everything else in it."""
    return tuple(entry for entry in stack if entry.place is not place)
