"""`MiddlewareStack`: the middlewares of a client or a command, in an order that can be shown and changed.

``initialize``, ``serialize`` and ``build`` run once a call; what is inside ``retryMiddleware`` (``finalizeRequest`` and
``deserialize``) runs once an attempt (PROTOCOL.md 10.2).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sso_magic.client.middleware import Handler, HandlerContext, Middleware


Step = Literal["initialize", "serialize", "build", "finalizeRequest", "deserialize"]


Priority = Literal["high", "normal", "low"]


Relation = Literal["before", "after"]


STEPS: tuple[Step, ...] = ("initialize", "serialize", "build", "finalizeRequest", "deserialize")


PRIORITIES: tuple[Priority, ...] = ("high", "normal", "low")


class Plugin(Protocol):
    """What `MiddlewareStack.use` takes; a stack is one itself."""

    def apply_to_stack(self, stack: MiddlewareStack) -> None:
        """Adds what it has to the stack."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    middleware: Middleware
    name: str | None
    aliases: tuple[str, ...]
    tags: frozenset[str]
    override: bool
    step: Step | None = None
    priority: Priority = "normal"
    relation: Relation | None = None
    target: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases) if self.name else self.aliases

    @property
    def shown_name(self) -> str:
        name = self.name or "anonymous"
        return f"{name} (a.k.a. {','.join(self.aliases)})" if self.aliases else name

    @property
    def place(self) -> str:
        if self.relation is not None:
            return f"{self.relation} {self.target}"
        return f"{self.priority} priority in {self.step} step"

    @property
    def shown_place(self) -> str:
        return self.place if self.step is None else self.step

    def is_same_place(self, other: _Entry) -> bool:
        if self.relation is not None or other.relation is not None:
            return (self.relation, self.target) == (other.relation, other.target)
        return (self.step, self.priority) == (other.step, other.priority)

    def is_called(self, name_or_middleware: str | Middleware) -> bool:
        if isinstance(name_or_middleware, str):
            return name_or_middleware in self.names
        return name_or_middleware in (self.middleware, getattr(self.middleware, "__wrapped__", None))


class MiddlewareStack:
    """An ordered set of middlewares, by step, priority and place relative to each other.

    Not locked: add and remove before the client is shared between threads.
    """

    def __init__(self) -> None:
        self._absolute: list[_Entry] = []
        self._relative: list[_Entry] = []
        self._identify_on_resolve = False
        self._ordered: tuple[_Entry, ...] | None = None
        self.version = 0
        """Counts the changes, so that what was made of a stack can be kept until the next one."""

    def add(
        self,
        middleware: Middleware,
        *,
        step: Step = "initialize",
        priority: Priority = "normal",
        name: str | None = None,
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        override: bool = False,
    ) -> None:
        """Adds a middleware to a step.

        Args:
            middleware: Given the next handler and the context, returns a handler.
            step: ``initialize``, ``serialize``, ``build``, ``finalizeRequest`` or ``deserialize``.
            priority: ``high`` runs before ``normal`` before ``low`` in the same step.
            name: To find it by.
            aliases: Further names.
            tags: To remove it by.
            override: Take the place of the middleware that has the name, instead of an error.

        Raises:
            ConfigError: the name is taken, the step or priority is none, or the one to override is at another place.
        """
        if step not in STEPS or priority not in PRIORITIES:
            raise ConfigError(
                f"No step {step!r} with priority {priority!r}; steps are {', '.join(STEPS)}, "
                f"priorities {', '.join(PRIORITIES)}."
            )
        self._insert(
            _Entry(middleware, name, tuple(aliases), frozenset(tags), override, step=step, priority=priority),
        )

    def add_relative_to(  # noqa: PLR0913 - the options that AWS documents
        self,
        middleware: Middleware,
        *,
        relation: Relation,
        to_middleware: str,
        step: Step | None = None,
        name: str | None = None,
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        override: bool = False,
    ) -> None:
        """Adds a middleware right before or after another; of several, the last added is next to it.

        Args:
            middleware: Given the next handler and the context, returns a handler.
            relation: ``before`` or ``after``.
            to_middleware: The other's name; it need not be there before `resolve`.
            step: What `identify` calls its step; the place is the other's all the same.
            name: To find it by.
            aliases: Further names.
            tags: To remove it by.
            override: Take the place of the middleware that has the name, instead of an error.

        Raises:
            ConfigError: the name is taken, the relation is none, or the one to override is at another place.
        """
        if relation not in ("before", "after"):
            raise ConfigError(f"No relation {relation!r}; it is before or after.")
        self._insert(
            _Entry(
                middleware,
                name,
                tuple(aliases),
                frozenset(tags),
                override,
                step=step,
                relation=relation,
                target=to_middleware,
            ),
        )

    def use(self, plugin: Plugin) -> None:
        """Lets a plugin add what it has."""
        plugin.apply_to_stack(self)

    def remove(self, name_or_middleware: str | Middleware) -> bool:
        """Removes a middleware by name, alias or itself; True if it was there."""
        return self._remove_where(lambda entry: entry.is_called(name_or_middleware))

    def remove_by_tag(self, tag: str) -> bool:
        """Removes every middleware that has the tag; True if there was one."""
        return self._remove_where(lambda entry: tag in entry.tags)

    def clone(self) -> MiddlewareStack:
        """A stack with the same middlewares, independent of this one."""
        made = MiddlewareStack()
        self.apply_to_stack(made)
        made._identify_on_resolve = self._identify_on_resolve
        return made

    def concat(self, other: MiddlewareStack) -> MiddlewareStack:
        """A new stack with this one's middlewares and then the other's.

        Raises:
            ConfigError: both have a middleware of the same name.
        """
        made = self.clone()
        made.use(other)
        made.identify_on_resolve(self.identify_on_resolve() or other.identify_on_resolve())
        return made

    def apply_to_stack(self, stack: MiddlewareStack) -> None:
        """Copies its middlewares into the given stack.

        Raises:
            ConfigError: the stack has one of these names at another place.
        """
        for entry in (*self._absolute, *self._relative):
            stack._insert(entry)

    def identify(self) -> list[str]:
        """One line a middleware, ``<name> - <step or place>``, in the order they run."""
        return [f"{entry.shown_name} - {entry.shown_place}" for entry in self._order(strict=False)]

    def identify_on_resolve(self, toggle: bool | None = None) -> bool:  # noqa: FBT001 - as AWS documents it
        """Whether each `resolve` prints `identify` to standard error; with an argument, sets it."""
        if toggle is not None:
            self._identify_on_resolve = toggle
        return self._identify_on_resolve

    def resolve(self, handler: Handler, context: HandlerContext) -> Handler:
        """The handler with every middleware around it, the first outermost.

        Raises:
            ConfigError: a middleware is to stand beside one that is not there.
        """
        if self._ordered is None:
            self._ordered = tuple(self._order(strict=True))
        if self._identify_on_resolve:
            sys.stderr.write("\n".join(self.identify()) + "\n")
        for entry in reversed(self._ordered):
            handler = entry.middleware(handler, context)
        return handler

    def _insert(self, entry: _Entry) -> None:
        for name in entry.names:
            taken = next((each for each in (*self._absolute, *self._relative) if name in each.names), None)
            if taken is None:
                continue
            if not entry.override:
                raise ConfigError(f"There is a middleware {name!r} already; use override=True, or another name.")
            if not entry.is_same_place(taken):
                raise ConfigError(
                    f"Middleware {taken.shown_name!r} with {taken.place} cannot be overridden by "
                    f"{entry.shown_name!r} with {entry.place}."
                )
            self._remove_where(lambda each, taken=taken: each is taken)  # type: ignore[misc] # a bound default
        (self._absolute if entry.relation is None else self._relative).append(entry)
        self._note_change()

    def _remove_where(self, is_meant: Callable[[_Entry], bool]) -> bool:
        count = len(self._absolute) + len(self._relative)
        self._absolute = [entry for entry in self._absolute if not is_meant(entry)]
        self._relative = [entry for entry in self._relative if not is_meant(entry)]
        self._note_change()
        return len(self._absolute) + len(self._relative) < count

    def _note_change(self) -> None:
        self._ordered = None
        self.version += 1

    def _order(self, *, strict: bool) -> list[_Entry]:
        if strict:
            self._refuse_unknown_target()
        ranked = sorted(self._absolute, key=lambda entry: (_step_rank(entry), PRIORITIES.index(entry.priority)))
        return [each for entry in ranked for each in self._expand(entry)]

    def _expand(self, entry: _Entry) -> Iterator[_Entry]:
        beside = [each for each in self._relative if each.target in entry.names]
        for each in beside:
            if each.relation == "before":
                yield from self._expand(each)
        yield entry
        for each in reversed(beside):
            if each.relation == "after":
                yield from self._expand(each)

    def _refuse_unknown_target(self) -> None:
        known = {name for entry in (*self._absolute, *self._relative) for name in entry.names}
        for entry in self._relative:
            if entry.target not in known:
                raise ConfigError(
                    f"Middleware {entry.target!r} is not there: {entry.shown_name!r} is to stand {entry.place}."
                )


def _step_rank(entry: _Entry) -> int:
    return STEPS.index(entry.step) if entry.step is not None else len(STEPS)
